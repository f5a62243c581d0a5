"""Gather the evidence on the recommended recipe from simulations on many data sets."""

from __future__ import annotations

from pathlib import Path

from altune.core.arguments import plain_arguments
from altune.core.errors import RequestError
from altune.core.files import require_writable
from altune.learning.episodes import EpisodePlan, Episodes, episode_player
from altune.learning.evidence import gather_evidence
from altune.recipes.evidence import Evidence
from altune.simulation.execution.processes import processes
from altune.tuning.observer import Observer, Silent

COMMENT = """What the recommended recipe gained over random sampling, least confidence and margin.
A line is a data set, its family, its classes, rows and features, a model, a budget and a share of wrong labels, then
the differences in the objective on each block, in 1/10,000. altune/recipes/evidence.py reads it."""


@plain_arguments()
def learn_evidence(
    plan: EpisodePlan,
    *,
    noisy_every: int = 3,
    cache: Path | None = None,
    n_jobs: int = 1,
    out: Path | None = None,
    command: str = "",
    observer: Observer | None = None,
) -> Evidence:
    """Play the recommended recipe and simple recipes on many data sets and return the differences.

    Parameters
    ----------
    plan : data sets, models, budgets, rates of label errors and blocks.
    noisy_every : label errors are played on the first of each group of this many data sets, 1 for all.
    cache : folder of finished trajectories, from which an interrupted command resumes; None keeps them in memory.
    n_jobs : number of processes; it has no effect on the result.
    out : file to write the evidence to; None writes nothing.
    command : the command that makes it, which the file names.
    observer : receives messages and progress.

    Raises
    ------
    RequestError
        If the request is wrong.
    """
    if noisy_every < 1:
        raise RequestError(f"noisy_every must be 1 or more, not {noisy_every}")
    if out is not None:
        require_writable(out, folder=False)
    watching = observer if observer is not None else Silent()
    episodes = Episodes(plan)
    made = {"command": command} if command else {}
    with episode_player(cache, processes(n_jobs)) as player:
        evidence = gather_evidence(episodes, player, watching, noisy_every=noisy_every, made=made, say=watching.say)
    if out is not None:
        evidence.save(out, COMMENT)
    return evidence
