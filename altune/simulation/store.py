"""Finished trajectories on disk, by a hash of everything that they depend on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from altune.core.checksums import sealed, unsealed
from altune.core.files import absolute, make_private_folder, require_writable, storing, written_whole
from altune.core.formats import TRAJECTORY_FORMAT, changed_libraries, library_versions
from altune.core.identity import remembered
from altune.core.origin import SCRIPTS, find
from altune.core.registry import Method
from altune.data.blocks import Block
from altune.simulation.curve import LearningCurve

if TYPE_CHECKING:
    from altune.recipes.recipe import Recipe
    from altune.simulation.scenario import Scenario


STORE_BYTES = 4 * 2**30
"""Size to which a folder of trajectories is pruned: 4 GiB, which is about 500,000 of them."""


def trajectory_key(
    recipe: Recipe,
    block: Block,
    scenario: Scenario,
    fingerprint: str,
    data: str,
    seed: int,
    *,
    examined: bool = False,
    row_scores: bool = False,
) -> str:
    """Return a hash of everything that a trajectory depends on, and of what is recorded of it."""
    parts = [
        TRAJECTORY_FORMAT,
        recipe.digest(),
        code_text(recipe) + recipe.labeling.fingerprint() + recipe.query_strategy.fingerprint(),
        scenario.played_digest(),
        fingerprint,
        data,
        block.digest(),
        seed,
        *(["examined"] if examined else []),
        *(["row_scores"] if row_scores else []),
    ]
    text = json.dumps(parts)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def code_text(recipe: Recipe) -> str:
    """Return what the methods of a user's own are in a recipe, which knows them by name only; empty if it has none."""
    return "".join(method_code(method) for method in recipe.methods().values())


def method_code(method: Method) -> str:
    """Return what a method and those within it are of a user's own code; empty if they have none."""
    cls = type(method)
    identity = remembered(cls, cls.code_identity)
    within = "".join(method_code(nested) for nested in method.nested().values())
    return within if identity is None else f"{method.method} {identity.text} {within}"


def imported_code(recipe: Recipe) -> dict[str, str]:
    """Return what the methods of a user's own are made of that each process imports for itself, by module and name."""
    found: dict[str, str] = {}
    methods = list(recipe.methods().values())
    while methods:
        method = methods.pop()
        methods += method.nested().values()
        cls = type(method)
        identity = remembered(cls, cls.code_identity)
        # Other classes, such as those of a notebook, travel to a worker with their code.
        if identity is not None and cls.__module__ not in SCRIPTS and find(cls.__module__, cls.__qualname__) is cls:
            found[f"{cls.__module__}.{cls.__qualname__}"] = identity.text
    return found


class TrajectoryStore:
    """Finished trajectories in a folder, in one JSON file each.

    Files are written atomically, so a trajectory that was finished before a crash is read back, not simulated again.
    A damaged or unknown file counts as absent. Several runs may share a folder.

    Parameters
    ----------
    folder : the folder; made when the first trajectory is saved.
    most_bytes : size to which :meth:`prune` reduces the folder.

    Raises
    ------
    RequestError
        If nothing can be written there.

    Attributes
    ----------
    outdated : which libraries have changed since a trajectory was stored that :meth:`load` did not return for this
        reason; empty if there was none.
    damaged : name of a file that :meth:`load` could not use because it is damaged; empty if there was none.
    """

    def __init__(self, folder: Path, most_bytes: int = STORE_BYTES) -> None:
        require_writable(folder, folder=True)
        self.folder = absolute(folder)  # a worker may have been started in another working directory
        self.most_bytes = most_bytes
        self.outdated = ""
        self.damaged = ""

    def load(self, key: str) -> LearningCurve | None:
        """Return a stored curve, None if there is none that was made with the installed versions of the libraries."""
        path = self._path(key)
        try:
            plain = unsealed(path.read_bytes())
            if changed := changed_libraries(plain.get("libraries", {})):
                self.outdated = changed
                return None
            curve = LearningCurve.from_dict(plain)
            with contextlib.suppress(OSError):  # the time of the last use, by which `prune` goes
                os.utime(path)
            return curve
        except OSError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.damaged = path.name
            return None

    def save(self, key: str, curve: LearningCurve) -> None:
        """Save a curve.

        Raises
        ------
        StorageError
            If the folder cannot be written to, for example because the disk is full.
        """
        path = self._path(key)
        with storing(path.parent, "run the same command again to continue"):
            make_private_folder(path.parent)
            with written_whole(path, durable=False) as partial:
                partial.write_text(sealed({"libraries": library_versions(), **curve.to_dict()}), "utf-8")

    def prune(self) -> int:
        """Remove the least recently used trajectories beyond ``most_bytes``, and return the number removed."""
        files = []
        for path in self.folder.glob(f"{'[0-9a-f]' * 2}/{'[0-9a-f]' * 32}.json"):
            with contextlib.suppress(OSError):  # another run may be pruning as well
                stat = path.stat()
                files.append((stat.st_mtime_ns, stat.st_size, path))
        left, removed = sum(size for _, size, _ in files), 0
        for _, size, path in sorted(files):
            if left <= self.most_bytes:
                break
            path.unlink(missing_ok=True)
            left, removed = left - size, removed + 1
        return removed

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
