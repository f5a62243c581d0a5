"""Checks of the two knobs that select rows: ``initial_sample`` and ``query_strategy``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from altune.core.pool import Pool
from altune.core.types import RowNumbers
from altune.knobs.initial_sample import InitialSample
from altune.knobs.query_strategy import Choice, QueryStrategy, ScoreStrategy
from altune.testing.core import Check, alike, blaming, check_randomness, require
from altune.testing.pools import POOLS, PoolCase, snapshot

Selecting = InitialSample | QueryStrategy
SIZES = (1, 5, 1000)
OUTPUTS = ("predict_proba",)


def selection_checks(method: Selecting) -> list[Check]:
    """Return the checks of a method that selects rows; one check for each pool that it supports."""
    checks: list[Check] = [(f"picks, {case.name}", partial(check_picks, method, case)) for case in fitting(method)]
    checks += [
        ("randomness", partial(check_selection_randomness, method)),
        ("leaves the pool alone", partial(check_pool_untouched, method)),
    ]
    if isinstance(method, ScoreStrategy):
        checks += [(f"scores, {case.name}", partial(check_scores, method, case)) for case in fitting(method)]
    if isinstance(method, QueryStrategy):
        checks.append(("says who chose", partial(check_choice, method)))
        if not method.required() & {"class_scores", "probabilities", "decision_function"}:
            checks.append(("needs are true", partial(check_needs_no_scores, method)))
        checks.append(("ties", partial(check_ties, method)))
    return checks


def fitting(method: Selecting) -> Iterator[PoolCase]:
    """Yield the pools that a method supports according to its needs."""
    needs = method.required()
    for case in POOLS:
        if case.sparse and "dense_features" in needs:
            continue
        if case.n_classes < 3 and "three_classes" in needs:
            continue
        yield case


def _made(method: Selecting, case: PoolCase, outputs: tuple[str, ...] = OUTPUTS) -> Pool:
    return case.make(isinstance(method, QueryStrategy), outputs)


def _select(method: Selecting, case: PoolCase, pool: Pool, size: int, seed: int) -> RowNumbers:
    """Return the rows of a method; an initial sample that is an upper bound gets true labels, as in a simulation."""
    rng = np.random.default_rng(seed)
    if isinstance(method, InitialSample) and method.uses_oracle:
        return method.select_knowing(pool, size, rng, case.codes(pool.n_rows))
    return method.select(pool, size, rng)


def check_picks(method: Selecting, case: PoolCase) -> None:
    """Check that the selected rows are distinct candidates, integers, and of the requested number."""
    for size in SIZES:
        pool = _made(method, case)
        doing = f"selecting {size} of {len(pool.candidates)} rows ({case.name})"
        with blaming(method, doing):
            rows = _select(method, case, pool, size, 1)
        whole = isinstance(rows, np.ndarray) and rows.ndim == 1 and np.issubdtype(rows.dtype, np.integer)
        require(method, whole, f"{doing} must return a one-dimensional array of integers")
        wanted = min(size, len(pool.candidates))
        require(method, len(rows) == wanted, f"{doing} gave {len(rows)} rows, not {wanted}")
        require(method, len(np.unique(rows)) == len(rows), f"{doing} gave a row twice")
        require(method, np.isin(rows, pool.candidates).all(), f"{doing} gave rows that are not candidates")


def check_choice(method: QueryStrategy) -> None:
    """Check that ``choose`` gives the rows of ``select``, and the name of who chose each of them."""
    case = next(fitting(method))
    with blaming(method, "choosing 7 rows"):
        choice = method.choose(_made(method, case), 7, np.random.default_rng(3))
    require(method, isinstance(choice, Choice), "`choose` must return a Choice")
    selected = _select(method, case, _made(method, case), 7, 3)
    require(method, alike(choice.rows, selected), "`choose` and `select` must give the same rows")
    arms = np.asarray(choice.arms)
    named = arms.shape == selected.shape and arms.dtype.kind == "U" and (arms != "").all()
    require(method, named, "`choose` must give the name of who chose each row")


def check_scores(method: ScoreStrategy, case: PoolCase) -> None:
    """Check that each candidate has one finite score."""
    pool = _made(method, case)
    with blaming(method, f"scoring ({case.name})"):
        scores = np.asarray(method.scores(pool, np.random.default_rng(1)))
    expected = (len(pool.candidates),)
    require(method, scores.shape == expected, f"scores ({case.name}) have shape {scores.shape}, not {expected}")
    require(method, np.isfinite(scores).all(), f"scores ({case.name}) are not all finite")


def check_selection_randomness(method: Selecting) -> None:
    """Check that all randomness is from the generator, and that a second use of a pool gives the same rows."""
    case = next(fitting(method))
    reused = _made(method, case)

    def on(pool: Pool) -> RowNumbers:
        return _select(method, case, pool, 7, 3)

    check_randomness(method, "selecting", lambda: on(_made(method, case)))
    with blaming(method, "selecting twice"):
        first, second = on(reused), on(reused)
    require(method, alike(first, second), "its selection depends on earlier ones; keep nothing but `shared`")


def check_pool_untouched(method: Selecting) -> None:
    """Check that selecting changes neither features, labels and candidates nor class scores."""
    cases = [case for case in fitting(method) if case.name in ("ordinary features", "sparse", "two classes")]
    for case in cases:
        pool = _made(method, case)
        before = snapshot(pool)
        with blaming(method, "selecting"):
            _select(method, case, pool, 5, 2)
        after = snapshot(pool)
        for name, value in before.items():
            require(method, alike(value, after[name]), f"selecting changed the {name} of the pool; work on a copy")


def check_needs_no_scores(method: QueryStrategy) -> None:
    """Check that a strategy whose needs name no class scores works with a model that has none."""
    pool = _made(method, next(fitting(method)), outputs=())
    doing = "it does not list 'class_scores' in its needs, and selecting with a model that has none"
    with blaming(method, doing):
        method.select(pool, 5, np.random.default_rng(2))


def check_ties(method: QueryStrategy) -> None:
    """Check that ties are broken by the generator: among identical rows no position is preferred."""
    case = next(case for case in POOLS if case.name == "constant features")
    firsts = {int(_select(method, case, _made(method, case), 1, seed)[0]) for seed in range(12)}
    require(method, len(firsts) > 1, "among identical rows it always selects the same one; break ties by the generator")
