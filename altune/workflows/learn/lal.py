"""learn_lal(): train a forest of ``lal`` and write it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from altune.core.arguments import plain_arguments
from altune.core.files import require_writable, write_text
from altune.learning.episodes import EpisodePlan, Episodes, episode_player
from altune.learning.lal import LalSettings, TrainedLal, train_lal
from altune.simulation.execution.processes import processes
from altune.tuning.observer import Observer
from altune.workflows.learn.files import write_left_out
from altune.workflows.progress import python_observer


@plain_arguments()
def learn_lal(
    plan: EpisodePlan,
    out: str | Path,
    *,
    settings: LalSettings | None = None,
    cache: str | Path | None = None,
    keep_left_out: str | Path | None = None,
    n_jobs: int = 1,
    observer: Observer | None = None,
    progress: bool = True,
    command: str = "",
) -> TrainedLal:
    """Train a forest of ``lal`` and write it as JSON.

    Parameters
    ----------
    plan : what is played to learn from.
    out : the file.
    settings : sizes of the training.
    cache : folder of finished trajectories and measurements, from which an interrupted training resumes.
    keep_left_out : folder for the forests without one family each, as ``without_FAMILY.json``; None writes none.
    n_jobs : number of processes; −1 uses all cores. It does not affect the result.
    observer : receives messages and progress, in place of the display.
    progress : whether to show progress in a terminal or a notebook.
    command : the command that trains the forest, which its file names.

    Raises
    ------
    RequestError
        If a data set cannot be read or a file cannot be written.
    WorkError
        If nothing could be measured.
    """
    require_writable(Path(out), folder=False)
    watch = observer if observer is not None else python_observer(progress)
    episodes, folder = Episodes(plan), None if cache is None else Path(cache)
    with contextlib.closing(watch), episode_player(folder, processes(n_jobs)) as player:
        trained = train_lal(episodes, settings or LalSettings(), player, watch, cache=folder, command=command)
    write_text(out, trained.table.to_json())
    if keep_left_out is not None:
        texts = {family: table.to_json() for family, table in trained.without.items()}
        write_left_out(Path(keep_left_out), texts, ".json")
    return trained
