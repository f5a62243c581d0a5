"""Columns of metadata: each against its formula in words, their generations, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.stats import rankdata

from altune.core.errors import RequestError
from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.knobs.columns import COLUMNS, MOST_BACK, carried, column
from altune.testing.pools import POOLS
from tests.helpers.queries import FixedScores, linear_pool

N_ROWS, K = 60, 20
BOUGHT = [0, 3, 7, 11, 18, 23, 31, 44]
DROPPED, HELD_OUT = 50, 52


class Scripted:
    """A model with given class scores for all rows of a pool, loop by loop; it counts the rows that it scores."""

    embeds = False
    scores_classes = True

    def __init__(self, X: Any, scores: Any) -> None:
        self.of = {row.tobytes(): score for row, score in zip(X, scores, strict=True)}
        self.asked: list[int] = []

    def class_scores(self, X: Any) -> Any:
        self.asked.append(len(X))
        return np.array([self.of[row.tobytes()] for row in X])

    def embedding(self, X: Any) -> Any:
        return X


def scripted_pool(loops: int = 6, reads: Callable[[Pool, int], object] | None = None) -> tuple[Pool, list[Any]]:
    """Return a pool after some loops of three classes, and the class scores of all its rows in each loop.

    One row is held out and one was bought and dropped; each further loop buys the first candidate.
    """
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N_ROWS, 2)), rng.integers(0, 3, N_ROWS)
    generations = [rng.dirichlet([1, 1, 1], N_ROWS) for _ in range(loops)]
    pool = Pool(X, 3, budget=N_ROWS)
    pool.held_out = np.array([HELD_OUT])
    pool.close(np.array([*BOUGHT, DROPPED, HELD_OUT]))
    labelled = list(BOUGHT)
    for loop, scores in enumerate(generations):
        if loop:
            labelled.append(int(pool.candidates[0]))
            pool.close(pool.candidates[:1])
        rows = np.sort(labelled)
        pool.set_labels(rows, y[rows])
        earlier = () if pool.metadata is None else pool.metadata.as_history()
        pool.model = Scripted(X, scores)  # type: ignore[assignment]
        pool.metadata = Metadata(X, pool.candidates, pool.model, earlier)  # type: ignore[arg-type]
        pool.loop = loop
        if reads is not None:
            reads(pool, loop)
    return pool, generations


class Reference:
    """The columns once more, row by row, from the pool and the class scores of each loop, the current one last."""

    def __init__(self, pool: Pool, generations: list[Any]) -> None:
        self.pool, self.generations = pool, generations
        self.p = generations[-1]
        X = pool.X
        self.d = np.sqrt(((X[:, None] - X[None]) ** 2).sum(axis=2))
        self.near = [
            sorted(range(len(X)), key=lambda j, i=i: self.d[i, j] if i != j else np.inf)[:K] for i in range(len(X))
        ]
        self.sigma = float(np.median([self.d[i, near[9]] for i, near in enumerate(self.near)]))
        self.s = np.exp(-((self.d / self.sigma) ** 2))
        self.label = dict(zip(pool.labelled.tolist(), pool.labels.tolist(), strict=True))
        self.bought = [row for row in range(len(X)) if row not in pool.candidates and row not in pool.held_out]
        self.open = set(pool.candidates.tolist())

    def of(self, name: str) -> Any:
        return np.array([getattr(self, name)(int(row)) for row in self.pool.candidates])

    def top(self, row: int, back: int = 0) -> Any:
        return np.sort(self.generations[-1 - back][row])[::-1]

    def own(self, row: int) -> Any:
        return np.eye(3)[self.label[row]] if row in self.label else self.p[row]

    def u(self, row: int, back: int = 0) -> float:
        first, other, _ = self.top(row, back)
        return 1 - first + other

    def least_confidence(self, row: int) -> float:
        return 1 - self.top(row)[0]

    def entropy(self, row: int) -> float:
        return -sum(share * np.log(share) for share in self.p[row])

    def second(self, row: int) -> float:
        return self.top(row)[1]

    def log_odds(self, row: int) -> float:
        return np.log(self.top(row)[1] / self.top(row)[0])

    def gradient(self, row: int) -> float:
        p, scale = self.p[row], 2.0 ** np.frexp(np.abs(self.pool.X).max())[1]
        length = np.linalg.norm(self.pool.X[row]) / scale
        return length * sum(p[k] * np.linalg.norm(p - np.eye(3)[k]) for k in range(3))

    def smoothed(self, row: int) -> float:
        others = [j for j in self.near[row] if j in self.open]
        weight = 1 + sum(self.s[row, j] for j in self.near[row])
        return (self.u(row) + sum(self.s[row, j] * self.u(j) for j in others)) / weight

    def reaches(self, chosen: int, row: int) -> float:
        if chosen == row:
            return 1.0
        joined = row in self.near[chosen] or chosen in self.near[row]
        return self.s[chosen, row] if joined else 0.0

    def covered(self, row: int) -> float:
        if row in self.pool.held_out:
            return 1.0
        return max(self.reaches(chosen, row) for chosen in self.bought)

    def cov(self, row: int) -> float:
        return 1 - self.covered(row) + sum(max(0, self.s[row, j] - self.covered(j)) for j in self.near[row])

    def bcov(self, row: int) -> float:
        return self.u(row) + sum(self.u(j) * self.s[row, j] for j in self.near[row] if j in self.open)

    def distance(self, row: int) -> float:
        return min(self.d[row, chosen] for chosen in self.bought) / 2.0 ** np.frexp(np.abs(self.pool.X).max())[1]

    def similarity(self, row: int) -> float:
        lengths = np.linalg.norm(self.pool.X, axis=1)
        return np.mean((1 + self.pool.X @ self.pool.X[row] / lengths / lengths[row]) / 2)

    def typicality(self, row: int) -> float:
        return np.mean([self.s[row, j] for j in self.near[row]])

    def hubness(self, row: int) -> float:
        return sum(row in near for near in self.near)

    def weighted(self, row: int, values: dict[int, float]) -> float:
        weight = sum(self.s[row, j] for j in values)
        return sum(self.s[row, j] * value for j, value in values.items()) / weight if weight else np.nan

    def disagreement(self, row: int) -> float:
        predicted = self.p[row].argmax()
        return self.weighted(row, {j: float(self.own(j).argmax() != predicted) for j in self.near[row]})

    def divergence(self, row: int) -> float:
        p = np.maximum(self.p[row], 1e-7) / np.maximum(self.p[row], 1e-7).sum()
        each = []
        for j in self.near[row]:
            q = np.maximum(self.own(j), 1e-7)
            each.append(sum(q / q.sum() * np.log(q / q.sum() / p)))
        return float(np.mean(each))

    def labelled_share(self, row: int) -> float:
        return self.weighted(row, {j: float(j in self.label) for j in self.near[row]})

    def label_conflict(self, row: int) -> float:
        predicted = self.p[row].argmax()
        return self.weighted(row, {j: float(self.label[j] != predicted) for j in self.near[row] if j in self.label})

    def count(self, code: int) -> int:
        return list(self.label.values()).count(code)

    def rarity(self, row: int) -> float:
        return sum(self.p[row][k] / max(1, self.count(k)) for k in range(3))

    def predicted_share(self, row: int) -> float:
        return self.count(self.p[row].argmax()) / len(self.label)

    def class_gap(self, row: int) -> float:
        predicted = self.p[row].argmax()
        share = np.mean([self.p[other].argmax() == predicted for other in self.open])
        return share - self.predicted_share(row)

    def change(self, row: int) -> float:
        return self.u(row) - self.u(row, 1)

    def discrepancy(self, row: int) -> float:
        return float(np.linalg.norm(self.p[row] - self.generations[-2][row]))

    def last(self) -> int:
        return min(5, len(self.generations))

    def flips(self, row: int) -> float:
        classes = [scores[row].argmax() for scores in self.generations[-self.last() :]]
        return sum(a != b for a, b in pairwise(classes))

    def variance(self, row: int) -> float:
        return float(np.var([self.u(row, back) for back in range(self.last())]))

    def mean_u(self, row: int) -> float:
        weights = [0.5**back for back in range(self.last())]
        return sum(weight * self.u(row, back) for back, weight in enumerate(weights)) / sum(weights)


def every(pool: Pool, loop: int = 0) -> dict[str, Any]:
    return {name: column(pool, name) for name in COLUMNS}


@pytest.fixture(scope="module")
def played() -> tuple[Pool, list[Any]]:
    return scripted_pool(reads=every)


@pytest.mark.parametrize("name", list(COLUMNS))
def test_a_column_is_its_formula(name: str, played: tuple[Pool, list[Any]]) -> None:
    pool, generations = played
    values = column(pool, name)
    np.testing.assert_allclose(values, Reference(pool, generations).of(name), rtol=0, atol=1e-9)
    assert name in ("label_conflict",) or np.isfinite(values).all()


def test_every_column_says_what_it_is() -> None:
    assert len(COLUMNS) >= 20
    for name, info in COLUMNS.items():
        assert info.name == name
        assert info.version >= 1
        assert info.carried in ("z", "rank")
        assert 5 < len(info.meaning) < 110
    assert {info.carried for info in COLUMNS.values()} == {"z", "rank"}


def test_earlier_generations_are_the_columns_as_they_were() -> None:
    seen: list[dict[int, dict[str, float]]] = []

    def read(pool: Pool, loop: int) -> None:
        values = every(pool)
        seen.append(
            {name: dict(zip(pool.candidates.tolist(), v, strict=True)) for name, v in values.items() if v is not None}
        )

    pool, _ = scripted_pool(loops=7, reads=read)
    for name in COLUMNS:
        for back in range(1, MOST_BACK + 1):
            then = seen[-1 - back][name]
            np.testing.assert_array_equal(column(pool, name, back), [then[row] for row in pool.candidates.tolist()])


def test_a_generation_that_was_not_read_is_not_known() -> None:
    def read(pool: Pool, loop: int) -> None:
        if loop != 3:
            column(pool, "cov")
            column(pool, "u")

    pool, generations = scripted_pool(loops=5, reads=read)
    assert column(pool, "cov", 1) is None  # nobody asked in that loop
    assert column(pool, "cov", 2) is not None
    assert column(pool, "typicality", 2) is None
    # the class scores of a loop are enough for a column of class scores
    np.testing.assert_allclose(column(pool, "least_confidence", 2), 1 - generations[2][pool.candidates].max(axis=1))
    assert column(pool, "u", 1) is None
    assert not carried(pool, "cov", 1).any()


def test_what_there_is_in_the_first_loop() -> None:
    pool, _ = scripted_pool(loops=1)
    unknown = {name for name in COLUMNS if column(pool, name) is None}
    assert unknown == {"change", "discrepancy", "flips", "variance"}
    np.testing.assert_array_equal(column(pool, "mean_u"), column(pool, "u"))
    assert all(not carried(pool, name).any() for name in unknown)


@pytest.mark.parametrize("name", list(COLUMNS))
def test_the_form_that_carries_over(name: str, played: tuple[Pool, list[Any]]) -> None:
    pool, _ = played
    for back in (0, 2):
        raw, form = column(pool, name, back), carried(pool, name, back)
        assert raw is not None
        known = np.isfinite(raw)
        assert not form[~known].any()
        if COLUMNS[name].carried == "z":
            expected = np.clip((raw[known] - raw[known].mean()) / raw[known].std(), -6, 6)
        else:
            expected = (2 * rankdata(raw[known]) - 1) / known.sum() - 1
        np.testing.assert_allclose(form[known], expected, atol=1e-9)


def test_equal_values_carry_over_as_zeros_and_outliers_are_bounded() -> None:
    pool = next(case for case in POOLS if case.name == "constant features").make(labelled=True)
    for name in set(COLUMNS) - {"hubness"}:  # which of equal rows are neighbours is arbitrary
        np.testing.assert_allclose(carried(pool, name), 0.0, atol=1e-12)
    rounding = FixedScores(np.full((20, 2), 0.5) + np.random.default_rng(0).normal(size=(20, 2)) * 1e-16)
    alike = linear_pool(np.random.default_rng(1).normal(size=(24, 2)), np.arange(24) % 2, range(4), model=rounding)
    assert len(np.unique(column(alike, "log_odds"))) > 1
    assert not carried(alike, "log_odds").any()
    X = np.concatenate([np.linspace(0, 1, 99), [1e6]])[:, None]
    far = linear_pool(X, np.arange(100) % 2, range(10))
    assert carried(far, "distance").max() == 6.0


@pytest.mark.parametrize("case", POOLS, ids=[case.name for case in POOLS])
def test_unusual_pools_have_finite_columns(case: Any) -> None:
    pool = case.make(labelled=True)
    for name in COLUMNS:
        assert np.isfinite(carried(pool, name)).all()
        assert carried(pool, name).shape == pool.candidates.shape


def test_a_pool_that_is_larger_than_its_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("altune.knobs.pool_coverage.GRAPH_POOL", 50)
    monkeypatch.setattr("altune.knobs.pool_coverage.GRAPH_ROWS", 40)
    pool, _ = scripted_pool(reads=every)
    cov, u = column(pool, "cov"), column(pool, "u")
    assert cov is not None
    assert 0 < np.isnan(cov).sum() < len(pool.candidates)
    assert not carried(pool, "cov")[np.isnan(cov)].any()
    assert np.isfinite(u).all()


def test_columns_cannot_be_changed(played: tuple[Pool, list[Any]]) -> None:
    for name in COLUMNS:
        for back in (0, 1):
            with pytest.raises(ValueError, match="read-only"):
                column(played[0], name, back)[0] = 9.0  # type: ignore[index]


def test_the_pool_is_predicted_once_a_loop_whatever_is_read() -> None:
    asked: list[list[int]] = []

    def read(pool: Pool, loop: int) -> None:
        for _ in range(2):
            for name in COLUMNS:
                carried(pool, name)
                carried(pool, name, back=2)
        asked.append(pool.model.asked)  # type: ignore[union-attr]

    scripted_pool(loops=3, reads=read)
    # the candidates, and in addition only the row held out and the row dropped
    assert asked == [[N_ROWS - 10 - loop, 2] for loop in range(3)]


def test_wrong_names_and_loops_are_refused(played: tuple[Pool, list[Any]]) -> None:
    pool, _ = played
    with pytest.raises(RequestError, match="no column 'entropie'; did you mean 'entropy'"):
        column(pool, "entropie")
    for back in (-1, 5):
        with pytest.raises(RequestError, match=f"back must be from 0 to 4, not {back}"):
            carried(pool, "u", back)
