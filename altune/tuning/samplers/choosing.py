"""Samplers by name, and which of them can search a space."""

from __future__ import annotations

from importlib.util import find_spec

from altune.core.errors import MissingExtraError, RequestError, did_you_mean
from altune.recipes.space import SearchSpace
from altune.recipes.space.domains import Choices, Fixed, Range
from altune.recipes.space.tree import Decision
from altune.tuning.samplers.designs import LARGEST_GRID

SAMPLERS: dict[str, str] = {
    "tpe": "tree-structured Parzen estimator: learns from good and bad trials, in any space",
    "random": "independent draws",
    "cmaes": "covariance matrix adaptation: spaces of numbers only, one objective",
    "gp": "Gaussian process: few trials that each take long; needs the extra gp",
    "qmc": "scrambled Sobol points: fills the space evenly and learns nothing",
    "nsga2": "genetic search with non-dominated sorting: two objectives or three",
    "nsga3": "genetic search with reference points: three objectives or more",
    "grid": "every combination once, in an order that the seed shuffles: small spaces",
}
"""Description of each sampler, by name."""

REPLAYED = frozenset({"cmaes", "nsga2", "nsga3"})
"""Samplers that keep their state with the trials that they drew."""

_SHOWN = 3


def check_sampler(name: str) -> None:
    """Refuse an unknown sampler.

    Raises
    ------
    RequestError
        If there is no sampler of this name; the message lists all names.
    """
    if name not in SAMPLERS:
        raise RequestError(f"no sampler {name!r}; {did_you_mean(name, SAMPLERS)}")


def check_suitable(name: str, space: SearchSpace, n_objectives: int = 1, constraints: bool = False) -> None:
    """Refuse a sampler that cannot search a space.

    Parameters
    ----------
    name : name of the sampler.
    space : search space without alternatives that cannot work.
    n_objectives : number of objectives, 1 or more.
    constraints : whether there are constraints.

    Raises
    ------
    RequestError
        If the sampler cannot search the space; the message says why, and what would work.
    MissingExtraError
        If the sampler needs a package that is not installed.
    """
    check_sampler(name)
    if name == "cmaes":
        _check_cmaes(space, n_objectives, constraints)
    elif name == "grid":
        _check_grid(space)
    elif name == "gp" and find_spec("torch") is None:
        raise MissingExtraError("the sampler gp", "gp")


def _check_cmaes(space: SearchSpace, n_objectives: int, constraints: bool) -> None:
    if n_objectives > 1:
        raise RequestError(f"the sampler cmaes needs one objective, not {n_objectives}; use nsga2, nsga3 or tpe")
    if constraints:
        raise RequestError("the sampler cmaes does not support constraints; use tpe, gp, nsga2 or nsga3")
    choices = [path for path, slot in open_slots(space) if not isinstance(slot, Range)]
    if choices:
        raise RequestError(
            f"the sampler cmaes needs a space of numbers only; this one leaves {_shortened(choices)} open; fix it, or "
            "use tpe"
        )
    if space.n_open < 2:
        raise RequestError(f"the sampler cmaes needs two open numbers or more; this space has {space.n_open}; use tpe")


def _check_grid(space: SearchSpace) -> None:
    count = space.count()
    if count is None:
        continuous = [path for path, slot in open_slots(space) if isinstance(slot, Range) and slot.count() is None]
        raise RequestError(
            f"the sampler grid needs a finite space; this one has ranges without a step: {_shortened(continuous)}; "
            "give them a step or choices, or use qmc"
        )
    if count > LARGEST_GRID:
        raise RequestError(
            f"the sampler grid needs a space of at most {LARGEST_GRID:,} combinations; this one has {count:,}; leave "
            "less open, or use qmc"
        )


def open_slots(space: SearchSpace) -> list[tuple[str, Decision | Range | Choices]]:
    """Return each open path with its decision, range or choices, in the order of the space."""
    return [slot for knob, decision in space.decisions.items() for slot in _open_slots(decision, knob)]


def _open_slots(decision: Decision, path: str) -> list[tuple[str, Decision | Range | Choices]]:
    slots: list[tuple[str, Decision | Range | Choices]] = [(path, decision)] if len(decision.alternatives) > 1 else []
    for alternative in decision.alternatives:
        for name, slot in alternative.slots.items():
            inner = f"{path}.{alternative.label}.{name}"
            if isinstance(slot, Decision):
                slots += _open_slots(slot, inner)
            elif not isinstance(slot, Fixed):
                slots.append((inner, slot))
    return slots


def _shortened(paths: list[str]) -> str:
    """Return the first few paths as words."""
    more = len(paths) - _SHOWN
    return ", ".join(paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
