"""Search spaces: from YAML to Optuna's trial to a recipe, and every way in which a file can be wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FixedTrial

from altune.core.errors import FormatError, RequestError
from altune.core.registry import parse_method
from altune.core.yaml import read_yaml_text
from altune.recipes.recipe import DEFAULTS, Capabilities, Recipe
from altune.recipes.space import SearchSpace, list_spaces
from altune.recipes.space.shipped import head_comment, shipped_spaces

SHIPPED = [
    "cold_start",
    "full",
    "large_pool",
    "many_classes",
    "neural",
    "noisy_labels",
    "quick",
    "standard",
    "stopping",
]
ENVIRONMENT = Capabilities(n_classes=3, annotators=5)


def draw(
    space: SearchSpace, n_trials: int, sampler: optuna.samplers.BaseSampler
) -> list[tuple[Recipe, dict[str, Any]]]:
    study = optuna.create_study(sampler=sampler, direction="maximize")
    drawn = []
    for number in range(n_trials):
        trial = study.ask()
        drawn.append((space.suggest(trial), trial.params))
        study.tell(trial, float(number % 5))
    return drawn


# Shipped spaces


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("sampler", [optuna.samplers.RandomSampler, optuna.samplers.TPESampler])
def test_every_draw_from_a_shipped_space_is_a_valid_recipe(
    name: str, sampler: type[optuna.samplers.RandomSampler] | type[optuna.samplers.TPESampler]
) -> None:
    space, left_out = SearchSpace.load(name).narrow(ENVIRONMENT)
    assert left_out == []
    playable = 0
    draws = 150 if name == "full" else 40
    for recipe, params in draw(space, draws, sampler(seed=0)):
        assert Recipe.from_dict(read_yaml_text(recipe.to_yaml())) == recipe
        assert set(params) <= set(space.open_paths)
        assert space.recipe_at(params) == recipe
        assert space.params_of(recipe) == params
        playable += space.check_draw(recipe, ENVIRONMENT, params) is None
    assert playable >= (6 if name == "full" else draws)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_space_survives_the_way_to_yaml_and_back(name: str) -> None:
    space = SearchSpace.load(name)
    again = SearchSpace.from_dict(read_yaml_text(space.to_yaml()))
    assert again == space
    assert again.digest() == space.digest()
    assert again.to_dict() == space.to_dict()
    assert space.name == name


def test_all_that_matters_is_open_in_the_full_space() -> None:
    space = SearchSpace.load("full")
    assert {knob for knob in DEFAULTS if not space.is_open(knob)} == {"stopping"}
    assert len(space.decisions["model"].labels) == 10


def test_the_standard_space_leaves_the_model_to_the_user() -> None:
    assert not SearchSpace.load("standard").is_open("model")
    assert not SearchSpace.load("quick").is_open("model")


def test_shipped_spaces_are_listed_with_a_sentence_each() -> None:
    rows = list_spaces()
    assert [row["name"] for row in rows] == SHIPPED == sorted(shipped_spaces())
    for row in rows:
        assert 20 < len(row["summary"]) < 160
        assert row["opens"]
        assert row["parameters"] == SearchSpace.load(row["name"]).n_open
        assert "trials" in head_comment(shipped_spaces()[row["name"]])


def test_how_to_open_stopping_as_the_full_space_says_works() -> None:
    text = shipped_spaces()["full"].read_text()
    advice = [line.removeprefix("#  ") for line in text.splitlines() if line.startswith(("#   stopping:", "#     - "))]
    space = SearchSpace.from_dict(read_yaml_text("\n".join(line.removeprefix(" ") for line in advice)))
    assert space.is_open("stopping")


def test_unknown_spaces_are_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"did you mean 'standard'\?.*path of a YAML file"):
        SearchSpace.load("standart")
    (tmp_path / "mine.yaml").write_text("query_strategy: [margin, random]\n")
    with pytest.raises(FormatError, match=r"did you mean 'mine\.yaml'"):
        SearchSpace.load(tmp_path / "mine.yml")
    assert SearchSpace.load(str(tmp_path / "mine.yaml")).name == "mine"


def test_an_installed_package_finds_the_spaces_inside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "altune" / "search_spaces").mkdir(parents=True)
    (tmp_path / "altune" / "search_spaces" / "inside.yaml").write_text("# One. Two.\nretrain: reset\n")
    monkeypatch.setattr("altune.__file__", str(tmp_path / "altune" / "__init__.py"))
    assert list(shipped_spaces()) == ["inside"]
    assert SearchSpace.load("inside").n_open == 0


def test_reading_a_space_needs_no_optuna() -> None:
    code = "import sys, altune.recipes.space as s; s.SearchSpace.load('full'); sys.exit('optuna' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# From a file to Optuna


def test_the_space_of_the_documentation() -> None:
    space = SearchSpace.from_dict(
        read_yaml_text(
            """
