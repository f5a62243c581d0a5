"""rescore(): rank the trials of a run by another objective, without simulating."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from altune.analysis.rescoring.rescoring import Rescoring
from altune.analysis.rescoring.result import Rescored
from altune.analysis.run import Run
from altune.core.arguments import plain_arguments
from altune.core.errors import RequestError
from altune.workflows.open_run import open_run


@plain_arguments()
def rescore(
    run: Run | str | Path,
    *,
    objective: str | Sequence[str] | None = None,
    metric: str | None = None,
    risk: str | None = None,
    target_score: float | None = None,
    constraints: Sequence[str] | None = None,
    over: str | None = None,
    value: float | None = None,
    price_per_label: float | None = None,
    price_per_loop: float | None = None,
    price_per_hour: float | None = None,
    prefer: str | None = None,
) -> Rescored:
    """Rank the trials of a run by another objective or other prices, without simulating. The run does not change.

    Parameters
    ----------
    run : run or its folder.
    objective, metric, risk, target_score, constraints, over, value : new values of these fields of the scenario; None
        keeps a field. The metric must be one that the run has recorded: its own or one of ``also``.
    price_per_label, price_per_loop : new prices. Prices of annotators, reviews, classes and difficulty do not change.
    price_per_hour : price of one hour of computing, for ``net_value``.
    prefer : rule that picks one trial from several objectives; by default that of the run if the objectives stay.

    Returns
    -------
    Rescored

    Raises
    ------
    RequestError
        If nothing is changed, there is no run, or the change is wrong or needs data that was not recorded.
    WorkError
        If no trial can be rescored.

    Examples
    --------
    >>> rescored = altune.rescore("runs/mine", objective="net_value", value=500, price_per_loop=5)  # doctest: +SKIP
    >>> rescored.trials[0].number  # doctest: +SKIP
    17
    """
    fields = {
        "objective": list(objective) if objective is not None and not isinstance(objective, str) else objective,
        "metric": metric,
        "risk": risk,
        "target_score": target_score,
        "constraints": None if constraints is None else list(constraints),
        "over": over,
        "value": value,
        "price_per_label": price_per_label,
        "price_per_loop": price_per_loop,
        "price_per_hour": price_per_hour,
    }
    given = {name: new for name, new in fields.items() if new is not None}
    if not given and prefer is None:
        raise RequestError("nothing to rescore by: give an objective, a metric, a price or another change")
    opened = run if isinstance(run, Run) else open_run(run)
    return Rescoring(opened.record, opened.folder, given, prefer).result()
