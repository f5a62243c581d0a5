"""Strategies that select by the expected change of the model: of its gradient, its error, or its variance."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, Codes, Features, Learner, RowNumbers, TrainedModel, TrainingSet
from altune.core.uncertainty import entropy, least_confidence
from altune.knobs.pool_geometry import current_model, draw_rows
from altune.knobs.query_strategy.base import QueryStrategy, ScoreStrategy
from altune.knobs.query_strategy.learners import SCORES, ModelledStrategy
from altune.knobs.query_strategy.subpool import SubpoolSize, complete, spread_scores
from altune.numerics.fisher import InformationRatio, most_reducing_batch
from altune.numerics.geometry.distances import is_sparse, make_points
from altune.numerics.row_scores import expected_gradient_lengths

MOST_DIMENSIONS = 100
"""Dimensions of an embedding of which d×d matrices are made, at most: its leading singular directions."""


@register
class ExpectedGradientLength(ScoreStrategy):
    """Expected gradient length: the rows with the largest Σ_k p_k ‖(p − e_k) ⊗ g‖ = ‖g‖ Σ_k p_k ‖p − e_k‖.

    (p − e_k) ⊗ g is the gradient of the log loss with respect to the weights of the last layer if the label is k, and g
    the model's embedding of the row, which is its features for a linear model.
    """

    needs = SCORES
    source = "Settles, Craven, Ray, Multiple-Instance Active Learning, NeurIPS 2007"

    method: Literal["egl"] = "egl"

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the expected length for each candidate, up to a common factor."""
        known = pool.known()
        embedding = make_points(current_model(pool).embedding(known.inputs), centre=False)
        return expected_gradient_lengths(known.probabilities, np.sqrt(embedding.norms))


@register
class ExpectedErrorReduction(ModelledStrategy, ScoreStrategy):
    """Expected error reduction: the rows with the smallest Σ_k p(k|x)·L(x, k), the expected loss after labelling x.

    L(x, k) is the loss of a model trained on the current labels and on x with the label k: the mean over random
    unlabelled rows of the entropy (``log_loss``) or of 1 − p₁ (``zero_one``). A loop trains ``candidates`` times
    ``classes`` models. Rows that were not drawn as candidates come last.
    """

    needs = SCORES
    source = (
        "Roy and McCallum, Toward Optimal Active Learning through Sampling Estimation of Error Reduction, ICML 2001"
    )

    method: Literal["eer"] = "eer"
    loss: Literal["log_loss", "zero_one"] = Field(
        default="log_loss", description="loss that is minimised: the entropy, or 1 − p₁"
    )
    candidates: int = Field(
        default=20, ge=1, le=200, description="number of candidates, drawn at random in each loop, that are considered"
    )
    evaluation: int = Field(
        default=100, ge=1, le=200, description="number of random unlabelled rows on which the loss is measured"
    )
    classes: int = Field(
        default=2, ge=1, le=20, description="number of most probable classes considered for each candidate"
    )

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the expected loss after labelling each candidate, times −1."""
        learner = self.learner(pool)
        known = self.known(pool, rng)
        positions = draw_rows(np.arange(len(pool.candidates)), self.candidates, rng)
        evaluated = draw_rows(np.arange(len(pool.candidates)), self.evaluation, rng)
        seed = int(rng.integers(2**31))  # one seed for all models, so that they differ by the added label alone
        X = pool.inputs[pool.candidates[evaluated]]
        expected = np.zeros(len(positions))
        for turn, position in enumerate(positions):
            codes, shares = most_probable(known.probabilities[position], self.classes)
            for code, share in zip(codes, shares, strict=True):
                fitted = train_with(pool, learner, int(pool.candidates[position]), int(code), seed)
                expected[turn] += share * expected_loss(fitted.class_scores(X), self.loss)
        return spread_scores(-expected, positions, len(pool.candidates))


@register
class VarianceReduction(QueryStrategy):
    """Variance reduction: greedily the rows with the smallest Fisher information ratio tr(A⁻¹G), summed over classes.

    For each class k, A = δI + Σ p_k(1 − p_k) g gᵀ over the labelled and selected rows and G is the mean of
    p_k(1 − p_k) g gᵀ over the candidates considered; g is the model's embedding with a constant, scaled to a mean
    square of 1. The model is treated as logistic in g, its probabilities are kept while a batch is selected, and
    covariances between classes are ignored, which is exact for two classes. Embeddings of more than 100 dimensions are
    projected onto their leading 100 singular directions.
    """

    needs = SCORES
    source = (
        "Zhang and Oles, ICML 2000; Hoi, Jin, Zhu, Lyu, ICML 2006; Settles, Active Learning Literature Survey, 2009"
    )

    method: Literal["variance_reduction"] = "variance_reduction"
    ridge: float = Field(default=1.0, ge=1e-3, le=1e3, description="strength δ of the L2 penalty assumed for the model")
    subpool: SubpoolSize = 1000

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates, each the one that lowers the ratio most given those before it."""
        model = current_model(pool)
        positions = draw_rows(np.arange(len(pool.candidates)), self.subpool, rng)
        rows = np.concatenate([pool.labelled, pool.candidates[positions]])
        g = short_embedding(model.embedding(pool.inputs[rows]), rng)
        p = model.class_scores(pool.inputs[rows])
        spread = (p * (1.0 - p)).T
        n = len(pool.labelled)
        ratio = InformationRatio(spread[:, n:], g[n:], spread[:, :n], g[:n], self.ridge)
        picked = positions[most_reducing_batch(ratio, size, rng)]
        return pool.candidates[complete(picked, len(pool.candidates), size, rng)]


def train_with(pool: Pool, learner: Learner, row: int, code: int, seed: int) -> TrainedModel:
    """Return a model trained on the current labels and on ``row`` with the label ``code``."""
    weights = pool.label_weights if "sample_weight" in learner.able() else None
    extended = None if weights is None else np.append(weights, 1.0)
    X, y = pool.inputs[np.append(pool.labelled, row)], np.append(pool.labels, code)
    return learner.fit(TrainingSet(X, y, pool.n_classes, extended), seed)


def expected_loss(probabilities: Array, loss: Literal["log_loss", "zero_one"]) -> float:
    """Return the loss expected by the model itself, the mean over rows of the entropy or of 1 − p₁.

    >>> expected_loss(np.array([[0.75, 0.25], [1.0, 0.0]]), "zero_one")
    0.125
    """
    each = entropy(probabilities) if loss == "log_loss" else least_confidence(probabilities)
    return float(each.mean())


def most_probable(probabilities: Array, count: int) -> tuple[Codes, Array]:
    """Return the ``count`` most probable classes of a row, without impossible ones, and their shares, which sum to 1.

    >>> most_probable(np.array([0.1, 0.6, 0.0, 0.3]), 2)[0].tolist()
    [1, 3]
    """
    codes = np.argsort(-probabilities, kind="stable")[:count]
    codes = codes[probabilities[codes] > 0]
    return codes, probabilities[codes] / probabilities[codes].sum()


def short_embedding(embedding: Features, rng: np.random.Generator) -> Array:
    """Return an embedding of at most 100 dimensions and a constant, ``(n_rows, ≤ 101)``, dense.

    The embedding has a root mean square of 1, or 0 if all values are 0, so that a penalty does not depend on its unit.
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
