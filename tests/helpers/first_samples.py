"""First samples from small pools."""

from __future__ import annotations

import numpy as np

from altune.core.pool import Pool
from altune.core.registry import parse_method
from altune.knobs.initial_sample import InitialSample


def read(value):
    method = parse_method("initial_sample", value)
    assert isinstance(method, InitialSample)
    return method


def make_pool(X, n_classes=3, bought=(), held_out=(), shared=None):
    pool = Pool(X, n_classes, budget=100, shared=shared)
    pool.close(np.array([*bought, *held_out], dtype=np.intp))
    pool.held_out = np.array(held_out, dtype=np.intp)
    return pool


def sample(value, X, size, seed=0, **kwargs):
    return read(value).select(make_pool(X, **kwargs), size, np.random.default_rng(seed))
