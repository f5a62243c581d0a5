"""Two rules by which a bandit chooses among arms: EXP4.P, and Thompson sampling of the classes that arms find.

In EXP4.P each arm advises a distribution over rows, a row is drawn from their mixture, and a reward raises the weights
of the arms that advised it. Source: Beygelzimer, Langford, Li, Reyzin, Schapire, *Contextual Bandit Algorithms with
Supervised Learning Guarantees*, AISTATS 2011, as used by Hsu and Lin, *Active Learning by Learning*, AAAI 2015.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from altune.core.types import Array, Codes
from altune.numerics.geometry.distances import random_argmax


class Draw(NamedTuple):
    """One draw of EXP4.P: the probability of each arm, and that with which each arm advised the row that was drawn."""

    arms: Array
    advice: Array

    @property
    def chance(self) -> float:
        """Probability q with which the row was drawn."""
        return min(1.0, float(np.sum(self.arms * self.advice)))


@dataclass(frozen=True, eq=False)
class Exp4P:
    """The state of EXP4.P.

    Attributes
    ----------
    log_weights : logarithms of the weights of the arms, ``(n_arms,)``.
    rounds : number T of draws that are expected in all, 1 or more.
    delta : probability δ in (0, 1] with which the bound on the regret may fail.

    Examples
    --------
    >>> Exp4P(np.zeros(2), rounds=100).probabilities().tolist()
    [0.5, 0.5]
    """

    log_weights: Array
    rounds: int
    delta: float = 0.1

    @property
    def floor(self) -> float:
        """Least probability p_min = √(ln N / (N·T)) of an arm, at most 1/N for N arms."""
        n_arms = len(self.log_weights)
        return min(float(np.sqrt(np.log(n_arms) / (n_arms * self.rounds))), 1.0 / n_arms)

    def probabilities(self) -> Array:
        """Return the probability of each arm, (1 − N·p_min)·w_k / Σ w + p_min, ``(n_arms,)``."""
        weights = np.exp(self.log_weights - self.log_weights.max())
        n_arms = len(weights)
        mixed: Array = (1.0 - n_arms * self.floor) * weights / weights.sum() + self.floor
        mixed /= mixed.sum()  # 1 but for rounding
        return mixed

    def learn(self, draw: Draw, reward: float) -> Exp4P:
        """Return the state after a draw whose reward is known.

        The weight of each arm is multiplied by exp(p_min/2 · (r·ψ_k/q + √(ln(N/δ) / (N·T)) / p_k)), where r is the
        reward, ψ_k the advice of the arm for the row, and q the chance of the row.
        """
        n_arms = len(self.log_weights)
        estimate = reward * draw.advice / draw.chance
        bonus = np.sqrt(np.log(n_arms / self.delta) / (n_arms * self.rounds)) / draw.arms
        return replace(self, log_weights=self.log_weights + self.floor / 2.0 * (estimate + bonus))


def discounted_counts(arms: Codes, ages: Codes, classes: Codes, shape: tuple[int, int], discount: float) -> Array:
    """Return how many labels of each class each arm has found, where older ones count less, ``(n_arms, n_classes)``.

    Parameters
    ----------
    arms : arm that found each label, ``(n_labels,)``.
    ages : age of each label in batches, 0 for those of the last batch, ``(n_labels,)``.
    classes : class code of each label, ``(n_labels,)``.
    shape : number of arms and of classes.
    discount : factor by which a batch counts less than the next one, in (0, 1].

    Examples
    --------
    >>> discounted_counts(np.array([0, 0, 1]), np.array([1, 0, 0]), np.array([1, 1, 0]), (2, 2), 0.5).tolist()
    [[0.0, 1.5], [1.0, 0.0]]
    """
    counts = np.zeros(shape)
    np.add.at(counts, (arms, classes), discount ** ages.astype(np.float64))
    return counts


def thompson_arms(counts: Array, values: Array, size: int, rng: np.random.Generator) -> Codes:
    """Return the arm of each of ``size`` draws by Thompson sampling.

    For each draw a distribution θ over the classes is drawn for each arm, from a Dirichlet distribution with the
    parameters ``counts`` + 1; the arm with the largest Σ_k θ_k v_k is taken.

    Parameters
    ----------
    counts : labels of each class that each arm has found, 0 or more, ``(n_arms, n_classes)``.
    values : value v of a label of each class, ``(n_classes,)``.
    size : number of draws.
    rng : draws the distributions, and breaks ties, as where all classes have one value.

    Examples
    --------
    >>> counts = np.array([[900.0, 100.0], [100.0, 900.0]])
    >>> thompson_arms(counts, np.array([0.1, 1.0]), 3, np.random.default_rng(0)).tolist()
    [1, 1, 1]
    """
    expected = np.stack([rng.dirichlet(found + 1.0, size=size) @ values for found in counts], axis=1)
    return np.array([random_argmax(row, rng) for row in expected], dtype=np.intp)