version: 1
name: standard
initial_sample:
  - {method: random,    size: {low: 5, high: 60, log: true}}
  - {method: typiclust, size: {low: 5, high: 60, log: true}}
query_strategy:
  - {method: margin}
  - {method: density_weighted, beta: {low: 0.0, high: 2.0}}
loop_size: {method: constant, size: {choices: [5, 10, 20, 40]}}
baselines:
  random_sampling: {query_strategy: {method: random}}
"""
        )
    )
    assert space.open_paths == [
        "initial_sample",
        "initial_sample.random.size",
        "initial_sample.typiclust.size",
        "loop_size.constant.size",
        "query_strategy",
        "query_strategy.density_weighted.beta",
    ]
    params = {
        "initial_sample": "typiclust",
        "initial_sample.typiclust.size": 7,
        "query_strategy": "density_weighted",
        "query_strategy.density_weighted.beta": 0.5,
        "loop_size.constant.size": 20,
    }
    recipe = space.suggest(FixedTrial(params))
    assert recipe == Recipe(
        initial_sample={"method": "typiclust", "size": 7},
        query_strategy={"method": "density_weighted", "beta": 0.5},
        loop_size={"method": "constant", "size": 20},
    )
    assert space.recipe_at(params) == recipe


def test_the_distributions_that_optuna_sees() -> None:
    space = SearchSpace.from_dict(
        {
            "initial_sample": {"method": "random", "size": {"low": 1e1, "high": 20, "step": 5}},
            "query_strategy": {"method": "density_weighted", "beta": {"low": 1, "high": 2}},
            "model": {"method": "logistic_regression", "C": {"low": 1e-2, "high": 1e2, "log": True}},
        }
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    space.suggest(trial)
    assert trial.distributions == {
        "initial_sample.random.size": optuna.distributions.IntDistribution(10, 20, step=5),
        "query_strategy.density_weighted.beta": optuna.distributions.FloatDistribution(1.0, 2.0),
        "model.logistic_regression.C": optuna.distributions.FloatDistribution(0.01, 100.0, log=True),
    }


def test_nested_strategies_have_paths_of_their_own() -> None:
    space = SearchSpace.from_dict(
        {
            "query_strategy": {
                "method": "switch",
                "first": ["typiclust", {"method": "density_weighted", "beta": {"low": 0.5, "high": 2}}],
                "then": {"method": "margin"},
                "at": {"low": 0.1, "high": 0.5},
            }
        }
    )
    assert space.open_paths == [
        "query_strategy.switch.first",
        "query_strategy.switch.first.density_weighted.beta",
        "query_strategy.switch.at",
    ]
    params = {
        "query_strategy.switch.first": "density_weighted",
        "query_strategy.switch.first.density_weighted.beta": 0.75,
        "query_strategy.switch.at": 0.2,
    }
    strategy = space.recipe_at(params).query_strategy
    assert strategy.to_dict()["first"]["beta"] == 0.75
    assert space.params_of(space.recipe_at(params)) == params


def test_named_alternatives_of_one_method() -> None:
    space = SearchSpace.from_dict(
        {
            "retrain": [
                "reset",
                {"name": "warm_all", "method": "warm_start"},
                {"name": "warm_new", "method": "warm_start", "on": "new", "replay": {"low": 0, "high": 1}},
            ]
        }
    )
    assert space.open_paths == ["retrain", "retrain.warm_new.replay"]
    recipe = space.recipe_at({"retrain": "warm_new", "retrain.warm_new.replay": 0.5})
    assert recipe.retrain.to_dict() == {"method": "warm_start", "on": "new", "replay": 0.5}
    assert space.recipe_at({"retrain": "warm_all"}).retrain.to_dict()["on"] == "all"


def test_a_single_alternative_with_a_name_takes_the_methods_place() -> None:
    space = SearchSpace.from_dict(
        {"initial_sample": {"name": "start", "method": "random", "size": {"low": 5, "high": 9}}}
    )
    assert space.open_paths == ["initial_sample.start.size"]
    assert SearchSpace.from_dict(space.to_dict()) == space


def test_ranges_of_one_value_and_choices_of_one_are_fixed() -> None:
    space = SearchSpace.from_dict(
        {
            "initial_sample": {"method": "random", "size": {"low": 5, "high": 5}},
            "query_strategy": {"method": "density_weighted", "beta": {"choices": [1]}},
            "loop_size": ["constant"],
        }
    )
    assert space.n_open == 0
    assert space.recipe_at({}).initial_sample.size == 5


def test_choices_take_the_declared_type() -> None:
    space = SearchSpace.from_dict({"query_strategy": {"method": "density_weighted", "beta": {"choices": [0, 1, 2]}}})
    assert [repr(value) for value in space.to_dict()["query_strategy"]["beta"]["choices"]] == ["0.0", "1.0", "2.0"]


def test_choices_that_are_not_scalars_are_stored_as_json_text(list_method: str) -> None:
    space = SearchSpace.from_dict({"loop_size": {"method": list_method, "sizes": {"choices": [[5, 10], [20]]}}})
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    recipe = space.suggest(trial)
    stored = trial.params[f"loop_size.{list_method}.sizes"]
    assert stored in ("[5,10]", "[20]")
    assert recipe.loop_size.to_dict()["sizes"] == json.loads(stored)
    assert space.params_of(recipe) == trial.params


def test_a_list_is_a_value_where_no_method_stands(list_method: str) -> None:
    space = SearchSpace.from_dict({"loop_size": {"method": list_method, "sizes": [5, 10]}})
    assert space.n_open == 0
    assert space.recipe_at({}).loop_size.to_dict()["sizes"] == [5, 10]


@pytest.fixture
def list_method() -> Any:
    from typing import Literal

    from altune.core.registry import register, unregister
    from altune.knobs.loop_size import LoopSize, LoopState

    class ListedForTest(LoopSize):
        """Sizes as they are listed."""

        method: Literal["listed_for_test"] = "listed_for_test"
        sizes: tuple[int, ...] = (10,)

        def next_size(self, state: LoopState) -> int:
            return self.sizes[min(state.loop - 1, len(self.sizes) - 1)]

    register(ListedForTest)
    yield "listed_for_test"
    unregister("loop_size", "listed_for_test")


def test_a_recipe_is_a_space_with_nothing_open() -> None:
    recipe = Recipe(query_strategy={"method": "switch", "first": "typiclust"}, model="mlp", name="mine")
    space = SearchSpace.from_dict(recipe.to_dict())
    assert space.n_open == 0
    assert space.recipe_at({}) == recipe.replace(name=None)
    assert {knob: method.method for knob, method in space.fixed().items()} == {
        knob: method.method for knob, method in recipe.methods().items()
    }


def test_a_recipe_outside_of_the_space_has_no_parameters() -> None:
    space = SearchSpace.from_dict({"initial_sample": {"method": "random", "size": {"low": 5, "high": 9}}})
    assert space.params_of(Recipe(initial_sample={"method": "random", "size": 9})) == {"initial_sample.random.size": 9}
    assert space.params_of(Recipe(initial_sample={"method": "random", "size": 10})) is None
    assert space.params_of(Recipe(initial_sample={"method": "kmeans", "size": 9})) is None
    assert space.params_of(Recipe(initial_sample={"method": "random", "size": 9}, model="mlp")) is None


# Fixing, baselines, tables


def test_fixing_the_model_is_refused_where_the_space_opens_it() -> None:
    mlp = parse_method("model", "mlp")
    assert SearchSpace.load("standard").with_fixed(model="mlp").base_recipe().model == mlp
    drawn = SearchSpace.load("quick").with_fixed(model=mlp)
    assert all(recipe.model == mlp for recipe, _ in draw(drawn, 3, optuna.samplers.RandomSampler(seed=0)))
    for name in ("full", "neural"):
        with pytest.raises(FormatError, match="leaves model open"):
            SearchSpace.load(name).with_fixed(model=mlp)


def test_baselines_take_what_the_space_fixes_else_the_defaults() -> None:
    space = SearchSpace.from_dict(
        {
            "initial_sample": {"method": "random", "size": 30},
            "loop_size": [{"method": "constant", "size": 7}, "geometric"],
            "query_strategy": ["margin", "entropy"],
            "model": {"method": "mlp", "batch_size": 8, "alpha": {"low": 1e-4, "high": 1e-2}},
            "baselines": {"mine": {"initial_sample": {"method": "kmeans"}}},
        }
    )
    recipes = space.baseline_recipes()
    assert list(recipes) == ["random_sampling", "vanilla", "mine"]
    random, vanilla, mine = recipes.values()
    assert random.query_strategy.method == "random"
    assert vanilla.query_strategy.method == "least_confidence"
    assert mine.query_strategy.method == "margin"
    assert random.initial_sample.size == vanilla.initial_sample.size == 30
    assert mine.initial_sample.to_dict() == {"method": "kmeans"}
    for recipe in recipes.values():
        assert recipe.loop_size.to_dict() == {"method": "constant"}
        assert recipe.model == parse_method("model", {"method": "mlp", "batch_size": 8})


def test_the_defining_knobs_of_vanilla_override_what_the_space_fixes() -> None:
    space = SearchSpace.from_dict({"initial_sample": "typiclust", "loop_size": "geometric", "query_strategy": "badge"})
    vanilla = space.baseline_recipes()["vanilla"]
    assert vanilla == Recipe(query_strategy="least_confidence", name="vanilla")
    assert space.baseline_recipes()["random_sampling"].initial_sample.method == "typiclust"


def test_the_table_of_a_space() -> None:
    rows = SearchSpace.load("quick").describe()
    assert {"knob": "loop_size", "alternatives": "constant, geometric", "parameters": "geometric.growth"} in rows
    assert [row["knob"] for row in rows] == ["initial_sample", "loop_size", "query_strategy"]


def test_the_digest_changes_with_what_is_searched_only() -> None:
    plain = {"name": "a", "query_strategy": ["margin", "random"]}
    space = SearchSpace.from_dict(plain)
    assert space.digest() == SearchSpace.from_dict({**plain, "name": "b"}).digest()
    assert space.digest() != SearchSpace.from_dict({**plain, "query_strategy": ["random", "margin"]}).digest()
    assert hash(space) == hash(SearchSpace.from_dict(plain))


# What can never work


def test_an_alternative_that_can_never_work_is_left_out_with_its_reason() -> None:
    space = SearchSpace.from_dict(
        {"retrain": ["reset", "warm_start"], "labeling": ["single", "majority"], "model": "random_forest"}
    )
    left, reasons = space.narrow(Capabilities())
    assert left.n_open == 0
    assert left.decisions["retrain"].labels == ("reset",)
    assert len(reasons) == 2
    assert reasons[0].startswith("retrain.warm_start is left out: ")
    assert "'random_forest' has none" in reasons[0]
    assert "several annotators" in reasons[1]


def test_an_alternative_that_works_with_one_of_the_models_stays() -> None:
    space = SearchSpace.from_dict({"retrain": ["reset", "warm_start"], "model": ["random_forest", "mlp"]})
    left, reasons = space.narrow(Capabilities())
    assert (left, reasons) == (space, [])
    bad = space.recipe_at({"retrain": "warm_start", "model": "random_forest"})
    assert "resumes" in str(space.check_draw(bad, Capabilities()))
    assert space.check_draw(space.recipe_at({"retrain": "warm_start", "model": "mlp"}), Capabilities()) is None


def test_a_model_that_nothing_works_with_is_left_out() -> None:
    space = SearchSpace.from_dict({"retrain": "warm_start", "model": ["random_forest", "mlp", "naive_bayes"]})
    left, reasons = space.narrow(Capabilities(sparse=True))
    assert left.decisions["model"].labels == ("mlp",)
    assert {reason.split(" is left out: ")[0] for reason in reasons} == {"model.random_forest", "model.naive_bayes"}


def test_choices_and_nested_alternatives_that_can_never_work_are_left_out() -> None:
    space = SearchSpace.from_dict({"labeling": {"method": "majority", "annotators": {"choices": [2, 3, 9]}}})
    left, reasons = space.narrow(Capabilities(annotators=3))
    assert left.to_dict()["labeling"]["annotators"] == {"choices": [2, 3]}
    assert reasons == [
        "labeling.majority.annotators: 9 is left out: labeling 'majority' asks 9 annotators, and the scenario has 3"
    ]
    only_two, _ = space.narrow(Capabilities(annotators=2))
    assert only_two.n_open == 0


@pytest.mark.parametrize(
    ("mapping", "knob"),
    [
        ({"labeling": "majority"}, "labeling"),
        ({"retrain": "warm_start", "model": "random_forest"}, "retrain"),
        ({"model": ["naive_bayes", "hist_gradient_boosting"]}, "model"),
    ],
)
def test_a_space_with_nothing_left_is_refused(mapping: dict[str, Any], knob: str) -> None:
    with pytest.raises(FormatError, match="no alternative can work") as caught:
        SearchSpace.from_dict(mapping).narrow(Capabilities(sparse=True))
    assert caught.value.path == knob


# Forbidden combinations


FORBIDDING = {
    "query_strategy": ["margin", "badge", {"method": "density_weighted", "beta": {"low": 0.0, "high": 2.0}}],
    "loop_size": {"method": "constant", "size": {"choices": [5, 10, 20]}},
    "forbid": [{"query_strategy": ["badge", "margin"], "loop_size.constant.size": 5}],
}


def test_a_forbidden_combination_is_told_and_others_may_be_played() -> None:
    space = SearchSpace.from_dict(FORBIDDING)
    assert SearchSpace.from_dict(space.to_dict()) == space
    bad = space.recipe_at({"query_strategy": "badge", "loop_size.constant.size": 5})
    assert space.check_draw(bad, Capabilities()) == (
        "the space forbids query_strategy: badge or margin with loop_size.constant.size: 5"
    )
    for strategy, size in [("badge", 10), ("margin", 20)]:
        fine = space.recipe_at({"query_strategy": strategy, "loop_size.constant.size": size})
        assert space.check_draw(fine, Capabilities()) is None
    other = {"query_strategy": "density_weighted", "query_strategy.density_weighted.beta": 0.0}
    assert space.check_draw(space.recipe_at({**other, "loop_size.constant.size": 5}), Capabilities()) is None


def test_overlapping_alternatives_are_told_apart_by_the_trials_parameters() -> None:
    space = SearchSpace.from_dict(
        {
            "initial_sample": [
                {"name": "small", "method": "random", "size": {"low": 5, "high": 30}},
                {"name": "large", "method": "random", "size": {"low": 20, "high": 60}},
            ],
            "forbid": [{"initial_sample": "large"}],
        }
    )
    small = {"initial_sample": "small", "initial_sample.small.size": 25}
    large = {"initial_sample": "large", "initial_sample.large.size": 25}
    recipe = space.recipe_at(small)
    assert recipe == space.recipe_at(large)
    assert space.check_draw(recipe, Capabilities(), small) is None
    assert "large" in str(space.check_draw(recipe, Capabilities(), large))


def test_a_rule_on_the_model_holds_for_a_model_fixed_later() -> None:
    space = SearchSpace.from_dict(
        {"query_strategy": ["margin", "badge"], "forbid": [{"model": "svm_rbf", "query_strategy": "badge"}]}
    )
    badge = {"query_strategy": "badge"}
    assert space.check_draw(space.recipe_at(badge), Capabilities()) is None
    fixed = space.with_fixed(model="svm_rbf")
    assert fixed.check_draw(fixed.recipe_at(badge), Capabilities()) is not None


@pytest.mark.parametrize(
    ("forbid", "place", "says"),
    [
        ({}, "forbid", "list of mappings"),
        ([{}], "forbid[0]", "mapping of Optuna paths"),
        ([{"query_strategi": "margin"}], "forbid[0].query_strategi", "did you mean 'query_strategy'"),
        ([{"query_strategy": "badg"}], "forbid[0].query_strategy", "did you mean 'badge'"),
        ([{"query_strategy": ["badge", "entropy"]}], "forbid[0].query_strategy", "'entropy' can never be drawn"),
        ([{"query_strategy": []}], "forbid[0].query_strategy", "empty list"),
        ([{"loop_size.constant.size": 7}], "forbid[0].loop_size.constant.size", "7 can never be drawn"),
        ([{"query_strategy.badge.beta": 1}], "forbid[0].query_strategy.badge.beta", "no such path"),
        (
            [{"query_strategy": "badge"}, {"query_strategy.density_weighted.beta": 3.0}],
            "forbid[1].query_strategy.density_weighted.beta",
            "3.0 can never be drawn",
        ),
        ([{"model": "mlpp"}], "forbid[0].model", "did you mean 'mlp'"),
    ],
)
def test_a_rule_that_can_never_match_is_refused(forbid: Any, place: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        SearchSpace.from_dict({**FORBIDDING, "forbid": forbid}, "s.yaml")
    assert caught.value.path == place
    assert says in str(caught.value)


def test_rules_about_what_was_left_out_go_with_it() -> None:
    space = SearchSpace.from_dict(
        {"retrain": ["reset", "warm_start"], "model": "random_forest", "forbid": [{"retrain": "warm_start"}]}
    )
    left, _ = space.narrow(Capabilities())
    assert left.forbid == ()
    assert SearchSpace.from_dict(left.to_dict()) == left
