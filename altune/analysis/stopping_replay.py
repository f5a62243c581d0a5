"""Stopping rules applied to curves that were recorded in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from altune.simulation.objectives import Objective
from altune.simulation.result import Simulation

FEWEST_POINTS = 3


@dataclass(frozen=True, eq=False)
class RuleReplay:
    """What one rule would have done on each block.

    Attributes
    ----------
    name : what the rule is called in the table.
    rule : the rule.
    stops : for each block the point of the curve at which it stopped, None where it never did.
    fired : share of the blocks in which it stopped before the budget did, in [0, 1].
    labels : labels bought by then (all of the trajectory's where it never fired).
    saved : labels that were left.
    kept : score in hand at the stop as a share of the final score.
    value : objective of the curve cut off there.
    correlation : mean over blocks of Pearson's correlation of the rule's statistic with the test score, turned so
        that 1 means that it moves towards the stop as the score rises; None where there is nothing to correlate.
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
    """Every rule on the same full trajectories.

    Attributes
    ----------
    recipe : what was played, its own rule aside.
    rules : one result for each rule.
    excluded : rules that were left out, with the reason.
    curves : the full trajectories, one for each block.
    objective : what is measured.
    """

    recipe: Recipe
    rules: tuple[RuleReplay, ...]
    excluded: Mapping[str, str]
    curves: tuple[LearningCurve, ...]
    objective: Objective

    def __getitem__(self, name: str) -> RuleReplay:
        """Return a rule's result by name."""
        for one in self.rules:
            if one.name == name:
                return one
        raise KeyError(name)

    def rows(self) -> list[dict[str, str | float]]:
        """Return the rows of a table, in the order of the rules."""
        return [
            {
                "rule": one.name,
                "fired": f"{one.fired:.0%}",
                "labels at the stop": _words(one.labels, 0),
                "labels saved": _words(one.saved, 0),
                "score kept": _words(one.kept, 3),
                self.objective.name: _words(one.value, 4),
                "correlation": "-" if one.correlation is None else f"{one.correlation:+.2f}",
            }
            for one in self.rules
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        return {
            "objective": self.objective.name,
            "metric": self.objective.metric,
            "blocks": len(self.curves),
            "rules": [one.to_dict() for one in self.rules],
            "excluded": dict(self.excluded),
        }


def replayed(
    recipe: Recipe, kept: Mapping[str, Stopping], excluded: Mapping[str, str], found: Simulation
) -> StoppingReplay:
    """Return where each rule would have stopped, from full trajectories in which all of them took notes.

    Parameters
    ----------
    recipe : what was played, its own rule aside.
    kept, excluded : what :func:`replayable` returned; the rules noted in the order of ``kept``.
    found : the full trajectories.
    """
    results = [_replayed(name, rule, place, found) for place, (name, rule) in enumerate(kept.items())]
    return StoppingReplay(recipe, tuple(results), excluded, found.curves, found.objective)


def every_rule(recipe: Recipe) -> dict[str, Stopping]:
    """Return every registered rule with its defaults, and the recipe's own as ``recipe`` where it has one."""
    own = {} if recipe.stopping.method == "budget" else {"recipe": recipe.stopping}
    rules = {name: cls.model_validate({}) for name, cls in methods("stopping").items()}
    return own | {name: rule for name, rule in rules.items() if isinstance(rule, Stopping)}


def statistics_of(rule: Criterion, notes: Sequence[Note]) -> NDArray[np.float64]:
    """Return a rule's statistic at each point, NaN where it is not known yet, ``(n_points,)``."""
    values = [rule.statistic(notes[: end + 1]) for end in range(len(notes))]
    return np.array([np.nan if value is None else value for value in values])


def replayable(
    wanted: Mapping[str, Any], recipe: Recipe, facts: Capabilities
) -> tuple[dict[str, Stopping], dict[str, str]]:
    """Return the rules that can be replayed on a recipe, and why the others cannot, by name."""
    kept: dict[str, Stopping] = {}
    excluded: dict[str, str] = {}
    for name, rule in wanted.items():
        problems = method_problems(rule, recipe.model, facts)
        if rule.method == "budget":
            excluded[name] = "it never stops before the budget does"
        elif rule.held_out_rows:
            excluded[name] = "it buys hold-out rows, which changes the run; simulate it by itself"
        elif problems:
            excluded[name] = problems[0]
        else:
            kept[name] = rule
    return kept, excluded


def _replayed(name: str, rule: Stopping, place: int, found: Simulation) -> RuleReplay:
    curves, objective, overlap = found.curves, found.objective, found.overlap
    own = [notes_of(curve.notes, place) for curve in curves]
    # At the last point the budget ends the run whatever a rule says.
    early = [stopping_point(rule, notes[:-1]) for notes in own]
    ends = [len(curve) - 1 if stop is None else stop for stop, curve in zip(early, curves, strict=True)]
    pairs = list(zip(ends, curves, strict=True))
    labels = np.array([curve.labels[end] for end, curve in pairs], dtype=np.float64)
    last = np.array([curve.labels[-1] for curve in curves], dtype=np.float64)
    kept = [_share(curve.scores[objective.metric][[end, -1]]) for end, curve in pairs]
    stopped = [
        curve if stop is None else curve.first(stop + 1, rule.method) for stop, curve in zip(early, curves, strict=True)
    ]
    values = objective.each(stopped, found.references)
    return RuleReplay(
        name=name,
        rule=rule,
        stops=tuple(early),
        fired=float(np.mean([stop is not None for stop in early])),
        labels=mean_interval(labels, overlap=overlap),
        saved=mean_interval(last - labels, overlap=overlap),
        kept=mean_interval(kept, overlap=overlap),
        value=mean_interval(values, overlap=overlap),
        correlation=_correlation(rule, own, [curve.scores[objective.metric] for curve in curves]),
    )


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
    found = []
    for own, score in zip(notes, scores, strict=True):
        statistic = statistics_of(rule, own)
        known = np.isfinite(statistic)
        if known.sum() >= FEWEST_POINTS and np.ptp(statistic[known]) > 0 and np.ptp(score[known]) > 0:
            found.append(float(np.corrcoef(statistic[known], score[known])[0, 1]))
    if not found:
        return None
    return float(np.mean(found)) * (1.0 if rule.grows else -1.0)


def _words(interval: Interval, digits: int) -> str:
    if not np.isfinite(interval.low):
        return f"{interval.mean:.{digits}f}"
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
