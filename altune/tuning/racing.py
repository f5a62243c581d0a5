"""Where simulations are spent: what lets a trial be given up early, and which trials are looked at more closely.

All of it is opt-in. Every decision of a batch is made from the trials of earlier batches alone, so a search stays the
same however many processes play it, and however often it is interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import digamma, polygamma

from altune.core.errors import RequestError
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import KINDS
from altune.simulation.trajectory import PAUSED

Array = NDArray[np.float64]
FEWEST_BLOCKS = 5
FEWEST_KNOWN = 8
LOOKS = (0.2, 0.4, 0.6)
LEADERS = 5
_NEWTON_STEPS = 50
_FLOOR = 1e-5
_ALIKE = 1e4


@dataclass(frozen=True)
class Racing:
    """What is spent on a trial.

    Parameters
    ----------
    racing : the most probability with which a trial as good as the best may be dropped over all looks at it, in
        (0, 0.5]; 0 plays every trial on every block.
    rungs : shares of the budget, increasing, at which a trial is dropped that could not win any more; empty for none.
    leader_blocks : further blocks for trials that come among the best; 0 for none.
    replay : whether recipes that differ in their stopping rule alone are played once, where the space allows it.
    """

    racing: float = 0.0
    rungs: tuple[float, ...] = ()
    leader_blocks: int = 0
    replay: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.racing <= 0.5:
            raise RequestError(f"racing takes a probability in (0, 0.5], or 0 for none, not {self.racing}")
        if any(not 0 < share < 1 for share in self.rungs) or list(self.rungs) != sorted(set(self.rungs)):
            raise RequestError(f"rungs are increasing shares of the budget in (0, 1), not {list(self.rungs)}")
        if self.leader_blocks < 0:
            raise RequestError(f"leader_blocks must be 0 or more, not {self.leader_blocks}")

    def check(self, blocks: int, objectives: Sequence[str], over: str, risk: str) -> None:
        """Refuse what cannot be done with so many blocks and these objectives.

        Raises
        ------
        RequestError
            Saying what would do.
        """
        if self.racing and blocks < FEWEST_BLOCKS:
            raise RequestError(f"racing needs {FEWEST_BLOCKS} search blocks or more, not {blocks}: give --blocks")
        drops = "racing" if self.racing else "a rung" if self.rungs else "a leader's block"
        if (self.racing or self.rungs or self.leader_blocks) and (len(objectives) > 1 or risk != "mean"):
            raise RequestError(f"{drops} needs one objective and the mean over blocks; leave it out, or them")
        if self.rungs and (not KINDS[objectives[0]].prefix or over != "labels"):
            raise RequestError(
                f"rungs need an area over labels, of which a part is known early; {objectives[0]} over {over} is none"
            )

    def looks(self, n_blocks: int, data_sets: int = 1) -> list[int]:
        """Return after how many places a trial is looked at before it was played on all of them.

        The last look leaves enough places on which the rival can be chosen, see :meth:`loses_race`.

        Parameters
        ----------
        n_blocks : blocks of each data set.
        data_sets : number of data sets. Looks come after whole rounds of them, which treat all data sets alike.

        Examples
        --------
        >>> Racing(racing=0.1).looks(5), Racing(racing=0.1).looks(10), Racing(racing=0.1).looks(3, data_sets=2)
        ([1, 2, 3], [2, 4, 6], [2, 4])
        """
        if not self.racing:
            return []
        after = dict.fromkeys(max(1, round(share * n_blocks)) for share in LOOKS)
        return [data_sets * count for count in after if count < n_blocks]

    def loses_race(self, own: Array, known: Array, looks: int) -> bool:
        """Return whether a trial is clearly worse than the best of the finished ones, on the places it was played on.

        A one-sided paired test at the level ``racing`` shared out over all looks (Bonferroni), so that a trial as good
        as the best is dropped with at most that probability over all of them together. Two things make it hold, and
        strong, after a block or two. The rival is the finished trial that is best on the places *still to come*: one
        chosen on those played would owe part of its lead to luck there (the winner's curse), and dropped 25 % of the
        equally good trials at a level of 10 %. And the noise of a difference is known from all finished trials, not
        from these few values alone, see :func:`paired_noise`.

        Parameters
        ----------
        own : values on the first places, more being better, ``(n_played,)``.
        known : values of different finished trials on all places, ``(n_trials, n_places)``.
        looks : looks in all.
        """
        played = len(own)
        if len(known) < FEWEST_KNOWN or played >= known.shape[1]:
            return False
        rival = int(known[:, played:].mean(axis=1).argmax())
        difference = own - known[rival, :played]
        return bool(difference.mean() < 0 and paired_noise(known, rival).chance(difference) < self.racing / looks)


@dataclass(frozen=True)
class Noise:
    """What is known beforehand of the variance of a paired difference between two trials on one place.

    Attributes
    ----------
    variance : its usual size.
    freedom : how many degrees of freedom that knowledge is worth, above 0.
    """

    variance: float
    freedom: float

    def chance(self, difference: Array) -> float:
        """Return the probability of differences so low, or lower, between trials that are equally good.

        The moderated t statistic: the variance is a mean of the usual one and that of the differences themselves,
        weighted by their degrees of freedom.
        """
        own = len(difference) - 1
        spread = float(difference.var(ddof=1)) if own else 0.0
        variance = (self.freedom * self.variance + own * spread) / (self.freedom + own)
        if variance == 0:
            return float(difference.mean() >= 0)
        return float(stats.t.cdf(difference.mean() / np.sqrt(variance / len(difference)), self.freedom + own))


def paired_noise(values: Array, rival: int) -> Noise:
    """Return the noise of differences of a new trial to one of those that were played on the same places before.

    What is left of the values without means of trials and of places is noise. How far trials differ in theirs says how
    much is known of a new one's (empirical Bayes by moments, Smyth, Statistical Applications in Genetics and Molecular
    Biology 3(1), 2004). The rival's own counts too: the one that comes out best is likely a noisy one.

    Parameters
    ----------
    values : ``(n_trials, n_places)``, three trials or more on two places or more.
    rival : row of the trial that the new one is compared to.
    """
    trials, places = values.shape
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    freedom = (places - 1) * (trials - 1) / trials
    own = (rest**2).sum(axis=1) / freedom
    usual, prior = _usual_variance(own, freedom)
    of_rival = (prior * usual + freedom * float(own[rival])) / (prior + freedom)
    return Noise(usual + of_rival, prior)


def _usual_variance(variances: Array, freedom: float) -> tuple[float, float]:
    """Return the usual one of estimated variances, and how many degrees of freedom knowing it is worth."""
    middle = float(np.median(variances))
    if middle == 0:
        return float(variances.mean()), freedom
    logs = np.log(np.maximum(variances, _FLOOR * middle)) - digamma(freedom / 2) + np.log(freedom / 2)
    excess = float(logs.var(ddof=1) - polygamma(1, freedom / 2))
    prior = _ALIKE if excess <= 0 else min(2 * inverse_trigamma(excess), _ALIKE)
    return float(np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2))), prior


def inverse_trigamma(value: float) -> float:
    """Return where the trigamma function takes a positive value; Newton's steps on its reciprocal never overshoot."""
    found = 0.5 + 1 / value
    for _ in range(_NEWTON_STEPS):
        slope = float(polygamma(1, found))
        step = slope * (1 - slope / value) / float(polygamma(2, found))
        found += step
        if abs(step) < 1e-8 * found:
            break
    return found


