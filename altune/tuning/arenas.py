"""Blocks made ready, as files that worker processes map into memory instead of receiving copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from altune.data.blocks import Block
from altune.pool import Features
from altune.simulation import Arena


def save_arena(arena: Arena, folder: Path) -> None:
    """Write an arena's arrays, so that workers map them into memory instead of receiving copies."""
    folder.mkdir(parents=True)
    features: dict[str, Features] = {"X_pool": arena.X_pool, "X_test": arena.X_test}
    for name, X in features.items():
        shape = np.array([X.shape[0], X.shape[1]])
        if sparse.issparse(X):
            for part in ("data", "indices", "indptr"):
                np.save(folder / f"{name}.{part}.npy", getattr(X, part))
            np.save(folder / f"{name}.shape.npy", shape)
        else:
            np.save(folder / f"{name}.npy", X)
    np.save(folder / "y_pool.npy", arena.y_pool)
    np.save(folder / "y_test.npy", arena.y_test)
    # Plain small values travel as JSON; nothing is pickled into a file.
    block, streams = arena.block, arena.streams
    np.save(folder / "pool.npy", block.pool)
    np.save(folder / "test.npy", block.test)
    if block.initial is not None:
        np.save(folder / "initial.npy", block.initial)
    facts: dict[str, Any] = {"part": block.part, "number": block.number, "n_classes": arena.n_classes}
    facts |= {"seed": streams.seed, "data": streams.data, "feature_names": arena.feature_names}
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")


def load_arena(folder: Path) -> Arena:
    """Read what :func:`save_arena` wrote; the features stay on disk until they are touched."""
    facts = json.loads((folder / "facts.json").read_text("utf-8"))
    initial = folder / "initial.npy"
    block = Block(
        part=facts["part"],
        number=facts["number"],
        pool=np.load(folder / "pool.npy"),
        test=np.load(folder / "test.npy"),
        initial=np.load(initial) if initial.exists() else None,
    )
    return Arena(
        block=block,
        X_pool=_load_features(folder, "X_pool"),
        X_test=_load_features(folder, "X_test"),
        y_pool=np.load(folder / "y_pool.npy"),
        y_test=np.load(folder / "y_test.npy"),
        n_classes=facts["n_classes"],
        streams=block.streams(facts["seed"], facts["data"]),
        feature_names=None if facts["feature_names"] is None else tuple(facts["feature_names"]),
    )


def _load_features(folder: Path, name: str) -> Features:
    if (folder / f"{name}.npy").exists():
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))
    data, indices, indptr = (np.load(folder / f"{name}.{part}.npy") for part in ("data", "indices", "indptr"))
    return sparse.csr_matrix((data, indices, indptr), shape=tuple(np.load(folder / f"{name}.shape.npy")))
