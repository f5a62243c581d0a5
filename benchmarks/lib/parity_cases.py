"""Every comparison with a strategy of scikit-activeml: the same pool for both, and what is held against what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from skactiveml import pool as theirs
from skactiveml.classifier import SklearnClassifier
from sklearn.linear_model import LogisticRegression

from altune.core.types import RowNumbers
from altune.knobs.pool_geometry import embedded_points, pool_ball_graph, pool_clusters, pool_points, pool_pure_radius
from altune.knobs.query_strategy.clustering import drop_features
from altune.knobs.query_strategy.covering import scale_to_one
from altune.knobs.query_strategy.falcun import relevance_chances
from altune.knobs.query_strategy.hybrid import Gradients
from altune.knobs.query_strategy.neighbourhood import unlabelled_scores
from altune.numerics.geometry.distances import squared_to_nearest
from altune.numerics.geometry.typicality import typicality
from lib.parity_inputs import (
    ALL,
    FIRST_SEED,
    SEED,
    SIZE,
    Array,
    Compare,
    Found,
    Inputs,
    by_scores,
    our_picks,
    our_scores,
    rank_correlation,
    same_up_to_ties,
    with_density,
    with_members,
    with_model,
)


@dataclass(frozen=True, eq=False)
class Case:
    """One comparison: an altune method, a class of scikit-activeml, and how the two are compared."""

    strategy: str
    counterpart: str
    compare: Compare
    note: str
    data: tuple[str, ...] = ALL
    least: float = 0.999999
    rows: int | None = None
    labelled: int | None = None
    intercept: bool = True

    @property
    def name(self) -> str:
        """The method and what it is compared with."""
        return f"{self.strategy} / {self.counterpart}"


def compare_batchbald(inputs: Inputs) -> Found:
    """Compare the joint batch; the scores are those of its first row, the mutual information of each alone."""
    size = 4
    found, utilities = theirs.BatchBALD(n_MC_samples=1000, random_state=SEED).query(
        inputs.X, inputs.y, batch_size=size, return_utilities=True, **with_members(10)(inputs)
    )
    ours = our_picks({"method": "batchbald", "subpool": 5000}, inputs, size)
    single = our_scores({"method": "bald", "members": 10}, inputs)
    return Found(np.array_equal(ours, found), rank_correlation(single, utilities[0][inputs.pool.candidates]))


def compare_kcenter(inputs: Inputs) -> Found:
    """Compare the picks, and the distances to the nearest labelled row."""
    found, utilities = theirs.CoreSet(random_state=SEED).query(
        inputs.X, inputs.y, batch_size=SIZE, return_utilities=True
    )
    pool = inputs.pool
    points = pool_points(pool)
    ours = squared_to_nearest(points.take(pool.candidates), points.take(pool.labelled))
    same = np.array_equal(our_picks("kcenter", inputs), found)
    return Found(same, rank_correlation(ours, utilities[0][pool.candidates]))


class GivenClusters:
    """A clustering that altune made, in scikit-learn's form."""

    def __init__(self, n_clusters: int, labels: RowNumbers) -> None:
        self.labels = labels

    def fit_predict(self, X: Array) -> RowNumbers:
        """Return the cluster of each row."""
        return self.labels


def compare_typiclust(inputs: Inputs) -> Found:
    """Compare the picks by altune's clusters, and the typicality within the first one."""
    size = 3
    given = {"labels": pool_clusters(inputs.pool, len(inputs.pool.labelled) + size)}
    strategy = theirs.TypiClust(k=20, cluster_algo=GivenClusters, cluster_algo_dict=given, random_state=SEED)
    found, utilities = strategy.query(inputs.X, inputs.y, batch_size=size, return_utilities=True)
    members = np.flatnonzero(np.isfinite(utilities[0]))
    ours = typicality(pool_points(inputs.pool).take(members), 20)
    same = np.array_equal(our_picks("typiclust", inputs, size), found)
    return Found(same, rank_correlation(ours, utilities[0][members]))


def compare_probcover(inputs: Inputs) -> Found:
    """Check that each of our picks covers as much as any, by their count, at one radius."""
    pool = inputs.pool
    squared = pool_pure_radius(pool, 0.95)
    unit = np.sqrt(pool_points(pool).norms.sum() / ((inputs.X - inputs.X.mean(axis=0)) ** 2).sum())
    graph = pool_ball_graph(pool, squared)
    covered = np.zeros(pool.n_rows, dtype=bool)
    covered[graph[pool.labelled].indices] = True
    ours = np.asarray(graph[pool.candidates] @ (~covered).astype(np.int64), dtype=np.float64)
    y, best, first = inputs.y.copy(), True, None
    for row in our_picks("probcover", inputs, 15):
        # a hair less: their balls are closed, ours, as the authors', open
        cover = theirs.ProbCover(deltas=[np.sqrt(squared) / unit * (1 - 1e-7)], random_state=SEED)
        _, utilities = cover.query(inputs.X, y, return_utilities=True)
        first = utilities[0] if first is None else first
        best = best and bool(utilities[0][row] == np.nanmax(utilities[0]))
        y[row] = 0
    return Found(best, None if first is None else rank_correlation(ours, first[pool.candidates]))


