"""The state of a campaign: its log, what follows from the log alone, and the loop, which is built when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.campaign.engine import Engine
from altune.campaign.events import FILE, Event, EventLog, check_format
from altune.campaign.ledger import Ledger
from altune.campaign.rows import CampaignRows, as_pool, joined, stored_rows
from altune.core.errors import RequestError, StorageError
from altune.core.streams import Streams
from altune.data.features import is_frame
from altune.recipes.recipe import Recipe
from altune.simulation.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

RowId = Any
"""How the caller names a row: by its position in the pool, or by the id that was given for it."""


@dataclass(frozen=True)
class Batch:
    """What is to be labelled now.

    Attributes
    ----------
    number : number of the batch, from 1; 0 if there is nothing to label.
    rows : ids of the rows, one for each label; a row that several annotators label appears once for each of them.
    annotators : names of those for whom each is meant. Anyone else may answer as well.
    """

    number: int
    rows: list[RowId]
    annotators: list[str]

    def __len__(self) -> int:
        return len(self.rows)


class CampaignState:
    """Everything that a campaign knows.

    Parameters
    ----------
    folder : folder of the campaign.

    Attributes
    ----------
    events : the log so far.
    ledger : what follows from it without a model.
    recipe, scenario, classes, streams : as they were at the start.

    Raises
    ------
    StorageError
        If a file of the folder cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = EventLog(folder)
        self.events = self._log.read()
        if not self.events or self.events[0]["event"] != "created":
            raise StorageError(f"{folder / FILE}: is not the log of a campaign; it does not begin with its creation")
        created = self.events[0]
        check_format(created, folder / FILE)
        self.recipe = Recipe.from_dict(created["recipe"], file=str(folder / FILE))
        self.classes: tuple[Any, ...] = tuple(created["classes"])
        self.scenario = Scenario.from_dict(created["scenario"]).with_classes(self.classes)
        self.streams = Streams(**created["streams"])
        self.ledger = Ledger()
        self._ids: list[RowId] | None = None
        self._positions: dict[RowId, int] = {}
        self._files: list[str] = []
        for event in self.events:
            self.ledger.apply(event)
            self._keep_rows(event)
        self._parts: list[Any] = []
        self._engine: Engine | None = None

    def open_batch(self, annotator: str | None) -> Batch:
        """Return what is not labelled yet of the current batch, see :meth:`altune.Campaign.ask`."""
        batch, names = self.ledger.batch, self.ledger.names
        if batch is None or self.ledger.stopped:
            return Batch(0, [], [])
        entries = batch.open if annotator is None else batch.open_for(self.ledger.number_of(annotator))
        rows = [self.id_of(entry.row) for entry in entries]
        return Batch(batch.number, rows, [names[entry.asked] for entry in entries])

    # rows -----------------------------------------------------------------------------------------------------

    @property
    def ids(self) -> list[RowId] | None:
        """Names of all rows, None if rows are named by their position."""
        return self._ids

    @property
    def n_files(self) -> int:
        """Number of files with rows."""
        return len(self._files)

    def id_of(self, row: int) -> RowId:
        """Return the name of a row."""
        return row if self._ids is None else self._ids[row]

    def position_of(self, name: RowId, *, as_text: bool = False) -> int:
        """Return the position of a row.

        Parameters
        ----------
        name : its name.
        as_text : whether a name that is a number may be a text.

        Raises
        ------
        RequestError
            If there is no such row, or it was taken out.
        """
        plain = name.item() if hasattr(name, "item") else name
        if as_text:
            plain = self._named_by(str(plain))
        if self._ids is None:
            known = type(plain) is int and 0 <= plain < self.ledger.n_rows
            row = plain if known else -1
        else:
            row = self._positions.get(plain, -1)
        if row < 0:
            rows = f"; rows are numbered from 0 to {self.ledger.n_rows - 1}" if self._ids is None else ""
            raise RequestError(f"there is no row {plain!r}{rows}")
        if row in self.ledger.removed:
            raise RequestError(f"row {plain!r} was taken out of the pool")
        return int(row)

    def _named_by(self, text: str) -> RowId:
        """Return the name of a row that a text of a file means; the text itself if there is none."""
        meant = {str(name): name for name in range(self.ledger.n_rows) if self._ids is None}
        meant |= {str(name): name for name in self._ids or ()}
        # a table for people has an apostrophe before what a spreadsheet would run
        return meant.get(text, meant.get(text.removeprefix("'"), text))

    def rows(self, n_files: int | None = None, more: Any = None) -> CampaignRows:
        """Return the rows encoded for the recipe.

        Parameters
        ----------
        n_files : how many files of rows; None for all.
        more : further rows that do not belong to the campaign; they come last.
        """
        n_files = len(self._files) if n_files is None else n_files
        parts = [*map(self.part, range(n_files)), *([] if more is None else [more])]
        dataset = as_pool(joined(parts), self.classes, self.streams.data)
        first_rows = int(self.events[0]["pool"]["rows"])
        return CampaignRows.of(dataset, first_rows, self.ledger.hold_out, self.scenario)

    def shown(self, rows: list[int]) -> pd.DataFrame:
        """Return rows as they came, as a table, ``(n_rows, n_columns)``; columns without names are numbered."""
        import pandas as pd

        both = joined([*map(self.part, range(len(self._files)))])
        if is_frame(both):
            table: pd.DataFrame = both.iloc[rows].reset_index(drop=True)
            return table
        chosen = both[rows]
        return pd.DataFrame(chosen.toarray() if hasattr(chosen, "toarray") else chosen)

    def part(self, number: int) -> Any:
        """Return the rows of a file as they came, counted from 0."""
        while len(self._parts) <= number:
            self._parts.append(stored_rows(self._folder, self._files[len(self._parts)]))
        return self._parts[number]

    def _keep_rows(self, event: Event) -> None:
        """Take in the file and the names of rows that an event adds."""
        part = {"created": event.get("pool"), "added": event}.get(event["event"])
        if part is None:
            return
        self._files.append(part["file"])
        if part["ids"] is not None:
            self._ids = [*(self._ids or ()), *part["ids"]]
            self._positions = {name: place for place, name in enumerate(self._ids)}

    # events ---------------------------------------------------------------------------------------------------

    def engine(self) -> Engine:
        """Return the loop in the state of the log; the first call builds it, which trains each model again."""
        if self._engine is None:
            ledger, n_files = Ledger(), 1
            engine = Engine(self.recipe, self.scenario, self.streams, self.rows(1), self.events[0]["hold_out"])
            for event in self.events:
                engine.replay(event, ledger)
                ledger.apply(event)
                if event["event"] == "added":
                    n_files += 1
                    engine.extend(self.rows(n_files))
            self._engine = engine
        return self._engine

    def note(self, kind: str, **fields: Any) -> None:
        """Write an event that came from outside to the log, then take it in."""
        event = self._append(kind, fields)
        if self._engine is not None:
            self._engine.replay(event, self.ledger)
        self.ledger.apply(event)
        if kind == "added" and self._engine is not None:
            self._engine.extend(self.rows())

    def advance(self) -> None:
        """Train on a complete batch and choose the next one, until somebody is needed or the campaign has ended."""
        ledger = self.ledger
        while not ledger.stopped:
            if ledger.batch is None:
                ledger.apply(self._append("asked", self.engine().ask(ledger)))
            elif ledger.settled:
                engine = self.engine()
                ledger.apply(self._append("trained", engine.train(ledger)))
                if engine.loop.done:
                    ledger.apply(self._append("stopped", {"reason": str(engine.loop.stopped)}))
            else:
                return

    def _append(self, kind: str, fields: dict[str, Any]) -> Event:
        event = self._log.append(kind, **fields)
        self.events.append(event)
        self._keep_rows(event)
        return event
