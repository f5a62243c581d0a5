"""Racing: when to drop a trial early, and which trials to play on more blocks.

All of it is off by default. Every decision about a batch is made from the trials of earlier batches alone, so the
search finds the same trials for any number of processes, and after any interruption.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import digamma, polygamma

from altune.core.errors import RequestError
from altune.simulation.objectives import KINDS

Array = NDArray[np.float64]
FEWEST_BLOCKS = 5
"""Search blocks that racing needs."""
FEWEST_KNOWN = 8
"""Finished trials that a race needs, so that the noise can be estimated."""
LOOKS = (0.2, 0.4, 0.6)
"""Shares of the blocks after which a trial is compared with the best."""
LEADERS = 5
"""Number of best trials that are played on leader blocks."""
_NEWTON_STEPS = 50
_FLOOR = 1e-5
"""Least variance, as a share of the median, so that its logarithm is finite."""
_ALIKE = 1e4
"""Degrees of freedom of variances that do not differ at all."""


@dataclass(frozen=True)
class Racing:
    """Rules that decide how many simulations a trial gets.

    Parameters
    ----------
    racing : largest probability of dropping a trial that is as good as the best, over all looks at it, in (0, 0.5]; 0
        plays every trial on every block.
    rungs : increasing shares of the budget at which a trial is dropped that cannot win any more; empty for none.
    leader_blocks : number of further blocks of each data set for trials among the best; 0 for none.
    """

    racing: float = 0.0
    rungs: tuple[float, ...] = ()
    leader_blocks: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.racing <= 0.5:
            raise RequestError(f"racing must be a probability in (0, 0.5], or 0 for none, not {self.racing}")
        if any(not 0 < share < 1 for share in self.rungs) or list(self.rungs) != sorted(set(self.rungs)):
            raise RequestError(f"rungs must be increasing shares of the budget in (0, 1), not {list(self.rungs)}")
        if self.leader_blocks < 0:
            raise RequestError(f"leader_blocks must be 0 or more, not {self.leader_blocks}")

    def check(self, n_blocks: int, objectives: Sequence[str], over: str, risk: str) -> None:
        """Refuse rules that do not work with a study.

        Parameters
        ----------
        n_blocks : number of usual search blocks of all data sets.
        objectives : names of the objectives.
        over, risk : fields of the scenario.

        Raises
        ------
        RequestError
            If they do not work; the message says what would.
        """
        if self.racing and n_blocks < FEWEST_BLOCKS:
            raise RequestError(f"racing needs {FEWEST_BLOCKS} search blocks or more, not {n_blocks}: give --blocks")
        rule = "racing" if self.racing else "a rung" if self.rungs else "a leader block"
        if (self.racing or self.rungs or self.leader_blocks) and (len(objectives) > 1 or risk != "mean"):
            raise RequestError(f"{rule} needs one objective and the mean over blocks; leave one of them out")
        if self.rungs and (not KINDS[objectives[0]].prefix or over != "labels"):
            raise RequestError(
                f"rungs need an area over labels, a part of which is known early, not {objectives[0]} over {over}"
            )

    def looks(self, n_blocks: int, data_sets: int = 1) -> list[int]:
        """Return the numbers of blocks after which a trial is compared with the best, before it is played on all.

        The last look leaves blocks on which the rival can be chosen, see :meth:`loses_race`.

        Parameters
        ----------
        n_blocks : number of blocks of each data set.
        data_sets : number of data sets. Looks come after whole rounds of them, which treat all data sets alike.

        Examples
        --------
        >>> Racing(racing=0.1).looks(5), Racing(racing=0.1).looks(10), Racing(racing=0.1).looks(3, data_sets=2)
        ([1, 2, 3], [2, 4, 6], [2, 4])
        """
        if not self.racing:
            return []
        rounds = dict.fromkeys(max(1, round(share * n_blocks)) for share in LOOKS)
        return [data_sets * count for count in rounds if count < n_blocks]

    def loses_race(self, values: Array, finished: Array, looks: int) -> bool:
        """Return whether a trial is clearly worse than the best finished one, on the blocks it was played on.

        The test is one-sided and paired, at the level ``racing`` divided by the number of looks (Bonferroni). A trial
        as good as the best is therefore dropped with at most the probability ``racing`` over all looks together.

        Two things keep the test at its level, and make it strong after one block or two. First, the rival is the
        finished trial that is best on the blocks that are *still to come*. The trial that is best on the blocks already
        played owes a part of its lead to luck there (the winner's curse): with that rival, 25 % of equally good trials
        were dropped at a level of 10 %. Second, the noise of a difference is estimated from all finished trials, not
        from these few values alone, see :func:`paired_noise`.

        Parameters
        ----------
        values : values of the trial on the first blocks, where more is better, ``(n_played,)``.
        finished : values of different finished trials on all blocks, ``(n_trials, n_blocks)``.
        looks : number of looks at each trial.
        """
        n_played = len(values)
        if len(finished) < FEWEST_KNOWN or n_played >= finished.shape[1]:
            return False
        rival = int(finished[:, n_played:].mean(axis=1).argmax())
        difference = values - finished[rival, :n_played]
        return bool(difference.mean() < 0 and paired_noise(finished, rival).chance(difference) < self.racing / looks)


@dataclass(frozen=True)
class Noise:
    """Prior knowledge of the variance of a paired difference between two trials on one block.

    Attributes
    ----------
    variance : expected variance.
    freedom : degrees of freedom that this knowledge is worth, above 0.
    """

    variance: float
    freedom: float

    def chance(self, difference: Array) -> float:
        """Return the probability of differences this low, or lower, between trials that are equally good.

        This is the moderated t statistic: its variance is a mean of the expected one and that of the differences
        themselves, weighted by their degrees of freedom.
        """
        freedom = len(difference) - 1
        spread = float(difference.var(ddof=1)) if freedom else 0.0
        variance = (self.freedom * self.variance + freedom * spread) / (self.freedom + freedom)
        if variance == 0:
            return float(difference.mean() >= 0)
        return float(stats.t.cdf(difference.mean() / np.sqrt(variance / len(difference)), self.freedom + freedom))


def paired_noise(values: Array, rival: int) -> Noise:
    """Return the noise of the difference between a new trial and one that was played on the same blocks before.

    The noise is what remains of the values without the means of trials and of blocks. How much its variance differs
    between trials says how much is known about that of a new trial (empirical Bayes by moments, Smyth, Statistical
    Applications in Genetics and Molecular Biology 3(1), 2004). The variance of the rival itself counts as well: the
    trial that comes out best is likely a noisy one.

    Parameters
    ----------
    values : ``(n_trials, n_blocks)``, three trials or more on two blocks or more.
    rival : row of the trial with which the new one is compared.
    """
    n_trials, n_blocks = values.shape
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    freedom = (n_blocks - 1) * (n_trials - 1) / n_trials
    variances = (rest**2).sum(axis=1) / freedom
    usual, prior = _usual_variance(variances, freedom)
    of_rival = (prior * usual + freedom * float(variances[rival])) / (prior + freedom)
    return Noise(usual + of_rival, prior)


def _usual_variance(variances: Array, freedom: float) -> tuple[float, float]:
    """Return the usual one of estimated variances, and the degrees of freedom that knowing it is worth.

    Both follow from the mean and the variance of the logarithms, which are those of a scaled F distribution. If the
    estimates vary no more than equal variances would, the prior freedom is large.
    """
    middle = float(np.median(variances))
    if middle == 0:
        return float(variances.mean()), freedom
    logs = np.log(np.maximum(variances, _FLOOR * middle)) - digamma(freedom / 2) + np.log(freedom / 2)
    excess = float(logs.var(ddof=1) - polygamma(1, freedom / 2))
    prior = _ALIKE if excess <= 0 else min(2 * inverse_trigamma(excess), _ALIKE)
    return float(np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2))), prior


def inverse_trigamma(value: float) -> float:
    """Return the argument at which the trigamma function takes a positive value.

    Newton's steps are taken on the reciprocal of the function, where they never overshoot.
    """
    argument = 0.5 + 1 / value
    for _ in range(_NEWTON_STEPS):
        slope = float(polygamma(1, argument))
        step = slope * (1 - slope / value) / float(polygamma(2, argument))
        argument += step
        if abs(step) < 1e-8 * argument:
            break
    return argument
