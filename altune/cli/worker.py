"""``altune worker``: play trials of a study that several machines share."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from altune.cli.options import Jobs, Quiet, Target
from altune.core.errors import RequestError
from altune.core.text import counted


def worker(
    storage: Annotated[str, typer.Option(metavar="URL", help="PostgreSQL database of the study.")],
    study: Annotated[str, typer.Option(metavar="NAME", help="Name of the study in the database.")] = "altune",
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]FILE",
            help="Location of the data on this machine where it differs from the owner's; repeatable.",
        ),
    ] = None,
    target: Target = None,
    jobs: Jobs = 1,
    quiet: Quiet = False,
) -> None:
    """Play trials of a shared study until all are finished.

    Any number of workers can join, on any machine. If a worker stops or is killed, another one plays its trial.
    """
    from altune.simulation.execution.processes import processes
    from altune.tuning.resources import Resources
    from altune.tuning.shared import open_shared
    from altune.tuning.shared_worker import play_queue, rebuild
    from altune.workflows.progress import ProgressObserver, console_display

    resources = Resources(jobs=processes(jobs))
    with contextlib.closing(ProgressObserver(console_display(quiet))) as observer:
        shared = open_shared(storage, study, observer)
        stages = rebuild(shared, observer, _named(data or [], shared.data_names), target)
        observer.stage("search", shared.queue.counts().counted * stages.setup.search_blocks.n_usual)
        finished = play_queue(shared, stages, resources)
    print(f"{counted(finished, 'trial')} finished by this worker; {shared.queue.counts().finished} in total")


def _named(words: list[str], names: list[str]) -> dict[str, str]:
    """Return files by the name of their data set; a study on one data set needs no name."""
    files = {}
    for word in words:
        name, equals, file = word.partition("=")
        if not equals and len(names) == 1:
            name, file = names[0], word
        if name not in names or not file:
            raise RequestError(f"--data takes NAME=FILE with a name of {', '.join(names)}, not {word!r}")
        files[name] = file
    return files
