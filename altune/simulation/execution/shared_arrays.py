"""Blocks made ready, as files that worker processes map into memory instead of receiving copies.

What trajectories build of a block's features lies beside it, so that one process builds each array for all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from altune.core.pool import FeatureCache
from altune.core.types import Features
from altune.data.blocks import Block
from altune.simulation.prepared import PreparedBlock

T = TypeVar("T")

WORTH_SECONDS = 2e-3
"""What takes longer to build than this is written down: reading it takes a tenth."""
MOST_BYTES = 2**30
"""A process writes no more than this for one block."""


class FeatureFiles(FeatureCache):
    """Structures of one block whose arrays lie in a folder, for all processes that play on it.

    Whoever needs an array first builds it. Two that need it at once both do, and write the same.

    Parameters
    ----------
    folder : made when the first array is written.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._written = 0

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return what is kept under ``key`` here or in the folder, calling ``build`` where it is in neither."""
        if key not in self._kept and _is_plain(key):
            path = self._folder / f"{hashlib.blake2b(repr(key).encode(), digest_size=16).hexdigest()}.npy"
            try:
                # Copied where it is written to, so that it is no other than an array that was built here.
                self._kept[key] = np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))
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
        partial = path.with_suffix(f".{os.getpid()}.part")
        # Without room on the disk each process builds its own.
        with contextlib.suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            with partial.open("wb") as file:
                np.save(file, array, allow_pickle=False)
            os.replace(partial, path)


def _is_plain(key: Hashable) -> bool:
    """Return whether a key is written alike in every process."""
    if isinstance(key, tuple):
        return all(_is_plain(part) for part in key)
    return isinstance(key, (str, bool, int, float, bytes)) or key is None


def save_block(prepared: PreparedBlock, folder: Path) -> None:
    """Write a prepared's arrays, so that workers map them into memory instead of receiving copies."""
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
    # Plain small values travel as JSON; nothing is pickled into a file.
    block, streams = prepared.block, prepared.streams
    np.save(folder / "pool.npy", block.pool)
    np.save(folder / "test.npy", block.test)
    if block.initial is not None:
        np.save(folder / "initial.npy", block.initial)
    facts: dict[str, Any] = {"part": block.part, "number": block.number, "n_classes": prepared.n_classes}
    facts |= {"seed": streams.seed, "data": streams.data, "feature_names": prepared.feature_names}
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")


def load_block(folder: Path) -> PreparedBlock:
    """Read what :func:`save_block` wrote; the features stay on disk until they are touched."""
    facts = json.loads((folder / "facts.json").read_text("utf-8"))
    initial = folder / "initial.npy"
    block = Block(
        part=facts["part"],
        number=facts["number"],
        pool=np.load(folder / "pool.npy"),
        test=np.load(folder / "test.npy"),
        initial=np.load(initial) if initial.exists() else None,
    )
    return PreparedBlock(
        block=block,
        X_pool=_load_features(folder, "X_pool"),
        X_test=_load_features(folder, "X_test"),
        y_pool=np.load(folder / "y_pool.npy"),
        y_test=np.load(folder / "y_test.npy"),
        n_classes=facts["n_classes"],
        streams=block.streams(facts["seed"], facts["data"]),
        feature_names=None if facts["feature_names"] is None else tuple(facts["feature_names"]),
        shared=FeatureFiles(folder / "shared"),
    )


def _load_features(folder: Path, name: str) -> Features:
    if (folder / f"{name}.npy").exists():
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))
    # Copied where it is written to: some estimators take no sparse matrix that is read-only.
    parts = (np.load(folder / f"{name}.{part}.npy", mmap_mode="c") for part in ("data", "indices", "indptr"))
    data, indices, indptr = map(np.asarray, parts)
    return sparse.csr_matrix((data, indices, indptr), shape=tuple(np.load(folder / f"{name}.shape.npy")))
