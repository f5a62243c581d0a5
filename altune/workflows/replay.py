"""replay(): where each stopping rule would have stopped, from one simulation per block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from altune.analysis.stopping_replay import StoppingReplay, every_rule, replayable, replayed
from altune.core.arguments import plain_arguments
from altune.core.errors import RequestError
from altune.core.registry import parse_method
from altune.knobs.stopping import RecordedRules
from altune.simulation.environment import AnyData, make_environment
from altune.simulation.given_scenario import AnyScenario, scenario_arguments
from altune.simulation.play import AnyRecipe, play_recipes
from altune.workflows.progress import shown_progress
from altune.workflows.recipes import find_recipe

if TYPE_CHECKING:
    from altune.analysis.run import Run


@plain_arguments(also=scenario_arguments)
def replay(
    recipe: AnyRecipe | Run,
    data: AnyData,
    *,
    rules: Mapping[str, Any] | None = None,
    n_blocks: int = 10,
    seed: int = 0,
    target: str | None = None,
    group: Any = None,
    time: Any = None,
    model: Any = None,
    scenario: AnyScenario | None = None,
    splits: Any = None,
    n_jobs: int = 1,
    progress: bool = True,
    **overrides: Any,
) -> StoppingReplay:
    """Play a recipe to the end of the budget and return where each stopping rule would have stopped.

    Parameters
    ----------
    recipe : as for :func:`altune.simulate`; its stopping rule, if it has one, is reported as ``recipe``.
    rules : stopping rules by names of your choice; by default all registered ones with their defaults.
    data, n_blocks, seed, target, group, time, model, scenario, splits, n_jobs, progress, overrides : as for
        :func:`altune.simulate`.

    Raises
    ------
    RequestError
        If no rule can be replayed, or an argument is wrong.

    Examples
    --------
    >>> replayed = replay("vanilla", "iris", budget=30, n_blocks=2, rules={"calm": {"method": "classification_change"}})
    >>> [rule.name for rule in replayed.rules]
    ['calm']
    """
    environment = make_environment(
        data, target=target, group=group, time=time, scenario=scenario, seed=seed, splits=splits, **overrides
    )
    played = find_recipe(recipe, model, [environment])
    wanted = (
        every_rule(played) if rules is None else {name: parse_method("stopping", rule) for name, rule in rules.items()}
    )
    kept, excluded = replayable(wanted, played, environment.capabilities)
    if not kept:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in excluded.items())
        raise RequestError(f"no stopping rule can be replayed: {reasons}")
    recording = played.replace(stopping=RecordedRules(rules=tuple(kept.values())))
    with shown_progress(progress) as counter:
        [simulations] = play_recipes({"recipe": recording}, [environment], n_blocks, n_jobs=n_jobs, counter=counter)
    return replayed(played, kept, excluded, simulations["recipe"])
