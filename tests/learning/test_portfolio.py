"""Portfolio and evidence are rebuilt from simulations, the same for any number of processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import altune
from altune.core.errors import RequestError
from altune.learning.episodes import EpisodeData, EpisodePlan
from altune.learning.portfolio import CHANGES, candidates, losses_of
from altune.models import as_model
from altune.recipes.evidence import AGAINST, Evidence
from altune.recipes.portfolio import Portfolio
from altune.recipes.recommended import recommended_recipe
from altune.recipes.space import SearchSpace
from altune.workflows.learn.evidence import learn_evidence
from altune.workflows.learn.portfolio import learn_portfolio

PLAN = EpisodePlan(
    data=(EpisodeData("iris"), EpisodeData("wine")),
    models=(as_model("naive_bayes"),),
    budgets=(0.5,),
    noise=(0.0, 0.1),
    n_blocks=2,
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Portfolio, Path]:
    folder = tmp_path_factory.mktemp("learn")
    portfolio = learn_portfolio(PLAN, n_drawn=2, cache=folder / "cache", out=folder / "portfolio.yaml")
    return portfolio, folder


def test_every_candidate_is_compared_in_every_situation(built: tuple[Portfolio, Path]) -> None:
    portfolio, _ = built
    assert list(portfolio.recipes) == ["recommended", *CHANGES, "margin", "vanilla", "switch", "s01", "s02"]
    assert [(one.data, one.noise) for one in portfolio.situations] == [("iris", 0.0), ("iris", 0.1), ("wine", 0.0)]
    assert portfolio.losses.shape == (len(portfolio.recipes), 3)
    assert (portfolio.losses.min(axis=0) == 0).all()


def test_the_losses_are_those_of_the_curves(built: tuple[Portfolio, Path]) -> None:
    portfolio, _ = built
    place, budget = 2, portfolio.situations[2].budget
    environment = altune.make_environments("wine", budget=budget, seed=0)[0]
    blocks = environment.blocks("search", 2)
    from altune.simulation.execution.items import WorkItem
    from altune.simulation.execution.player import Player

    means = []
    for name, entry in portfolio.recipes.items():
        # the model has no C that the schedule of an entry could change
        recipe = altune.Recipe(**{**entry, "training": "constant"}, model="naive_bayes")
        if name == "recommended":
            recipe = recommended_recipe(altune.Recipe(model="naive_bayes"), 3)
        with Player() as player:
            curves = player.play([WorkItem(recipe, block, environment) for block in blocks])
        means.append([environment.objective.each([curve], [curve])[0] for curve in curves])
    assert portfolio.losses[:, place] == pytest.approx(losses_of(np.array(means)))


def test_the_same_command_gives_the_same_file_with_more_processes(
    built: tuple[Portfolio, Path], tmp_path: Path
) -> None:
    _, folder = built
    again = tmp_path / "again.yaml"
    learn_portfolio(PLAN, n_drawn=2, n_jobs=2, out=again)
    assert again.read_bytes() == (folder / "portfolio.yaml").read_bytes()


def test_what_was_played_is_read_back(built: tuple[Portfolio, Path], tmp_path: Path) -> None:
    portfolio, folder = built
    files = {path: path.read_bytes() for path in (folder / "cache").rglob("*.json")}
    again = learn_portfolio(PLAN, n_drawn=2, cache=folder / "cache")
    assert again.to_dict() == portfolio.to_dict()
    evidence = learn_evidence(PLAN, cache=folder / "cache", out=tmp_path / "evidence.yaml")
    new = set((folder / "cache").rglob("*.json")) - set(files)
    assert len(new) == 3 * 2, "random sampling alone was not played before"
    assert {path: path.read_bytes() for path in files} == files
    assert [(one.data, one.noise) for one in evidence.cases] == [("iris", 0.0), ("iris", 0.1), ("wine", 0.0)]
    assert evidence.cases[0].gains.shape == (len(AGAINST), 2)
    from altune.core.yaml import read_yaml

    read = Evidence.from_dict(read_yaml(tmp_path / "evidence.yaml"))
    assert read.to_dict() == evidence.to_dict()


def test_candidates_are_the_known_ones_and_points_of_the_space() -> None:
    space = SearchSpace.load("standard")
    few, more = candidates(space, 2, 0), candidates(space, 5, 0)
    assert list(more)[: len(few)] == list(few)
    assert [few[name] for name in few] == [more[name] for name in few]
    assert candidates(space, 2, 1)["s01"] != few["s01"]
    assert len({str(entry) for entry in few.values()}) == len(few)
    assert all(few[name] != few["recommended"] for name in CHANGES)
    with pytest.raises(RequestError, match="the number of drawn recipes must be 0 or more, not -1"):
        candidates(space, -1, 0)


def test_where_all_candidates_do_alike_none_loses_much() -> None:
    assert losses_of(np.array([[0.9], [0.8999], [0.8998]])).max() < 0.05
    assert losses_of(np.array([[0.9], [0.8], [0.7]])).tolist() == pytest.approx([0.0, 1.0, 2.0])
    assert losses_of(np.array([[0.9], [0.8], [np.nan]])).tolist() == pytest.approx([0.0, 1.0, 2.0])
