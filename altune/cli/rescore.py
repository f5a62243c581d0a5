"""``altune rescore``: another objective or other prices for a run that was played, without simulating."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from typer import Option

from altune.cli.options import AsJson, read_names
from altune.cli.output import print_json


@dataclass(frozen=True, kw_only=True)
class ScoringOptions:
    """What curves are scored by afterwards."""

    section: ClassVar[str] = "What changes"

    objective: Annotated[
        str | None, Option(metavar="NAMES", help="What is bettered, such as aulc; several as aulc,labels.")
    ] = None
    metric: Annotated[str | None, Option(metavar="NAME", help="Any scikit-learn scorer; by default accuracy.")] = None
    risk: Annotated[
        str | None, Option(metavar="RISK", help="How blocks are summed up: mean, quantile:0.1 or cvar:0.2.")
    ] = None
    constraint: Annotated[
        list[str] | None, Option(metavar="BOUND", help="A bound to keep, such as 'labels <= 300'; repeatable.")
    ] = None
    target_score: Annotated[float | None, Option(metavar="SCORE", help="Score to reach, for labels_to_target.")] = None
    over: Annotated[str | None, Option(metavar="WHAT", help="Integrate an area over `labels` or over `cost`.")] = None
    value: Annotated[float | None, Option(metavar="PRICE", help="Worth of a score of 1, for net_value.")] = None
    label_price: Annotated[float | None, Option(metavar="PRICE", help="Price of one label.")] = None
    loop_price: Annotated[float | None, Option(metavar="PRICE", help="Price of one loop.")] = None
    hour_price: Annotated[
        float | None, Option(metavar="PRICE", help="Price of an hour of computing, for net_value.")
    ] = None
    prefer: Annotated[
        str | None,
        Option(metavar="RULE", help="Pick of a Pareto front: 'score within 0.01, then fewest labels'."),
    ] = None

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of :func:`altune.rescoring.rescore`; None is not given."""
        return {
            "objective": read_names(self.objective),
            "metric": self.metric,
            "risk": self.risk,
            "constraints": self.constraint or None,
            "target_score": self.target_score,
            "over": self.over,
            "value": self.value,
            "price_per_label": self.label_price,
            "price_per_loop": self.loop_price,
            "price_per_hour": self.hour_price,
            "prefer": self.prefer,
        }


def rescore(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    scoring: ScoringOptions,
    as_json: AsJson = False,
) -> None:
    """Rank a run's trials by another objective or other prices, from their curves, simulating nothing."""
    from altune.report.texts.rescored import rescored_rows
    from altune.report.texts.tables import table
    from altune.rescoring import rescore as score

    found = score(run, **scoring.arguments())
    print_json(found.to_dict()) if as_json else print(f"{table(rescored_rows(found))}\n\n{found.answer}")
