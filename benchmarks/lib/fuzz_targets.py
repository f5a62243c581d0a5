"""What fuzz.py feeds: each target makes inputs from valid ones, and plays one as a user would."""

from __future__ import annotations

import contextlib
import functools
import io
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from altune.core.errors import AltuneError
from altune.core.registry import KNOBS, methods
from altune.core.yaml import read_yaml_text
from lib import fuzz_tables as tables
from lib.fuzz_mutations import (
    as_json,
    as_yaml,
    mutated_bytes,
    mutated_journal,
    mutated_lines,
    mutated_tree,
    mutated_words,
)

Chance = random.Random


@dataclass(frozen=True)
class Case:
    """One input: files, the words of a command line, and options of a function."""

    files: dict[str, bytes] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


class Target(NamedTuple):
    """Makes cases and plays them in the current folder.

    ``prepare`` is called once for each process, with the function that sets attributes of modules and classes.
    """

    make: Callable[[Chance], Case]
    play: Callable[[Case], None]
    prepare: Callable[[Callable[[Any, str, Any], None]], None] = lambda change: None


class RefusedError(AltuneError):
    """A command has ended with one line on standard error."""


class WorkBegunError(BaseException):
    """A command line is accepted and would now play trajectories or start processes."""


# YAML ----------------------------------------------------------------------------------------------------------------


def text_or_tree(name: str, examples: Callable[[], list[dict[str, Any]]]) -> Callable[[Chance], Case]:
    """Return a maker of YAML files from examples, most of them changed as trees."""

    @functools.cache
    def texts() -> list[bytes]:
        return [as_yaml(tree, Chance(0)) for tree in examples()]

    def make(chance: Chance) -> Case:
        if chance.random() < 0.75:
            tree = mutated_tree(chance.choice(examples()), chance)
            return Case({name: as_yaml(tree, chance)})
        content = chance.choice(texts())
        return Case({name: chance.choice((mutated_bytes, mutated_lines))(content, chance)})

    return make


@functools.cache
def recipes() -> list[dict[str, Any]]:
    """Return a recipe for each method of each knob and each model, with all of its parameters."""
    from altune.recipes.recipe import Recipe

    listed: list[dict[str, Any]] = [Recipe().to_dict(), {"version": 1, "query_strategy": "margin"}]
    for knob in (*KNOBS, "model"):
        for name in methods(knob):
            with contextlib.suppress(AltuneError):
                listed.append({"version": 1, knob: Recipe.from_dict({knob: name}).to_dict()[knob]})
    return listed


def play_recipe(case: Case) -> None:
    """Read a recipe, and see that it reads back as the same one."""
    from altune.recipes.recipe import Recipe

    recipe = Recipe.load("recipe.yaml")
    assert Recipe.from_dict(recipe.to_dict()) == recipe, "another recipe after to_dict"
    assert Recipe.from_dict(read_yaml_text(recipe.to_yaml())).digest() == recipe.digest(), "another recipe after YAML"
    for shown in (recipe.describe(), repr(recipe), recipe._repr_html_(), recipe.problems(_offered())):
        assert shown is not None


def _offered() -> Any:
    from altune.core.needs import Capabilities

    return Capabilities(n_classes=3, n_features=4, classes=("a", "b", "c"))


@functools.cache
def spaces() -> list[dict[str, Any]]:
    """Return the shipped spaces, and one with every key."""
    folder = Path(__file__).parents[2] / "search_spaces"
    shipped = [read_yaml_text(file.read_text("utf-8")) for file in sorted(folder.glob("*.yaml"))]
    own = {
        "version": 1,
        "name": "own",
        "initial_sample": [{"method": "random", "size": {"low": 5, "high": 50, "log": True}}, {"method": "kcenter"}],
        "loop_size": {"method": "constant", "size": {"choices": [5, 10]}},
        "query_strategy": [{"method": "margin"}, {"method": "density_weighted", "beta": {"low": 0, "high": 2}}],
        "baselines": {"plain": {"query_strategy": {"method": "random"}}},
        "forbid": [{"initial_sample": "kcenter", "query_strategy": "margin"}],
    }
    return [*[space for space in shipped if len(str(space)) < 2_000], own, own, {"version": 1, "include": "quick"}]


