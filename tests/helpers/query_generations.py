"""Pools after several loops with given class scores."""

from __future__ import annotations

import numpy as np
import pytest

from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.uncertainty import entropy
from tests.helpers.queries import scores


class Told:
    """A model whose class scores over the whole pool are given; the feature is the row's number."""

    def __init__(self, told):
        self.told = told

    def class_scores(self, X):
        return self.told[X[:, 0].astype(int)]


def play(generations, strategies, n_rows=12):
    """Return a pool after loops with given class scores, a row bought in each, and what each loop's strategy saw."""
    pool = Pool(np.arange(float(n_rows))[:, None], generations[0].shape[1], budget=n_rows)
    for told, strategy in zip(generations, strategies, strict=True):
        pool.close(pool.candidates[:1])
        earlier = () if pool.metadata is None else pool.metadata.as_history()
        pool.metadata = Metadata(pool.X, pool.candidates, Told(told), earlier)
        given = None if strategy is None else scores(strategy, pool)
    return pool, given


@pytest.fixture(scope="module")
def told():
    return np.random.default_rng(0).dirichlet([1, 1, 1], size=(8, 12))


def uncertain(p, kind):
    top = np.sort(p, axis=1)[:, ::-1]
    return {"least_confidence": 1 - top[:, 0], "margin": 1 - top[:, 0] + top[:, 1], "entropy": entropy(p)}[kind]
