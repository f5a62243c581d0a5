"""learn_ranker(): train a table of ``learned_ranker`` and write it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from altune.core.arguments import plain_arguments
from altune.core.files import require_writable, write_text
from altune.learning.episodes import EpisodePlan, Episodes, episode_player
from altune.learning.ranker import RankerSettings, TrainedRanker, train_ranker
from altune.simulation.execution.processes import processes
from altune.tuning.observer import Observer
from altune.workflows.learn.files import write_left_out
from altune.workflows.progress import python_observer


@plain_arguments()
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
    require_writable(Path(out), folder=False)
    watch = observer if observer is not None else python_observer(progress)
    episodes = Episodes(plan)
    with contextlib.closing(watch), episode_player(None if cache is None else Path(cache), processes(n_jobs)) as player:
        trained = train_ranker(episodes, settings or RankerSettings(), player, watch, command=command)
    write_text(out, trained.table.to_yaml())
    if keep_left_out is not None:
        texts = {family: table.to_yaml() for family, table in trained.without.items()}
        write_left_out(Path(keep_left_out), texts, ".yaml")
    return trained
