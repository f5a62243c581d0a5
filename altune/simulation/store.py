"""Finished trajectories on disk, found again by everything that they depend on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from altune.core.errors import StorageError
from altune.core.files import written_whole
from altune.core.formats import TRAJECTORY_FORMAT, changed_libraries, library_versions
from altune.core.registry import Method
from altune.data.blocks import Block
from altune.models.custom import CustomModel
from altune.simulation.curve import LearningCurve

if TYPE_CHECKING:
    from altune.recipes.recipe import Recipe
    from altune.simulation.scenario import Scenario


STORE_BYTES = 4 * 2**30
"""A folder of finished trajectories is kept at 4 GiB, some 500,000 of them."""


def trajectory_key(
    recipe: Recipe,
    block: Block,
    scenario: Scenario,
    fingerprint: str,
    data: str,
    seed: int,
    *,
    examined: bool = False,
) -> str:
    """Return the hash of everything that a trajectory depends on, and of what is noted of it."""
    parts = [
        TRAJECTORY_FORMAT,
        recipe.digest(),
        estimator_text(type(recipe.model)) + recipe.labeling.fingerprint(),
        scenario.played_digest(),
        fingerprint,
        data,
        block.digest(),
        seed,
        *(["examined"] if examined else []),
    ]
    text = json.dumps(parts)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def estimator_text(model: type[Method]) -> str:
    """Return what a user's own estimator is made of, which its name in a recipe does not say; else nothing."""
    if not issubclass(model, CustomModel):
        return ""
    estimator = model.spec.estimator
    return f"{type(estimator).__module__}.{type(estimator).__qualname__} {sorted(estimator.get_params().items())}"


class TrajectoryStore:
    """Finished trajectories in a folder, one JSON file each, written whole or not at all.

    A trajectory that was finished before a kill is read back, not replayed. A torn or foreign file counts as absent.

    Parameters
    ----------
    folder : made when the first trajectory is stored.
    most_bytes : what :meth:`prune` leaves at most; runs may share the folder.

    Attributes
    ----------
    outdated : the libraries with which a trajectory was made that :meth:`load` has passed over, and their versions now;
        empty as long as there is none.
    """

    def __init__(self, folder: Path, most_bytes: int = STORE_BYTES) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self.outdated = ""

    def load(self, key: str) -> LearningCurve | None:
        """Return a stored curve, None where there is none that was made with the libraries of today."""
        path = self._path(key)
        try:
            plain = json.loads(path.read_text("utf-8"))
            if changed := changed_libraries(plain.get("libraries", {})):
                self.outdated = changed
                return None
            curve = LearningCurve.from_dict(plain)
            with contextlib.suppress(OSError):  # read last, pruned last
                os.utime(path)
            return curve
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def save(self, key: str, curve: LearningCurve) -> None:
        """Store a curve.

        Raises
        ------
        StorageError
            If the folder cannot be written, a full disk for one.
        """
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(path) as partial:
                partial.write_text(json.dumps({"libraries": library_versions(), **curve.to_dict()}), "utf-8")
        except OSError as error:
            raise StorageError(f"{path.parent}: cannot write: {error.strerror}; the same command goes on") from None

    def prune(self) -> int:
        """Remove the trajectories that were longest not read or written, down to ``most_bytes``; return how many."""
        found = []
        for path in self.folder.glob("*/*.json"):
            with contextlib.suppress(OSError):  # another run may be pruning as well
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        size, removed = sum(size for _, size, _ in found), 0
        for _, own, path in sorted(found):
            if size <= self.most_bytes:
                break
            path.unlink(missing_ok=True)
            size, removed = size - own, removed + 1
        return removed

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
