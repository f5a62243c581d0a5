"""The joint entropy of several rows' labels under a committee, and the batch that tells most about it.

A configuration gives each picked row a class. Given the member m the labels are independent, so that its
probability is (1/M) Σ_m Π_i p_m(y_i | x_i). All configurations are enumerated while there are at most
``MOST_CONFIGURATIONS``; beyond, as many are drawn from the committee and weighted by 1 / probability.
Source: A. Kirsch, J. van Amersfoort, Y. Gal, *BatchBALD*, NeurIPS 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from altune.core.uncertainty import entropy
from altune.numerics.geometry.distances import blocks, random_argmax

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

MOST_CONFIGURATIONS = 1024
JOINT_ROWS = 10
"""Rows that are picked jointly: the label of a further one would say next to nothing new of M ≤ 20 members."""

_DECIMALS = 6
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class JointLabels:
    """The configurations of the labels of the rows picked so far.

    Attributes
    ----------
    table : probability of each configuration under each member, ``(n_configurations, n_members)``.
    weights : how often each configuration counts in a sum over all of them, ``(n_configurations,)``.
    picked : probabilities of each picked row, ``(n_members, n_classes)`` each.
    """

    table: Array
    weights: Array
    picked: tuple[Array, ...] = ()

    @classmethod
    def empty(cls, n_members: int) -> JointLabels:
        """Return the one configuration of no rows."""
        return cls(np.ones((1, n_members)), np.ones(1))

    def entropies_with(self, probabilities: Array) -> Array:
        """Return the joint entropy of the picked rows and each of some others, in nats, ``(n_rows,)``, to 1e-6.

        Parameters
        ----------
        probabilities : of the other rows, ``(n_members, n_rows, n_classes)``.
        """
        n_members, n_rows, n_classes = probabilities.shape
        result = np.empty(n_rows)
        for block in blocks(n_rows, len(self.table) * n_classes):
            joint = self.table @ probabilities[:, block].reshape(n_members, -1) / n_members
            # logarithms are most of the work, and many times faster in single precision
            logs = np.log(np.maximum(joint, _SMALLEST).astype(np.float32))
            result[block] = -(self.weights @ (joint * logs)).reshape(-1, n_classes).sum(axis=1)
        return result

    def add(self, row: Array, rng: np.random.Generator) -> JointLabels:
        """Return the configurations with one more row, whose probabilities are ``(n_members, n_classes)``."""
        picked = (*self.picked, row)
        n_members, n_classes = row.shape
        if n_classes ** len(picked) > MOST_CONFIGURATIONS:
            return _sampled(picked, rng)
        table = (self.table[:, None, :] * row.T[None, :, :]).reshape(-1, n_members)
        return JointLabels(table, np.ones(len(table)), picked)


def most_informative_batch(probabilities: Array, size: int, rng: np.random.Generator) -> Rows:
    """Pick rows greedily by I(y₁…y_b ; member) = H(y₁…y_b) − E_m Σ_i H(p_m(y_i)).

    After each ten rows a new joint batch begins among the rows left, as if nothing had been picked.

    Parameters
    ----------
    probabilities : ``(n_members, n_rows, n_classes)``.
    size : rows wanted; all of them where there are fewer.
    rng : breaks ties, and draws configurations where there are too many.

    Returns
    -------
    positions, ``(min(size, n_rows),)``, distinct, in the order of picking.
    """
    within = np.mean([entropy(member) for member in probabilities], axis=0)
    picked = np.empty(min(size, len(within)), dtype=np.intp)
    free = np.ones(len(within), dtype=bool)
    joint = JointLabels.empty(len(probabilities))
    for turn in range(len(picked)):
        if len(joint.picked) == JOINT_ROWS:
            joint = JointLabels.empty(len(probabilities))
        # differences below 1e-6 are the rounding of single precision, and ties are to fall by chance
        gains = np.round(joint.entropies_with(probabilities) - within, _DECIMALS)
        pick = random_argmax(np.where(free, gains, -np.inf), rng)
        picked[turn], free[pick] = pick, False
        if turn + 1 < len(picked):
            joint = joint.add(probabilities[:, pick], rng)
    return picked


def _sampled(picked: tuple[Array, ...], rng: np.random.Generator) -> JointLabels:
    n_members = len(picked[0])
    members = rng.integers(n_members, size=MOST_CONFIGURATIONS)
    table = np.ones((MOST_CONFIGURATIONS, n_members))
    for row in picked:
        cumulated = np.cumsum(row, axis=1)
        thresholds = rng.random(MOST_CONFIGURATIONS) * cumulated[members, -1]
        labels = (thresholds[:, None] >= cumulated[members]).sum(axis=1)
        table *= row[:, labels].T
    return JointLabels(table, 1.0 / (MOST_CONFIGURATIONS * table.mean(axis=1)), picked)
