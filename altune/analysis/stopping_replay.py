"""Stopping rules replayed on trajectories to the end of the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.core.needs import Capabilities
from altune.core.registry import methods
from altune.knobs.stopping import Criterion, Note, Stopping, notes_of, stopping_point
from altune.numerics.statistics import Interval, mean_interval
from altune.recipes.recipe import Recipe
from altune.recipes.requirements import method_problems
from altune.simulation.curve import LearningCurve
from altune.simulation.intervals import estimated_mean
from altune.simulation.objectives import Objective
from altune.simulation.result import Simulation

FEWEST_POINTS = 3


@dataclass(frozen=True, eq=False)
class RuleReplay:
    """What one rule would have done on each block.

    Attributes
    ----------
    name : name of the rule in the table.
    rule : the rule.
    stops : for each block the index of the point of the curve at which the rule stopped, None if it never did.
    fired : share of the blocks on which it stopped before the budget did, in [0, 1].
    labels : labels bought at the stop, or at the end if it never stopped.
    saved : labels not bought.
    kept : score at the stop as a share of the final score.
    value : objective of the curve up to the stop.
    correlation : Pearson's correlation of the rule's statistic with the test score, mean over blocks; its sign is such
        that 1 means that the statistic moves towards the stop as the score rises. None if it cannot be computed.
    """

    name: str
    rule: Stopping
    stops: tuple[int | None, ...]
    fired: float
    labels: Interval
    saved: Interval
    kept: Interval
    value: Interval
    correlation: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        intervals = {name: getattr(self, name).to_dict() for name in ("labels", "saved", "kept", "value")}
        return {
            "name": self.name,
            "rule": self.rule.to_dict(),
            "stops": list(self.stops),
            "fired": self.fired,
            **intervals,
            "correlation": self.correlation,
        }


@dataclass(frozen=True, eq=False)
class StoppingReplay:
    """Rules replayed on the same full trajectories.

    Attributes
    ----------
    recipe : the recipe that was played; its own rule was ignored.
    rules : the result of each rule.
    excluded : rules that cannot be replayed, with the reason.
    curves : the full trajectories, one for each block.
    objective : what is measured.
    """

    recipe: Recipe
    rules: tuple[RuleReplay, ...]
    excluded: Mapping[str, str]
    curves: tuple[LearningCurve, ...]
    objective: Objective

    def __getitem__(self, name: str) -> RuleReplay:
        """Return the result of a rule by name."""
        for result in self.rules:
            if result.name == name:
                return result
        raise KeyError(name)

    def rows(self) -> list[dict[str, str | float]]:
        """Return the rows of a table, in the order of the rules."""
        return [
            {
                "rule": result.name,
                "fired": f"{result.fired:.0%}",
                "labels at the stop": _words(result.labels, 0),
                "labels saved": _words(result.saved, 0),
                "score kept": _words(result.kept, 3),
                self.objective.name: _words(result.value, 4),
                "correlation": "-" if result.correlation is None else f"{result.correlation:+.2f}",
            }
            for result in self.rules
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        return {
            "objective": self.objective.name,
            "metric": self.objective.metric,
            "blocks": len(self.curves),
            "rules": [result.to_dict() for result in self.rules],
            "excluded": dict(self.excluded),
        }


def replayed(
    recipe: Recipe, rules: Mapping[str, Stopping], excluded: Mapping[str, str], simulation: Simulation
) -> StoppingReplay:
    """Return where each rule would have stopped, from full trajectories in which all rules took notes.

    Parameters
    ----------
    recipe : the recipe that was played; its own rule was ignored.
    rules, excluded : the result of :func:`replayable`; the rules took notes in the order of ``rules``.
    simulation : the full trajectories.
    """
    results = [_replayed(name, rule, index, simulation) for index, (name, rule) in enumerate(rules.items())]
    return StoppingReplay(recipe, tuple(results), excluded, simulation.curves, simulation.objective)


def every_rule(recipe: Recipe) -> dict[str, Stopping]:
    """Return every registered rule with its defaults, and the recipe's own rule as ``recipe`` if it has one."""
    of_recipe = {} if recipe.stopping.method == "budget" else {"recipe": recipe.stopping}
    rules = {name: cls.model_validate({}) for name, cls in methods("stopping").items()}
    return of_recipe | {name: rule for name, rule in rules.items() if isinstance(rule, Stopping)}


