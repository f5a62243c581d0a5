"""replay(): where each stopping rule would have ended, from one simulation per block."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from altune.analysis.stopping_replay import StoppingReplay, every_rule, replayable, replayed
from altune.core.deprecations import renamed_keywords
from altune.core.errors import RequestError
from altune.core.registry import parse_method
from altune.data import Dataset
from altune.knobs.stopping import RecordedRules
from altune.simulation.environment import make_environment
from altune.simulation.play import AnyRecipe, play_recipes, recipe_with
from altune.simulation.scenario import Scenario


@renamed_keywords
def replay(
    recipe: AnyRecipe,
    data: Dataset | str | Path,
    *,
    rules: Mapping[str, Any] | None = None,
    n_blocks: int = 10,
    seed: int = 0,
    target: str | None = None,
    model: Any = None,
    scenario: Scenario | None = None,
    splits: Any = None,
    n_jobs: int = 1,
    **overrides: Any,
) -> StoppingReplay:
    """Play a recipe to the end of the budget on fresh blocks, and say where each rule would have stopped.

    Parameters
    ----------
    recipe : as for :func:`altune.simulate`; its own rule, where it has one, becomes the rule ``recipe``.
    rules : rules by a name of your choice; by default every registered one with its defaults.
    data, n_blocks, seed, target, model, scenario, splits, n_jobs, overrides : as for :func:`altune.simulate`.

    Raises
    ------
    RequestError
        If no rule is left that can be replayed, or something does not fit.

    Examples
    --------
    >>> found = replay("vanilla", "iris", budget=30, n_blocks=2, rules={"calm": {"method": "classification_change"}})
    >>> [one.name for one in found.rules]
    ['calm']
    """
    environment = make_environment(data, target=target, scenario=scenario, seed=seed, splits=splits, **overrides)
    played = recipe_with(recipe, model)
    wanted = (
        every_rule(played) if rules is None else {name: parse_method("stopping", one) for name, one in rules.items()}
    )
    kept, excluded = replayable(wanted, played, environment.capabilities)
    if not kept:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in excluded.items())
        raise RequestError(f"no stopping rule is left to replay: {reasons}")
    recording = played.replace(stopping=RecordedRules(rules=tuple(kept.values())))
    [simulations] = play_recipes({"recipe": recording}, [environment], n_blocks, n_jobs=n_jobs)
    return replayed(played, kept, excluded, simulations["recipe"])
