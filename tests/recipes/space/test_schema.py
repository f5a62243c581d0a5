"""The JSON Schemas for editors: what altune reads they accept, what it refuses they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sklearn.tree import DecisionTreeClassifier

from altune.core.errors import FormatError
from altune.core.registry import FIELDS, describe_parameters, methods, unregister
from altune.core.yaml import read_yaml, read_yaml_text
from altune.models import register_estimator
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace, recipe_schema, space_schema
from altune.recipes.space.shipped import shipped_spaces

jsonschema = pytest.importorskip("jsonschema")
SPACE, RECIPE = space_schema(), recipe_schema()


def accepts(schema: dict[str, Any], plain: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(plain))


@pytest.mark.parametrize("schema", [SPACE, RECIPE], ids=["space", "recipe"])
def test_the_schemas_themselves_are_well_formed(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    references = set(_references(schema))
    assert references <= {f"#/$defs/{name}" for name in schema["$defs"]}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for item in part:
            yield from _references(item)


@pytest.mark.parametrize("name", sorted(shipped_spaces()))
def test_shipped_spaces_are_accepted_as_written_and_as_stored(name: str) -> None:
    assert accepts(SPACE, read_yaml(shipped_spaces()[name]))
    assert accepts(SPACE, SearchSpace.load(name).to_dict())


def test_every_method_and_parameter_is_there_with_its_description() -> None:
    schemas = {"space": space_schema(), "recipe": recipe_schema()}  # with what other tests have registered by now
    for knob in FIELDS:
        for name, cls in methods(knob).items():
            for form, schema in schemas.items():
                definition = schema["$defs"][f"{form}.{knob}.{name}"]
                assert len(definition["description"]) > 10
                assert set(describe_parameters(cls)) <= set(definition["properties"])
                default = Recipe(**{knob: {"method": name}}).to_dict()
                assert accepts(schema, default), (knob, name)


ACCEPTED = """
- {include: standard}
- {include: [standard, mine.yaml], name: x, version: 1}
- {query_strategy: margin}
- {query_strategy: [margin, {name: dense, method: density_weighted, beta: {low: 0, high: 2, step: 0.5}}]}
- {query_strategy: {method: switch, first: [typiclust, {method: random}], then: margin}}
- {query_strategy: {method: bandit, arms: [margin, {method: density_weighted, beta: 2}], delta: {low: 0.1, high: 1}}}
- {query_strategy: {method: bandit, arms: {choices: [[margin, typiclust], [margin, random]]}}}
- {query_strategy: {method: margin, query_model: [mlp, {method: svm_rbf, gamma: {choices: [scale, 0.1]}}]}}
- {model: {method: svm_rbf, gamma: {low: 1e-3, high: 1, log: true}}}
- {initial_sample: {method: random, size: 1e1}}
- {initial_sample: {method: until_all_classes, sample: [kmeans, random]}}
- {stopping: {method: any, rules: [budget, {method: delta_f, patience: 2}]}}
- {loop_size: {method: list, sizes: {choices: [[5, 10], [20]]}}}
- {labeling: {method: label_functions, functions: [{column: 0, condition: ">", value: 1.5, label: 1}]}}
- {forbid: [{query_strategy: [margin, badge], model: mlp}], baselines: {one: {query_strategy: badge}}}
"""
REFUSED = """
- {query_strategi: margin}
- {version: 2}
- {name: ""}
- {include: []}
- {include: 3}
- {query_strategy: []}
- {query_strategy: margn}
- {query_strategy: {beta: 1}}
- {query_strategy: [[margin]]}
- {query_strategy: [{method: margin}, 3]}
- {query_strategy: {method: margin, beta: 1}}
- {query_strategy: {method: density_weighted, beta: 99}}
- {query_strategy: {method: density_weighted, beta: {low: 0, high: 99}}}
- {query_strategy: {method: density_weighted, beta: {low: 0}}}
- {query_strategy: {method: density_weighted, beta: {low: 0, high: 1, log: true}}}
- {query_strategy: {method: density_weighted, beta: {low: 1, high: 2, log: true, step: 1}}}
- {query_strategy: {method: density_weighted, beta: {choices: []}}}
- {query_strategy: {method: density_weighted, beta: {choices: [1, 99]}}}
- {query_strategy: {method: switch, first: {choices: [margin]}}}
- {query_strategy: {method: switch, first: [margin, {method: badge, x: 1}]}}
- {query_strategy: {method: bandit, arms: [margin]}}
- {query_strategy: {method: bandit, arms: [[margin], random]}}
- {query_strategy: {method: bandit, arms: [margin, {method: density_weighted, beta: {low: 1, high: 2}}]}}
- {initial_sample: {method: random, size: {low: 5.5, high: 9}}}
- {initial_sample: {method: random, size: {min: 5, max: 9}}}
- {retrain: {method: warm_start, on: {low: 0, high: 1}}}
- {retrain: [{name: a.b, method: reset}]}
- {stopping: {method: any, rules: [[budget]]}}
- {stopping: {method: any, rules: [{method: delta_f, patience: {low: 1, high: 2}}]}}
- {baselines: {one: {query_strategy: [margin, badge]}}}
- {baselines: [1]}
- {forbid: {query_strategy: margin}}
- {forbid: [{query_strateg: margin}]}
- {forbid: [{query_strategy: []}]}
"""


def listed(text: str) -> list[Any]:
    return list(read_yaml_text("files:\n" + text)["files"])


@pytest.mark.parametrize("plain", listed(ACCEPTED), ids=str)
def test_what_altune_reads_is_accepted(plain: dict[str, Any]) -> None:
    assert accepts(SPACE, plain)
    SearchSpace.from_dict({key: value for key, value in plain.items() if key not in ("include", "forbid")})


@pytest.mark.parametrize("plain", listed(REFUSED), ids=str)
def test_what_altune_refuses_is_refused(plain: dict[str, Any]) -> None:
    assert not accepts(SPACE, plain)
    with pytest.raises(FormatError):
        SearchSpace.from_dict(plain)


@pytest.mark.parametrize(
    "plain",
    [
        {"query_strategy": ["margin", "badge"]},
        {"query_strategy": {"method": "switch", "first": ["margin", "badge"]}},
        {"initial_sample": {"method": "random", "size": {"low": 5, "high": 9}}},
        {"initial_sample": {"name": "start", "method": "random"}},
        {"forbid": []},
        {"include": "standard"},
    ],
    ids=str,
)
def test_a_recipe_leaves_nothing_open(plain: dict[str, Any]) -> None:
    assert not accepts(RECIPE, plain)
    with pytest.raises(FormatError):
        Recipe.from_dict(plain)


def test_a_users_own_estimator_appears() -> None:
    parameters = {"min_samples_leaf": (int, 1, 50), "criterion": ["gini", "entropy"]}
    register_estimator("my_tree", DecisionTreeClassifier(), parameters)
    try:
        schema = space_schema()
    finally:
        unregister("model", "my_tree")
    assert accepts(schema, {"model": ["my_tree", "mlp"]})
    assert accepts(schema, {"model": {"method": "my_tree", "min_samples_leaf": {"low": 1, "high": 9}}})
    assert accepts(schema, {"model": {"method": "my_tree", "criterion": {"choices": ["gini", "entropy"]}}})
    assert not accepts(schema, {"model": {"method": "my_tree", "min_samples_leaf": 99}})
    assert not accepts(schema, {"model": {"method": "my_tree", "criterion": "other"}})
    assert not accepts(SPACE, {"model": "my_tree"})
