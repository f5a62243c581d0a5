"""A run or its folder means its recipe, wherever a recipe is taken."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import altune
from altune.core.errors import AltuneWarning, RequestError
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.workflows.recipes import find_recipe

SIZES: dict[str, Any] = {"budget": 20, "loops": 3, "n_blocks": 1, "n_trials": 2}
SMALL: dict[str, Any] = {"budget": 20, "loops": 3, "n_blocks": 2}
SPACE = SearchSpace.from_dict(
    {"query_strategy": ["margin", "random"], "initial_sample": {"method": "kcenter", "size": 6}}
)


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory: pytest.TempPathFactory) -> altune.Run:
    sizes = {"select_among": 1, "select_blocks": 1, "report_blocks": 2, "ablation": False}
    return altune.tune("iris", SPACE, **SIZES, **sizes, out=tmp_path_factory.mktemp("runs") / "my run")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> altune.Run:
    return altune.tune("iris", SPACE, **SIZES, confirm=False, out=tmp_path_factory.mktemp("searched") / "run")


def folder_of(run: altune.Run) -> Path:
    assert run.folder is not None
    return run.folder


def test_a_run_and_its_folder_mean_the_confirmed_recipe(confirmed: altune.Run) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for source in (confirmed, folder_of(confirmed), str(folder_of(confirmed))):
            assert find_recipe(source) == confirmed.best_recipe == Recipe.load(folder_of(confirmed) / "recipe.yaml")
        assert find_recipe(folder_of(confirmed), "naive_bayes").model.method == "naive_bayes"


def test_a_run_that_is_not_confirmed_means_the_best_of_its_search_and_says_so(searched: altune.Run) -> None:
    line = f"{searched.folder}: not confirmed, so this is the best recipe of its search"
    with pytest.warns(AltuneWarning, match="not confirmed") as warned:
        assert find_recipe(folder_of(searched)) == searched.best_trial.recipe
    assert [str(warning.message) for warning in warned] == [line]


def test_a_folder_without_a_run_is_refused_in_one_line(tmp_path: Path, confirmed: altune.Run) -> None:
    with pytest.raises(RequestError, match="no run here, but nothing; give the folder of a run, a YAML file or a name"):
        find_recipe(tmp_path)
    with pytest.raises(RequestError, match="no run here, but my run; give the folder of a run"):
        find_recipe(folder_of(confirmed).parent)
    confirmed.best_recipe.save(tmp_path / "recipe.yaml")
    with pytest.raises(RequestError, match=r"no run here; give its recipe, .*recipe.yaml"):
        find_recipe(tmp_path)


def test_a_built_in_name_comes_before_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vanilla").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_recipe("vanilla").query_strategy.method == "least_confidence"


def test_every_function_that_takes_a_recipe_takes_a_run(confirmed: altune.Run) -> None:
    recipe, folder = confirmed.best_recipe, folder_of(confirmed)
    alone = altune.simulate(recipe, "iris", **SMALL)
    for source in (confirmed, folder):
        assert np.array_equal(altune.simulate(source, "iris", **SMALL).values, alone.values)
        assert altune.replay(source, "iris", **SMALL).to_dict() == altune.replay(recipe, "iris", **SMALL).to_dict()
        assert altune.examine(source, "iris", **SMALL).to_dict() == altune.examine(recipe, "iris", **SMALL).to_dict()
    path = altune.ablate(recipe, "iris", **SMALL).to_dict()
    assert altune.ablate(folder, "iris", **SMALL).to_dict() == path
    back = altune.ablate("vanilla", "iris", start=recipe, **SMALL).to_dict()
    assert altune.ablate("vanilla", "iris", start=confirmed, **SMALL).to_dict() == back
    both = altune.compare({"run": folder, "vanilla": "vanilla"}, "iris", **SMALL)
    assert np.array_equal(both.simulations["run"].values, alone.values)
    assert both.notes[0].startswith("run: confirmed on iris; ")


def test_a_comparison_notes_a_run_that_is_not_confirmed(searched: altune.Run) -> None:
    with pytest.warns(AltuneWarning, match="best recipe of its search"):
        both = altune.compare({"run": searched, "vanilla": "vanilla"}, "iris", **SMALL)
    assert both.notes[0].startswith("run: not confirmed, the best of the search on iris; ")
