"""The numbers of each figure of a run, an ablation, or an examined or replayed recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from altune.analysis.ablation import Ablation
from altune.analysis.findings import Findings
from altune.analysis.importance.effects import Effects
from altune.analysis.importance.knob_importance import KnobImportance
from altune.analysis.label_counts import LabelsSaved
from altune.analysis.loops.facts import LoopFacts, StoppingFacts
from altune.analysis.loops.stopping import stopping_facts
from altune.analysis.run import Run
from altune.analysis.stopping_replay import StoppingReplay
from altune.core.errors import RequestError
from altune.core.text import counted
from altune.report.amounts import Amounts
from altune.report.figures.points import Confirmed, DifferenceRow, FrontAxis, FrontPoint, PlayedRow, TrialPoint
from altune.report.words import (
    explained_value_name,
    named,
    search_amounts,
    search_value_name,
    violation_words,
)
from altune.simulation.curve import LearningCurve
from altune.tuning.judging import REFERENCE
from altune.tuning.trials import TrialRecord


class EffectInputs(NamedTuple):
    """Marginals, the name of the objective, and how its values are written."""

    effects: Effects
    value: str
    amounts: Amounts


def curves_of(
    run: Run, data: str | None = None
) -> tuple[dict[str, Sequence[LearningCurve]], str, int, LabelsSaved | None]:
    """Return the learning curves of a confirmed run by name, their metric, the budget, and the labels saved.

    The curves are of a data set, by default the first. Labels are saved only if that is shown and the recipe
    beats the first baseline.
    """
    findings = confirmed_findings(run, data)
    reports = {**run.away, **run.confirmations}
    confirmation = reports[data or next(iter(run.confirmations))]
    curves: dict[str, Sequence[LearningCurve]] = {"confirmed recipe": confirmation.recipe.curves}
    curves |= {name: played.curves for name, played in confirmation.baselines.items()}
    first = next(iter(findings.against.values()))
    saved = first.labels if findings.beats(first.difference) and first.labels.shown else None
    return curves, findings.objective.metric, findings.budget, saved


def differences_of(run: Run) -> tuple[list[DifferenceRow], str, int, Amounts]:
    """Return a confirmed run minus each baseline, the objective, the number of blocks, and how numbers are written.

    The rows are of every data set; with one data set they are of the matched baselines too.
    """
    first = confirmed_findings(run)
    several = len(run.all_findings) > 1
    rows = [
        DifferenceRow(name, difference.mean, *difference.together, matched, difference.p, data if several else "")
        for data, findings in run.all_findings.items()
        for name, against in findings.others.items()
        for difference, matched in ((against.difference, False), (against.matched, True))
        if not (several and matched)
    ]
    return rows, named(first.objective), first.recipe.blocks, Amounts.of(first.objective)


def transfer_of(run: Run) -> tuple[list[DifferenceRow], str, Amounts]:
    """Return a run minus each baseline at home and away, the objective, and how numbers are written.

    The rows are grouped by baseline. Of several data sets away there is a row of all of them together.

    Raises
    ------
    RequestError
        If the run was not confirmed on data sets that no trial saw.
    """
    transfer = run.transfer
    if transfer is None:
        raise RequestError("the run was not confirmed on other data; repeat it with confirm_on (--confirm-on)")
    together = transfer.differences(transfer.away) if len(transfer.away) > 1 else {}
    rows = []
    for name in transfer.baselines:
        sides = [(f"at home, {data}", findings.against[name].difference) for data, findings in transfer.home.items()]
        sides += [(data, findings.against[name].difference) for data, findings in transfer.away.items()]
        sides += [("these together", together[name])] if together else []
        rows += [DifferenceRow(name, of.mean, *of.together, False, of.p, data) for data, of in sides]
    return rows, named(transfer.first.objective), Amounts.of(transfer.first.objective)


def history_of(run: Run) -> tuple[list[TrialPoint], Mapping[str, float], str, Amounts]:
    """Return the trials of a run, the value of each baseline, the objective, and how its values are written."""
    points = [_trial_point(run, trial) for trial in run.trials]
    return points, run.record.baseline_values(), search_value_name(run), search_amounts(run)


def plays_of(run: Run) -> tuple[list[PlayedRow], list[float], str, Amounts]:
    """Return recipes and baselines with their plays, the value of an average recipe on each search block, the name of
    the value, and how it is written.

    Raises
    ------
    RequestError
        If every trial was played on the same blocks.
    """
    record, standing = run.record, run.record.standing()
    if standing is None:
        if record.search_blocks.by_merit:
            raise RequestError("there is nothing to plot: no recipe was played yet")
        raise RequestError(
            "every trial of the run was played on the same blocks; the figure is of a search that plays a recipe on "
            "more blocks the better it does"
        )
    sign, model = run.objective.sign, standing.model
    confirmed = _confirmed(run)
    rows: dict[str, PlayedRow] = {}

    def add(
        key: str, name: str, values: Sequence[float], positions: tuple[int, ...], baseline: bool, detail: str
    ) -> None:
        at = standing.rows[key]
        mean, error = sign * float(model.mean[at]), float(model.variance[at]) ** 0.5
        rows[key] = PlayedRow(name, mean, error, tuple(values), baseline, confirmed.get(key, ""), detail, positions)

    for trial in run.trials:
        key = "" if trial.recipe is None else trial.recipe.digest()
        if trial.recipe is not None and key in standing.rows and key not in rows:
            add(key, f"trial {trial.number}", trial.values, trial.positions, False, trial.recipe.describe())
    for name, values in record.baseline_blocks().items():
        add(name, name, values, (), True, run.baselines[name].recipe.describe())
    means = [sign * float(effect) for effect in model.block_effects]
    return list(rows.values()), means, search_value_name(run), search_amounts(run)


def front_of(run: Run) -> tuple[list[FrontPoint], list[FrontAxis]]:
    """Return the trials and baselines of a run of several objectives, and these objectives."""
    objectives = run.scenario.make_objectives()
    if len(objectives) < 2:
        raise RequestError("the run has one objective, and a Pareto front needs two or more")
    axes = [FrontAxis(named(objective), Amounts.of(objective)) for objective in objectives]
    return [*_trial_points(run), *_baseline_points(run)], axes


def importance_of(source: Run | KnobImportance) -> KnobImportance:
    """Return the importance of a run's knobs; importance itself is returned as it is."""
    return source.importance() if isinstance(source, Run) else source


