"""The scenario says what a column of text becomes, and what sparse words cannot be used with is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import altune
from altune.core.errors import FormatError, RequestError
from altune.data import Dataset
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.environment import make_environment
from altune.simulation.execution.shared_arrays import load_block, save_block
from altune.simulation.prepared import prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.trajectory import play
from altune.tuning.prepared_space import prepare_space

N = 200
COMMON = ["the", "a", "of", "and", "to", "in", "is", "was", "for", "on", "with", "at", "by", "from", "as", "it"]


def letters(n_rows: int = N, topics: int = 4, words: int = 8) -> Dataset:
    """Return one column of text; all texts differ, and one word of each tells its topic, which has eight such words."""
    rng = np.random.default_rng(0)
    syllables = np.array(["ba", "ke", "lo", "mi", "nu", "pra", "sto", "ter", "vi", "zu"])
    own = ["".join(rng.choice(syllables, 3)) for _ in range(topics * words)]
    labels = np.arange(n_rows) % topics
    texts = [
        " ".join([*rng.choice(COMMON, 6), own[label * words + int(rng.integers(words))], *rng.choice(COMMON, 6)])
        + f" no{row}"
        for row, label in enumerate(labels)
    ]
    return Dataset(pd.DataFrame({"letter": texts}), labels, name="letters")


def test_the_default_is_stored_as_before_and_the_rest_changes_what_is_played() -> None:
    usual = Scenario(budget=60)
    assert "text_features" not in usual.to_dict()
    assert Scenario(budget=60, text_features=30) == usual
    words = Scenario(budget=60, text_features="tfidf")
    assert words.to_dict()["text_features"] == "tfidf"
    assert Scenario.from_dict(words.to_dict()) == words
    digests = {Scenario(budget=60, text_features=how).played_digest() for how in ("lsa", 30, 31, "tfidf")}
    assert len(digests) == 3


@pytest.mark.parametrize("value", ["words", 0, 5001, 1.5, True, None])
def test_what_is_wrong_is_one_line(value: object) -> None:
    problem = "give a number" if value is True else "must be 'lsa', 'tfidf' or a number from 1 to 5000"
    with pytest.raises(FormatError, match=problem) as caught:
        Scenario.from_dict({"text_features": value})
    assert "\n" not in str(caught.value)


def test_the_environment_knows_whether_the_features_are_sparse() -> None:
    assert make_environment(letters(), text_features="tfidf").capabilities.sparse
    assert not make_environment(letters()).capabilities.sparse
    assert not make_environment("iris", text_features="tfidf").capabilities.sparse


def test_what_cannot_take_sparse_words_is_refused_or_left_out_with_the_way_out() -> None:
    environment = make_environment(letters(), text_features="tfidf", budget=30)
    recipe = Recipe.from_dict({"model": {"method": "naive_bayes"}})
    reason = "cannot be trained on the sparse TF-IDF of text (--text-features lsa makes it dense)"
    with pytest.raises(RequestError) as caught:
        environment.require(recipe)
    assert str(caught.value) == f"the recipe does not work here: model: 'naive_bayes' {reason}"
    space = SearchSpace.from_dict({"model": ["naive_bayes", "logistic_regression"]})
    kept, left_out = space.narrow(environment.capabilities)
    assert [alternative.method for alternative in kept.decisions["model"].alternatives] == ["logistic_regression"]
    assert reason in left_out[0]
    make_environment(letters(), budget=30).require(recipe)


def test_advice_on_text_and_identifiers() -> None:
    assert make_environment(letters()).advice() == [
        "column 'letter' is text and becomes 30 numbers; --text-features tfidf keeps its words, which pays off from a "
        "few hundred labels"
    ]
    assert make_environment(letters(), text_features="tfidf").advice() == []
    assert make_environment("iris", text_features=20).advice() == [
        "iris has no column of text, so --text-features 20 changes nothing"
    ]
    frame = letters().X.assign(letter_id=np.arange(N))
    environment = make_environment(Dataset(frame, letters().y), text_features="tfidf")
    assert environment.advice() == [
        "column 'letter_id' looks like an identifier (whole numbers without a repetition, 0 to 199); leave it out "
        "(--drop) unless its values carry meaning"
    ]


def test_words_tell_the_topics_of_raw_text_better_than_30_numbers() -> None:
    data = letters(600)
    final = {}
    for how in ("lsa", "tfidf"):
        curves = altune.simulate("random_sampling", data, budget=240, loops=4, n_blocks=3, text_features=how).curves
        final[how] = float(np.mean([curve.scores["accuracy"][-1] for curve in curves]))
    assert final["tfidf"] > 0.9
    assert final["lsa"] < final["tfidf"] - 0.05


def test_a_block_of_words_travels_to_workers_with_the_same_result(tmp_path: Path) -> None:
    environment = make_environment(letters(), text_features="tfidf", budget=40, loops=4)
    block = environment.blocks("search", 1)[0]
    prepared = prepare_block(environment.dataset, block, 0, text_features="tfidf")
    assert sparse.issparse(prepared.X_pool)
    save_block(prepared, tmp_path / "block")
    for recipe in (Recipe(), Recipe.from_dict({"query_strategy": "badge", "initial_sample": "typiclust"})):
        here = play(recipe, prepared, environment.scenario)
        there = play(recipe, load_block(tmp_path / "block"), environment.scenario)
        assert here.rows.tolist() == there.rows.tolist()
        assert here.scores["accuracy"].tolist() == there.scores["accuracy"].tolist()


def test_the_standard_space_can_be_searched_on_words() -> None:
    environment = make_environment(letters(), text_features="tfidf", budget=40, loops=4)
    space, left_out = prepare_space("standard", [environment]).narrow(environment.capabilities)
    assert left_out == []
    assert space.is_open("query_strategy")
