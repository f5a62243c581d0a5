"""The commands on a run's page that use its recipe; each works when it is pasted."""

from __future__ import annotations

import shlex
from pathlib import Path

from altune.analysis.data_words import data_words
from altune.analysis.run import Run
from altune.data import Reading
from altune.models import as_model
from altune.recipes.recipe import BUILT_IN
from altune.tuning.run_folder import away_scenario_file, scenario_file


def commands_of(run: Run) -> list[tuple[str, str]]:
    """Return commands that use the recipe of a run, each as (what it does, command).

    Paths are absolute, so that a command works in any folder. Where the command line cannot name the data or the
    methods, because they were made in Python, there are lines of Python only.
    """
    names = [*run.record.data_sets, *run.away]
    words = {name: data_words(run.record, name) for name in names}
    shell = [
        command
        for name in names
        if run.folder is not None and (data := words[name]) is not None and not _needs_python(run)
        for command in _shell(run, run.folder.resolve(), name, data)
    ]
    return [*shell, _python(run, names[0], words[names[0]])]


def _shell(run: Run, folder: Path, name: str, data: list[str]) -> list[tuple[str, str]]:
    several = len(run.record.data_sets) + len(run.away) > 1
    blocks = "the same blocks with other random streams" if "--splits" in data else "other blocks"
    where = f"{blocks} of {name}" if several else blocks
    own_file = away_scenario_file(name) if name in run.away else scenario_file(run.record.scenarios, name)
    scenario = str(folder / own_file)
    given = [*data[1:], "--scenario", scenario, "--seed", str(_seed(run, data))]
    simulate = ["altune", "simulate", data[0], "--recipe", str(folder), *given]
    commands = [(f"Play it on {where}", shlex.join(simulate))]
    model = _model_of_baselines(run)
    if model is not None:
        compare = [
            "altune",
            "compare",
            data[0],
            str(folder),
            *(name for name in BUILT_IN if name in run.baselines),
            *given,
            *model,
        ]
        commands.append((f"Compare it with the baselines on {where}", shlex.join(compare)))
    return commands


def _model_of_baselines(run: Run) -> list[str] | None:
    """Return the option that gives the built-in baselines the model that they had in the run; None if there is none."""
    model = next(iter(run.baselines.values())).recipe.model
    if model == as_model("logistic_regression"):
        return []
    # The option gives its model to every recipe, so it must be the model of the recipe as well.
    return ["--model", model.method] if model == as_model(model.method) == run.best_recipe.model else None


def _seed(run: Run, data: list[str] | None) -> int:
    """Return a seed whose blocks are new and whose held-back rows no recipe of the search was scored on."""
    # With the seed of the run, blocks are drawn for the command; explicit blocks would be played just as before.
    return int(run.record.settings["seed"]) + (data is not None and "--splits" in data)


def _needs_python(run: Run) -> bool:
    """Return whether a method of the recipe has to be registered in Python."""
    return bool(run.record.header.get("estimators")) or run.best_recipe.labeling.method == "label_functions"


def _python(run: Run, name: str, data: list[str] | None) -> tuple[str, str]:
    several = len(run.record.data_sets) > 1
    source = {} if data is None else (run.record.sources or {}).get(name) or {}
    given = [repr(data[0]) if data is not None else "data"]
    given += [f"{option}={value!r}" for option, value in Reading.of_stored(source).given.items()]
    given += [f"splits=json.load(open({source['splits']!r}))"] if source.get("splits") else []
    given += [f"scenario=run.record.scenarios[{name!r}]" if several else "scenario=run.scenario"]
    given += [f"seed={_seed(run, data)}"]
    lines = ["import json", "import altune"] if source.get("splits") else ["import altune"]
    lines += [] if run.folder is None else [f"run = altune.open_run({str(run.folder.resolve())!r})"]
    lines += [f"altune.simulate(run, {', '.join(given)})"]
    first = [] if run.folder is not None else ["in the session that has the run"]
    first += ["register your methods first"] if _needs_python(run) else []
    first += [f"data is the data set {name}"] if data is None else []
    note = f" ({'; '.join(first)})" if first else ""
    return f"Use it in Python{note}", "\n".join(lines)
