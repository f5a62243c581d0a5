"""Do altune's query strategies pick what scikit-activeml's do? The same rows, labels and fitted model for both.

    python benchmarks/parity.py                      # every comparison, about 15 s
    python benchmarks/parity.py --only badge margin  # some of them

Needs the extra ``skactiveml``. Exit code 0 where all agree, 1 where not.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from skactiveml import pool as theirs
from skactiveml.classifier import SklearnClassifier
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import scale

import altune.knobs
from altune.disagreement import bootstrap_positions
from altune.geometry.distances import squared_to_nearest
from altune.geometry.pooled import embedded_points, pool_ball_graph, pool_clusters, pool_points, pool_pure_radius
from altune.geometry.typicality import typicality
from altune.knobs.query_strategy.base import QueryStrategy, ScoreStrategy
from altune.knobs.query_strategy.clustering import drop_features
from altune.knobs.query_strategy.covering import scale_to_one
from altune.knobs.query_strategy.falcun import relevance_chances
from altune.knobs.query_strategy.hybrid import Gradients
from altune.knobs.query_strategy.neighbourhood import unlabelled_scores
from altune.metadata import Metadata
from altune.models import FittedModel, LogisticRegressionModel
from altune.pool import Pool, Rows
from altune.registry import methods, parse_method

Array = NDArray[np.float64]
LOADERS = {"wine": load_wine, "breast_cancer": load_breast_cancer, "digits": load_digits}
SIZES = {"wine": (178, 15), "breast_cancer": (569, 20), "digits": (500, 40)}
"""Rows of each data set, and labelled ones."""
ALL = tuple(LOADERS)
SIZE = 10
SEED = 0
FIRST_SEED = int(np.random.default_rng(SEED).integers(2**31 - 1))
"""What altune hands to k-means when its stream begins at ``SEED``."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """One pool for both: altune's, and labels and classifier in scikit-activeml's form; labelled rows come first."""

    pool: Pool
    y: Array
    model: Any

    @property
    def X(self) -> Array:
        """Features of all rows."""
        X: Array = self.pool.X
        return X


class Found(NamedTuple):
    """Whether the picks are the same, None where both draw, and the correlation of scores, None without scores."""

    same: bool | None
    correlation: float | None


Compare = Callable[[Inputs], Found]


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


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    strategy: str
    counterpart: str
    data: str
    same_picks: bool | None
    correlation: float | None
    agrees: bool
    note: str


@cache
def make_inputs(data: str, rows: int | None = None, labelled: int | None = None, intercept: bool = True) -> Inputs:
    """Return shuffled rows of a data set, scaled to a mean square of 1, with a logistic regression on the first."""
    X, y = LOADERS[data](return_X_y=True)
    order = np.random.default_rng(SEED).permutation(len(y))[: rows or SIZES[data][0]]
    X, y = scale(X[order]), y[order]
    X = X / np.sqrt((X**2).mean())
    known = np.arange(labelled or SIZES[data][1], dtype=np.intp)
    n_classes = int(y.max()) + 1
    partly = np.where(np.arange(len(y)) < len(known), y, np.nan)
    regression = LogisticRegression(max_iter=1000, fit_intercept=intercept)
    model = SklearnClassifier(regression, classes=range(n_classes)).fit(X, partly)
    pool = Pool(X, n_classes, budget=100)
    pool.close(known)
    pool.set_labels(known, y[known])
    pool.labels_bought = len(known)
    pool.learner = LogisticRegressionModel()
    seen = np.unique(pool.labels)
    codes = np.asarray(model.estimator_.classes_, dtype=np.intp)
    pool.model = FittedModel(model.estimator_, n_classes, seen, codes, ("predict_proba",))
    pool.metadata = Metadata(X, pool.candidates, pool.model)
    return Inputs(pool, partly, model)


def run_case(case: Case, data: str) -> Line:
    """Compare on one data set."""
    inputs = make_inputs(data, case.rows, case.labelled, case.intercept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same, correlation = case.compare(inputs)
    agrees = same is not False and (correlation is None or correlation >= case.least)
    return Line(case.strategy, case.counterpart, data, same, correlation, agrees, case.note)


def our_method(value: Any) -> QueryStrategy:
    """Return a strategy from its mapping or name."""
    method = parse_method("query_strategy", value)
    if not isinstance(method, QueryStrategy):
        raise TypeError(f"{value!r} is no query strategy")
    return method


def our_picks(value: Any, inputs: Inputs, size: int = SIZE) -> Rows:
    """Return what altune picks."""
    return our_method(value).select(inputs.pool, size, np.random.default_rng(SEED))


def our_scores(value: Any, inputs: Inputs) -> Array:
    """Return altune's scores of the candidates."""
    method = our_method(value)
    if not isinstance(method, ScoreStrategy):
        raise TypeError(f"{value!r} has no scores")
    return method.scores(inputs.pool, np.random.default_rng(SEED))