def compare_badge(inputs: Inputs) -> Found:
    """Compare the first pick, which neither draws, and the chances of the second."""
    found, utilities = theirs.Badge(random_state=SEED).query(
        inputs.X, inputs.y, batch_size=2, return_utilities=True, **with_model(inputs)
    )
    candidates = inputs.pool.candidates
    gradients = Gradients(inputs.pool.known().probabilities, embedded_points(inputs.pool))
    first = our_picks("badge", inputs, 2)[0]
    squared = gradients.distances_to(int(np.searchsorted(candidates, found[0])))
    ours = np.minimum(squared, gradients.norms)
    return Found(bool(first == found[0]), chance_correlation(ours, utilities[1][candidates]))


def compare_falcun(inputs: Inputs, as_theirs: bool = False) -> Found:
    """Compare the chances of each draw, given the draws before it; the least correlation counts.

    ``as_theirs`` scales the distances as they do: not at the first draw, later among all rows and for good.
    """
    found, utilities = theirs.Falcun(gamma=10, random_state=SEED).query(
        inputs.X, inputs.y, batch_size=4, return_utilities=True, **with_model(inputs)
    )
    candidates, known = inputs.pool.candidates, inputs.pool.known()
    p, unsure = known.probabilities, 1.0 - known.margin
    left, nearest, least = np.ones(len(candidates), dtype=bool), unsure.copy(), 1.0
    for turn, pick in enumerate(np.searchsorted(candidates, found)):
        scaled = nearest[left] if as_theirs else scale_to_one(nearest[left])
        chances = relevance_chances(unsure[left] + scaled, 10.0)
        least = min(least, chance_correlation(chances, utilities[turn][candidates][left]))
        left[pick] = False
        nearest = np.minimum(nearest, np.abs(p - p[pick]).sum(axis=1))
        nearest = scale_to_one(nearest) if as_theirs else nearest
    return Found(None, least)


def compare_clue(inputs: Inputs) -> Found:
    """Compare the picks by the same weighted k-means."""
    k_means = {"n_init": 1, "random_state": FIRST_SEED}
    strategy = theirs.Clue(cluster_algo_dict=k_means, random_state=SEED)
    found = strategy.query(inputs.X, inputs.y, inputs.model, fit_estimator=False, batch_size=SIZE)
    return Found(np.array_equal(our_picks("clue", inputs), found), None)


def compare_dropquery(inputs: Inputs, repeats: int = 100) -> Found:
    """Compare how often each row is among those whose predicted class changes."""
    pool = inputs.pool
    if pool.model is None:
        raise RuntimeError("the pool has no model")
    X = inputs.X[pool.candidates]
    plain, rng = pool.model.predict(X), np.random.default_rng(SEED)
    shares = np.zeros((2, len(X)))
    for seed in range(repeats):
        changed = [pool.model.predict(drop_features(X, 0.75, rng)) != plain for _ in range(3)]
        shares[0] += np.sum(changed, axis=0) > 1.5
        strategy = theirs.DropQuery(dropout_rate=0.75, n_dropout_samples=3, random_state=seed)
        _, utilities = strategy.query(inputs.X, inputs.y, return_utilities=True, **with_model(inputs))
        shares[1] += np.isfinite(utilities[0][pool.candidates])
    return Found(None, chance_correlation(shares[0], shares[1]))


def compare_discriminative(inputs: Inputs) -> Found:
    """Compare one sub-batch, by the same discriminator."""
    discriminator = SklearnClassifier(LogisticRegression(max_iter=1000))
    found, utilities = theirs.DiscriminativeAL(greedy_selection=True, random_state=SEED).query(
        inputs.X, inputs.y, discriminator, batch_size=SIZE, return_utilities=True
    )
    pool = inputs.pool
    others = utilities[0][pool.candidates]
    ours = unlabelled_scores(inputs.X, np.isin(np.arange(pool.n_rows), pool.labelled), 1.0)[pool.candidates]
    picks = our_picks({"method": "discriminative", "sub_batches": 1}, inputs)
    return Found(same_up_to_ties(inputs, others, picks, found), rank_correlation(1 / (1 + np.exp(-ours)), others))


def everyone_evaluated(inputs: Inputs) -> dict[str, Any]:
    """Return the model, and all candidates as the rows that the error is taken on."""
    return {"clf": inputs.model, "X_eval": inputs.X[inputs.pool.candidates], "ignore_partial_fit": True}


def chance_correlation(ours: Array, others: Array) -> float:
    """Return Pearson's correlation of chances where both are given."""
    both = np.isfinite(ours) & np.isfinite(others)
    return float(np.corrcoef(ours[both], others[both])[0, 1])