def statistics_of(rule: Criterion, notes: Sequence[Note]) -> NDArray[np.float64]:
    """Return the statistic of a rule at each point, NaN before it can be computed, ``(n_points,)``."""
    values = [rule.statistic(notes[: end + 1]) for end in range(len(notes))]
    return np.array([np.nan if value is None else value for value in values])


def replayable(
    wanted: Mapping[str, Any], recipe: Recipe, capabilities: Capabilities
) -> tuple[dict[str, Stopping], dict[str, str]]:
    """Return the rules that can be replayed on a recipe, and why the others cannot, by name."""
    kept: dict[str, Stopping] = {}
    excluded: dict[str, str] = {}
    for name, rule in wanted.items():
        problems = method_problems(rule, recipe.model, capabilities)
        if rule.method == "budget":
            excluded[name] = "it never stops before the budget does"
        elif rule.held_out_rows:
            excluded[name] = "it buys hold-out rows, which changes the trajectory; simulate it instead"
        elif problems:
            excluded[name] = problems[0]
        else:
            kept[name] = rule
    return kept, excluded


def _replayed(name: str, rule: Stopping, index: int, simulation: Simulation) -> RuleReplay:
    curves, objective, overlap = simulation.curves, simulation.objective, simulation.overlap
    notes = [notes_of(curve.notes, index) for curve in curves]
    # At the last point the budget ends the trajectory, whatever the rule says.
    stops = [stopping_point(rule, of_curve[:-1]) for of_curve in notes]
    ends = [len(curve) - 1 if stop is None else stop for stop, curve in zip(stops, curves, strict=True)]
    pairs = list(zip(ends, curves, strict=True))
    labels = np.array([curve.labels[end] for end, curve in pairs], dtype=np.float64)
    last = np.array([curve.labels[-1] for curve in curves], dtype=np.float64)
    kept = [_share(curve.scores[objective.metric][[end, -1]]) for end, curve in pairs]
    stopped = [
        curve if stop is None else curve.first(stop + 1, rule.method) for stop, curve in zip(stops, curves, strict=True)
    ]
    return RuleReplay(
        name=name,
        rule=rule,
        stops=tuple(stops),
        fired=float(np.mean([stop is not None for stop in stops])),
        labels=_over_blocks(labels, overlap, float(last.max())),
        saved=_over_blocks(last - labels, overlap, float(last.max())),
        kept=_over_blocks(np.array(kept), overlap, np.inf),
        value=estimated_mean(objective, stopped, simulation.references, overlap),
        correlation=_correlation(rule, notes, [curve.scores[objective.metric] for curve in curves]),
    )


def _over_blocks(values: NDArray[np.float64], overlap: float, most: float) -> Interval:
    """Return the mean of values that depend on the blocks alone; without an interval where all are equal.

    Equal values say little: the rule that never fired on these blocks may fire on the next one.
    """
    interval = mean_interval(values, overlap=overlap).within(0.0, most)
    return interval if np.ptp(values) else replace(interval, low=-np.inf, high=np.inf)


def _share(scores: NDArray[np.float64]) -> float:
    at_stop, final = scores.tolist()
    if final == 0:
        return 1.0 if at_stop == 0 else 0.0
    return float(at_stop / final)


def _correlation(
    rule: Stopping, notes: Sequence[Sequence[Note]], scores: Sequence[NDArray[np.float64]]
) -> float | None:
    if not isinstance(rule, Criterion):
        return None
    correlations = []
    for of_curve, score in zip(notes, scores, strict=True):
        statistic = statistics_of(rule, of_curve)
        known = np.isfinite(statistic)
        if known.sum() >= FEWEST_POINTS and np.ptp(statistic[known]) > 0 and np.ptp(score[known]) > 0:
            correlations.append(float(np.corrcoef(statistic[known], score[known])[0, 1]))
    if not correlations:
        return None
    return float(np.mean(correlations)) * (1.0 if rule.grows else -1.0)


def _words(interval: Interval, digits: int) -> str:
    if not np.isfinite(interval.low):
        return f"{interval.mean:.{digits}f}"
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
