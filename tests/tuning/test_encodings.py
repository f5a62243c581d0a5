"""How the data became numbers is stored with the study once, and is no part of what must stay equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import altune
from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.data import Dataset
from altune.data.encoding import encode_described
from altune.recipes.space import SearchSpace
from altune.report.html.blocks import FactsBlock, TableBlock
from altune.report.pages.run.page import run_content, run_page
from altune.simulation.environment import make_environment
from altune.tuning.header import describe_environment, header_changes
from altune.tuning.record import ENCODINGS
from altune.tuning.storage import set_attribute
from altune.tuning.study_setup import StudySetup

SPACE = SearchSpace.from_dict({"query_strategy": ["margin", "random"]})
SIZES: dict[str, Any] = {"n_trials": 1, "n_blocks": 2, "budget": 20, "loops": 2, "confirm": False}


def shop(n_rows: int = 120) -> Dataset:
    """Return a table with a running number, a category, and text about the label."""
    rng = np.random.default_rng(0)
    label = np.arange(n_rows) % 2
    frame = pd.DataFrame(
        {
            "order_id": np.arange(n_rows) + 1000,
            "colour": rng.choice(["red", "green", "blue"], n_rows),
            "size": label + rng.normal(size=n_rows),
            "note": [
                f"{'please refund' if late else 'all fine'} parcel number {row}" for row, late in enumerate(label)
            ],
        }
    )
    return Dataset(frame, label, name="shop")


def tune(**given: Any) -> Run:
    return altune.tune(shop(), SPACE, **(SIZES | given))


def facts(run: Run) -> dict[str, str]:
    return dict(next(part.facts for part in run_content(run).parts if isinstance(part, FactsBlock)))


def test_the_stored_description_is_that_of_the_first_search_block(tmp_path: Path) -> None:
    run = tune(out=tmp_path, text_features="tfidf")
    first, last = (
        encode_described(shop(), block.pool, block.test, text_features="tfidf").encoding
        for block in make_environment(shop(), budget=20).blocks("search", 2)
    )
    assert first != last
    assert altune.open_run(tmp_path).record.encodings == {"shop": first}
    # Trajectories that are read back from a cache need no block; the description is the same.
    again = tune(out=tmp_path / "again", cache=tmp_path / "trajectories", text_features="tfidf")
    assert again.record.encodings == run.record.encodings


def test_it_is_on_the_page(tmp_path: Path) -> None:
    run = tune(text_features="tfidf")
    assert facts(run)["Features"] == run.record.encodings["shop"].summary
    assert facts(run)["Features"].startswith("4 columns become ")
    assert facts(run)["Columns to check"] == (
        "column 'order_id' looks like an identifier (whole numbers without a repetition, 1000 to 1119); leave it out "
        "(--drop) unless its values carry meaning"
    )
    (columns,) = (part for part in run_content(run).parts if isinstance(part, TableBlock) and part.title)
    assert columns.title == "Columns of shop"
    assert [row[:2] for row in columns.rows] == [
        ["order_id", "number"],
        ["colour", "category"],
        ["size", "number"],
        ["note", "text"],
    ]
    assert columns.rows[3][3] == "TF-IDF of its words"
    assert sum(int(row[2]) for row in columns.rows) == run.record.encodings["shop"].features
    assert "TF-IDF of its words" in run_page(run)


def test_an_older_run_says_nothing_and_is_resumed(tmp_path: Path) -> None:
    run = tune(out=tmp_path)
    set_attribute(run.study, ENCODINGS, {})
    assert "Features" not in facts(run)
    resumed = tune(out=tmp_path, n_trials=2)
    assert len(resumed.trials) == 2
    assert resumed.record.encodings == {}


def test_the_header_is_that_of_older_versions_unless_text_features_are_given(tmp_path: Path) -> None:
    usual = describe_environment(make_environment(shop(), budget=20))
    assert "text_features" not in usual["scenario"]
    assert set(usual) == {"scenario", "blocks", "data"}
    tune(out=tmp_path)
    with pytest.raises(RequestError, match="the scenario's text_features is tfidf, in the run lsa"):
        tune(out=tmp_path, text_features="tfidf")


def test_words_are_not_resumed_as_numbers() -> None:
    headers = [
        StudySetup([make_environment(shop(), budget=20, text_features=how)], SPACE, altune.Settings()).header()
        for how in ("lsa", "tfidf", 30, 40)
    ]
    usual, words, thirty, forty = headers
    assert header_changes(words, usual) == ["the scenario's text_features is lsa, in the run tfidf"]
    assert header_changes(words, forty) == ["the scenario's text_features is 40, in the run tfidf"]
    assert header_changes(usual, thirty) == []
    assert header_changes(words, words) == []


def test_a_comparison_says_it_too() -> None:
    from altune.report.pages.comparison.page import compare_content

    comparison = altune.compare(
        {"margin": {"query_strategy": "margin"}, "random": "random_sampling"},
        shop(),
        budget=20,
        loops=2,
        n_blocks=2,
        text_features=8,
    )
    block = make_environment(shop(), budget=20).blocks("report", 1)[0]
    expected = encode_described(shop(), block.pool, block.test, text_features=8).encoding
    assert comparison.contests[0].encoding == expected
    parts = compare_content(comparison).parts
    told = dict(next(part.facts for part in parts if isinstance(part, FactsBlock)))
    assert told["Features"] == expected.summary
    assert any(isinstance(part, TableBlock) and part.title == "Columns of shop" for part in parts)
    assert comparison.to_dict()["encoding"]["features"] == expected.features


def test_runs_with_other_text_features_are_not_compared() -> None:
    sizes = {"confirm": True, "select_among": 1, "select_blocks": 1, "report_blocks": 2, "ablation": False}
    runs = [tune(**sizes, text_features=how) for how in ("tfidf", "lsa")]
    for order in (runs, runs[::-1]):
        with pytest.raises(RequestError, match=r"the scenario's text_features is \w+ in .* and \w+ in"):
            altune.compare_runs(order)
