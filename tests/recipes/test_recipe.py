"""Recipes: what is read, what is written, what is refused and where."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altune.core.errors import FormatError, RequestError
from altune.core.files import write_text
from altune.core.registry import FIELDS, describe_parameters, every_method, find_method, parse_method
from altune.core.yaml import read_yaml_text
from altune.recipes.recipe import BASELINES, DEFAULTS, Capabilities, Recipe, load_recipe


def test_an_empty_recipe_has_the_documented_defaults() -> None:
    recipe = Recipe()
    assert {field: method.method for field, method in recipe.methods().items()} == DEFAULTS
    assert list(recipe.methods()) == list(FIELDS)
    assert recipe.initial_sample.size is None


def test_a_file_names_just_what_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(
        "version: 1\n"
        "initial_sample: {method: typiclust, size: 20}\n"
        "loop_size: {method: geometric, start: 5, growth: 1.5}\n"
        "retrain: {method: warm_start, on: new}\n"
    )
    recipe = Recipe.load(file)
    assert recipe == Recipe(
        initial_sample={"method": "typiclust", "size": 20},
        loop_size={"method": "geometric", "start": 5, "growth": 1.5},
        retrain={"method": "warm_start", "on": "new"},
    )
    assert recipe.query_strategy.method == "margin"


def test_every_method_of_every_knob_survives_the_way_to_yaml_and_back() -> None:
    for cls in every_method():
        name = cls.model_fields["method"].default
        if cls.knob in FIELDS and all(
            not field.is_required() for key, field in cls.model_fields.items() if key != "method"
        ):
            recipe = Recipe(**{cls.knob: {"method": name}})
            again = Recipe.from_dict(read_yaml_text(recipe.to_yaml()))
            assert again == recipe
            assert again.digest() == recipe.digest()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_numbers_survive_the_way_to_yaml_and_back(data: st.DataObject) -> None:
    mapping: dict[str, Any] = {}
    for knob, name in [
        ("query_strategy", "density_weighted"),
        ("loop_size", "geometric"),
        ("model", "svm_rbf"),
    ]:
        fields: dict[str, Any] = {"method": name}
        cls = find_method(knob, name)
        for parameter, facts in describe_parameters(cls).items():
            if parameter in cls.either[1:]:
                continue  # it excludes the first of them
            if facts["type"] in ("number", "integer") and "low" in facts and "high" in facts:
                kind = st.floats if facts["type"] == "number" else st.integers
                fields[parameter] = data.draw(kind(facts["low"], facts["high"]))
        mapping[knob] = fields
    recipe = Recipe.from_dict(mapping)
    again = Recipe.from_dict(read_yaml_text(recipe.to_yaml()))
    assert again == recipe
    assert hash(again) == hash(recipe)


def test_saving_is_whole_or_not_at_all(tmp_path: Path) -> None:
    recipe = Recipe(query_strategy={"method": "badge"}, name="mine")
    recipe.save(tmp_path / "recipe.yaml")
    assert Recipe.load(tmp_path / "recipe.yaml") == recipe
    assert [entry.name for entry in tmp_path.iterdir()] == ["recipe.yaml"]
    with pytest.raises(RequestError, match="cannot be written"):
        recipe.save(tmp_path / "nowhere" / "recipe.yaml")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RequestError, match="cannot be written"):
        write_text(tmp_path / "folder", "text")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder", "recipe.yaml"]


def test_equality_and_digest_follow_the_decisions() -> None:
    one = Recipe(query_strategy={"method": "density_weighted", "beta": 1})
    same = Recipe(query_strategy={"beta": 1.0, "method": "density_weighted"})
    assert one == same
    assert hash(one) == hash(same)
    assert one.digest() == same.digest()
    assert one.digest() != one.replace(query_strategy="margin").digest()
    assert one.digest() == one.replace(name="a title").digest()
    assert pickle.loads(pickle.dumps(one)) == one  # recipes travel to worker processes
    with pytest.raises(ValueError, match="frozen"):
        one.name = "changed"  # type: ignore[misc]


@pytest.mark.slow
def test_the_digest_is_the_same_in_another_process() -> None:
    code = "from altune.recipes.recipe import Recipe; print(Recipe(query_strategy='badge').digest())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == Recipe(query_strategy="badge").digest()


@pytest.mark.parametrize(
    ("mapping", "place", "says"),
    [
        ({"query_strategi": {}}, "query_strategi", "did you mean 'query_strategy'"),
        ({"query_strategy": {"method": "margn"}}, "query_strategy.method", "did you mean 'margin'"),
        ({"query_strategy": "margn"}, "query_strategy.method", "did you mean 'margin'"),
        ({"query_strategy": 3}, "query_strategy", "3 is not a method"),
        ({"query_strategy": None}, "query_strategy", "None is not a method"),
        ({"query_strategy": {"beta": 1}}, "query_strategy", "the name is missing"),
        (
            {"query_strategy": {"method": "density_weighted", "bta": 1}},
            "query_strategy.bta",
            "did you mean 'beta'",
        ),
        ({"query_strategy": {"method": "density_weighted", "beta": -1}}, "query_strategy.beta", "-1"),
        (
            {"query_strategy": {"method": "switch", "first": {"method": "margn"}}},
            "query_strategy.first.method",
            "did you mean 'margin'",
        ),
        (
            {"query_strategy": {"method": "switch", "first": {"method": "density_weighted", "beta": "x"}}},
            "query_strategy.first.beta",
            "'x'",
        ),
        ({"query_strategy": {"method": "mixture", "first": "badge"}}, "query_strategy.first", "use switch"),
        ({"initial_sample": {"method": "random", "size": 0}}, "initial_sample.size", "0"),
        ({"initial_sample": {"method": "random", "size": math.inf}}, "initial_sample.size", "inf"),
        ({"initial_sample": {"method": "random", "share": 0}}, "initial_sample.share", "0"),
        (
            {"initial_sample": {"method": "random", "size": 5, "share": 0.1}},
            "initial_sample",
            "give size or share, not both",
        ),
        ({"loop_size": {"method": "geometric", "start": 5, "share": 0.1}}, "loop_size", "give start or share"),
        ({"version": 2}, "version", "reads version 1"),
        ({"version": True}, "version", "reads version 1"),
        ({"name": 7}, "name", "7 is not a name"),
        ({"query_strategy": ["margin", "random"]}, "query_strategy", "search space"),
        (
            {"initial_sample": {"method": "random", "size": {"low": 5, "high": 9}}},
            "initial_sample.size",
            "search space",
        ),
        (
            {"initial_sample": {"method": "random", "size": {"choices": [5]}}},
            "initial_sample.size",
            "search space",
        ),
        (
            {"query_strategy": {"method": "switch", "first": ["random", "margin"]}},
            "query_strategy.first",
            "search space",
        ),
        ({"baselines": {}}, "baselines", "search space"),
        ({"forbid": []}, "forbid", "search space"),
    ],
)
def test_a_wrong_recipe_is_refused_at_the_exact_place(mapping: dict[str, Any], place: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        Recipe.from_dict(mapping, "r.yaml")
    assert caught.value.path == place
    assert str(caught.value).startswith(f"r.yaml: {place}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_method_of_another_knob_is_refused() -> None:
    with pytest.raises(FormatError, match="query_strategy: 'reset' is a method of retrain"):
        Recipe(query_strategy=parse_method("retrain", "reset"))


def test_recipes_by_name_and_by_file(tmp_path: Path) -> None:
    assert set(BASELINES) == {"random_sampling", "margin", "vanilla"}
    assert load_recipe("random_sampling").query_strategy.method == "random"
    vanilla = load_recipe("vanilla")
    assert vanilla.query_strategy.method == "least_confidence"
    assert vanilla.name == "vanilla"
    vanilla.save(tmp_path / "mine.yaml")
    assert load_recipe(tmp_path / "mine.yaml") == load_recipe(str(tmp_path / "mine.yaml")) == vanilla
    assert load_recipe(vanilla) is vanilla
    with pytest.raises(RequestError, match="did you mean 'vanilla'"):
        load_recipe("vanila")
    with pytest.raises(FormatError, match="no such file"):
        load_recipe("nowhere.yaml")


@pytest.mark.parametrize(
    ("recipe", "facts", "says"),
    [
        (
            Recipe(retrain="warm_start", model="random_forest"),
            Capabilities(),
            ["retrain: 'warm_start' needs an estimator that resumes", "'random_forest' has none"],
        ),
        (Recipe(labeling="majority"), Capabilities(annotators=1), ["labeling: 'majority' needs several annotators"]),
        (Recipe(labeling="majority"), Capabilities(annotators=2), ["needs 3 annotators"]),
        (
            Recipe(model="naive_bayes"),
            Capabilities(sparse=True),
            ["model: 'naive_bayes' cannot be trained on sparse data"],
        ),
        (
            Recipe(training={"method": "power", "hyperparameter": "C"}, model="random_forest"),
            Capabilities(),
            ["schedules 'C'", "'random_forest'"],
        ),
    ],
)
def test_what_cannot_work_is_told_with_knob_method_and_reason(
    recipe: Recipe, facts: Capabilities, says: list[str]
) -> None:
    problems = recipe.problems(facts)
    assert len(problems) == 1
    for part in says:
        assert part in problems[0]


def test_what_can_work_has_no_problems() -> None:
    assert Recipe().problems(Capabilities()) == []
    assert Recipe().problems(Capabilities(sparse=True)) == []
    assert Recipe(labeling="majority").problems(Capabilities(annotators=3)) == []
    assert Recipe(retrain={"method": "warm_start", "on": "new"}, model="mlp").problems(Capabilities()) == []
