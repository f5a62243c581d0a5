"""The loop of a campaign: built from the log, and the same that a simulation runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from altune.campaign.ledger import CANNOT_TELL, GIVEN, Ledger
from altune.core.types import Codes, RowNumbers
from altune.knobs.labeling import Answers
from altune.loop.loop import ActiveLearningLoop
from altune.loop.requests import LabelRequest
from altune.simulation.scoring import TestScorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from altune.campaign.events import Event
    from altune.campaign.rows import CampaignRows
    from altune.core.streams import Streams
    from altune.recipes.recipe import Recipe
    from altune.simulation.scenario import Scenario


class Engine:
    """Runs the recipe on the rows of a campaign.

    Rows are positions among all rows of the campaign, as in the log. The loop counts the rows of the pool alone, which
    has no hold-out rows.

    Parameters
    ----------
    recipe, scenario, streams : those of the campaign.
    rows : its rows.
    hold_out : rows that measure the model, as positions.
    """

    def __init__(
        self, recipe: Recipe, scenario: Scenario, streams: Streams, rows: CampaignRows, hold_out: Sequence[int]
    ) -> None:
        self._recipe = recipe
        self._scenario = scenario
        self._rows = rows
        self._hold_out: RowNumbers = np.asarray(hold_out, dtype=np.intp)
        self._streams = streams
        self.loop = ActiveLearningLoop(
            recipe,
            rows.X[rows.pool],
            len(scenario.classes),
            budget=scenario.labels,
            loops=scenario.most_loops,
            streams=streams,
            annotators=len(scenario.annotators),
            feature_names=rows.feature_names,
            inputs=rows.inputs(rows.pool, recipe.takes_raw),
            price_per_label=scenario.mean_price,
            price_per_loop=scenario.price_per_loop,
            classes=scenario.labels_of_classes,
        )

    def ask(self, ledger: Ledger) -> dict[str, Any]:
        """Return the fields of the event ``asked``: what the loop wants next.

        The first batch also has the hold-out rows, mixed with the others by whoever shows them.
        """
        request = self.loop.ask()
        measured = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
        if not ledger.n_batches and len(self._hold_out):
            generator = self._streams.generator("hold_out_labeling")
            measured = self._recipe.labeling.ask(self._hold_out, self.loop.annotators, generator)
        return {
            "batch": ledger.n_batches + 1,
            "rows": self._rows.pool[request.rows].tolist(),
            "annotators": request.annotators.tolist(),
            "hold_out_rows": measured[0].tolist(),
            "hold_out_annotators": measured[1].tolist(),
            "request": request.to_dict(),
        }

    def train(self, ledger: Ledger, trains: bool | None = None) -> dict[str, Any]:
        """Hand the answers of a complete batch to the loop; return the fields of the event ``trained``.

        Parameters
        ----------
        ledger : the state with the batch.
        trains : whether a model was trained, if the log says so; None where it happens now.
        """
        batch, loop = ledger.batch, self.loop
        assert batch is not None
        entries = batch.entries[: len(batch.request["rows"])]
        codes = np.array([entry.code for entry in entries], dtype=np.intp)
        annotators = np.array([entry.annotator for entry in entries], dtype=np.intp)
        n_models = len(loop.records)
        loop.tell(codes, annotators, trains=trains)
        if len(loop.records) == n_models:
            return {"batch": batch.number, "model": False}
        record = loop.records[-1]
        return {
            "batch": batch.number,
            "model": True,
            "loop": record.loop,
            "labels_bought": record.labels_bought,
            "labels_used": record.labels_used,
            "loop_rows": record.loop_rows,
            "fit_seconds": round(record.fit_seconds, 3),
            "query_seconds": round(record.query_seconds, 3),
            "notes": record.notes,
            "scores": self._scores(ledger) if trains is None else {},
        }

    def replay(self, event: Event, ledger: Ledger) -> None:
        """Take in an event of the log; ``ledger`` is the state before it."""
        kind = event["event"]
        if kind == "given":
            codes = np.asarray(event["codes"], dtype=np.intp)
            self.loop.give(self._places(event["rows"]), codes, ledger.number_of(GIVEN))
        elif kind == "asked":
            self.loop.take_up(LabelRequest.from_dict(event["request"]))
        elif kind == "told":
            self._correct(event, ledger)
        elif kind == "revoked":
            for row, annotator in event["answers"]:
                self._change(ledger, row, annotator, CANNOT_TELL)
        elif kind == "trained":
            self.train(ledger, trains=event["model"])
        elif kind == "removed":
            rows = [row for row in event["rows"] if row not in set(ledger.hold_out)]
            self.loop.withdraw(self._places(rows))

    def extend(self, rows: CampaignRows) -> None:
        """Take in the rows of the campaign with those that were added."""
        self._rows = rows
        self.loop.extend(rows.X[rows.pool], rows.inputs(rows.pool, self._recipe.takes_raw))

    def labels(self, ledger: Ledger) -> dict[int, int]:
        """Return the code of each row that has a label, by row, as the recipe combines the answers about it."""
        rows, codes = self.loop.labels
        measured = self.hold_out_labels(ledger)
        joined = np.concatenate([self._rows.pool[rows], measured[0]]), np.concatenate([codes, measured[1]])
        return dict(zip(*(part.tolist() for part in joined), strict=True))

    def _correct(self, event: Event, ledger: Ledger) -> None:
        for row, name, code, kind, _ in event["answers"]:
            if kind == "corrected":
                self._change(ledger, row, ledger.number_of(name), code)

    def _change(self, ledger: Ledger, row: int, annotator: int, code: int) -> None:
        """Change an answer that the loop has; one of the current batch it gets when the batch is complete."""
        if ledger.answered_entry(row, annotator) is None and row not in ledger.hold_out:
            self.loop.correct(int(self._places([row])[0]), annotator, code)

    def _places(self, rows: Sequence[int]) -> RowNumbers:
        """Return positions of rows in the pool of the loop."""
        return np.searchsorted(self._rows.pool, np.asarray(rows, dtype=np.intp))

    def hold_out_labels(self, ledger: Ledger) -> tuple[RowNumbers, Codes]:
        """Return the hold-out rows that have a label, and the label that the recipe makes of their answers."""
        answers, by_row = Answers(), ledger.by_row()
        for row in self._hold_out.tolist():
            codes = by_row.get(row, {})
            answers.add(np.full(len(codes), row), np.array(list(codes)), np.array(list(codes.values())))
        rows = np.setdiff1d(np.unique(answers.rows), list(ledger.removed)).astype(np.intp)
        n_classes = len(self._scenario.classes)
        labels = self._recipe.labeling.combine(answers, rows, n_classes) if len(rows) else np.empty(0, dtype=np.intp)
        return rows, labels

    def _scores(self, ledger: Ledger) -> dict[str, float]:
        """Return the metrics of the current model on the hold-out rows; empty if there are none."""
        rows, labels = self.hold_out_labels(ledger)
        if self.loop.model is None or not len(rows):
            return {}
        scenario = self._scenario
        scorer = TestScorer(
            scenario.metric_names,
            self._rows.inputs(rows, self._recipe.takes_raw),
            labels,
            len(scenario.classes),
            scenario.positive_code,
            None,
            scenario.labels_of_classes,
            self._recipe.model.takes,
        )
        return scorer(self.loop.model)
