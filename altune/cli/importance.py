"""``altune importance``: how much of what was gained or lost in a run each knob explains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from altune.cli.options import AsJson
from altune.cli.output import print_json

if TYPE_CHECKING:
    from altune.analysis.run import Run
    from altune.report.texts.importance import Stock


def importance(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    confidence: Annotated[float, typer.Option(metavar="P", help="Coverage of the intervals.")] = 0.95,
    stock: Annotated[bool, typer.Option("--stock", help="Show Optuna's own evaluators beside it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say how much of what was gained or lost in a run each knob explains, from its trials, simulating nothing."""
    from altune.report.texts.importance import importance_dict, importance_text
    from altune.workflows.open_run import open_run

    opened = open_run(run)
    found = opened.importance(confidence=confidence)
    beside = _stock(opened) if stock else None
    print_json(importance_dict(found, beside)) if as_json else print(importance_text(found, beside))


def _stock(run: Run) -> Stock:
    """Return what each of Optuna's evaluators says, or why one says nothing."""
    from altune.analysis.importance.optuna import EVALUATORS, optuna_importance
    from altune.core.errors import WorkError

    found: dict[str, dict[str, float] | str] = {}
    for name in EVALUATORS:
        try:
            found[name] = optuna_importance(run.study, name)
        except WorkError as error:
            found[name] = str(error)
    return found
