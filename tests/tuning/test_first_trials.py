"""The first trials of a search come from the portfolio, as far as its space admits them.

``tests/stored/before_portfolio.tar.xz`` holds two studies of a version that had neither a portfolio nor the recommended
baseline: ``altune tune iris --space quick --trials 8 --budget 30 --loops 4 --select-among 2 --select-blocks 2
--report-blocks 5``, whole in ``run`` and cut off after five trials in ``killed``.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import altune
from altune.core.errors import RequestError
from altune.data import family_of
from altune.recipes.portfolio import Portfolio, Situation, shipped_portfolio
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.environment import make_environment
from altune.tuning.settings import Settings
from altune.tuning.study_setup import StudySetup
from tests.helpers.paths import STORED
from tests.helpers.samplers import CONDITIONAL, SMALL, new_memory, plan_of, search, space_of

KIND: dict[str, Any] = {"budget": 30, "loops": 4, "confirm": False}
STRATEGIES = {"query_strategy": ["margin", "entropy", "random", {"method": "density_weighted", "beta": 1.0}]}


def portfolio_of(*strategies: Any, families: str = "z") -> Portfolio:
    """Return a portfolio whose list is the given strategies in their order."""
    recipes = {f"r{place}": Recipe(query_strategy=strategy) for place, strategy in enumerate(strategies)}
    entries = {name: {"query_strategy": recipe.query_strategy} for name, recipe in recipes.items()}
    losses = np.repeat(np.arange(len(strategies), dtype=float)[:, None], len(families), axis=1)
    return Portfolio(entries, [Situation(family, family, "mlp", 100) for family in families], losses, {})


@pytest.fixture
def ship(monkeypatch: pytest.MonkeyPatch) -> Any:
    def shipped(*strategies: Any, families: str = "z") -> Portfolio:
        made = portfolio_of(*strategies, families=families)
        monkeypatch.setattr("altune.tuning.first_trials.shipped_portfolio", lambda: made)
        return made

    return shipped


def setup(space: dict[str, Any], data: str = "iris", **settings: Any) -> StudySetup:
    environment = make_environment(data, budget=30)
    return StudySetup([environment], SearchSpace.from_dict(space), Settings(**settings))


def strategies(run: altune.Run) -> list[str]:
    return [trial.recipe.query_strategy.method for trial in run.trials if trial.recipe is not None]


@pytest.mark.parametrize("n_blocks", [1, None], ids=["fixed blocks", "blocks by merit"])
def test_the_search_plays_them_first_and_keeps_their_parameters(ship: Any, n_blocks: int | None) -> None:
    ship("entropy", "badge", "random", "entropy")
    run = altune.tune("iris", SearchSpace.from_dict(STRATEGIES), n_trials=6, n_blocks=n_blocks, **KIND)
    assert strategies(run)[:2] == ["entropy", "random"], "badge is not in the space, and no recipe comes twice"
    assert run.trials[0].params == {"query_strategy": "entropy"}
    assert len(run.trials) == 6
    assert set(strategies(run)) == {"margin", "entropy", "random", "density_weighted"}


def test_a_search_of_fewer_trials_than_entries_plays_the_first_ones(ship: Any) -> None:
    ship("random", "entropy", "margin")
    run = altune.tune("iris", SearchSpace.from_dict(STRATEGIES), n_trials=2, n_blocks=1, **KIND)
    assert strategies(run) == ["random", "entropy"]


def test_their_number_is_a_setting_and_none_leaves_the_draws_as_they_are(ship: Any) -> None:
    ship("random", "entropy", "margin")
    assert len(setup(STRATEGIES, portfolio=2).first.params) == 2
    none = setup(STRATEGIES, portfolio=0)
    assert (none.first.params, none.first.why_none, none.notes()) == ((), "", [])
    with pytest.raises(RequestError, match="portfolio must be 0 or more, not -1"):
        Settings(portfolio=-1)
    off = altune.tune("iris", SearchSpace.from_dict(STRATEGIES), n_trials=4, n_blocks=1, portfolio=0, **KIND)
    ship("badge")
    without = altune.tune("iris", SearchSpace.from_dict(STRATEGIES), n_trials=4, n_blocks=1, **KIND)
    assert [trial.params for trial in off.trials] == [trial.params for trial in without.trials]


def test_a_space_that_admits_none_is_searched_without_and_that_is_reported(ship: Any) -> None:
    ship("badge", "typiclust")
    found = setup(STRATEGIES)
    assert found.first.params == ()
    assert found.notes() == ["no trial comes from the portfolio: the space admits none of its recipes"]
    assert found.first.words == "none from the portfolio: the space admits none of its recipes"


def test_built_in_data_are_tuned_with_the_list_made_without_their_families() -> None:
    portfolio, families = shipped_portfolio(), {name: family_of(name) for name in ("iris", "wine")}
    found = setup({"query_strategy": ["margin", "margin_cover"], "initial_sample": ["random", "typiclust"]})
    assert found.first.without == (families["iris"],)
    environments = altune.make_environments(["iris", "wine"], budget=30)
    both = StudySetup(environments, SearchSpace.load("standard"), Settings())
    assert both.first.without == tuple(sorted({str(family) for family in families.values()}))
    order = portfolio.order(both.first.without)
    places = [order.index(entry) for entry in both.first.entries]
    assert places == sorted(places)
    assert len(places) == Settings().portfolio
    mine = altune.Dataset(np.eye(60)[:, :4], [0, 1] * 30, name="mine")
    own = StudySetup(altune.make_environments(mine, budget=20), SearchSpace.load("standard"), Settings())
    assert own.first.without == ()


def test_data_that_the_whole_portfolio_was_made_of_get_none_of_it(ship: Any) -> None:
    family = family_of("iris")
    made = portfolio_of("margin", "entropy", families="z")
    only = Portfolio(made.recipes, [Situation("iris", str(family), "mlp", 100)], made.losses, {})
    from altune.recipes.space.placing import Task
    from altune.tuning.first_trials import first_trials

    space, environment = SearchSpace.from_dict(STRATEGIES), make_environment("iris", budget=30)
    found = first_trials(space, [environment.capabilities], ["iris"], Task(30, 3), "tpe", 8, only)
    assert (found.params, found.why_none) == ((), "it was made of the data that are tuned on alone")


# samplers ---------------------------------------------------------------------------------------------------------


GIVEN = [
    {"initial_sample": "kmeans", "initial_sample.kmeans.size": 10, "query_strategy": "density_weighted"}
    | {"query_strategy.density_weighted.beta": 1.5},
    {"initial_sample": "random", "initial_sample.random.size": 7, "query_strategy": "margin"},
]


@pytest.mark.parametrize("name", ["tpe", "random", "gp", "qmc", "nsga2", "nsga3"])
def test_every_sampler_that_can_takes_them_before_its_own_draws(name: str) -> None:
    if name == "gp":
        pytest.importorskip("torch")
    plan = plan_of(name, CONDITIONAL, first=GIVEN)
    assert search(plan, new_memory(), 24)[:2] == GIVEN


def test_a_sobol_sequence_begins_after_them() -> None:
    points = search(plan_of("qmc", CONDITIONAL), new_memory(), 6)
    assert search(plan_of("qmc", CONDITIONAL, first=GIVEN), new_memory(), 8) == [*GIVEN, *points]


def test_a_grid_has_each_combination_once_with_them_first() -> None:
    plain, space = plan_of("grid", SMALL), space_of(SMALL)
    drawn = search(plain, new_memory(), 14)
    given = [drawn[9], drawn[4]]
    plan = plan_of("grid", SMALL, first=given)
    assert plan.most_trials == 14
    assert search(plan, new_memory(), 14) == [*given, *(params for params in drawn if params not in given)]
    assert all(space.recipe_at(params) for params in given)


def test_a_sampler_that_learns_still_begins_with_every_alternative() -> None:
    labels = [f"a{place:02d}" for place in range(14)]
    space = {"query_strategy": [{"name": label, "method": "random"} for label in labels], "loop_size": ["constant"]}
    given = [{"query_strategy": label} for label in ("a00", "a01", "a00", "a01", "a00", "a01")]
    plan = plan_of("tpe", space, first=given, playable=lambda params: True)
    drawn = [params["query_strategy"] for params in search(plan, new_memory(), 24, batch=1)]
    assert drawn[:6] == ["a00", "a01"] * 3
    assert set(drawn[:20]) == set(labels)


def test_cma_es_gets_none_and_says_so(ship: Any) -> None:
    ship({"method": "density_weighted", "beta": 1.0})
    space = {
        "initial_sample": {"method": "random", "size": {"low": 3, "high": 9}},
        "query_strategy": {"method": "density_weighted", "beta": {"low": 0.1, "high": 2.0}},
    }
    assert len(setup(space).first.params) == 1
    found = setup(space, sampler="cmaes")
    assert found.first.params == ()
    assert "no trial comes from the portfolio: the sampler cmaes keeps a distribution" in " ".join(found.notes())


# stored studies ---------------------------------------------------------------------------------------------------


def test_a_begun_search_keeps_its_first_trials_when_the_portfolio_changes(ship: Any, tmp_path: Path) -> None:
    space = SearchSpace.from_dict(STRATEGIES)
    ship("random", "entropy", "margin")
    whole = altune.tune("iris", space, n_trials=6, n_blocks=1, out=tmp_path / "whole", **KIND)
    altune.tune("iris", space, n_trials=1, n_blocks=1, out=tmp_path / "begun", **KIND)
    ship("margin", "random")
    resumed = altune.tune("iris", space, n_trials=6, n_blocks=1, out=tmp_path / "begun", **KIND)
    assert [trial.params for trial in resumed.trials] == [trial.params for trial in whole.trials]
    with pytest.raises(RequestError, match="portfolio is 0, in the run 8"):
        altune.tune("iris", space, n_trials=6, n_blocks=1, portfolio=0, out=tmp_path / "begun", **KIND)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    with tarfile.open(STORED / "before_portfolio.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


REQUEST: dict[str, Any] = {"space": "quick", "n_trials": 8, "budget": 30, "loops": 4}
REQUEST |= {"select_among": 2, "select_blocks": 2, "report_blocks": 5}


def test_a_study_begun_without_a_portfolio_ends_with_the_trials_that_it_would_have_had(stored: Path) -> None:
    run = altune.tune("iris", out=stored / "killed", **REQUEST)
    whole = altune.open_run(stored / "run")
    assert [(trial.number, trial.params, trial.value) for trial in run.trials] == [
        (trial.number, trial.params, trial.value) for trial in whole.trials
    ]
    assert list(run.baselines) == ["random_sampling", "margin", "vanilla"], "those that it began with"
    assert run.best_recipe == whole.best_recipe
    assert "altune recommends" not in run.answer
    with pytest.raises(RequestError, match="portfolio is 3, in the run 0"):
        altune.tune("iris", out=stored / "killed", portfolio=3, **REQUEST)


def test_a_finished_study_is_found_finished(stored: Path) -> None:
    before = (stored / "run/study.journal").read_bytes()
    run = altune.tune("iris", out=stored / "run", **REQUEST)
    assert len([trial for trial in run.trials if trial.state != "forbidden"]) == 8
    after = (stored / "run/study.journal").read_bytes()
    assert after.startswith(before)
    assert b'"user_attr":{"baselines"' not in after[len(before) :]
