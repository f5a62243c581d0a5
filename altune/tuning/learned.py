"""The learned strategies of a search space: which tables they name, and what their evidence says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from altune.knobs.query_strategy import QueryStrategy
from altune.recipes.space import SearchSpace
from altune.recipes.space.domains import Choices, Fixed
from altune.recipes.space.tree import Alternative, Decision
from altune.simulation.environment import Environment


def learned_tables(space: SearchSpace) -> dict[str, str]:
    """Return the digest of each table that a recipe of a space may name, by the method and the name of the table."""
    named = [pair for decision in space.decisions.values() for pair in _named_tables(decision)]
    named += [pair for recipe in space.baseline_recipes().values() for pair in _tables_within(recipe.query_strategy)]
    return {
        f"{kind.method} {name}": kind.find(name).digest()
        for cls, names in named
        if (kind := cls.tables) is not None
        for name in names
    }


def table_changes(stored: Mapping[str, Any], header: Mapping[str, Any]) -> list[str]:
    """Return the tables that differ between two headers of studies, one text for each."""
    before, now = stored.get("tables", {}), header.get("tables", {})
    return [f"the table {name!r} has changed" for name in before.keys() & now.keys() if before[name] != now[name]]


def remarks_of(space: SearchSpace, environments: Sequence[Environment]) -> list[str]:
    """Return what a user should know of the query strategies of a space on some data sets, one line each."""
    decision = space.decisions.get("query_strategy")
    methods = [alternative.typical() for alternative in (decision.alternatives if decision is not None else ())]
    methods += [recipe.query_strategy for recipe in space.baseline_recipes().values()]
    lines = []
    for environment in environments:
        where = f"{environment.dataset.name}: " if len(environments) > 1 else ""
        for method in methods:
            remarks = cast(QueryStrategy, method).remarks(environment.dataset.n_classes)
            lines += [f"{where}{line}" for line in remarks]
    return list(dict.fromkeys(lines))


def _named_tables(decision: Decision) -> Iterator[tuple[type[QueryStrategy], list[str]]]:
    """Yield each learned strategy below a decision with the names of the tables that it may have."""
    for alternative in decision.alternatives:
        if issubclass(alternative.cls, QueryStrategy):
            if alternative.cls.tables is not None:
                yield alternative.cls, _names(alternative)
            # what is fixed: the arms of a bandit, and strategies that are left to their defaults
            yield from _tables_within(cast(QueryStrategy, alternative.typical()))
        for slot in alternative.slots.values():
            if isinstance(slot, Decision):
                yield from _named_tables(slot)


def _names(alternative: Alternative) -> list[str]:
    slot = alternative.slots.get("table")
    if isinstance(slot, Choices):
        return [str(value) for value in slot.values]
    default = alternative.cls.model_fields["table"].default
    return [str(slot.value if isinstance(slot, Fixed) else default)]


def _tables_within(strategy: QueryStrategy) -> Iterator[tuple[type[QueryStrategy], list[str]]]:
    """Yield each learned strategy in a strategy with the name of its table."""
    if type(strategy).tables is not None:
        yield type(strategy), [str(strategy.to_dict()["table"])]
    for nested in strategy.nested().values():
        if isinstance(nested, QueryStrategy):
            yield from _tables_within(nested)