class Envelope:
    """The best score that any finished trial had at each label count, place by place.

    It guards rungs against curves that cross: a trial is dropped only if it would lose even by rising at once to the
    best that was ever seen.

    Parameters
    ----------
    budgets : labels of the budget on each place.
    metrics : the metric on each place.
    joined : whether the objective joins the points of a curve by lines, instead of holding each score.
    """

    def __init__(self, budgets: Sequence[int], metrics: Sequence[str], joined: bool = False) -> None:
        self._highest = [np.full(budget + 1, -np.inf) for budget in budgets]
        self._metrics = list(metrics)
        self._joined = joined

    @property
    def known(self) -> bool:
        """Whether a finished trial was seen on every place."""
        return bool(self._highest) and all(np.isfinite(highest[-1]) for highest in self._highest)

    def see(self, curves: Sequence[LearningCurve]) -> None:
        """Take note of a finished trial, a curve for each place."""
        for place, curve in enumerate(curves):
            self._highest[place] = np.maximum(self._highest[place], self._line(place, curve))

    def completed(self, curves: Sequence[LearningCurve]) -> list[LearningCurve]:
        """Return curves with the best rest that those which pause could have."""
        return [
            self._going_on(place, curve, np.maximum(self._highest[place], curve.scores[self._metrics[place]][-1]))
            for place, curve in enumerate(curves)
        ]

    def expected(self, curves: Sequence[LearningCurve], best: Sequence[LearningCurve]) -> list[LearningCurve]:
        """Return curves with the rest that those which pause would have beside the best trial's, at an even distance.

        Parameters
        ----------
        curves, best : a trial's and the best trial's, one for each place.
        """
        return [
            self._going_on(place, curve, line + curve.scores[self._metrics[place]][-1] - line[int(curve.labels[-1])])
            for place, curve in enumerate(curves)
            for line in [self._line(place, best[place])]
        ]

    def _line(self, place: int, curve: LearningCurve) -> Array:
        """Return the score at each label count from 0 to the budget, as the objective takes it."""
        counts, metric = np.arange(len(self._highest[place])), self._metrics[place]
        if not self._joined:
            return curve.at(counts, metric)
        points = np.concatenate([[0], curve.labels]), np.concatenate([[curve.prior[metric]], curve.scores[metric]])
        line: Array = np.interp(counts, *points)
        return line

    def _going_on(self, place: int, curve: LearningCurve, line: Array) -> LearningCurve:
        """Return a curve that goes on as a line does, one that has ended as it is."""
        if curve.stopped != PAUSED:
            return curve
        metric, seen = self._metrics[place], int(curve.labels[-1])
        return replace(
            curve,
            labels=np.concatenate([curve.labels, np.arange(seen + 1, len(line))]),
            scores={**curve.scores, metric: np.concatenate([curve.scores[metric], line[seen + 1 :]])},
        )
