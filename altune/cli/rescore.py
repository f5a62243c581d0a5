"""``altune rescore``: rank the trials of a run by another objective or other prices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from typer import Option

from altune.cli.options import AsJson, ScoringOptions
from altune.cli.output import print_json


@dataclass(frozen=True, kw_only=True)
class RescoringOptions(ScoringOptions):
    """How curves are scored instead."""

    section: ClassVar[str] = "Changes"

    prefer: Annotated[
        str | None,
        Option(metavar="RULE", help="Rule that picks from a Pareto front: 'score within 0.01, then fewest labels'."),
    ] = None

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of :func:`altune.rescore`; None for an option that was not given."""
        return {**super().arguments(), "prefer": self.prefer}


def rescore(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    scoring: RescoringOptions,
    as_json: AsJson = False,
) -> None:
    """Rank the trials of a run by another objective or other prices.

    The stored learning curves are enough; nothing is simulated.
    """
    from altune.report.texts.aligned import table
    from altune.report.texts.rescored import rescored_rows
    from altune.workflows.rescore import rescore as score

    rescored = score(run, **scoring.arguments())
    print_json(rescored.to_dict()) if as_json else print(f"{table(rescored_rows(rescored))}\n\n{rescored.answer}")
