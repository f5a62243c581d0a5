"""What annotators tell, checked before anything is written: all of it is taken, or none."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.campaign.ledger import CANNOT_TELL
from altune.core.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    from altune.campaign.ledger import Entry, Ledger
    from altune.campaign.state import CampaignState, RowId

Item = tuple[int, str, int, str, float | None]
"""Row, annotator, code, kind (answered, skipped or corrected) and seconds."""


def listed(values: Any) -> list[Any]:
    """Return one value, or several, as a list of plain values."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    return list(values) if _several(values) else [values]


def _several(values: Any) -> bool:
    return isinstance(values, Iterable) and not isinstance(values, (str, bytes, dict))


Problem = tuple[int, str]
"""Position of an answer that does not fit among those of one call, and what is wrong."""


def check_answers(
    state: CampaignState, rows: Any, labels: Any, annotator: Any, seconds: Any, *, as_text: bool = False
) -> tuple[list[Item], list[Problem]]:
    """Return the answers of one call, without those that change nothing, and what is wrong with others.

    Parameters
    ----------
    rows, labels, annotator, seconds : as for :meth:`altune.Campaign.tell`.
    as_text : whether rows and classes are texts, as in a file.

    Raises
    ------
    RequestError
        If there is not one label for each row.
    """
    rows, labels = listed(rows), listed(labels)
    names, times = (value if _several(value) else [value] * len(rows) for value in (annotator, seconds))
    columns = {"rows": rows, "labels": labels, "annotators": listed(names), "seconds": listed(times)}
    if len({len(column) for column in columns.values()}) > 1:
        counts = ", ".join(f"{len(column)} {name}" for name, column in columns.items())
        raise RequestError(f"one label is needed for each row, but there are {counts}")
    told, problems = _Told(state.ledger), []
    for place, (row, label, name, time) in enumerate(zip(*columns.values(), strict=True)):
        try:
            position, code = state.position_of(row, as_text=as_text), _code(state, row, label, as_text)
            told.add(row, position, code, name, _seconds(row, time))
        except RequestError as error:
            problems.append((place, str(error)))
    return told.answers, problems


class _Told:
    """The answers of one call so far; each is checked against the log and those before it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._taken: set[int] = set()
        self._new: dict[tuple[int, str], int] = {}
        self.answers: list[Item] = []

    def add(self, row: RowId, place: int, code: int, name: Any, seconds: float | None) -> None:
        ledger = self._ledger
        number = None if name is None else ledger.number_of(_name(name))
        entry = ledger.entry_for(place, number, self._taken)
        if name is None:
            name = self._annotator_of(row, place, entry)
            number = ledger.number_of(name)
        if (place, name) in self._new:
            if self._new[place, name] != code:
                raise RequestError(f"row {row!r} has two different labels by {name!r} here; give one")
            return
        earlier = ledger.latest.get((place, number)) if number is not None else None
        if entry is not None:
            self._taken.add(id(entry))
            kind = "skipped" if code == CANNOT_TELL else "answered"
        elif earlier == code:
            return
        elif earlier is None and not ledger.may_correct(place):
            raise RequestError(self._refusal(row, place))
        else:
            kind = "corrected"
        self._new[place, name] = code
        self.answers.append((place, name, code, kind, seconds))

    def _annotator_of(self, row: RowId, place: int, entry: Entry | None) -> str:
        """Return by whom an answer without a name is: who was asked, or the only one who answered before."""
        names = self._ledger.names
        if entry is not None:
            return names[entry.asked]
        before = [number for (answered, number) in self._ledger.latest if answered == place]
        if len(before) > 1:
            raise RequestError(f"row {row!r} has answers by several annotators; say whose this is")
        return names[before[0]] if before else names[0]

    def _refusal(self, row: RowId, place: int) -> str:
        if self._ledger.was_asked(place):
            answered = sorted({n for (answered, n) in self._ledger.latest if answered == place})
            whose = " or ".join(repr(self._ledger.names[number]) for number in answered)
            return f"row {row!r} has all the answers that the recipe wants; to correct one, answer as {whose}"
        return f"row {row!r} was not asked about; ask() says which rows are to be labelled"


def checked_revocation(state: CampaignState, rows: Any, annotator: str | None) -> list[tuple[int, int]]:
    """Return row and annotator of each answer that is taken back.

    Raises
    ------
    RequestError
        If there is no such answer, or no label would remain to train on.
    """
    ledger, found = state.ledger, []
    for name in dict.fromkeys(listed(rows)):
        place = state.position_of(name)
        numbers = [number for (row, number) in ledger.latest if row == place]
        if annotator is not None:
            numbers = [number for number in numbers if number == ledger.number_of(annotator)]
        if len(numbers) > 1:
            raise RequestError(f"row {name!r} has answers by several annotators; say whose is taken back")
        if not numbers:
            by = "" if annotator is None else f" by {annotator!r}"
            raise RequestError(f"row {name!r} has no answer{by} that could be taken back")
        found.append((place, numbers[0]))
    remaining = {key: code for key, code in ledger.latest.items() if key not in set(found)}
    _require_labels(ledger, {row for (row, _), code in remaining.items() if code != CANNOT_TELL})
    return found


def checked_removal(state: CampaignState, rows: Any) -> list[int]:
    """Return the positions of rows that are taken out, sorted.

    Raises
    ------
    RequestError
        If there is no such row, or no label would remain to train on.
    """
    places = sorted({state.position_of(name) for name in listed(rows)})
    ledger = state.ledger
    _require_labels(ledger, set(ledger.by_row()), places)
    return places


def _require_labels(ledger: Ledger, labelled: set[int], removed: Collection[int] = ()) -> None:
    """Refuse to leave a campaign that has a model without any label to train on."""
    new = set() if ledger.batch is None else {entry.row for entry in ledger.batch.entries if not entry.again}
    left = labelled - ledger.removed - set(removed) - set(ledger.hold_out) - new
    if ledger.trained and not left:
        raise RequestError("no label would remain to train on")


def _code(state: CampaignState, row: RowId, label: Any, as_text: bool) -> int:
    if label is None or (isinstance(label, float) and math.isnan(label)):
        return CANNOT_TELL
    plain = label.item() if isinstance(label, np.generic) else label
    for code, name in enumerate(state.classes):
        same = unguarded(str(plain), str(name)) if as_text else plain == name
        if same and (as_text or isinstance(plain, bool) == isinstance(name, bool)):
            return code
    raise RequestError(f"row {row!r}: no class {plain!r}; {did_you_mean(plain, map(str, state.classes))}")


def unguarded(text: str, name: str) -> bool:
    """Return whether a text of a file is a name, which a table for people may have behind an apostrophe."""
    return text in (name, f"'{name}")


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise RequestError(f"{name!r} is not the name of an annotator; give a text")
    return name.strip()


def _seconds(row: RowId, seconds: Any) -> float | None:
    if seconds is None:
        return None
    number = isinstance(seconds, (int, float, np.number)) and not isinstance(seconds, bool)
    if not number or not math.isfinite(seconds) or seconds < 0:
        raise RequestError(f"row {row!r}: seconds must be a number of 0 or more, not {seconds!r}")
    return float(seconds)
