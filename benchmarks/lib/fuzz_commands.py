"""Folders of runs and command lines for fuzz.py."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lib.fuzz_case import SPLITS, Case, Chance, RefusedError, WorkBegunError, write_files
from lib.fuzz_mutations import as_json, mutated_bytes, mutated_journal, mutated_words
from lib.fuzz_tables import csv_file


def command(words: list[str]) -> None:
    """Run a command line in this process; an error of the request or of the work is raised, and so is anything else."""
    import typer

    from altune.cli import app
    from altune.core.deprecations import new_arguments

    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = app(new_arguments(words)[0], standalone_mode=False)
        except SystemExit as ended:
            code = ended.code
        except typer.Exit as ended:
            code = ended.exit_code
        except WorkBegunError:
            return
        except Exception as error:
            if type(error).__name__ != "Abort" and not hasattr(error, "format_message"):
                raise
            raise RefusedError(type(error).__name__) from None
    if code not in (0, None):
        shown = errors.getvalue().strip() or output.getvalue().strip()
        raise RefusedError(shown[-200:].replace("\n", " | "))


def hold_work(change: Callable[[Any, str, Any], None]) -> None:
    """Let every command end where it would play, start a process or wait."""
    import time

    run_files()
    from altune.simulation.execution import processes
    from altune.simulation.execution.player import Player

    def begun(*arguments: Any, **named: Any) -> Any:
        raise WorkBegunError

    for owner, name in ((Player, "__init__"), (processes, "new_crew"), (time, "sleep")):
        change(owner, name, begun)


@functools.cache
def run_files() -> dict[str, bytes]:
    """Return the files of a small finished run, without its page."""
    import tempfile

    import altune

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        sizes: dict[str, Any] = {"budget": 20, "loops": 2, "n_trials": 3, "n_blocks": 2, "select_blocks": 2}
        with contextlib.redirect_stderr(io.StringIO()):
            altune.tune("iris", space="quick", report_blocks=2, select_among=1, n_jobs=1, out=folder, **sizes)
        kept = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".html"]
        stored = [path for path in kept if "trajectories" in path.parts][:3]
        return {
            str(path.relative_to(temporary)): path.read_bytes()
            for path in kept
            if "trajectories" not in path.parts or path in stored
        }


RUN_COMMANDS = (
    *(("watch", "run", "--once"), ("watch", "run", "--json"), ("rescore", "run", "--objective", "final"), ("open",)),
    *(("repair", "run", "--dry-run"), ("repair", "run"), ("importance", "run", "--json"), ("open",), ("open",)),
)


def make_run(chance: Chance) -> Case:
    """Return the files of a run, one or two of which are changed, missing, or of another kind."""
    files = dict(run_files())
    for _ in range(chance.choice((1, 1, 2))):
        name = chance.choice((*files, *("run/study.journal",) * 12))
        if name not in files:
            continue
        kind = chance.random()
        if kind < 0.04:
            del files[name]
        elif kind < 0.06:
            files[name + "/x"] = files.pop(name)
        else:
            change = mutated_journal if name.endswith(("journal", ".json")) else mutated_bytes
            files[name] = change(files[name], chance)
    return Case(files, chance.choice(RUN_COMMANDS))


def play_run(case: Case) -> None:
    """Run a command on the folder of a run, or open it and work out what its page shows."""
    import altune

    if case.words != ("open",):
        return command(list(case.words))
    run = altune.open_run("run")
    for shown in (repr(run), run.trials, run.scenario, run.answer, run.to_dict()):
        assert shown is not None


class _Option(NamedTuple):
    name: str
    takes: str


@functools.cache
def command_options() -> dict[str, tuple[_Option, ...]]:
    """Return the options of each command, as the command line declares them."""
    from altune.cli import COMMANDS
    from altune.cli.commands import build_command

    return {
        name: tuple(
            _Option(option, "" if param.is_flag else str(param.metavar or ""))
            for param in build_command(name, entry.function()).params
            if param.param_type_name == "option"
            for option in (*param.opts, *param.secondary_opts)
        )
        for name, entry in COMMANDS.items()
        if name not in ("worker", "learn")
    }


VALID = {
    "N": ("1", "2", "5", "20", "1_0", "0"),
    "SPACE": ("quick", "space.yaml", "standard"),
    "NAME": ("logistic_regression", "accuracy", "tpe", "random", "loky", "f1", "wilcoxon", "pca", "margin"),
    "DIR": ("out", "data.csv", "run"),
    "FILE": ("scenario.yaml", "splits.json", "out.yaml", "sweep.yaml", "missing/x"),
    "RECIPE": ("margin", "recipe.yaml", "run", "vanilla", "recommended"),
    "COLUMN": ("label", "size", "colour", "when", "nothing"),
    "COLUMN...": ("size", "colour"),
    "DATA...": ("iris", "data.csv"),
    "TIME": ("1s", "10m", "0", "5"),
    "PATH=VALUE": ("query_strategy=margin", "initial_sample.random.size=5", "loop_size={method: constant, size: 3}"),
    "KNOB": ("query_strategy", "model"),
    "NAMES": ("aulc", "aulc,labels", "final", "logistic_regression"),
    "SHARES": ("0.3,0.6", "0.5"),
    "ERRORS": ("0.1,0.2", "0"),
    "RISK": ("mean", "cvar:0.2", "quantil:1"),
    "BOUND": ("labels <= 300", "accuracy >= 0.5"),
}
ARGUMENTS = {
    **dict.fromkeys(("tune", "simulate", "examine", "stopping", "recommend", "learn ranker"), ("data.csv",)),
    **{"compare": ("data.csv", "margin", "vanilla"), "compare-runs": ("run", "run"), "ablate": ("data.csv", "margin")},
    **dict.fromkeys(("report", "rescore", "importance", "watch", "repair"), ("run",)),
    **{"sweep": ("sweep.yaml",), "knobs": ("query_strategy",), "spaces": ("quick",), "spaces check": ("space.yaml",)},
}
REMOTE = ("--scheduler", "--storage", "--backend")  # they wait for what is not there


def make_words(chance: Chance) -> Case:
    """Return a command line with options that it has, changed in one to three places."""
    name = chance.choice(list(command_options()))
    options = [option for option in command_options()[name] if option.name not in REMOTE]
    words = [*name.split(), *ARGUMENTS.get(name, ())]
    for option in chance.sample(options, min(len(options), chance.choice((0, 1, 2, 4)))):
        words += [option.name, *([chance.choice(VALID.get(option.takes, ("1", "x")))] if option.takes else [])]
    if chance.random() < 0.9:
        words = mutated_words(words, [option.name for option in options], chance)
    return Case(words=tuple(words))


@functools.cache
def _surroundings() -> dict[str, bytes]:
    return {
        "data.csv": csv_file(),
        "recipe.yaml": b"query_strategy: margin\n",
        "space.yaml": b"query_strategy: [margin, random]\n",
        "scenario.yaml": b"budget: 20\n",
        "sweep.yaml": b"data: [data.csv]\nspaces: [quick]\n",
        "splits.json": as_json(SPLITS),
    }


def play_words(case: Case) -> None:
    """Run a command line beside small files of every kind."""
    given = {**_surroundings(), **(run_files() if "run" in case.words else {})}
    write_files(given)
    command(list(case.words))
