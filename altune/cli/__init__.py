"""The command line: parse, call, print.

Standard output carries results, standard error progress and errors. Exit codes: 0 done, 1 the work failed, 2 the
request is wrong, 130 interrupted.

A command is a function in a file of this folder and an entry of :data:`COMMANDS`. Its file is imported only when the
command is called, and the function imports what it needs only when it runs, so that help appears at once. Options that
several commands share are in :mod:`altune.cli.options`.
"""

from __future__ import annotations

import atexit
import gc
import sys
import warnings
from pathlib import Path
from typing import Annotated, TextIO

import typer

from altune.cli.commands import Command, CommandGroup
from altune.cli.failures import DEBUG_VARIABLE, report_failure, taken_debug
from altune.cli.output import print_error
from altune.cli.streams import end_streams, prepare_streams
from altune.core.deprecations import new_arguments
from altune.core.errors import AltuneWarning
from altune.core.files import absolute
from altune.core.standard_streams import print_remark
from altune.core.version import __version__

COMMANDS = {
    "tune": Command("altune.cli.tune:tune", "Search for the best recipe on DATA and confirm it."),
    "sweep": Command("altune.cli.sweep:sweep", "Tune every combination that FILE lists."),
    "simulate": Command("altune.cli.simulate:simulate", "Play one recipe on DATA and print its learning curve."),
    "compare": Command("altune.cli.compare:compare", "Play recipes on the same blocks and print how they differ."),
    "compare-runs": Command("altune.cli.compare_runs:compare_runs", "Compare finished runs without simulating."),
    "ablate": Command("altune.cli.ablate:ablate", "Show which decision makes the difference of two recipes."),
    "examine": Command("altune.cli.examine:examine", "Show what each loop of a recipe did on DATA."),
    "stopping": Command("altune.cli.stopping:stopping", "Show where each stopping rule would have stopped a recipe."),
    "recommend": Command("altune.cli.recommend:recommend", "Recommend a recipe without any label."),
    "learn": Command("altune.cli.learn:learn", "Learn from simulations on many data sets."),
    "learn ranker": Command("altune.cli.learn_ranker:ranker", "Train the query strategy learned_ranker."),
    "learn lal": Command("altune.cli.learn_lal:lal", "Train the query strategy lal."),
    "learn portfolio": Command("altune.cli.learn_portfolio:portfolio", "Gather the recipes that a search tries first."),
    "learn evidence": Command("altune.cli.learn_evidence:evidence", "Gather what is known of the recommended recipe."),
    "campaign": Command("altune.cli.campaign:campaign", "Label for real: run a recipe with people as annotators."),
    "campaign start": Command("altune.cli.campaign:start", "Begin a campaign on the rows of POOL."),
    "campaign next": Command("altune.cli.campaign:next_batch", "Write the rows that are to be labelled now."),
    "campaign submit": Command("altune.cli.campaign:submit", "Take the labels of a file."),
    "campaign status": Command("altune.cli.campaign:status", "Show how far a campaign is."),
    "campaign predict": Command("altune.cli.campaign:predict", "Write the predictions of the current model."),
    "campaign export": Command("altune.cli.campaign:export", "Write the labels, or all answers."),
    "worker": Command("altune.cli.worker:worker", "Play trials of a study that several machines share."),
    "report": Command("altune.cli.report:report", "Write the report of a run again and print its answer."),
    "rescore": Command("altune.cli.rescore:rescore", "Rank the trials of a run by another objective or price."),
    "importance": Command(
        "altune.cli.importance:importance", "Show how much each knob explains of the values of a run."
    ),
    "watch": Command("altune.cli.watch:watch", "Show the progress of a run."),
    "repair": Command("altune.cli.repair:repair", "Repair a run or a shared study after a crash."),
    "knobs": Command("altune.cli.knobs:knobs", "List the methods of each knob."),
    "spaces": Command("altune.cli.spaces:spaces", "List the search spaces that altune ships, or print one."),
    "spaces check": Command("altune.cli.spaces:check", "Check a search space against a data set."),
    "spaces schema": Command("altune.cli.spaces:schema", "Print the JSON Schema of search space files, for editors."),
    "datasets": Command("altune.cli.datasets:datasets", "List the built-in data sets."),
}


class Commands(CommandGroup):
    """The commands of altune."""

    table = COMMANDS


app = typer.Typer(
    name="altune",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def version(show: bool) -> None:
    """Print the version and exit."""
    if show:
        print(f"altune {__version__}")
        raise typer.Exit


@app.callback()
def common(
    show_version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help=f"Show the traceback of an error, also after a command; or {DEBUG_VARIABLE}=1."),
    ] = False,
) -> None:
    """Tune an active-learning process as one tunes a model."""


def main() -> None:
    """Run the command line; the entry point of the ``altune`` script."""
    # The imports create a million objects that live until the process ends. Collecting garbage among them took a fifth
    # of the time of a short command, and again at exit.
    gc.set_threshold(100_000, 50, 100)
    warnings.showwarning = _show_warning
    atexit.register(gc.freeze)
    words, debug = taken_debug(sys.argv[1:])
    try:
        prepare_streams()
        absolute(Path())
        words, changed = new_arguments(words)
        for line in changed:
            print_error(line)
        code = app(words, standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        code = report_failure(error, debug)
    sys.exit(end_streams(code if isinstance(code, int) else 0))


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning of altune as one line, and any other one as Python does."""
    if issubclass(category, AltuneWarning):
        print_error(str(message))
    else:
        print_remark(warnings.formatwarning(message, category, filename, lineno, line).rstrip("\n"))
