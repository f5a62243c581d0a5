"""How far a campaign is, from its log alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.core.html import html_table
from altune.core.text import counted

if TYPE_CHECKING:
    from altune.campaign.ledger import Ledger
    from altune.simulation.scenario import Scenario


@dataclass(frozen=True)
class AnnotatorStatus:
    """What one annotator did.

    Attributes
    ----------
    name : name of the annotator.
    answers : number of answers that name a class, corrections not counted.
    skipped : number of rows about which the annotator could not tell.
    corrected : number of corrections.
    seconds : median time of an answer, None if it is not known.
    agreement : share of the annotator's answers that agree with another one's about the same row, None without any.
    """

    name: str
    answers: int
    skipped: int
    corrected: int
    seconds: float | None
    agreement: float | None


@dataclass(frozen=True)
class CurvePoint:
    """The model after a loop: labels bought, and its metrics on the hold-out rows, none without hold-out rows."""

    loop: int
    labels: int
    scores: dict[str, float]


@dataclass(frozen=True)
class CampaignStatus:
    """How far a campaign is.

    Attributes
    ----------
    labels_bought : labels bought to train on, those that existed before included.
    budget : labels that may be bought.
    hold_out_labels : labels of hold-out rows.
    loop : number of the last loop with a model, None before the first.
    batch : number of the current batch, 0 if there is none.
    open : labels of the current batch that are not given yet.
    skipped : rows without a label because annotators could not tell.
    rows : number of rows, without those that were taken out.
    annotators : what each annotator did.
    curve : the model after each loop.
    stopped : why the campaign has ended; None while it runs.
    """

    labels_bought: int
    budget: int
    hold_out_labels: int
    loop: int | None
    batch: int
    open: int
    skipped: int
    rows: int
    annotators: tuple[AnnotatorStatus, ...]
    curve: tuple[CurvePoint, ...]
    stopped: str | None

    @property
    def summary(self) -> str:
        """One line for people."""
        labels = f"{self.labels_bought} of {self.budget} labels bought"
        if self.stopped:
            return f"{labels}; ended ({self.stopped})"
        if not self.batch:
            return f"{labels}; the next batch is not chosen yet"
        return f"{labels}; {counted(self.open, 'label')} of batch {self.batch} to give"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    def _repr_html_(self) -> str:
        scores = self.curve[-1].scores if self.curve else {}
        rows = [("campaign", self.summary), *((name, f"{score:.3f}") for name, score in scores.items())]
        return html_table(rows)


def status_of(ledger: Ledger, scenario: Scenario) -> CampaignStatus:
    """Return the status of a campaign, given the state of its log."""
    measured = set(ledger.hold_out)
    by_row, asked = ledger.by_row(), {row for row, _ in ledger.latest}
    trained = [event for event in ledger.trained if event["model"]]
    return CampaignStatus(
        labels_bought=ledger.labels_bought,
        budget=scenario.labels,
        hold_out_labels=sum(len(codes) for row, codes in by_row.items() if row in measured),
        loop=trained[-1]["loop"] if trained else None,
        batch=0 if ledger.batch is None or ledger.stopped else ledger.batch.number,
        open=0 if ledger.batch is None or ledger.stopped else len(ledger.batch.open),
        skipped=len(asked - set(by_row)),
        rows=ledger.n_rows - len(ledger.removed),
        annotators=tuple(_annotator(ledger, by_row, number) for number in range(len(ledger.names))),
        curve=tuple(CurvePoint(event["loop"], event["labels_bought"], event["scores"]) for event in trained),
        stopped=ledger.stopped or None,
    )


def _annotator(ledger: Ledger, by_row: dict[int, dict[int, int]], number: int) -> AnnotatorStatus:
    own = [answer for answer in ledger.answers if answer.annotator == number]
    times = [answer.seconds for answer in own if answer.seconds is not None]
    agreed: list[bool] = []
    for codes in by_row.values():
        if number in codes:
            agreed += [codes[number] == code for who, code in codes.items() if who != number]
    return AnnotatorStatus(
        ledger.names[number],
        sum(answer.kind == "answered" for answer in own),
        sum(answer.kind == "skipped" for answer in own),
        sum(answer.kind == "corrected" for answer in own),
        float(np.median(times)) if times else None,
        float(np.mean(agreed)) if agreed else None,
    )
