"""Strategies that ask what a label would change: the gradient, the error, or the variance of the model."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Features, Learner, RowNumbers, TrainedModel
from altune.core.uncertainty import entropy, least_confidence
from altune.knobs.query_strategy.base import QueryStrategy, ScoreStrategy
from altune.knobs.query_strategy.learners import SCORES, ModelledStrategy
from altune.knobs.query_strategy.subpool import SubpoolSize, complete, draw_positions, spread_scores
from altune.numerics.fisher import InformationRatio, most_reducing_batch
from altune.numerics.geometry.distances import is_sparse, make_points

Array = NDArray[np.float64]

MOST_DIMENSIONS = 100
"""Longer embeddings are projected onto their first 100 singular directions before d×d matrices are made of them."""


@register
class ExpectedGradientLength(ScoreStrategy):
    """Expected gradient length: Σ_k p_k ‖(p − e_k) ⊗ g‖ = ‖g‖ Σ_k p_k ‖p − e_k‖.

    The gradient is that of the logarithmic loss in the weights of the last layer, were k the label; g is the
    model's embedding of the row (its features for a linear model).
    """

    needs: ClassVar[frozenset[Need]] = SCORES
    source: ClassVar[str] = "Settles, Craven, Ray, Multiple-Instance Active Learning, NeurIPS 2007"

    method: Literal["egl"] = "egl"

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the expected length for each candidate, up to a power of two that all share."""
        known = pool.known()
        embedding = make_points(model_in_hand(pool).embedding(known.X), centre=False)
        return expected_gradient_lengths(known.probabilities, np.sqrt(embedding.norms))


@register
class ExpectedErrorReduction(ModelledStrategy, ScoreStrategy):
    """Expected error reduction: the row after whose label the model is expected to err least on the pool.

    Σ_k p(k|x) · loss of the model trained on the labels and (x, k), the loss being the mean over random
    unlabelled rows of the entropy (``log_loss``) or of 1 − p₁ (``zero_one``). One loop trains
    ``candidates`` × ``classes`` models, so that both are bounded: rows that were not drawn as candidates come last,
    and of many classes the most probable stand for all.
    """

    needs: ClassVar[frozenset[Need]] = SCORES
    source: ClassVar[str] = (
        "Roy and McCallum, Toward Optimal Active Learning through Sampling Estimation of Error Reduction, ICML 2001"
    )

    method: Literal["eer"] = "eer"
    loss: Literal["log_loss", "zero_one"] = Field(default="log_loss", description="the error that is to fall")
    candidates: int = Field(default=20, ge=1, le=200, description="rows considered in a loop, drawn at random")
    evaluation: int = Field(default=100, ge=1, le=200, description="random unlabelled rows that the error is taken on")
    classes: int = Field(default=2, ge=1, le=20, description="most probable classes considered for each row")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the expected loss with each candidate's label, times −1."""
        learner = self.learner(pool)
        known = self.known(pool, rng)
        positions = draw_positions(len(pool.candidates), self.candidates, rng)
        evaluated = draw_positions(len(pool.candidates), self.evaluation, rng)
        lesson = _Lesson(pool, learner, int(rng.integers(2**31)))
        X = pool.X[pool.candidates[evaluated]]
        expected = np.zeros(len(positions))
        for turn, position in enumerate(positions):
            codes, shares = most_probable(known.probabilities[position], self.classes)
            for code, share in zip(codes, shares, strict=True):
                fitted = lesson.train_with(int(pool.candidates[position]), int(code))
                expected[turn] += share * expected_loss(fitted.class_scores(X), self.loss)
        return spread_scores(-expected, positions, len(pool.candidates))


