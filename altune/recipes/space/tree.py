"""The tree of a search space: decisions have alternatives, which have parameters, which may again be decisions.

The path of a node is its Optuna name: ``query_strategy``, then ``query_strategy.switch.first``, then
``query_strategy.switch.first.density_weighted.beta``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any, TypeAlias

from altune.core.registry import Method, validate_fields
from altune.recipes.space.domains import Choices, Domain, Fixed, Range, SuggestingTrial

Slot: TypeAlias = "Domain | Decision"
Pick = tuple[str, Any]  # (Optuna path, label of an alternative or position of a choice)
MOST_VARIANTS = 4096
"""Alternatives with more variants than this are not checked one by one."""


@dataclass(frozen=True)
class Alternative:
    """A method with fixed and open parameters.

    Attributes
    ----------
    label : its name in Optuna paths: the name of the method, or the given ``name:``.
    cls : class of the method.
    slots : domain or decision of each parameter that the file names; the others have their defaults.
    """

    label: str
    cls: type[Method]
    slots: dict[str, Slot]

    @property
    def method(self) -> str:
        """Name of the method."""
        return str(self.cls.model_fields["method"].default)

    def build(self, values: dict[str, Any], path: str = "") -> Method:
        """Return the method with given parameters."""
        return validate_fields(self.cls, {"method": self.method, **values}, path)

    def suggest(self, trial: SuggestingTrial, path: str) -> Method:
        """Ask Optuna for the open parameters and return the method."""
        values = {name: slot.suggest(trial, f"{path}.{name}") for name, slot in self.slots.items()}
        return self.build(values, path)

    def typical(self) -> Method:
        """Return the method with its fixed parameters, and defaults for the open ones."""
        return self.build(self.typical_values())

    def typical_values(self) -> dict[str, Any]:
        """Return the fixed parameters, and a value for each open one that has no default."""
        return {
            name: slot.alternatives[0].typical() if isinstance(slot, Decision) else ends(slot)[0]
            for name, slot in self.slots.items()
            if isinstance(slot, (Decision, Fixed)) or self.cls.model_fields[name].is_required()
        }

    def to_plain(self) -> dict[str, Any]:
        """Return the alternative as it is written in a file."""
        named = {"name": self.label} if self.label != self.method else {}
        slots = {name: slot.to_plain() for name, slot in self.slots.items()}
        return named | {"method": self.method} | slots

    def locate(self, method: Method, path: str) -> Iterator[dict[str, Any]]:
        """Yield each assignment of the paths below that gives ``method``."""
        if type(method) is not self.cls:
            return
        usual = self.typical()
        others = [name for name in self.cls.model_fields if name not in self.slots]
        if all(getattr(method, name) == getattr(usual, name) for name in others):
            yield from merged(
                locate_slot(slot, getattr(method, name), f"{path}.{name}") for name, slot in self.slots.items()
            )

    def variants(self, path: str) -> Iterator[tuple[Method, frozenset[Pick]]]:
        """Yield every combination of choices, with all ranges at their low ends, then at their high ends."""
        has_range = any(isinstance(slot, Range) for slot in self.slots.values())
        for end in (0, -1) if has_range else (0,):
            options = [list(slot_variants(slot, f"{path}.{name}", end)) for name, slot in self.slots.items()]
            for combination in product(*options):
                values = dict(zip(self.slots, (value for value, _ in combination), strict=True))
                yield self.build(values), frozenset().union(*(picks for _, picks in combination))

    def count_variants(self) -> int:
        """Return an upper bound of the number of variants."""
        return 2 * prod(_count_slot(slot) for slot in self.slots.values())

    def keep(self, picks: frozenset[Pick], path: str) -> Alternative:
        """Return the alternative with only the choices and nested alternatives in ``picks``."""
        slots: dict[str, Slot] = {}
        for name, slot in self.slots.items():
            inner = f"{path}.{name}"
            if isinstance(slot, Choices):
                values = tuple(value for index, value in enumerate(slot.values) if (inner, index) in picks)
                slots[name] = Choices(values) if len(values) > 1 else Fixed(values[0])
            else:
                slots[name] = slot.keep(picks, inner) if isinstance(slot, Decision) else slot
        return replace(self, slots=slots)


@dataclass(frozen=True)
class Decision:
    """The alternatives for a knob, or for a parameter that takes a method."""

    knob: str
    alternatives: tuple[Alternative, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the alternatives, in the order of the file."""
        return tuple(alternative.label for alternative in self.alternatives)

    def suggest(self, trial: SuggestingTrial, path: str) -> Method:
        """Ask Optuna for an alternative, if there are several, and for its open parameters."""
        chosen = self.alternatives[0]
        if len(self.alternatives) > 1:
            label = trial.suggest_categorical(path, list(self.labels))
            chosen = self.alternatives[self.labels.index(str(label))]
        return chosen.suggest(trial, f"{path}.{chosen.label}")

    def to_plain(self) -> Any:
        """Return the decision as it is written in a file: a mapping, or a list of them."""
        plain = [alternative.to_plain() for alternative in self.alternatives]
        return plain[0] if len(plain) == 1 else plain

    def nodes(self, path: str) -> Iterator[tuple[str, Slot]]:
        """Yield this decision and everything below it, each with its Optuna name."""
        yield path, self
        for alternative in self.alternatives:
            for name, slot in alternative.slots.items():
                inner = f"{path}.{alternative.label}.{name}"
                yield from slot.nodes(inner) if isinstance(slot, Decision) else [(inner, slot)]

    def open_nodes(self, path: str) -> dict[str, Decision | Range | Choices]:
        """Return all open choices and parameters by their Optuna names."""
        return {
            name: node
            for name, node in self.nodes(path)
            if not isinstance(node, Fixed) and not (isinstance(node, Decision) and len(node.alternatives) == 1)
        }

    def open_paths(self, path: str) -> list[str]:
        """Return the Optuna names of all open choices and parameters."""
        return list(self.open_nodes(path))

    def locate(self, method: Method, path: str) -> Iterator[dict[str, Any]]:
        """Yield each assignment of this path and those below that gives ``method``."""
        for alternative in self.alternatives:
            for assignment in alternative.locate(method, f"{path}.{alternative.label}"):
                yield {path: alternative.label, **assignment}

    def find(self, path: str, here: str) -> Slot | None:
        """Return the node with the Optuna name ``path``, None if there is none; ``here`` is the name of this node."""
        return dict(self.nodes(here)).get(path)

    def variants(self, path: str) -> Iterator[tuple[Method, frozenset[Pick]]]:
        """Yield the variants of every alternative."""
        for alternative in self.alternatives:
            for method, picks in alternative.variants(f"{path}.{alternative.label}"):
                yield method, picks | {(path, alternative.label)}

    def keep(self, picks: frozenset[Pick], path: str) -> Decision:
        """Return the decision with only the alternatives in ``picks``."""
        kept = tuple(
            alternative.keep(picks, f"{path}.{alternative.label}")
            for alternative in self.alternatives
            if (path, alternative.label) in picks
        )
        return replace(self, alternatives=kept)


