"""The shipped spaces: valid draws, round trips, and how they are found."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from altune.core.errors import FormatError, RequestError
from altune.core.yaml import read_yaml_text
from altune.recipes.recipe import DEFAULTS, Capabilities, Recipe
from altune.recipes.space import SearchSpace, list_spaces
from altune.recipes.space.shipped import head_comment, shipped_spaces
from tests.helpers.spaces import draw

SHIPPED = [
    "cold_start",
    "costs",
    "full",
    "large_pool",
    "many_classes",
    "neural",
    "noisy_labels",
    "quick",
    "standard",
    "stopping",
    "strategies",
]
ENVIRONMENT = Capabilities(n_classes=3, annotators=5)


@pytest.mark.slow
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


def test_a_revision_is_kept_and_does_not_change_what_is_searched() -> None:
    space = SearchSpace.load("quick")
    assert space.revision == 3
    assert SearchSpace.from_dict(space.to_dict()).revision == 3
    plain = {key: value for key, value in space.to_dict().items() if key != "revision"}
    assert SearchSpace.from_dict(plain).revision == 1
    assert SearchSpace.from_dict(plain).digest() == space.digest()
    for wrong in (0, "two", True):
        with pytest.raises(FormatError, match="is not a revision"):
            SearchSpace.from_dict({**plain, "revision": wrong})


def test_the_origin_of_a_space_is_how_it_was_asked_for(tmp_path: Path) -> None:
    space = SearchSpace.load("quick")
    assert space.origin == ("quick",)
    changed = space.set_values(["query_strategy=margin"]).close("loop_size").with_fixed(model="naive_bayes")
    assert changed.origin[0] == "quick"
    assert len(changed.origin) == 4
    mine = tmp_path / "mine.yaml"
    mine.write_text("include: quick\n")
    first = SearchSpace.load(mine).origin
    mine.write_text("include: standard\n")
    assert SearchSpace.load(mine).origin != first
    assert SearchSpace.from_dict(space.to_dict()).set_values(["query_strategy=margin"]).origin == ()
