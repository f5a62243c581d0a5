"""The status of a campaign as text for the terminal."""

from __future__ import annotations

from typing import Any

from altune.campaign.status import CampaignStatus
from altune.core.text import counted
from altune.report.texts.aligned import table


def status_text(status: CampaignStatus) -> str:
    """Return the status as a few lines: labels, annotators, and the model after each loop."""
    parts = [status.summary]
    if status.skipped:
        parts[0] += f"; annotators could not tell about {counted(status.skipped, 'row')}"
    active = [person for person in status.annotators if person.answers or person.skipped or person.corrected]
    if active:
        people = [
            {
                "annotator": person.name,
                "answers": person.answers,
                "skipped": person.skipped,
                "corrected": person.corrected,
                "seconds": "" if person.seconds is None else f"{person.seconds:.1f}",
                "agreement": "" if person.agreement is None else f"{person.agreement:.0%}",
            }
            for person in active
        ]
        parts.append(table(people))
    measured = [point for point in status.curve if point.scores]
    if measured:
        rows: list[dict[str, Any]] = [
            {
                "loop": point.loop,
                "labels": point.labels,
                **{name: f"{score:.3f}" for name, score in point.scores.items()},
            }
            for point in measured
        ]
        parts.append(f"the model on {counted(status.hold_out_labels, 'label')} of rows that it is not trained on:")
        parts.append(table(rows))
    return "\n\n".join(parts)