def ends(slot: Slot) -> list[Any]:
    """Return the values at which a slot is checked: both ends of a range, every choice, or the fixed value."""
    if isinstance(slot, Decision):
        return [alternative.typical() for alternative in slot.alternatives]
    if isinstance(slot, Range):
        return [slot.low, slot.high]
    return list(slot.values) if isinstance(slot, Choices) else [slot.value]


def slot_variants(slot: Slot, path: str, end: int) -> Iterator[tuple[Any, frozenset[Pick]]]:
    """Yield the values of a slot with the picks that give them; of a range only one end."""
    if isinstance(slot, Decision):
        yield from slot.variants(path)
    elif isinstance(slot, Choices):
        for index, value in enumerate(slot.values):
            yield value, frozenset({(path, index)})
    else:
        yield ends(slot)[end], frozenset()


def locate_slot(slot: Slot, value: Any, path: str) -> Iterator[dict[str, Any]]:
    """Yield each assignment of this path and those below that gives the value."""
    if isinstance(slot, Decision):
        yield from slot.locate(value, path)
        return
    plain = _plain(value)
    if slot.contains(plain):
        yield {path: plain}


def merged(parts: Iterable[Iterator[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Yield every union of one mapping from each part."""
    for combination in product(*parts):
        yield {path: value for mapping in combination for path, value in mapping.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Method):
        return value.to_dict()
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _count_slot(slot: Slot) -> int:
    if isinstance(slot, Decision):
        return sum(alternative.count_variants() for alternative in slot.alternatives)
    return len(slot.values) if isinstance(slot, Choices) else 1
