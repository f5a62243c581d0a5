"""The commands on a run's page that use the confirmed recipe."""

from __future__ import annotations

import shlex
from pathlib import Path

from altune.analysis.run import Run
from altune.data import list_datasets


def commands_of(run: Run) -> list[tuple[str, str]]:
    """Return commands that use the confirmed recipe, each as (what it does, command).

    ``DATA`` replaces the name of a data set that is not built in, because the study does not store the file's path.
    """
    names = list(run.record.data_sets)
    several = len(names) > 1
    folder = Path() if run.folder is None else run.folder
    recipe = shlex.quote(str(folder / "recipe.yaml"))
    built_in = {info.name for info in list_datasets()}
    arguments = {name: name if name in built_in else "DATA" for name in names}
    options = {name: _scenario_options(run, name, folder) for name in names}
    simulations = [
        (
            f"Play it on other blocks{f' of {name}' if several else ''}",
            f"altune simulate {arguments[name]} --recipe {recipe} {options[name]}",
        )
        for name in names
    ]
    first = names[0]
    return [
        *simulations,
        (
            f"Compare it with a recipe of your own{f' on {first}' if several else ''}",
            f"altune compare {arguments[first]} {recipe} mine.yaml {options[first]}",
        ),
        ("Use it in Python", f"recipe = altune.Recipe.load({str(folder / 'recipe.yaml')!r})"),
    ]


def _scenario_options(run: Run, name: str, folder: Path) -> str:
    several = len(run.record.data_sets) > 1
    file = f"{Path(name).name}.scenario.yaml" if several else "scenario.yaml"
    return f"--scenario {shlex.quote(str(folder / file))} --seed {run.record.settings['seed'] + 1}"
