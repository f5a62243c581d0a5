"""Recipes and their YAML: what is read, what is written, what is refused and where."""

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
from altune.core.yaml import MAX_BYTES, MAX_DEPTH, read_yaml, read_yaml_text, write_yaml
from altune.recipes.recipe import BASELINES, DEFAULTS, Capabilities, Recipe, load_recipe

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


# YAML


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_written_values_read_back_exactly(plain: dict[str, Any]) -> None:
    again = read_yaml_text(write_yaml(plain))
    assert repr(again) == repr(plain)  # repr tells 1 from 1.0 from True, and -0.0 from 0.0


@pytest.mark.parametrize(
    "word", ["1e3", ".5e3", "0x1f", "0o7", "null", "~", "", "true", "-", "12", ".inf", "a: b", "# c"]
)
def test_words_that_look_like_something_else_stay_words(word: str) -> None:
    assert read_yaml_text(write_yaml({"key": word, word: [word]})) == {"key": word, word: [word]}


def test_yaml_is_version_1_2() -> None:
    text = "a: 1e3\nb: no\non: off\nd: 010\ne: 0o10\nf: 2020-01-01\ng: 1_000\nh: .5\ni: 1:30\nj: '7'\nk: \n"
    assert read_yaml_text(text) == {
        "a": 1000.0,
        "b": "no",
        "on": "off",
        "d": 10,
        "e": 8,
        "f": "2020-01-01",
        "g": "1_000",
        "h": 0.5,
        "i": "1:30",
        "j": "7",
        "k": None,
    }


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml: line 3: ", "'a' stands here twice"),
        ("a: {b: 1, b: 2}", "f.yaml: line 1: ", "'b' stands here twice"),
        (
            "x: 1\na: !!python/object/apply:os.system [ls]",
            "f.yaml: line 2: ",
            "tag !!python/object/apply:os.system",
        ),
        ("a: !mine 1", "f.yaml: line 1: ", "tag !mine"),
        ("a: &here 1", "f.yaml: line 1: ", "anchor &here"),
        ("a: 1\nb: *here", "f.yaml: line 2: ", "alias *here"),
        ("a: 1\n---\nb: 2", "f.yaml: line 2: ", "second document"),
        ("%YAML 1.1\n---\na: no", "f.yaml: line 2: ", "%YAML"),
        ("- 1\n- 2", "f.yaml: ", "top level is a list"),
        ("", "f.yaml: ", "top level is nothing"),
        ("just words", "f.yaml: ", "top level is a single value"),
        ("a: 1\nb: [1, 2", "f.yaml: line 2: ", "not well-formed YAML"),
        ("a: 1\nb: 'open", "f.yaml: line 2: ", "not well-formed YAML"),
        ("a: 1\nb: \x07", "f.yaml: line 2: ", "#x0007"),
        ("? [1]\n: 2", "f.yaml: line 1: ", "a key must be"),
        ("a: 1\nb: 1e999", "f.yaml: line 2: ", "too large"),
        ("a: " + "[" * (MAX_DEPTH + 1), "f.yaml: line 1: ", "nested deeper"),
        ("a: '" + "x" * MAX_BYTES + "'", "f.yaml: ", "larger than"),
    ],
)
def test_unsafe_or_malformed_yaml_is_refused_with_its_place(text: str, place: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_yaml_text(text, "f.yaml")
    message = str(caught.value)
    assert message.startswith(place)
    assert says in message
    assert "\n" not in message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("a: 1\n")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nname: caf\xe9\n")
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(tmp_path / "bom.yaml") == {"a": 1}
    with pytest.raises(FormatError, match=r"did you mean 'recipe\.yaml'"):
        read_yaml(tmp_path / "recipes.yaml")
    with pytest.raises(FormatError, match=r"folder .*nowhere does not exist"):
        read_yaml(tmp_path / "nowhere" / "recipe.yaml")
    with pytest.raises(FormatError, match="a folder, not a file"):
        read_yaml(tmp_path)
    with pytest.raises(FormatError, match=r"latin.yaml: line 2: not UTF-8"):
        read_yaml(tmp_path / "latin.yaml")
    with pytest.raises(FormatError, match="larger than"):
        read_yaml(tmp_path / "large.yaml")


def test_what_is_not_plain_is_not_written() -> None:
    with pytest.raises(FormatError, match=r"a\.b\[1\]: a set cannot be written"):
        write_yaml({"a": {"b": [1, {2}]}})
    loop: dict[str, Any] = {}
    loop["again"] = loop
    with pytest.raises(FormatError, match="nested deeper"):
        write_yaml(loop)
    assert math.isnan(read_yaml_text(write_yaml({"a": math.nan}))["a"])


# Recipes


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
        for parameter, facts in describe_parameters(find_method(knob, name)).items():
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
    assert set(BASELINES) == {"random_sampling", "vanilla"}
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
        (Recipe(labeling="majority"), Capabilities(annotators=2), ["asks 3 annotators"]),
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


def test_a_recipe_in_plain_words() -> None:
    recipe = Recipe(
        initial_sample={"method": "typiclust", "size": 20},
        query_strategy={"method": "switch", "first": "typiclust", "then": "margin", "at": 0.25},
        loop_size={"method": "geometric", "start": 5, "growth": 1.5},
        labeling={"method": "majority", "annotators": 3},
    )
    text = recipe.describe()
    assert "Label 20 rows chosen by typiclust first." in text
    assert "by typiclust until 25 % of the budget is spent, then by margin." in text
    assert "loops that grow by a factor of 1.5, 5 rows in the first." in text
    assert "Ask 3 annotators for each row." in text
    assert "scratch" not in text  # the default is not told
    assert "All as usual" in Recipe().describe()
    for cls in every_method():
        name = cls.model_fields["method"].default
        told = Recipe(**{cls.knob: {"method": name}}).describe()
        assert told.endswith(".")
        if name != DEFAULTS[cls.knob]:
            assert "All as usual" not in told
