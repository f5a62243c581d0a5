"""learn_ranker(): train a table of ``learned_ranker`` and write it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from altune.core.errors import RequestError
from altune.core.files import write_text
from altune.learning.episodes import EpisodePlan, Episodes, episode_player
from altune.learning.ranker import RankerSettings, TrainedRanker, train_ranker
from altune.simulation.execution.processes import processes
from altune.tuning.observer import Observer
from altune.workflows.progress import python_observer


def learn_ranker(
    plan: EpisodePlan,
    out: str | Path,
    *,
    settings: RankerSettings | None = None,
    cache: str | Path | None = None,
    keep_left_out: str | Path | None = None,
    n_jobs: int = 1,
    observer: Observer | None = None,
    progress: bool = True,
    command: str = "",
) -> TrainedRanker:
    """Train a table of ``learned_ranker`` and write it as YAML.

    Parameters
    ----------
    plan : what is played to learn from.
    out : the file.
    settings : sizes of the training.
    cache : folder of finished trajectories, from which an interrupted training resumes; None keeps them in memory.
    keep_left_out : folder for the tables without one family each, as ``without_FAMILY.yaml``; None writes none.
    n_jobs : number of processes; −1 uses all cores. It does not affect the result.
    observer : receives messages and progress, in place of the display.
    progress : whether to show progress in a terminal or a notebook.
    command : the command that trains the table, which its file names.

    Raises
    ------
    RequestError
        If a data set cannot be read or a file cannot be written.
    WorkError
        If nothing could be played.
    """
    _require_folder(Path(out).parent)
    watch = observer if observer is not None else python_observer(progress)
    episodes = Episodes(plan)
    with contextlib.closing(watch), episode_player(None if cache is None else Path(cache), processes(n_jobs)) as player:
        trained = train_ranker(episodes, settings or RankerSettings(), player, watch, command=command)
    write_text(out, trained.table.to_yaml())
    if keep_left_out is not None:
        folder = Path(keep_left_out)
        folder.mkdir(parents=True, exist_ok=True)
        for family, table in trained.without.items():
            write_text(folder / f"{left_out_name(family)}.yaml", table.to_yaml())
    return trained


def left_out_name(family: str) -> str:
    """Return the name of the table that was trained without a family.

    >>> left_out_name("page blocks")
    'without_page_blocks'
    """
    return f"without_{re.sub(r'[^A-Za-z0-9_.-]', '_', family)}"


def _require_folder(folder: Path) -> None:
    """Refuse a missing folder before hours of training, not after."""
    if not folder.is_dir():
        raise RequestError(f"the folder {folder} does not exist; make it first")
