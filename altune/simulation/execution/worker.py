"""What runs in a worker process: one trajectory at a time, on one thread, which can pause and continue later."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from altune.core.blame import failed
from altune.core.settings import usual_settings
from altune.core.threads import on_one_thread
from altune.data import Dataset
from altune.data.blocks import Block
from altune.simulation.execution.items import Failure, Outcome, PackedItem
from altune.simulation.execution.serving import announce
from altune.simulation.execution.shared_arrays import load_block
from altune.simulation.execution.time_limit import TimeLimitReached, time_limit
from altune.simulation.prepared import PreparedBlock, prepare_block
from altune.simulation.trajectory import Trajectory

BLOCKS_KEPT = 32
PAUSED_KEPT = 64
OVER_TIME = "over the time limit"


_paused: OrderedDict[str, Trajectory] = OrderedDict()
_blocks: OrderedDict[str, PreparedBlock] = OrderedDict()


def play_safely(item: PackedItem, prepared: PreparedBlock) -> Outcome:
    """Play a trajectory to its end, or to where the item pauses, and return its curve; an error becomes a failure.

    Raises
    ------
    StorageError
        If a finished trajectory cannot be saved.
    """
    trajectory: Trajectory | None = None
    try:
        with usual_settings(), time_limit(item.limit):
            # A trajectory that paused in another process is played again from its start, with the same result.
            trajectory = _paused.pop(item.key, None) or Trajectory(
                item.recipe, prepared, item.scenario, examined=item.examined, row_scores=item.row_scores
            )
            trajectory.advance(float("inf") if item.until is None else item.until)
            curve = trajectory.curve()
    except TimeLimitReached:
        return Failure(over_time(item.limit), attempt=item.attempt)
    except BaseException as error:  # a method may raise SystemExit or anything else
        return Failure(*failed(error, None if trajectory is None else trajectory.loop), item.attempt)
    if not trajectory.done:
        _paused[item.key] = trajectory
        if len(_paused) > PAUSED_KEPT:
            _paused.popitem(last=False)
    elif item.store is not None:
        item.store.save(item.key, curve)
    return curve


def over_time(limit: float | None) -> str:
    """Return the reason of the failure of what was over its time limit."""
    return f"{OVER_TIME} of {limit:g} s on one block"


def work(item: PackedItem, folder: str) -> tuple[str, Outcome]:
    """Play an item in a worker process of this machine, on a block that is stored in a folder."""
    item.require_code()
    prepared = _block(folder, lambda: load_block(Path(folder)))
    if item.limit is not None:
        announce()
    return item.key, play_safely(item, prepared)


@on_one_thread
def run_remote(item: PackedItem, dataset: Dataset, block: Block, seed: int) -> tuple[str, Outcome]:
    """Play an item in a worker process of any machine, which receives the data set and prepares the block itself."""
    item.require_code()
    encoded = item.scenario.scaling, item.scenario.text_features
    name = f"{dataset.fingerprint_for(item.recipe.takes_raw)} {dataset.name} {block.digest()} {seed} {encoded}"
    prepared = _block(name, lambda: prepare_block(dataset, block, seed, *encoded))
    return item.key, play_safely(item, prepared)


def forget_blocks() -> None:
    """Release the blocks that this process keeps, and the files behind them."""
    _blocks.clear()


def _block(name: str, make: Callable[[], PreparedBlock]) -> PreparedBlock:
    block = _blocks.get(name)  # another thread of this process may clear them at any time
    if block is None:
        block = _blocks[name] = make()
        if len(_blocks) > BLOCKS_KEPT:
            _blocks.popitem(last=False)
    return block
