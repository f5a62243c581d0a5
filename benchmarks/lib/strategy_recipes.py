"""The strategies that are compared, each in a recipe with the same start, loops and model as the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altune
from altune.core.errors import RequestError
from altune.core.registry import methods
from altune.workflows.learn.files import left_out_name
from lib.peeking_expert import PeekingExpert

Plain = Mapping[str, Any]
"""A query strategy as a recipe file has it."""

RANDOM, LEAST_CONFIDENCE, MARGIN = "random", "least_confidence", "margin"
MARGIN_COVER, EXPERT, RECOMMENDED, TUNED = "margin_cover", "peeking_expert", "recommended", "tuned_mixture"

STRATEGIES: dict[str, Plain] = {
    RANDOM: {"method": "random"},
    LEAST_CONFIDENCE: {"method": "least_confidence"},
    MARGIN: {"method": "margin"},
    "best_switch": {"method": "switch", "first": {"method": "typiclust"}, "then": {"method": "margin"}, "at": 0.2},
    "margin_coverage": {"method": "margin_cover", "batch_cover": 0.0},
    "exp4p": {"method": "bandit", "algorithm": "exp4p"},
    "thompson": {"method": "bandit", "algorithm": "thompson"},
    MARGIN_COVER: {"method": "margin_cover"},
}
"""Strategies that are the same on every data set."""

LEARNED: dict[str, Plain] = {
    "lal": {"method": "lal"},
    "learned_ranker": {"method": "learned_ranker", "trust": "always"},
    "learned_ranker_checked": {"method": "learned_ranker", "trust": "evidence"},
}
"""Strategies with a table, of which one exists for each family that was made without it. ``checked`` plays margin_cover
where the other families do not show that the table gains; that is the default of altune."""

_DENSITY = {"method": "density_weighted"}
MIXTURES: dict[str, Plain] = {
    f"mixture {name}": {"method": "mixture", "first": first, "second": {"method": "margin"}, **weights}
    for name, first, weights in (
        ("default", _DENSITY, {}),
        ("density early", _DENSITY, {"weight_start": 0.4, "weight_end": 0.0, "midpoint": 0.6}),
        ("density first", _DENSITY, {"weight_start": 1.0, "weight_end": 0.0, "midpoint": 0.4}),
        ("density always", _DENSITY, {"weight_start": 0.2, "weight_end": 0.2}),
        ("random early", {"method": "random"}, {"weight_start": 0.5, "weight_end": 0.0, "midpoint": 0.6}),
        ("entropy late", {"method": "entropy"}, {"weight_start": 0.0, "weight_end": 0.6, "midpoint": 0.8}),
    )
}
"""Mixtures with fixed weights. For each family of data sets, the one that is best on all other families is taken."""

ALL = (*STRATEGIES, TUNED, *LEARNED, RECOMMENDED, EXPERT)
"""What can be asked for, in the order of the table."""
ALWAYS = (RANDOM, LEAST_CONFIDENCE, MARGIN)
"""What every other strategy is compared with."""


@dataclass(frozen=True)
class Place:
    """A data set as a recipe may depend on it.

    Attributes
    ----------
    data : name of the data set.
    family : data sets of one family are left out together.
    n_classes : number of classes.
    seed : seed of the study.
    most_rows : rows that are used of a larger data set.
    """

    data: str
    family: str
    n_classes: int
    seed: int
    most_rows: int


RecipeOf = Callable[[Place, int, str], altune.Recipe]
"""Returns the recipe for a data set, the number of a block, and a model."""


def contestants(asked: Sequence[str], tables: Path | None = None) -> tuple[dict[str, RecipeOf], list[str]]:
    """Return how each strategy is played, and a line for each that cannot be played.

    Parameters
    ----------
    asked : names of strategies; ``tuned_mixture`` means all mixtures that it is chosen from.
    tables : folder of the tables of learned strategies, in a folder for each method; None if there are none.
    """
    played: dict[str, RecipeOf] = {}
    missing = []
    for name in asked:
        if unknown := [method for plain in _members(name).values() for method in unknown_methods(plain)]:
            missing.append(f"{name} is left out: this altune has no query strategy {unknown[0]!r}")
        elif name in LEARNED and tables is None:
            missing.append(f"{name} is left out: it needs the tables that were made without each family (--tables)")
        elif name in LEARNED and tables is not None:
            played[name] = _without_family(LEARNED[name], tables)
        elif name in (EXPERT, RECOMMENDED):
            played[name] = _expert if name == EXPERT else _recommended
        else:
            played |= {member: _same_everywhere(plain) for member, plain in _members(name).items()}
    return played, missing


def _members(name: str) -> dict[str, Plain]:
    if name == TUNED:
        return MIXTURES
    every = {**STRATEGIES, **LEARNED, RECOMMENDED: STRATEGIES[MARGIN_COVER], EXPERT: {}}
    return {name: every[name]}


def unknown_methods(plain: object) -> Iterator[str]:
    """Yield the query strategies of a plain value, nested ones included, that are not registered."""
    if isinstance(plain, Mapping):
        if "method" in plain and plain["method"] not in methods("query_strategy"):
            yield str(plain["method"])
        for value in plain.values():
            yield from unknown_methods(value)
    elif isinstance(plain, (list, tuple)):
        for value in plain:
            yield from unknown_methods(value)


def _same_everywhere(plain: Plain) -> RecipeOf:
    def recipe(place: Place, block: int, model: str) -> altune.Recipe:
        return altune.Recipe(query_strategy=dict(plain), model=model)

    return recipe


def _without_family(plain: Plain, tables: Path) -> RecipeOf:
    folder, kind = tables / plain["method"], tables_of(plain["method"])

    def recipe(place: Place, block: int, model: str) -> altune.Recipe:
        name = left_out_name(place.family)
        path = folder / f"{name}{kind.suffix}"
        if not path.is_file():
            raise RequestError(f"{path}: no table without the family {place.family!r}; altune learn --keep-left-out")
        kind.register(name, path)
        return altune.Recipe(query_strategy={**plain, "table": name}, model=model)

    return recipe


def tables_of(method: str) -> Any:
    """Return the kind of tables that a learned strategy has."""
    cls: Any = methods("query_strategy")[method]
    return cls.tables


def _expert(place: Place, block: int, model: str) -> altune.Recipe:
    expert = PeekingExpert(data=place.data, seed=place.seed, block=block, most_rows=place.most_rows)
    return altune.Recipe(query_strategy=expert, model=model)


def _recommended(place: Place, block: int, model: str) -> altune.Recipe:
    return altune.Recipe(
        initial_sample={"method": "typiclust", "size": max(5, place.n_classes)},
        query_strategy=dict(STRATEGIES[MARGIN_COVER]),
        loop_size={"method": "geometric", "growth": 1.2},
        model=model,
    )
