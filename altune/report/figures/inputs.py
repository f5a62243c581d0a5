"""What figures of a run, a comparison or a simulation show: their numbers, before they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.findings import Findings
from altune.analysis.paired import LabelsSaved
from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.report.amounts import Amounts
from altune.report.words import broken_words, named, search_amounts, search_value_name, value_name
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Direction
from altune.simulation.result import Simulation
from altune.tuning.judging import REFERENCE
from altune.tuning.trials import TrialRecord

Role = Literal["trial", "picked", "baseline", "breaking a bound"]


@dataclass(frozen=True)
class DifferenceRow:
    """The recipe minus one baseline.

    Attributes
    ----------
    name : the baseline's name.
    mean : mean difference over blocks; positive where the recipe has more.
    low, high : ends of the 95 % interval; infinite or None where a single block gives none.
    matched : whether the baseline was played with the recipe's own start and loop sizes.
    p : p value of no difference, in [0, 1], shown when pointed at.
    data : name of the data set, where there are several.
    """

    name: str
    mean: float
    low: float | None
    high: float | None
    matched: bool = False
    p: float | None = None
    data: str = ""


@dataclass(frozen=True)
class FrontAxis:
    """One objective.

    Attributes
    ----------
    name : what is measured, in words.
    amounts : how its numbers are written, and whether less is better.
    """

    name: str
    amounts: Amounts = field(default_factory=Amounts)

    @property
    def direction(self) -> Direction:
        """``minimize`` where less is better, else ``maximize``."""
        return "minimize" if self.amounts.less_is_better else "maximize"


@dataclass(frozen=True)
class FrontPoint:
    """One trial or baseline.

    Attributes
    ----------
    name : ``trial 12``, or the baseline's name.
    values : each objective, in the order of the axes.
    role : ``breaking a bound`` keeps a trial off the front; a ``picked`` one may be on it or not.
    detail : text shown when it is pointed at, such as the recipe in words.
    """

    name: str
    values: tuple[float, ...]
    role: Role = "trial"
    detail: str = ""


BREAKS = "breaks a bound"


@dataclass(frozen=True)
class TrialPoint:
    """One trial of a search.

    Attributes
    ----------
    number : its number in the study, from 0.
    value : the objective over its blocks; of a dropped trial what it seemed to be worth; None where it has none.
    state : ``complete``, or why it does not count: ``dropped``, ``forbidden``, ``failed``, ``running``, ``waiting``.
    detail : text shown when it is pointed at, such as the query strategy's name.
    broken : the bounds that it breaks, in words; empty where it keeps them all.
    """

    number: int
    value: float | None
    state: str = "complete"
    detail: str = ""
    broken: str = ""

    @property
    def shown_state(self) -> str:
        """The state that the figure shows: a complete trial that breaks a bound has one of its own."""
        return BREAKS if self.state == "complete" and self.broken else self.state


class CurveInputs(NamedTuple):
    """Learning curves by name, what they measure, their right end in labels, and the labels that the first saves."""

    curves: Mapping[str, Sequence[LearningCurve]]
    metric: str
    budget: int
    saved: LabelsSaved | None = None


class DifferenceInputs(NamedTuple):
    """Differences, what they are differences of, the number of paired blocks, and how they are written."""

    rows: Sequence[DifferenceRow]
    value: str
    blocks: int
    amounts: Amounts


class HistoryInputs(NamedTuple):
    """Trials, the value of each baseline, what the values are, and how they are written."""

    trials: Sequence[TrialPoint]
    baselines: Mapping[str, float]
    value: str
    amounts: Amounts


class FrontInputs(NamedTuple):
    """Trials and baselines, and the objectives that place them."""

    points: Sequence[FrontPoint]
    axes: Sequence[FrontAxis]


def curves_of(source: Run | RecipeComparison | Simulation, data: str | None = None) -> CurveInputs:
    """Return the learning curves of a confirmed run, a comparison or a simulation.

    Parameters
    ----------
    source : what was played.
    data : name of the data set, of a run on several; by default the first.

    Raises
    ------
    RequestError
        If the run is not confirmed.
    """
    if isinstance(source, RecipeComparison):
        contest = source.contests[0]
        return CurveInputs(contest.curves, contest.objective.metric, contest.budget)
    if isinstance(source, Simulation):
        last = max(int(curve.labels[-1]) for curve in source.curves)
        return CurveInputs({"recipe": source.curves}, source.objective.metric, last)
    findings = confirmed_findings(source, data)
    confirmation = source.confirmations[data or next(iter(source.confirmations))]
    curves = {"confirmed recipe": confirmation.recipe.curves}
    curves |= {name: played.curves for name, played in confirmation.baselines.items()}
    first = next(iter(findings.against.values()))
    saved = first.labels if findings.beats(first.difference) else None
    return CurveInputs(curves, findings.objective.metric, findings.budget, saved)


def differences_of(run: Run) -> DifferenceInputs:
    """Return the recipe minus each baseline, on every data set; matched baselines too where there is one data set.

    Raises
    ------
    RequestError
        If the run is not confirmed.
    """
    findings = confirmed_findings(run)
    several = len(run.all_findings) > 1
    rows = [row for name, one in run.all_findings.items() for row in _difference_rows(one, name if several else "")]
    return DifferenceInputs(rows, value_name(findings), findings.recipe.blocks, Amounts.of(findings.objective))


def history_of(run: Run) -> HistoryInputs:
    """Return what came of each trial."""
    points = [_trial_point(run, trial) for trial in run.trials]
    return HistoryInputs(points, run.record.baseline_values(), search_value_name(run), search_amounts(run))


def front_of(run: Run) -> FrontInputs:
    """Return the trials and baselines of a run by its objectives.

    Raises
    ------
    RequestError
        If the run has one objective.
    """
    objectives = run.scenario.make_objectives()
    if len(objectives) < 2:
        raise RequestError("the run has one objective, and a Pareto front needs two or more")
    axes = [FrontAxis(named(one), Amounts.of(one)) for one in objectives]
    return FrontInputs([*_trial_points(run), *_baseline_points(run)], axes)


def confirmed_findings(run: Run, data: str | None = None) -> Findings:
    """Return the findings of a confirmed run on a data set, by default the first.

    Raises
    ------
    RequestError
        If the run is not confirmed.
    """
    if run.confirmation is None:
        raise RequestError("the run is not confirmed yet, so nothing can be said of it; confirm it first")
    return run.all_findings[data or next(iter(run.all_findings))]


def picked_trial(run: Run) -> int:
    """Return the number of the trial whose recipe was confirmed; before that, of the best of the search."""
    confirmation = run.confirmation
    if confirmation is None:
        return run.best_trial.number
    return confirmation.candidates[confirmation.selected].trial


def _difference_rows(findings: Findings, data: str) -> list[DifferenceRow]:
    rows = []
    for name, one in findings.against.items():
        kinds = ((one.difference, False),) if data else ((one.difference, False), (one.matched, True))
        for difference, matched in kinds:
            rows.append(
                DifferenceRow(name, difference.mean, difference.low, difference.high, matched, difference.p, data)
            )
    return rows


def _trial_point(run: Run, trial: TrialRecord) -> TrialPoint:
    told = [trial.reason] if trial.reason else []
    told += [trial.recipe.query_strategy.method] if trial.recipe is not None else []
    value = _estimate(run, trial) if trial.state == "dropped" else trial.value
    return TrialPoint(trial.number, value, trial.state, "; ".join(told), broken_words(dict(trial.broken)))


def _estimate(run: Run, trial: TrialRecord) -> float | None:
    """Return what a dropped trial seemed to be worth when it was given up."""
    seen = run.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    if seen:
        return float(seen[max(seen)])
    return sum(trial.values) / len(trial.values) if trial.values else None


def _trial_points(run: Run) -> list[FrontPoint]:
    picked = picked_trial(run)
    return [
        FrontPoint(
            f"trial {trial.number}",
            trial.objectives,
            "breaking a bound" if not trial.feasible else "picked" if trial.number == picked else "trial",
            trial.recipe.describe() if trial.recipe is not None else "",
        )
        for trial in run.trials
        if trial.objectives
    ]


def _baseline_points(run: Run) -> list[FrontPoint]:
    played = run.baselines
    references = played[REFERENCE].curves
    return [
        FrontPoint(
            name,
            tuple(one.over_blocks(one.each(own.curves, references)) for one in run.scenario.make_objectives()),
            "baseline",
            own.recipe.describe(),
        )
        for name, own in played.items()
    ]