def uncertainty_cases() -> Iterator[Case]:
    """Yield plain and density-weighted uncertainty."""
    kinds = {"least_confidence": "least_confident", "margin": "margin_sampling", "entropy": "entropy"}
    for ours, kind in kinds.items():

        def strategy(kind: str = kind) -> Any:
            return theirs.UncertaintySampling(method=kind, random_state=SEED)

        called = f"UncertaintySampling({kind})"
        alike = (
            "for two classes ours orders by the margin, the same order without ties by rounding"
            if ours != "margin"
            else ""
        )
        yield Case(ours, called, by_scores(ours, strategy, with_model), alike)
        weighted = {"method": "density_weighted", "uncertainty": ours, "beta": 1.5}
        note = "their weights are the caller's: here (1 + cos)/2 to the power 1.5, by scikit-learn"
        yield Case("density_weighted", called, by_scores(weighted, strategy, with_density), note)


def committee_cases() -> Iterator[Case]:
    """Yield committees of the same members."""
    for ours, kind in {"vote_entropy": "vote_entropy", "mean_kl": "KL_divergence"}.items():

        def strategy(kind: str = kind) -> Any:
            return theirs.QueryByCommittee(method=kind, random_state=SEED)

        value = {"method": "qbc", "disagreement": ours, "members": 5}
        yield Case("qbc", f"QueryByCommittee({kind})", by_scores(value, strategy, with_members(5)), "the same members")
    bald = by_scores("bald", lambda: theirs.GreedyBALD(random_state=SEED), with_members(10))
    yield Case("bald", "GreedyBALD", bald, "the same members")
    note = "the same members, 4 rows; beyond 1024 configurations of labels both draw"
    yield Case("batchbald", "BatchBALD", compare_batchbald, note, data=("wine", "breast_cancer"))


def other_cases() -> Iterator[Case]:
    """Yield all others."""
    yield Case("kcenter", "CoreSet", compare_kcenter, "")
    note = "the same clusters; ours takes min(20, half) neighbours, and clusters of at most 5 rows last"
    large = ("breast_cancer", "digits")  # in clusters of fewer than 40 rows the two count other neighbours
    yield Case("typiclust", "TypiClust", compare_typiclust, note, data=large, labelled=4)
    note = "at one radius: theirs is searched on a grid, ours is the exact quantile; our balls are open"
    yield Case("probcover", "ProbCover", compare_probcover, note)
    note = "first pick and chances of the second; theirs also count the distance to 0, added here"
    yield Case("badge", "Badge", compare_badge, note)
    note = "chances of 4 draws; ours scale the distances at each draw among the rows left, as the authors' code"
    yield Case("falcun", "Falcun", compare_falcun, note, data=("wine", "digits"), least=0.95)
    note = "chances of 4 draws with the distances scaled as theirs: for good, picked rows included"
    yield Case("falcun", "Falcun, their scaling", partial(compare_falcun, as_theirs=True), note)
    yield Case("clue", "Clue", compare_clue, "one k-means seed")
    note = "how often a row's class changes; no intercept, since theirs leave the rest unscaled"
    yield Case("dropquery", "DropQuery", compare_dropquery, note, data=("digits",), least=0.95, intercept=False)
    yield Case("discriminative", "DiscriminativeAL", compare_discriminative, "one sub-batch, their greedy selection")
    neighbours = {"n_neighbors": 10}
    contrastive = by_scores(
        "contrastive",
        lambda: theirs.ContrastiveAL(nearest_neighbors_dict=neighbours, random_state=SEED),
        with_model,
    )
    yield Case("contrastive", "ContrastiveAL", contrastive, "")
    whole = {"method": "eer", "candidates": 200, "evaluation": 200, "classes": 20}
    for loss, kind in {"log_loss": "log_loss", "zero_one": "misclassification_loss"}.items():

        def strategy(kind: str = kind) -> Any:
            return theirs.MonteCarloEER(method=kind, random_state=SEED)

        eer = by_scores({**whole, "loss": loss}, strategy, everyone_evaluated)
        note = "40 rows, all of them considered; ours bounds candidates, classes and rows by default"
        yield Case("eer", f"MonteCarloEER({kind})", eer, note, data=("wine",), rows=40, labelled=12)
    note = "150 rows; a closed form of the same objective"
    yield Case("quire", "Quire", compare_quire, note, data=("wine", "breast_cancer"), rows=150)


def compare_quire(inputs: Inputs) -> Found:
    """Compare the objective with the same kernel."""
    pool = inputs.pool
    strategy = theirs.Quire(
        classes=list(range(pool.n_classes)),
        metric_dict={"gamma": 1 / inputs.X.shape[1]},
        random_state=SEED,
    )
    _, utilities = strategy.query(inputs.X, inputs.y, return_utilities=True)
    others, ours = utilities[0][pool.candidates], our_scores("quire", inputs)
    return Found(bool(np.argmax(ours) == np.argmax(others)), rank_correlation(ours, others))


CASES: tuple[Case, ...] = (*uncertainty_cases(), *committee_cases(), *other_cases())