class _Draws:
    """A trial that draws at random and keeps what it drew."""

    def __init__(self, chance: Chance) -> None:
        self.chance, self.params = chance, dict[str, Any]()

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        return self.params.setdefault(name, self.chance.choice(list(choices)))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return self.params.setdefault(name, low + step * self.chance.randrange((high - low) // step + 1))

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> Any:
        return self.params.setdefault(name, self.chance.choice((low, high)))


def play_space(case: Case) -> None:
    """Read a space, see that it reads back as the same one, and draw recipes from it."""
    from altune.recipes.space import SearchSpace

    space = SearchSpace.load("space.yaml")
    assert SearchSpace.from_dict(space.to_dict()) == space, "another space after to_dict"
    assert SearchSpace.from_dict(read_yaml_text(space.to_yaml())).digest() == space.digest(), "another after YAML"
    space.describe()
    draws = _Draws(Chance(0))
    recipe = space.suggest(draws)
    assert space.recipe_at(draws.params) == recipe, "another recipe at the drawn parameters"
    assert space.params_of(recipe) is not None, "a drawn recipe is not in the space"
    space.check_draw(recipe, _offered(), draws.params)
    space.narrow(_offered())
    space.baseline_recipes(_offered())


@functools.cache
def scenarios() -> list[dict[str, Any]]:
    """Return scenarios with every field."""
    from altune.simulation.scenario import Scenario

    full: dict[str, Any] = {
        "budget": 40,
        "loops": "unlimited",
        "metric": "f1",
        "also": ["accuracy", "balanced_accuracy"],
        "positive": "b",
        "objective": ["aulc", "cost"],
        "risk": "cvar:0.3",
        "constraints": ["labels <= 300"],
        "annotators": [{"error": 0.1, "price": 2}, {"confusion": [[0.9, 0.1], [0.2, 0.8]]}],
        "price_per_loop": 2.5,
        "price_of_class": [1, 2],
        "text_features": 12,
    }
    read = Scenario.from_dict({"budget": 30, "annotators": [{"error": 0.1}, {"error": 0.2}]}).to_dict()
    return [full, read, {"budget": 30, "target_score": 0.8, "objective": "labels_to_target"}]


@functools.cache
def _small_data() -> tuple[Any, ...]:
    from altune.data import load_dataset

    return tuple(map(load_dataset, ("iris", "breast_cancer")))


def play_scenario(case: Case) -> None:
    """Read a scenario, see that it reads back as the same one, and resolve it for data of three and of two classes."""
    from altune.simulation.scenario import Scenario

    scenario = Scenario.load("scenario.yaml")
    assert Scenario.from_dict(scenario.to_dict()) == scenario, "another scenario after to_dict"
    for data in _small_data():
        with contextlib.suppress(AltuneError):
            scenario.resolve(data, data.n_rows // 2).make_objectives()


SWEEPS: list[dict[str, Any]] = [
    {
        "version": 1,
        "data": ["iris", {"file": "data.csv", "target": "label", "name": "mine"}],
        "models": ["logistic_regression", {"method": "mlp", "name": "small", "hidden_sizes": [20]}],
        "spaces": ["quick", "space.yaml"],
        "budgets": [30, 60],
        "seeds": [0, 1],
        "scenario": {"metric": "balanced_accuracy", "annotators": [{"error": 0.1}]},
        "settings": {"n_trials": 4, "batch": 2, "report_blocks": 4},
        "ablation": True,
        "skip": [{"data": "iris", "model": "small"}],
    },
    {"data": ["iris"], "seeds": [0]},
]


def play_sweep(case: Case) -> None:
    """Read a sweep and list its cells."""
    from altune.analysis.sweep.request import read_sweep

    read_sweep("sweep.yaml").cells()


# learned tables, splits ----------------------------------------------------------------------------------------------


@functools.cache
def _learned() -> dict[str, bytes]:
    from altune.knobs.query_strategy import lal_table, ranker_table

    folder = Path(__file__).parents[2] / "altune" / "recipes" / "data"
    files = {"lal.json": lal_table.LAL_TABLES, "ranker.yaml": ranker_table.RANKERS}
    found = {name: kind.shipped["default"].read_bytes() for name, kind in files.items()}
    return found | {name: (folder / name).read_bytes()[:6_000] for name in ("portfolio.yaml", "evidence.yaml")}


@functools.cache
def _learned_trees() -> dict[str, Any]:
    import json

    trees: dict[str, Any] = {"lal.json": json.loads(_learned()["lal.json"])}
    trees["lal.json"]["trees"] = trees["lal.json"]["trees"][:2]
    trees["ranker.yaml"] = read_yaml_text(_learned()["ranker.yaml"].decode())
    folder = Path(__file__).parents[2] / "altune" / "recipes" / "data"
    for name in ("portfolio.yaml", "evidence.yaml"):
        tree = read_yaml_text((folder / name).read_text("utf-8"))
        trees[name] = {key: value[:2] if isinstance(value, list) else value for key, value in tree.items()}
    return trees


def make_learned(chance: Chance) -> Case:
    """Return a changed table of one kind."""
    name = chance.choice(list(_learned()))
    if chance.random() < 0.8:
        return Case({name: as_json(mutated_tree(_learned_trees()[name], chance))})
    return Case({name: mutated_bytes(_learned()[name], chance)})


def play_learned(case: Case) -> None:
    """Read a table by its kind; what was read is asked for its digest."""
    from altune.core.yaml import read_yaml
    from altune.knobs.query_strategy import lal_table, ranker_table
    from altune.recipes.evidence import Evidence
    from altune.recipes.portfolio import Portfolio

    (name,) = case.files
    path = Path(name)
    if name == "lal.json":
        lal_table.read_lal(lal_table.load_json(path), name).digest()
    elif name == "ranker.yaml":
        ranker_table.read_ranker(read_yaml(path), name).digest()
    else:
        kind: Any = Portfolio if name == "portfolio.yaml" else Evidence
        kind.from_dict(read_yaml(path), name)


SPLITS = [
    {"pool": list(range(100)), "test": list(range(100, 150)), "initial": [0, 50, 99]},
    {"pool": list(range(50, 150)), "test": list(range(50))},
]


def make_splits(chance: Chance) -> Case:
    """Return a changed file of splits."""
    if chance.random() < 0.7:
        return Case({"splits.json": as_json(mutated_tree(SPLITS, chance))})
    return Case({"splits.json": mutated_bytes(as_json(SPLITS), chance)})


def play_splits(case: Case) -> None:
    """Read splits for iris."""
    from altune.cli.parsing import read_json
    from altune.data.blocks import read_splits

    read_splits(_small_data()[0], read_json(Path("splits.json")), "splits.json")


# command lines and folders of runs ------------------------------------------------------------------------------------


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

    for owner, name in ((Player, "__init__"), (processes, "_Executor"), (time, "sleep")):
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
    for shown in (repr(run), run.trials, run.scenario, run.answer(), run.to_dict()):
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
        "data.csv": tables.csv_file(),
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


def write_files(files: dict[str, bytes]) -> None:
    """Write files below the current folder."""
    for name, content in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@contextlib.contextmanager
def empty_folder(folder: Path) -> Iterator[None]:
    """Work in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with contextlib.chdir(folder):
        yield


TARGETS: dict[str, Target] = {
    "recipe": Target(text_or_tree("recipe.yaml", recipes), play_recipe),
    "space": Target(text_or_tree("space.yaml", spaces), play_space),
    "scenario": Target(text_or_tree("scenario.yaml", scenarios), play_scenario),
    "sweep": Target(text_or_tree("sweep.yaml", lambda: SWEEPS), play_sweep),
    "learned": Target(make_learned, play_learned),
    "splits": Target(make_splits, play_splits),
    **{
        suffix: Target(functools.partial(tables.make_table, suffix, Case), tables.play_table)
        for suffix in tables.FORMATS
    },
    "run": Target(make_run, play_run, hold_work),
    "words": Target(make_words, play_words, hold_work),
}
