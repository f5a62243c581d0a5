"""The prepared blocks of a player: in memory for its own process, in files for its workers."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from altune.core.files import absolute, storing, temporary_folder
from altune.simulation.execution.shared_arrays import save_block, save_raw
from altune.simulation.execution.worker import BLOCKS_KEPT
from altune.simulation.prepared import PreparedBlock, prepare_block

if TYPE_CHECKING:
    from altune.data import Dataset
    from altune.data.blocks import Block
    from altune.data.description import Encoding
    from altune.simulation.execution.items import WorkItem

TEMPORARY = "free some space, let TMPDIR name another folder, or use one process (--jobs 1)"


class PreparedBlocks:
    """Prepares each block once.

    Parameters
    ----------
    scratch : folder for the arrays that workers map into memory, None for a temporary one.
    """

    def __init__(self, scratch: Path | None = None) -> None:
        # Workers may have been started in another working directory.
        self._scratch = None if scratch is None else absolute(scratch)
        self._folder: Path | None = None
        # A block hashes by identity, and as a key it stays alive, so no other block can take its identity.
        self._in_memory: OrderedDict[Block, PreparedBlock] = OrderedDict()
        self._in_files: dict[Block, Path] = {}
        self._data_sets: list[Dataset] = []
        self._encodings: dict[Block, Encoding | None] = {}

    def remove_left(self) -> None:
        """Remove the arrays of a player that was killed, whose folder nothing else uses."""
        if self._scratch is not None and not self._scratch.is_symlink():
            shutil.rmtree(self._scratch, ignore_errors=True)

    def open_folder(self, stack: contextlib.ExitStack) -> None:
        """Make the folder for the arrays, and remove it when ``stack`` closes."""
        if self._scratch is None:
            with self._storing(Path("temporary files")):
                self._folder = stack.enter_context(temporary_folder("altune-"))
            return
        stack.callback(shutil.rmtree, self._scratch, ignore_errors=True)
        # Workers outlive a player and keep blocks by their path, so a path must never be used for a second block.
        with self._storing(self._scratch):
            self._scratch.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(dir=self._scratch))

    def in_memory(self, item: WorkItem) -> PreparedBlock:
        """Return the prepared block of an item."""
        if item.block not in self._in_memory:
            self._in_memory[item.block] = _prepare(item)
            self._encodings[item.block] = self._in_memory[item.block].encoding
            if len(self._in_memory) > BLOCKS_KEPT:
                self._in_memory.popitem(last=False)
        return self._in_memory[item.block]

    def in_files(self, item: WorkItem) -> Path:
        """Return the folder with the prepared block of an item, and write it the first time."""
        if item.block not in self._in_files:
            folder = self._in_folder(str(len(self._in_files)))
            prepared = _prepare(item)
            with self._storing(folder.parent):
                save_block(prepared, folder, self._raw_file(item).name)
            self._in_files[item.block] = folder
            self._encodings[item.block] = prepared.encoding
        if item.recipe.takes_raw and not (raw := self._raw_file(item)).exists():
            with self._storing(raw.parent):
                save_raw(item.environment.dataset.raw_table, raw)
        return self._in_files[item.block]

    def _storing(self, folder: Path) -> contextlib.AbstractContextManager[None]:
        return storing(folder, TEMPORARY if self._scratch is None else "run the same command again to continue")

    def _raw_file(self, item: WorkItem) -> Path:
        """Return the file of the raw rows of the item's data set; it is written when a model first takes them."""
        dataset = item.environment.dataset
        if dataset not in self._data_sets:
            self._data_sets.append(dataset)
        return self._in_folder(f"{self._data_sets.index(dataset)}.raw")

    def _in_folder(self, name: str) -> Path:
        if self._folder is None:
            raise RuntimeError("the player is not open")
        return self._folder / name

    def encoding(self, item: WorkItem) -> Encoding | None:
        """Return how the columns became numbers on the block of an item.

        The block is encoded for it only if no trajectory was played on it here: all were read back, or other machines
        played them.
        """
        if item.block not in self._encodings:
            self._encodings[item.block] = _prepare(item).encoding
        return self._encodings[item.block]


def _prepare(item: WorkItem) -> PreparedBlock:
    environment = item.environment
    scenario = environment.scenario
    return prepare_block(environment.dataset, item.block, environment.seed, scenario.scaling, scenario.text_features)