@register
class VarianceReduction(QueryStrategy):
    """Variance reduction: rows that make the Fisher information ratio tr(A⁻¹G) smallest, picked greedily.

    A = δI + Σ p_k(1 − p_k) g gᵀ over the labelled rows and those picked, G the mean of p_k(1 − p_k) g gᵀ over the
    subpool, a matrix for each class k; δ is ``ridge``, and g the model's embedding with a constant, scaled to a
    root mean square of 1. Approximations: probabilities are taken as if the model were logistic in g, and stay as
    they are while a batch is picked; covariances between classes are left out (exact for two classes); of
    embeddings longer than 100 their 100 largest singular directions are used. Where more rows are wanted than
    the subpool has, random ones follow.
    """

    needs: ClassVar[frozenset[Need]] = SCORES
    source: ClassVar[str] = "Zhang and Oles, ICML 2000; Hoi, Jin, Zhu, Lyu, ICML 2006; Settles 2009"

    method: Literal["variance_reduction"] = "variance_reduction"
    ridge: float = Field(default=1.0, ge=1e-3, le=1e3, description="δ, the L2 penalty that the model is taken to have")
    subpool: SubpoolSize = 1000

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates, each the one that lowers the ratio most after those before it."""
        model = model_in_hand(pool)
        positions = draw_positions(len(pool.candidates), self.subpool, rng)
        rows = np.concatenate([pool.labelled, pool.candidates[positions]])
        g = short_embedding(model.embedding(pool.X[rows]), rng)
        p = model.class_scores(pool.X[rows])
        spread = (p * (1.0 - p)).T
        n = len(pool.labelled)
        ratio = InformationRatio(spread[:, n:], g[n:], spread[:, :n], g[:n], self.ridge)
        picked = positions[most_reducing_batch(ratio, size, rng)]
        return pool.candidates[complete(picked, len(pool.candidates), size, rng)]


class _Lesson:
    """The labels in use, and models trained on them and one more; all of them from the same seed."""

    def __init__(self, pool: Pool, learner: Learner, seed: int) -> None:
        self.pool, self.learner, self.seed = pool, learner, seed
        given = pool.label_weights if "sample_weight" in learner.able() else None
        self.weights = None if given is None else np.append(given, 1.0)

    def train_with(self, row: int, code: int) -> TrainedModel:
        """Return the model trained on the labels in use and on ``row`` labelled ``code``."""
        pool = self.pool
        X, y = pool.X[np.append(pool.labelled, row)], np.append(pool.labels, code)
        return self.learner.fit(X, y, pool.n_classes, self.seed, self.weights)


def model_in_hand(pool: Pool) -> TrainedModel:
    """Return the pool's model; before the first one there is nothing to ask."""
    if pool.model is None:
        raise RuntimeError("this strategy is asked after a model was trained")
    return pool.model


def expected_gradient_lengths(probabilities: Array, lengths: Array) -> Array:
    """Return ‖g‖ Σ_k p_k ‖p − e_k‖, ``(n_rows,)``, for embeddings g of the given lengths ``(n_rows,)``.

    >>> expected_gradient_lengths(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([2.0, 2.0])).round(4).tolist()
    [1.4142, 0.0]
    """
    # ‖p − e_k‖² = Σ p² − 2 p_k + 1, which is never below (1 − p_k)²: rounding must not make it negative
    squared = (probabilities**2).sum(axis=1, keepdims=True) - 2.0 * probabilities + 1.0
    result: Array = lengths * (probabilities * np.sqrt(np.maximum(squared, 0.0))).sum(axis=1)
    return result


def expected_loss(probabilities: Array, loss: Literal["log_loss", "zero_one"]) -> float:
    """Return the loss that a model expects of itself, the mean of H or of 1 − p₁ over rows.

    >>> expected_loss(np.array([[0.75, 0.25], [1.0, 0.0]]), "zero_one")
    0.125
    """
    each = entropy(probabilities) if loss == "log_loss" else least_confidence(probabilities)
    return float(each.mean())


def most_probable(probabilities: Array, count: int) -> tuple[RowNumbers, Array]:
    """Return the most probable classes of one row that are possible at all, and their shares, which sum to 1.

    >>> most_probable(np.array([0.1, 0.6, 0.0, 0.3]), 2)[0].tolist()
    [1, 3]
    """
    codes = np.argsort(-probabilities, kind="stable")[:count]
    codes = codes[probabilities[codes] > 0]
    return codes, probabilities[codes] / probabilities[codes].sum()


def short_embedding(embedding: Features, rng: np.random.Generator) -> Array:
    """Return an embedding of at most 100 dimensions and a constant, ``(n_rows, ≤ 101)``, dense.

    Its root mean square is 1 (0 where all is 0), so that a penalty means the same for each unit of measurement.
    """
    values: Any = make_points(embedding, centre=False).values
    if values.shape[1] > MOST_DIMENSIONS:
        size = min(MOST_DIMENSIONS, values.shape[0])
        values = sparse.csr_matrix(values) if is_sparse(values) else values
        left, singular, _ = randomized_svd(values, size, random_state=int(rng.integers(2**31)))
        values = left * singular
    dense = np.asarray(values.toarray() if is_sparse(values) else values, dtype=np.float64)
    root = float(np.sqrt((dense**2).mean())) or 1.0
    return np.column_stack([dense / root, np.ones(len(dense))])
