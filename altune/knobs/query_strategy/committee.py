"""Strategies that use a committee: models trained on bootstrap samples of the labelled rows."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, Features, RowNumbers, TrainedModel
from altune.knobs.pool_geometry import draw_rows
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.query_strategy.learners import SCORES, ModelledStrategy, train_on_labels
from altune.knobs.query_strategy.subpool import SubpoolSize, complete, spread_scores
from altune.numerics.disagreement import bootstrap_positions, mean_divergence, mutual_information, vote_entropy
from altune.numerics.joint_entropy import most_informative_batch


class _CommitteeStrategy(ModelledStrategy):
    """Base of strategies that train a committee in each loop.

    The members are copies of the recipe's model, or of ``query_model``. Each is trained from scratch on a bootstrap
    sample of the labelled rows in which no class is missing.
    """

    def consult(
        self, pool: Pool, members: int, subpool: int, rng: np.random.Generator
    ) -> tuple[list[TrainedModel], RowNumbers, Features]:
        """Return the trained members, and the positions of the candidates considered with what members are given."""
        learner = self.learner(pool)
        samples = [bootstrap_positions(pool.labels, rng) for _ in range(members)]
        committee = [train_on_labels(pool, learner, sample, rng) for sample in samples]
        positions = draw_rows(np.arange(len(pool.candidates)), subpool, rng)
        return committee, positions, pool.inputs[pool.candidates[positions]]


@register
class QueryByCommittee(_CommitteeStrategy, ScoreStrategy):
    """Query by committee: the rows on which models trained on bootstrap samples disagree most.

    The disagreement is the entropy of the votes, −Σ_c (V_c/M) ln(V_c/M) with V_c of M members voting for class c, or
    the mean of KL(p_m ‖ p̄) over the members, p̄ the mean of their probabilities p_m.
    """

    source = "Seung, Opper, Sompolinsky, COLT 1992; Dagan and Engelson, ICML 1995; McCallum and Nigam, ICML 1998"

    method: Literal["qbc"] = "qbc"
    members: int = Field(default=5, ge=2, le=20, description="number M of models in the committee")
    disagreement: Literal["vote_entropy", "mean_kl"] = Field(
        default="vote_entropy",
        description="disagreement: the entropy of the members' votes, or their mean divergence from their mean",
    )
    subpool: SubpoolSize = 5000

    @property
    def asks_scores(self) -> bool:
        """Whether the members must have class scores; votes need none."""
        return self.disagreement == "mean_kl"

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the disagreement about each candidate, in nats."""
        committee, positions, X = self.consult(pool, self.members, self.subpool, rng)
        if self.disagreement == "mean_kl":
            scores = mean_divergence(np.stack([member.class_scores(X) for member in committee]))
        else:
            scores = vote_entropy(np.stack([member.predict(X) for member in committee]), pool.n_classes)
        return spread_scores(scores, positions, len(pool.candidates))


@register
class Bald(_CommitteeStrategy, ScoreStrategy):
    """BALD: the rows with the largest mutual information H(p̄) − E H(p_m) of their label and the model.

    A committee of models trained on bootstrap samples approximates the posterior of the model. The score equals that of
    ``qbc`` with ``mean_kl`` and as many members.
    """

    needs = SCORES
    source = "Houlsby, Huszár, Ghahramani, Lengyel, arXiv:1112.5745, 2011; Gal et al., ICML 2017"

    method: Literal["bald"] = "bald"
    members: int = Field(default=10, ge=2, le=20, description="number of models in the committee")
    subpool: SubpoolSize = 5000

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the mutual information of each candidate, in nats."""
        committee, positions, X = self.consult(pool, self.members, self.subpool, rng)
        scores = mutual_information(np.stack([member.class_scores(X) for member in committee]))
        return spread_scores(scores, positions, len(pool.candidates))


@register
class BatchBald(_CommitteeStrategy):
    """BatchBALD: greedily the rows with the largest joint information H(y₁…y_b) − E Σ_i H(p_m(y_i)) about the model.

    Information that two rows share is counted once. The joint entropy is exact for up to 1024 configurations of labels;
    beyond, it is estimated from 1024 drawn ones. After every ten rows a new joint batch begins. If more rows are
    needed than the subpool has, random ones follow.
    """

    needs = SCORES
    source = "Kirsch, van Amersfoort, Gal, BatchBALD, NeurIPS 2019"

    method: Literal["batchbald"] = "batchbald"
    members: int = Field(default=10, ge=2, le=20, description="number of models in the committee")
    subpool: SubpoolSize = 500

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates in the order of selection."""
        committee, positions, X = self.consult(pool, self.members, self.subpool, rng)
        probabilities = np.stack([member.class_scores(X) for member in committee])
        picked = positions[most_informative_batch(probabilities, size, rng)]
        return pool.candidates[complete(picked, len(pool.candidates), size, rng)]
