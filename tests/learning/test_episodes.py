"""Episodes: what is played to learn from is shared, resumed, and the same for any number of processes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from altune.core.errors import RequestError
from altune.data import Dataset, load_dataset
from altune.learning.episodes import Episode, EpisodeData, EpisodePlan, Episodes, episode_player, stratified_rows
from altune.models import as_model
from altune.recipes.recipe import load_recipe
from altune.simulation.execution.counting import NoCounter
from altune.simulation.execution.items import Failure
from altune.simulation.execution.processes import stop_workers

RECIPES = [load_recipe("random_sampling"), load_recipe("margin")]


def small(**changes):
    plan = {"data": (EpisodeData("iris"), EpisodeData("wine")), "budgets": (0.4,), "n_blocks": 2, "most_rows": None}
    return Episodes(EpisodePlan(**{**plan, **changes}))


def everything(episodes, role="search"):
    return [
        Episode(recipe, cell, block)
        for recipe in RECIPES
        for cell in episodes.cells
        for block in episodes.blocks(cell, role)
    ]


def played(episodes, listed, cache=None, jobs=1, lines=None):
    with episode_player(cache, jobs) as player:
        said = [] if lines is None else lines
        outcomes = episodes.play(listed, player, NoCounter(), stage="training", say=said.append)
        return outcomes, player.simulated


def test_cells_are_the_product_of_data_models_budgets_and_noise():
    episodes = small(models=(as_model("logistic_regression"), as_model("naive_bayes")), noise=(0.0, 0.1))
    assert [str(cell) for cell in episodes.cells[:3]] == [
        "iris, logistic_regression, 18 labels",
        "iris, logistic_regression, 18 labels, 10% label errors",
        "iris, naive_bayes, 18 labels",
    ]
    assert len(episodes.cells) == 8
    assert {cell.environment.scenario.annotators[0].error for cell in episodes.cells} == {0.0, 0.1}


def test_budgets_in_labels_replace_the_multiples():
    episodes = small(data=(EpisodeData("iris", budgets=(12, 24)), EpisodeData("wine")))
    assert [(cell.data, cell.budget) for cell in episodes.cells] == [("iris", 12), ("iris", 24), ("wine", 21)]


def test_families_are_given_or_the_name_of_the_data_set():
    frame = load_dataset("iris")
    own = Dataset(frame.X, frame.y, name="mine")
    episodes = small(data=(EpisodeData("wine", family="drinks"), EpisodeData(own)))
    assert episodes.families == {"drinks": ["wine"], "mine": ["mine"]}


def test_cells_of_a_data_set_share_their_blocks_and_test_blocks_are_others():
    episodes = small(noise=(0.0, 0.2))
    first, noisy = episodes.cells[:2]
    assert episodes.blocks(first)[0] is episodes.blocks(noisy)[0]
    test_rows = np.concatenate([block.test for block in episodes.blocks(first, "replay", 2)])
    seen = np.concatenate([np.r_[block.pool, block.test] for block in episodes.blocks(first)])
    assert not np.isin(test_rows, seen).any()


def test_the_model_of_the_cell_replaces_that_of_the_recipe():
    episodes = small(data=(EpisodeData("iris"),), models=(as_model("logistic_regression"), as_model("naive_bayes")))
    block = episodes.blocks(episodes.cells[0])[0]
    outcomes, _ = played(episodes, [Episode(RECIPES[0], cell, block) for cell in episodes.cells])
    one, two = (curve.scores["accuracy"].tolist() for curve in outcomes)
    assert one != two


def test_outcomes_come_in_the_order_of_the_episodes_and_are_resumed(tmp_path):
    episodes = small()
    listed = everything(episodes)
    outcomes, simulated = played(episodes, listed[:5], tmp_path)
    assert simulated == 5
    again, simulated = played(small(), everything(small()), tmp_path)
    assert simulated == len(listed) - 5
    alone = [played(episodes, [episode])[0][0] for episode in listed]
    for one, two in zip(again, alone, strict=True):
        assert one.scores["accuracy"].tolist() == two.scores["accuracy"].tolist()
    assert again[0].scores["accuracy"].tolist() == outcomes[0].scores["accuracy"].tolist()


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing():
    episodes = small()
    one, _ = played(episodes, everything(episodes))
    try:
        two, _ = played(episodes, everything(episodes), jobs=2)
    finally:
        stop_workers()
    assert [curve.rows.tolist() for curve in one] == [curve.rows.tolist() for curve in two]


def test_a_recipe_that_cannot_work_is_one_line_for_each_cell(tmp_path):
    episodes = small(models=(as_model("linear_svm"),))
    cannot = RECIPES[0].replace(retrain={"method": "warm_start", "on": "new"})
    listed = [Episode(cannot, cell, block) for cell in episodes.cells for block in episodes.blocks(cell)]
    lines = []
    outcomes, simulated = played(episodes, [*listed, Episode(RECIPES[0], listed[0].cell, listed[0].block)], lines=lines)
    assert simulated == 1
    assert all(isinstance(outcome, Failure) for outcome in outcomes[:-1])
    assert [line.split(":")[0] for line in lines] == ["iris, linear_svm, 18 labels", "wine, linear_svm, 21 labels"]
    assert "2 episodes failed" in lines[0]


@pytest.mark.parametrize("kind", ["dense", "table"])
def test_a_part_of_the_rows_keeps_the_classes_and_is_always_the_same(kind):
    source = load_dataset("digits")
    names = [f"pixel{number}" for number in range(source.n_features)]
    if kind == "table":
        frame = pd.DataFrame(source.X, columns=names).astype({"pixel0": str})
        source = Dataset(frame, source.y, name="digits", classes=source.classes)
    part = stratified_rows(source, 300)
    assert (part.n_rows, part.classes, part.name, part.kind) == (300, source.classes, "digits", kind)
    assert np.abs(part.class_counts / 300 - source.class_counts / source.n_rows).max() < 0.01
    assert part.fingerprint == stratified_rows(source, 300).fingerprint
    assert stratified_rows(source, 5000) is source


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": ()}, "no data set"),
        ({"budgets": (0.0,)}, "above 0"),
        ({"noise": (1.0,)}, "[0, 1)"),
        ({"n_blocks": 0}, "1 or more"),
        ({"most_rows": 29}, "29 rows are too few for 3 classes; keep 30 or more"),
        ({"data": (EpisodeData("iris"), EpisodeData("iris"))}, "'iris'"),
    ],
)
def test_a_wrong_plan_is_refused(changes, words):
    with pytest.raises(RequestError, match=words.replace("[", r"\[").replace(")", r"\)")):
        small(**changes)


ROWS = (row for row in (1, 2))


class Reads(LogisticRegression):
    """A classifier that reads what has no content."""

    def fit(self, X, y):
        return super().fit(X, y) if ROWS is not None else self


@pytest.mark.usefixtures("own_models")
def test_what_cannot_be_compared_is_said_where_trajectories_are_read_back(tmp_path):
    for cache, said in ((None, 0), (tmp_path, 1), (tmp_path, 1)):
        episodes, lines = small(models=(as_model(Reads()),), data=(EpisodeData("iris"),), n_blocks=1), []
        played(episodes, everything(episodes), cache, lines=lines)
        assert sum("ROWS (builtins.generator), which has no content to compare" in line for line in lines) == said
