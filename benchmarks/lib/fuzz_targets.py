"""What fuzz.py feeds: each target makes inputs from valid ones, and plays one as a user would."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from altune.core.errors import AltuneError
from altune.core.registry import KNOBS, methods
from altune.core.yaml import read_yaml_text
from lib import fuzz_tables as tables
from lib.fuzz_case import SPLITS, Case, Chance, Target
from lib.fuzz_commands import hold_work, make_run, make_words, play_run, play_words
from lib.fuzz_mutations import as_json, as_yaml, mutated_bytes, mutated_lines, mutated_tree

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
