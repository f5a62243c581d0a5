"""The envelope of all finished trials, which decides at a rung whether a trial could still win."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from altune.simulation.curve import LearningCurve, log_axis
from altune.simulation.objectives.kinds import Axis
from altune.simulation.trajectory import PAUSED

Array = NDArray[np.float64]


class Envelope:
    """Best score of any finished trial at each label count, block by block.

    Learning curves cross, so the order of two trials at a rung says little about their order at the end. A trial is
    therefore dropped only if it would lose even if it rose at once to the best score that was ever seen.

    Curves are given as one list for each trial, in the order of the usual blocks.

    Parameters
    ----------
    budgets : label budget on each block.
    metrics : metric on each block.
    joined : axis on which the objective joins the points of a curve by straight lines; None if it holds each score.
    """

    def __init__(self, budgets: Sequence[int], metrics: Sequence[str], joined: Axis | None = None) -> None:
        self._highest = [np.full(budget + 1, -np.inf) for budget in budgets]
        self._metrics = list(metrics)
        self._joined = joined

    @property
    def known(self) -> bool:
        """Whether a finished trial was seen on every block."""
        return bool(self._highest) and all(np.isfinite(highest[-1]) for highest in self._highest)

    def see(self, curves: Sequence[LearningCurve]) -> None:
        """Add the curves of a finished trial."""
        for position, curve in enumerate(curves):
            self._highest[position] = np.maximum(self._highest[position], self._scores(position, curve))

    def completed(self, curves: Sequence[LearningCurve]) -> list[LearningCurve]:
        """Return the curves of a paused trial with the best continuation that they could have."""
        return [
            self._continued(position, curve, np.maximum(self._highest[position], self._last_score(position, curve)))
            for position, curve in enumerate(curves)
        ]

    def expected(self, curves: Sequence[LearningCurve], best: Sequence[LearningCurve]) -> list[LearningCurve]:
        """Return the curves of a paused trial, continued at a constant distance to the best trial.

        Parameters
        ----------
        curves : curves of the paused trial.
        best : curves of the best trial.
        """
        continued = []
        for position, curve in enumerate(curves):
            scores = self._scores(position, best[position])
            at_pause = scores[int(curve.labels[-1])]
            continued.append(self._continued(position, curve, scores + self._last_score(position, curve) - at_pause))
        return continued

    def _last_score(self, position: int, curve: LearningCurve) -> float:
        return float(curve.scores[self._metrics[position]][-1])

    def _scores(self, position: int, curve: LearningCurve) -> Array:
        """Return the score at each label count from 0 to the budget, as the objective sees it."""
        counts, metric = np.arange(len(self._highest[position])), self._metrics[position]
        if self._joined is None:
            return curve.at(counts, metric)
        at = log_axis if self._joined == "log" else np.asarray
        points = np.concatenate([[0], curve.labels]), np.concatenate([[curve.prior[metric]], curve.scores[metric]])
        scores: Array = np.interp(at(counts), at(points[0]), points[1])
        return scores

    def _continued(self, position: int, curve: LearningCurve, scores: Array) -> LearningCurve:
        """Return a paused curve, continued by the given scores at each label count; an ended curve is unchanged."""
        if curve.stopped != PAUSED:
            return curve
        metric, n_labels = self._metrics[position], int(curve.labels[-1])
        return replace(
            curve,
            labels=np.concatenate([curve.labels, np.arange(n_labels + 1, len(scores))]),
            scores={**curve.scores, metric: np.concatenate([curve.scores[metric], scores[n_labels + 1 :]])},
        )
