"""What the log says: who was asked about what, what was answered, and what is still open.

Nothing here needs a model, so answers can be taken, and rows handed out, while one is being trained.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from altune.campaign.events import Event

CANNOT_TELL = -1
"""Code of an answer that names no class."""
GIVEN = "labels from before"
"""Name of the annotator of labels that existed before."""


@dataclass
class Entry:
    """One label that is wanted.

    Attributes
    ----------
    row : position of the row among all rows of the campaign.
    asked : number of the annotator for whom it is meant.
    hold_out : whether it is a row that measures the model.
    again : whether an audit buys the label of the row again.
    annotator : number of the annotator who answered, None before that.
    code : the answer, a class code or :data:`CANNOT_TELL`; None before that.
    """

    row: int
    asked: int
    hold_out: bool = False
    again: bool = False
    annotator: int | None = None
    code: int | None = None

    @property
    def open(self) -> bool:
        """Whether there is no answer yet."""
        return self.code is None


@dataclass
class Asked:
    """A batch.

    Attributes
    ----------
    number : its number, from 1.
    request : the loop's request as plain values, see :meth:`altune.loop.requests.LabelRequest.to_dict`.
    entries : the labels that are wanted: those of the request in its order, then those of hold-out rows.
    """

    number: int
    request: dict[str, Any]
    entries: list[Entry]

    @property
    def open(self) -> list[Entry]:
        """The entries without an answer."""
        return [entry for entry in self.entries if entry.open]

    @property
    def n_labels(self) -> int:
        """Number of labels so far, without those of hold-out rows."""
        return sum(entry.code not in (None, CANNOT_TELL) for entry in self.entries if not entry.hold_out)

    def answered_by(self, annotator: int) -> set[int]:
        """Return the rows about which an annotator has answered."""
        return {entry.row for entry in self.entries if entry.annotator == annotator}

    def open_for(self, annotator: int) -> list[Entry]:
        """Return the open entries that an annotator may answer, those meant for this annotator first, each row once."""
        still = [entry for entry in self.open if entry.row not in self.answered_by(annotator)]
        own_first = sorted(still, key=lambda entry: entry.asked != annotator)
        return list({entry.row: entry for entry in reversed(own_first)}.values())[::-1]


@dataclass(frozen=True)
class Answer:
    """One answer as the log keeps it: ``kind`` is answered, skipped or corrected."""

    row: int
    annotator: int
    code: int
    kind: str
    seconds: float | None = None
    time: str = ""


@dataclass
class Ledger:
    """The state of a campaign as far as it follows from the log alone.

    Attributes
    ----------
    names : names of the annotators; an annotator's number is the position here.
    batch : the batch that is being labelled, None before the first and after the last.
    n_batches : number of batches so far.
    answers : all answers in their order, corrections included.
    latest : the latest answer of each annotator about each row, as codes.
    trained : what was recorded when a batch was complete, one entry for each.
    n_settled : labels that were bought in complete batches, or given before.
    hold_out : rows that measure the model.
    removed : rows that were taken out.
    n_rows : number of rows, added and removed ones included.
    stopped : why the campaign has ended; empty while it runs.
    """

    classes: tuple[Any, ...] = ()
    names: list[str] = field(default_factory=list)
    batch: Asked | None = None
    n_batches: int = 0
    answers: list[Answer] = field(default_factory=list)
    latest: dict[tuple[int, int], int] = field(default_factory=dict)
    trained: list[dict[str, Any]] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)
    n_settled: int = 0
    n_rows: int = 0
    stopped: str = ""
    hold_out: tuple[int, ...] = ()

    def apply(self, event: Event) -> None:
        """Take in the next event of the log."""
        getattr(self, f"_{event['event']}")(event)

    def number_of(self, name: str) -> int:
        """Return the number of an annotator; a name that is new gets the next one."""
        return self.names.index(name) if name in self.names else len(self.names)

    @property
    def settled(self) -> bool:
        """Whether the batch is complete."""
        return self.batch is not None and not self.batch.open

    def entry_for(self, row: int, annotator: int | None, taken: Collection[int] = ()) -> Entry | None:
        """Return the open entry that an answer fills: the annotator's own if there is one; None if there is none.

        An annotator answers about a row once in a batch.

        Parameters
        ----------
        row, annotator : their numbers; None for the annotator whom an entry is meant for.
        taken : identities of entries that other answers fill.
        """
        entries = [] if self.batch is None else [entry for entry in self.batch.entries if entry.row == row]
        answered = {entry.annotator for entry in entries} - {None}
        if annotator in answered:
            return None
        still = [entry for entry in entries if entry.open and id(entry) not in taken]
        if annotator is None:
            return next((entry for entry in still if entry.asked not in answered), None)
        own = [entry for entry in still if entry.asked == annotator]
        return next(iter([*own, *still]), None)

    def was_asked(self, row: int) -> bool:
        """Return whether the current batch wants a label of a row."""
        return self.batch is not None and any(entry.row == row for entry in self.batch.entries)

    def may_correct(self, row: int) -> bool:
        """Return whether an annotator who has not answered about a row may correct the answers that it has."""
        return not self.was_asked(row) and any(answered == row for answered, _ in self.latest)

    def by_row(self) -> dict[int, dict[int, int]]:
        """Return the latest code by each annotator who named a class, by row."""
        found: dict[int, dict[int, int]] = {}
        for (row, annotator), code in self.latest.items():
            if code != CANNOT_TELL:
                found.setdefault(row, {})[annotator] = code
        return found

    @property
    def labels_bought(self) -> int:
        """Labels bought to train on, those that existed before included."""
        return self.n_settled + (0 if self.batch is None else self.batch.n_labels)

    # events ---------------------------------------------------------------------------------------------------

    def _created(self, event: Event) -> None:
        self.classes = tuple(event["classes"])
        self.names = list(event["annotators"])
        self.hold_out = tuple(event["hold_out"])
        self.n_rows = event["pool"]["rows"]

    def _given(self, event: Event) -> None:
        number = self._known(GIVEN)
        self.latest = {(row, number): code for row, code in zip(event["rows"], event["codes"], strict=True)}
        self.n_settled += len(self.latest)

    def _asked(self, event: Event) -> None:
        request = event["request"]
        asked = zip(event["rows"], event["annotators"], request["rows"], strict=True)
        entries = [Entry(row, annotator, again=place in set(request["again"])) for row, annotator, place in asked]
        measured = zip(event["hold_out_rows"], event["hold_out_annotators"], strict=True)
        entries += [Entry(row, annotator, hold_out=True) for row, annotator in measured]
        self.n_batches += 1
        self.batch = Asked(self.n_batches, event["request"], entries)
        self._close(self.removed)

    def _told(self, event: Event) -> None:
        for row, name, code, kind, seconds in event["answers"]:
            self._take(Answer(row, self._known(name), code, kind, seconds, event["time"]))

    def _known(self, name: str) -> int:
        """Return the number of an annotator, and keep the name if it is new."""
        number = self.number_of(name)
        if number == len(self.names):
            self.names.append(name)
        return number

    def _take(self, answer: Answer) -> None:
        self.answers.append(answer)
        key = answer.row, answer.annotator
        if answer.kind != "corrected":
            entry = self.entry_for(*key)
        else:
            entry = self.answered_entry(*key)
            late = entry is None and answer.row not in self.hold_out
            self.n_settled += late and self.latest.get(key, CANNOT_TELL) == CANNOT_TELL != answer.code
        self.latest[key] = answer.code
        if entry is not None:
            entry.annotator, entry.code = answer.annotator, answer.code

    def answered_entry(self, row: int, annotator: int) -> Entry | None:
        """Return the entry of the current batch that an annotator has filled, None if there is none."""
        entries = [] if self.batch is None else self.batch.entries
        return next((entry for entry in entries if (entry.row, entry.annotator) == (row, annotator)), None)

    def _revoked(self, event: Event) -> None:
        for row, annotator in event["answers"]:
            self.latest.pop((row, annotator), None)
            entry = self.answered_entry(row, annotator)
            if entry is not None:
                entry.annotator = entry.code = None

    def _trained(self, event: Event) -> None:
        self.trained.append(event)
        self.n_settled += 0 if self.batch is None else self.batch.n_labels
        self.batch = None

    def _added(self, event: Event) -> None:
        self.n_rows += event["rows"]

    def _removed(self, event: Event) -> None:
        self.removed |= set(event["rows"])
        self._close(event["rows"])

    def _close(self, rows: Collection[int]) -> None:
        """Settle the open entries of removed rows without a label."""
        for entry in [] if self.batch is None else self.batch.open:
            if entry.row in rows:
                entry.annotator, entry.code = entry.asked, CANNOT_TELL

    def _stopped(self, event: Event) -> None:
        self.stopped = event["reason"]
