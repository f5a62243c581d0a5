"""Strategies that ask a committee: models trained on bootstrap resamples of the labels."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers, TrainedModel
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.query_strategy.learners import SCORES, ModelledStrategy, train_on_labels
from altune.knobs.query_strategy.subpool import SubpoolSize, complete, draw_positions, spread_scores
from altune.numerics.disagreement import bootstrap_positions, mean_divergence, mutual_information, vote_entropy
from altune.numerics.joint_entropy import most_informative_batch

Array = NDArray[np.float64]


class _CommitteeStrategy(ModelledStrategy):
    """A strategy that trains a committee in each loop: the task's model, or ``query_model``, several times.

    Each member is trained from scratch on as many rows as are labelled, drawn with replacement, and one row
    of each class that was not drawn; with weights where the labels in use have them.
    """

    def committee(self, pool: Pool, members: int, rng: np.random.Generator) -> list[TrainedModel]:
        """Return the trained members."""
        learner = self.learner(pool)
        resamples = [bootstrap_positions(pool.labels, rng) for _ in range(members)]
        return [train_on_labels(pool, learner, resample, rng) for resample in resamples]


@register
class QueryByCommittee(_CommitteeStrategy, ScoreStrategy):
    """Query by committee: the rows on which models trained on bootstrap resamples disagree most.

    Disagreement is the entropy of the votes, −Σ_c (V_c/M) ln(V_c/M), or the mean of KL(p_m ‖ p̄) over the M
    members.
    """

    source: ClassVar[str] = "Seung, Opper, Sompolinsky, COLT 1992; Dagan & Engelson, ICML 1995; McCallum & Nigam 1998"

    method: Literal["qbc"] = "qbc"
    members: int = Field(default=5, ge=2, le=20, description="models in the committee")
    disagreement: Literal["vote_entropy", "mean_kl"] = Field(
        default="vote_entropy", description="entropy of the members' votes, or mean divergence from their mean"
    )
    subpool: SubpoolSize = 5000

    @property
    def asks_scores(self) -> bool:
        """Whether class scores are asked of the members; votes need none."""
        return self.disagreement == "mean_kl"

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the disagreement about each candidate, in nats."""
        committee = self.committee(pool, self.members, rng)
        positions = draw_positions(len(pool.candidates), self.subpool, rng)
        X = pool.X[pool.candidates[positions]]
        if self.disagreement == "mean_kl":
            found = mean_divergence(np.stack([member.class_scores(X) for member in committee]))
        else:
            found = vote_entropy(np.stack([member.predict(X) for member in committee]), pool.n_classes)
        return spread_scores(found, positions, len(pool.candidates))


@register
class Bald(_CommitteeStrategy, ScoreStrategy):
    """BALD: the largest mutual information H(p̄) − E H(p_m) of a row's label and the model.

    The committee of bootstrap resamples stands for the posterior of the model. The score equals that of
    ``qbc`` by ``mean_kl`` with as many members.
    """

    needs: ClassVar[frozenset[Need]] = SCORES
    source: ClassVar[str] = "Houlsby, Huszár, Ghahramani, Lengyel, arXiv:1112.5745, 2011; Gal et al., ICML 2017"

    method: Literal["bald"] = "bald"
    members: int = Field(default=10, ge=2, le=20, description="models in the committee")
    subpool: SubpoolSize = 5000

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the mutual information of each candidate, in nats."""
        committee = self.committee(pool, self.members, rng)
        positions = draw_positions(len(pool.candidates), self.subpool, rng)
        X = pool.X[pool.candidates[positions]]
        found = mutual_information(np.stack([member.class_scores(X) for member in committee]))
        return spread_scores(found, positions, len(pool.candidates))


@register
class BatchBald(_CommitteeStrategy):
    """BatchBALD: rows whose labels jointly say most about the model, picked greedily.

    H(y₁…y_b) − E Σ H(p_m(y_i)) counts what two rows would say alike only once. The joint entropy is exact up to
    1024 configurations of labels, and beyond estimated from 1024 that the committee draws. RowNumbers after the
    tenth begin a new joint batch, since M members are told apart by a few labels. Where more rows are wanted than
    the subpool has, random ones follow.
    """

    needs: ClassVar[frozenset[Need]] = SCORES
    source: ClassVar[str] = "Kirsch, van Amersfoort, Gal, BatchBALD, NeurIPS 2019"

    method: Literal["batchbald"] = "batchbald"
    members: int = Field(default=10, ge=2, le=20, description="models in the committee")
    subpool: SubpoolSize = 500

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates in the order of picking."""
        committee = self.committee(pool, self.members, rng)
        positions = draw_positions(len(pool.candidates), self.subpool, rng)
        X = pool.X[pool.candidates[positions]]
        probabilities = np.stack([member.class_scores(X) for member in committee])
        picked = positions[most_informative_batch(probabilities, size, rng)]
        return pool.candidates[complete(picked, len(pool.candidates), size, rng)]