def effects_of(source: Run | Effects, value: str | None, amounts: Amounts | None) -> EffectInputs:
    """Return the marginals of a run with the name of its objective, unless ``value`` and ``amounts`` are given."""
    if isinstance(source, Run):
        return EffectInputs(source.effects(), value or explained_value_name(source), amounts or search_amounts(source))
    return EffectInputs(source, value or "objective", amounts or Amounts())


def ablation_of(source: Run | Ablation, data: str | None = None) -> Ablation:
    """Return the ablation of a run on a data set, by default the first; an ablation is returned as it is."""
    if isinstance(source, Ablation):
        return source
    ablations = source.ablations
    if not ablations:
        raise RequestError("the run has no ablation; run.ablate() plays it after the confirmation")
    if data is not None and data not in ablations:
        raise RequestError(f"no data set {data!r} in the run; it has {', '.join(ablations)}")
    return ablations[data] if data is not None else next(iter(ablations.values()))


def loops_of(source: Run | LoopFacts) -> LoopFacts:
    """Return the loops of a run's confirmed recipe on the first data set; loops are returned as they are."""
    loops = source.loops if isinstance(source, Run) else source
    if isinstance(loops, LoopFacts):
        return loops
    raise RequestError("the run was not examined: it is not confirmed yet, or an older altune made it")


def stopping_of(source: StoppingReplay | LoopFacts) -> tuple[StoppingFacts, str]:
    """Return where each rule would have stopped, and the metric of the learning curve."""
    if isinstance(source, StoppingReplay):
        return stopping_facts(source), source.objective.metric
    if source.stopping is None:
        raise RequestError("no stopping rule could be replayed on the recipe, so there is nothing to plot")
    return source.stopping, source.metric


def confirmed_findings(run: Run, data: str | None = None) -> Findings:
    """Return the findings of a confirmed run on a data set, also on one that no trial saw; by default the first."""
    if run.confirmation is None:
        raise RequestError("the run is not confirmed yet; run.confirm() confirms it")
    return {**run.away_findings, **run.all_findings}[data or next(iter(run.all_findings))]


def picked_trial(run: Run) -> int | None:
    """Return the number of the selected trial, None for a baseline; before the confirmation, of the best trial."""
    confirmation = run.confirmation
    if confirmation is None:
        return run.best_trial.number
    return confirmation.candidates[confirmation.selected].trial


def _confirmed(run: Run) -> dict[str, Confirmed]:
    """Return the candidates of the confirmation by the key of the recipe; of baselines only one that is selected."""
    confirmation = run.confirmation
    if confirmation is None:
        return {}
    return {
        candidate.baseline or candidate.played.recipe.digest(): (
            "selected" if position == confirmation.selected else "candidate"
        )
        for position, candidate in enumerate(confirmation.candidates)
        if not candidate.baseline or position == confirmation.selected
    }


def _trial_point(run: Run, trial: TrialRecord) -> TrialPoint:
    detail = [trial.reason] if trial.reason else []
    detail += [f"± {search_amounts(run).exact.text(trial.error)}"] if trial.error is not None else []
    detail += [counted(len(trial.values), "block")] if run.record.search_blocks.by_merit else []
    detail += [trial.recipe.query_strategy.method] if trial.recipe is not None else []
    value = _estimate(run, trial) if trial.state == "dropped" else trial.value
    return TrialPoint(trial.number, value, trial.state, "; ".join(detail), violation_words(trial.violations))


def _estimate(run: Run, trial: TrialRecord) -> float | None:
    """Return the estimate of a dropped trial when it was dropped."""
    estimates = run.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    if estimates:
        return float(estimates[max(estimates)])
    return sum(trial.values) / len(trial.values) if trial.values else None


def _trial_points(run: Run) -> list[FrontPoint]:
    picked = picked_trial(run)
    return [
        FrontPoint(
            f"trial {trial.number}",
            trial.objectives,
            "infeasible" if not trial.feasible else "picked" if trial.number == picked else "trial",
            trial.recipe.describe() if trial.recipe is not None else "",
        )
        for trial in run.trials
        if trial.objectives
    ]


def _baseline_points(run: Run) -> list[FrontPoint]:
    baselines, objectives = run.baselines, run.scenario.make_objectives()
    references = baselines[REFERENCE].curves
    return [
        FrontPoint(
            name,
            tuple(objective.over_blocks(objective.each(played.curves, references)) for objective in objectives),
            "baseline",
            played.recipe.describe(),
        )
        for name, played in baselines.items()
    ]
