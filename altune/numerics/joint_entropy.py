"""The joint entropy of the labels of several rows under a committee, and the most informative batch.

A configuration assigns a class to each selected row. Given the member m, the labels are independent, so the
probability of a configuration is (1/M) Σ_m Π_i p_m(y_i | x_i).

Source: A. Kirsch, J. van Amersfoort, Y. Gal, *BatchBALD*, NeurIPS 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from altune.core.types import Array, RowNumbers
from altune.core.uncertainty import entropy
from altune.numerics.geometry.distances import blocks, random_argmax

MOST_CONFIGURATIONS = 1024
"""Configurations are enumerated up to this number; beyond it, this number is drawn from the committee."""
JOINT_ROWS = 10
"""Rows that are selected jointly. Once ten labels are known, an eleventh adds next to nothing about M ≤ 20 members."""

_DECIMALS = 6
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class JointLabels:
    """The configurations of the labels of the rows selected so far.

    Attributes
    ----------
    table : probability of each configuration under each member, ``(n_configurations, n_members)``.
    weights : weight of each configuration in a sum over all of them, ``(n_configurations,)``.
    picked : probabilities of each selected row, ``(n_members, n_classes)`` each.
    """

    table: Array
    weights: Array
    picked: tuple[Array, ...] = ()

    @classmethod
    def empty(cls, n_members: int) -> JointLabels:
        """Return the single configuration of no rows."""
        return cls(np.ones((1, n_members)), np.ones(1))

    def entropies_with(self, probabilities: Array) -> Array:
        """Return the joint entropy of the selected rows and each other row, in nats, ``(n_rows,)``, to 1e-6.

        Parameters
        ----------
        probabilities : probabilities of the other rows, ``(n_members, n_rows, n_classes)``.
        """
        # One matrix product gives the probabilities of all extended configurations: with the table T of the selected
        # rows and the probabilities P of another one, configuration c followed by class k has T_c · P_k / M.
        n_members, n_rows, n_classes = probabilities.shape
        result = np.empty(n_rows)
        for block in blocks(n_rows, len(self.table) * n_classes):
            joint = self.table @ probabilities[:, block].reshape(n_members, -1) / n_members
            # Logarithms take most of the time, and are many times faster in single precision.
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


def most_informative_batch(probabilities: Array, size: int, rng: np.random.Generator) -> RowNumbers:
    """Select rows greedily by I(y₁…y_b ; member) = H(y₁…y_b) − E_m Σ_i H(p_m(y_i)).

    After every ten rows a new joint batch begins, as if no row had been selected.

    Parameters
    ----------
    probabilities : ``(n_members, n_rows, n_classes)``.
    rng : breaks ties, and draws configurations if there are too many to enumerate.
    """
    expected = np.mean([entropy(member) for member in probabilities], axis=0)
    picked = np.empty(min(size, len(expected)), dtype=np.intp)
    free = np.ones(len(expected), dtype=bool)
    joint = JointLabels.empty(len(probabilities))
    for turn in range(len(picked)):
        if len(joint.picked) == JOINT_ROWS:
            joint = JointLabels.empty(len(probabilities))
        # The rows selected before add the same Σ H(p_m) to every candidate, so only the candidate's own is subtracted.
        # Rounding hides the error of single precision, which would otherwise decide between tied rows.
        gains = np.round(joint.entropies_with(probabilities) - expected, _DECIMALS)
        pick = random_argmax(np.where(free, gains, -np.inf), rng)
        picked[turn], free[pick] = pick, False
        if turn + 1 < len(picked):
            joint = joint.add(probabilities[:, pick], rng)
    return picked


def _sampled(picked: tuple[Array, ...], rng: np.random.Generator) -> JointLabels:
    """Return configurations drawn from the committee: a random member draws the labels of all rows.

    A configuration is drawn with its own probability, so each counts 1 / (number drawn · probability): the sums over
    all configurations are then estimated without bias.
    """
    n_members = len(picked[0])
    members = rng.integers(n_members, size=MOST_CONFIGURATIONS)
    table = np.ones((MOST_CONFIGURATIONS, n_members))
    for row in picked:
        cumulated = np.cumsum(row, axis=1)
        thresholds = rng.random(MOST_CONFIGURATIONS) * cumulated[members, -1]
        labels = (thresholds[:, None] >= cumulated[members]).sum(axis=1)
        table *= row[:, labels].T
    return JointLabels(table, 1.0 / (MOST_CONFIGURATIONS * table.mean(axis=1)), picked)