def rank_correlation(ours: Array, others: Array) -> float:
    """Return Spearman's correlation; scores are rounded first, so that ties by rounding stay ties."""
    return float(spearmanr(*(np.round(part / np.abs(part).max(), 9) for part in (ours, others))).statistic)


def same_up_to_ties(inputs: Inputs, scores: Array, ours: Sequence[int] | Rows, others: Sequence[int] | Rows) -> bool:
    """Return whether two choices are equal, or differ only by rows of equal score, ``(n_candidates,)``."""
    first, second = (
        np.sort(scores[np.searchsorted(inputs.pool.candidates, np.asarray(one))]) for one in (ours, others)
    )
    return np.array_equal(ours, others) or bool(np.allclose(first, second, rtol=1e-7, atol=1e-12))


def by_scores(value: Any, strategy: Callable[[], Any], given: Callable[[Inputs], dict[str, Any]]) -> Compare:
    """Compare all scores and the best rows; ``given`` are the arguments of their query beside X and y."""

    def compare(inputs: Inputs) -> Found:
        found, utilities = strategy().query(
            X=inputs.X, y=inputs.y, batch_size=SIZE, return_utilities=True, **given(inputs)
        )
        others = utilities[0][inputs.pool.candidates]
        same = same_up_to_ties(inputs, others, our_picks(value, inputs), found)
        return Found(same, rank_correlation(our_scores(value, inputs), others))

    return compare


def with_model(inputs: Inputs) -> dict[str, Any]:
    """Return the arguments that hand over the fitted model as it is."""
    return {"clf": inputs.model, "fit_clf": False}


def with_density(inputs: Inputs) -> dict[str, Any]:
    """Return the fitted model and the weight of each row by its density, computed by scikit-learn."""
    similarity = (1.0 + cosine_similarity(inputs.X)).mean(axis=1) / 2.0
    return with_model(inputs) | {"utility_weight": similarity**1.5}


def with_members(members: int) -> Callable[[Inputs], dict[str, Any]]:
    """Return the arguments of a committee trained on the resamples that altune draws."""

    def given(inputs: Inputs) -> dict[str, Any]:
        rng = np.random.default_rng(SEED)
        pool = inputs.pool
        resamples = [bootstrap_positions(pool.labels, rng) for _ in range(members)]
        ensemble = [
            SklearnClassifier(LogisticRegression(max_iter=1000), classes=range(pool.n_classes)).fit(
                inputs.X[pool.labelled[rows]], pool.labels[rows]
            )
            for rows in resamples
        ]
        return {"ensemble": ensemble, "fit_ensemble": False}

    return given


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

    def __init__(self, n_clusters: int, labels: Rows) -> None:
        self.labels = labels

    def fit_predict(self, X: Array) -> Rows:
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


def uncompared() -> list[str]:
    """Return altune's methods that stand in no comparison."""
    ours = methods("query_strategy")
    own = {name for name, cls in ours.items() if cls.__module__.startswith(altune.knobs.__name__)}
    return sorted(own - {case.strategy for case in CASES})


def table(lines: Sequence[Line]) -> str:
    """Return the lines as text."""
    shown = [f"{'altune':17}{'scikit-activeml':38}{'data':14}{'same picks':>11}{'correlation':>12}  note"]
    for line in lines:
        same = "drawn" if line.same_picks is None else "yes" if line.same_picks else "no"
        correlation = "" if line.correlation is None else f"{line.correlation:.6f}"
        note = line.note if line.agrees else f"DISAGREES. {line.note}"
        shown.append(f"{line.strategy:17}{line.counterpart:38}{line.data:14}{same:>11}{correlation:>12}  {note}")
    return "\n".join(shown)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 where everything agrees, 1 where not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    known = sorted({case.strategy for case in CASES})
    parser.add_argument("--only", nargs="+", choices=known, default=known, metavar="STRATEGY")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    lines = [run_case(case, data) for case in CASES if case.strategy in given.only for data in case.data]
    if given.json:
        print(json.dumps({"lines": [asdict(line) for line in lines], "uncompared": uncompared()}))
    else:
        print(table(lines))
        agreeing = sum(line.agrees for line in lines)
        print(f"\n{agreeing} of {len(lines)} agree. Not compared: {', '.join(uncompared())}")
    return 0 if all(line.agrees for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
