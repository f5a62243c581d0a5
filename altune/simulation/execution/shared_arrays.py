"""Prepared blocks as files, which worker processes map into memory instead of receiving copies.

What trajectories build from the features of a block is stored beside it, so that one process builds each array for
all. Arrays are ``.npy`` files, and small values are JSON; only the raw rows of a table are pickled, once for a data set
and only if a model takes them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from altune.core.errors import AltuneError
from altune.core.files import written_whole
from altune.core.pool import FeatureCache
from altune.core.raw_rows import RawTable
from altune.core.types import Features
from altune.data.blocks import Block
from altune.simulation.prepared import PreparedBlock, no_raw

T = TypeVar("T")

WORTH_SECONDS = 2e-3
"""An array that takes longer than this to build is stored; reading it takes a tenth of that."""
MOST_BYTES = 2**30
"""Bytes that one process may write for one block."""


class FeatureFiles(FeatureCache):
    """A cache of structures of one block, whose arrays are stored in a folder for all processes that play on it.

    There are no locks. The process that needs an array first builds it; two that need it at once both do, and write
    the same bytes.

    Parameters
    ----------
    folder : where the arrays are stored; made when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._written = 0

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return the value of ``key`` from memory or from the folder; ``build`` it if it is in neither."""
        if key not in self._kept and _is_plain(key):
            path = self._folder / f"{hashlib.blake2b(repr(key).encode(), digest_size=16).hexdigest()}.npy"
            try:
                self._kept[key] = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
            except (OSError, ValueError):
                began = time.perf_counter()
                built = super().get(key, build)
                if isinstance(built, np.ndarray) and time.perf_counter() - began > WORTH_SECONDS:
                    self._write(path, built)
        return super().get(key, build)

    def _write(self, path: Path, array: NDArray[Any]) -> None:
        if array.dtype.kind not in "biuf" or self._written + array.nbytes > MOST_BYTES:
            return
        self._written += array.nbytes
        # If the disk is full, each process builds its own array.
        with contextlib.suppress(OSError, AltuneError):
            path.parent.mkdir(exist_ok=True)
            with written_whole(path, durable=False) as unfinished, unfinished.open("wb") as file:
                np.save(file, array, allow_pickle=False)


def _is_plain(key: Hashable) -> bool:
    """Return whether the ``repr`` of a key is the same in every process."""
    if isinstance(key, tuple):
        return all(_is_plain(part) for part in key)
    return isinstance(key, (str, bool, int, float, bytes)) or key is None


def save_block(prepared: PreparedBlock, folder: Path, raw: str = "") -> None:
    """Write the arrays of a prepared block to a new folder; ``raw`` is the file beside it that may get raw rows."""
    folder.mkdir(parents=True)
    features: dict[str, Features] = {"X_pool": prepared.X_pool, "X_test": prepared.X_test}
    for name, X in features.items():
        shape = np.array([X.shape[0], X.shape[1]])
        if sparse.issparse(X):
            for part in ("data", "indices", "indptr"):
                np.save(folder / f"{name}.{part}.npy", getattr(X, part))
            np.save(folder / f"{name}.shape.npy", shape)
        else:
            np.save(folder / f"{name}.npy", X)
    np.save(folder / "y_pool.npy", prepared.y_pool)
    np.save(folder / "y_test.npy", prepared.y_test)
    block, streams = prepared.block, prepared.streams
    np.save(folder / "pool.npy", block.pool)
    np.save(folder / "test.npy", block.test)
    if block.initial is not None:
        np.save(folder / "initial.npy", block.initial)
    if block.groups is not None:
        np.save(folder / "groups.npy", block.groups)
    small: dict[str, Any] = {
        "role": block.role,
        "number": block.number,
        "n_classes": prepared.n_classes,
        "by_class": block.by_class,
    }
    small |= {"seed": streams.seed, "data": streams.data, "feature_names": prepared.feature_names, "raw": raw}
    (folder / "block.json").write_text(json.dumps(small), "utf-8")


def load_block(folder: Path) -> PreparedBlock:
    """Read a block written by :func:`save_block`; its features are read from disk when they are used."""
    small = json.loads((folder / "block.json").read_text("utf-8"))
    initial, groups = folder / "initial.npy", folder / "groups.npy"
    block = Block(
        role=small["role"],
        number=small["number"],
        pool=np.load(folder / "pool.npy"),
        test=np.load(folder / "test.npy"),
        initial=np.load(initial) if initial.exists() else None,
        groups=np.load(groups) if groups.exists() else None,
        by_class=small["by_class"],
    )
    return PreparedBlock(
        block=block,
        X_pool=_load_features(folder, "X_pool"),
        X_test=_load_features(folder, "X_test"),
        y_pool=np.load(folder / "y_pool.npy"),
        y_test=np.load(folder / "y_test.npy"),
        n_classes=small["n_classes"],
        streams=block.streams(small["seed"], small["data"]),
        feature_names=None if small["feature_names"] is None else tuple(small["feature_names"]),
        raw=partial(load_raw, str(folder.parent / small["raw"])) if small["raw"] else no_raw,
        shared=FeatureFiles(folder / "shared"),
    )


def save_raw(table: RawTable | None, path: Path) -> None:
    """Write the raw rows of a data set to a file, for the workers that play a model that takes them.

    A table may hold anything that pandas does, so it is pickled; its numbers can be mapped into memory.
    """
    with written_whole(path, durable=False) as unfinished:
        joblib.dump(None if table is None else (table.frame, table.texts), unfinished)


@lru_cache(maxsize=4)
def load_raw(path: str) -> RawTable | None:
    """Read raw rows written by :func:`save_raw`, once in each process; numbers are read when they are used."""
    stored = joblib.load(path, mmap_mode="r")
    return None if stored is None else RawTable(*stored)


def _load_features(folder: Path, name: str) -> Features:
    if (folder / f"{name}.npy").exists():
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))
    parts = (np.load(folder / f"{name}.{part}.npy", mmap_mode="r") for part in ("data", "indices", "indptr"))
    data, indices, indptr = map(np.asarray, parts)
    return sparse.csr_matrix((data, indices, indptr), shape=tuple(np.load(folder / f"{name}.shape.npy")))
