"""``altune rescore``: another objective or other prices for a run that was played, without simulating."""

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
    """What curves are scored by afterwards."""

    section: ClassVar[str] = "What changes"

    prefer: Annotated[
        str | None,
        Option(metavar="RULE", help="Pick of a Pareto front: 'score within 0.01, then fewest labels'."),
    ] = None

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of :func:`altune.rescore`; None is not given."""
        return {**super().arguments(), "prefer": self.prefer}


def rescore(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    scoring: RescoringOptions,
    as_json: AsJson = False,
) -> None:
    """Rank a run's trials by another objective or other prices, from their curves, simulating nothing."""
    from altune.report.texts.rescored import rescored_rows
    from altune.report.texts.tables import table
    from altune.workflows.rescore import rescore as score

    found = score(run, **scoring.arguments())
    print_json(found.to_dict()) if as_json else print(f"{table(rescored_rows(found))}\n\n{found.answer}")
