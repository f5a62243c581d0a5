"""``altune importance``: how much each knob explains of the values that a run has reached."""

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
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    confidence: Annotated[float, typer.Option(metavar="P", help="Confidence level of the intervals.")] = 0.95,
    stock: Annotated[
        bool, typer.Option("--stock", help="Show the importance by Optuna's own evaluators as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how much each knob explains of the values that the trials of a run have reached.

    The stored trials are enough; nothing is simulated.
    """
    from altune.report.texts.importance import importance_dict, importance_text
    from altune.workflows.open_run import open_run

    opened = open_run(run)
    shares = opened.importance(confidence=confidence)
    by_optuna = _stock(opened) if stock else None
    print_json(importance_dict(shares, by_optuna)) if as_json else print(importance_text(shares, by_optuna))


def _stock(run: Run) -> Stock:
    """Return the importance by each of Optuna's evaluators, or why it cannot be computed."""
    from altune.analysis.importance.optuna import EVALUATORS, optuna_importance, study_by_recipe
    from altune.core.errors import WorkError

    study = study_by_recipe(run.study, run.trials)
    shares: dict[str, dict[str, float] | str] = {}
    for name in EVALUATORS:
        try:
            shares[name] = optuna_importance(study, name)
        except WorkError as error:
            shares[name] = str(error)
    return shares
