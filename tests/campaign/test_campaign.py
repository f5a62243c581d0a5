"""Answers in parts, in any order, by several people; corrections, skips, and rows that come and go."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

import altune
from altune.campaign import Campaign
from altune.campaign.events import FILE
from altune.core.errors import RequestError, StorageError
from altune.core.types import TrainingSet
from altune.data.unlabelled import encode_pool
from altune.recipes.recipe import Recipe

X, CODES = load_wine(return_X_y=True)
CLASSES = ["barolo", "barbera", "grignolino"]
LABELS = np.array(CLASSES)[CODES]
VOTE = Recipe(labeling={"method": "majority", "annotators": 3}, initial_sample={"method": "random", "size": 4})


def started(folder: Path, recipe: Any = "margin", pool: Any = X, **options: Any) -> Campaign:
    return Campaign.create(folder, recipe, pool, **{"classes": CLASSES, "budget": 24, **options})


def finished(campaign: Campaign) -> Campaign:
    """Answer with the true labels to the end."""
    while batch := campaign.ask():
        campaign.tell(batch.rows, LABELS[batch.rows], batch.annotators)
    return campaign


def lines(campaign: Campaign) -> list[bytes]:
    return (campaign.folder / FILE).read_bytes().splitlines()


def test_parts_in_any_order_make_the_same_campaign(tmp_path: Path) -> None:
    whole = finished(started(tmp_path / "whole"))
    parts = started(tmp_path / "parts")
    rng = np.random.default_rng(0)
    while batch := parts.ask():
        row = batch.rows[rng.integers(len(batch))]
        parts.tell(row, LABELS[row])
        assert row not in parts.ask().rows or parts.ask().number != batch.number
    assert sorted(whole.labels()) == sorted(parts.labels())
    pd.testing.assert_frame_equal(whole.predict(), parts.predict())


def test_an_answer_that_is_given_twice_counts_once(tmp_path: Path) -> None:
    campaign = started(tmp_path / "c")
    batch = campaign.ask()
    for _ in range(3):
        campaign.tell(batch.rows[:2], LABELS[batch.rows[:2]])
    assert campaign.status().labels_bought == 2
    assert len(lines(campaign)) == 3  # created, asked, told


def test_a_row_about_which_nobody_can_tell_is_no_label_and_not_asked_again(tmp_path: Path) -> None:
    campaign = started(tmp_path / "c")
    first = campaign.ask()
    skipped = first.rows[0]
    campaign.tell(first.rows, [None, *LABELS[first.rows[1:]]])
    finished(campaign)
    status = campaign.status()
    assert (status.labels_bought, status.skipped, status.stopped) == (24, 1, "budget")
    assert skipped not in campaign.labels()
    assert (campaign.answers()["row"] == skipped).sum() == 1


def test_a_first_batch_without_any_label_is_followed_by_another_one(tmp_path: Path) -> None:
    campaign = started(tmp_path / "c")
    first = campaign.ask()
    campaign.tell(first.rows, [None] * len(first))
    second = campaign.ask()
    assert second.number == 2
    assert not set(first.rows) & set(second.rows)
    assert finished(campaign).status().labels_bought == 24


@pytest.mark.parametrize("opened_again", [False, True])
def test_the_next_loop_trains_on_a_corrected_label(tmp_path: Path, opened_again: bool) -> None:
    """The model is the one that the right labels make."""
    campaign = started(tmp_path / "wrong", budget=60)
    first = campaign.ask()
    wrong = LABELS[first.rows].copy()
    wrong[:3] = np.roll(CLASSES, 1)[CODES[first.rows[:3]]]
    campaign.tell(first.rows, wrong)
    second = campaign.ask()
    campaign.tell(first.rows[:3], LABELS[first.rows[:3]])
    assert campaign.ask() == second
    if opened_again:
        campaign.close()
        campaign = Campaign.open(campaign.folder)
    campaign.tell(second.rows, LABELS[second.rows])
    campaign.ask()
    labelled = [*first.rows, *second.rows]
    assert campaign.labels() == dict(zip(labelled, LABELS[labelled], strict=True))
    assert campaign.status().labels_bought == len(labelled)
    rows = np.sort(labelled)
    encoded, codes = encode_pool(X), np.searchsorted(sorted(CLASSES), LABELS[rows])
    right = Recipe.load(campaign.folder / "recipe.yaml").model.fit(TrainingSet(encoded[rows], codes, 3), seed=0)
    np.testing.assert_allclose(campaign.model.class_scores(encoded), right.class_scores(encoded), atol=1e-6)


def test_an_answer_of_the_current_batch_can_be_taken_back(tmp_path: Path) -> None:
    campaign = started(tmp_path / "c")
    batch = campaign.ask()
    campaign.tell(batch.rows[0], LABELS[batch.rows[0]])
    campaign.revoke(batch.rows[0])
    assert campaign.ask() == batch
    assert finished(campaign).status().labels_bought == 24


def test_an_answer_that_was_trained_on_can_be_taken_back(tmp_path: Path) -> None:
    campaign = started(tmp_path / "c")
    first = campaign.ask()
    campaign.tell(first.rows, LABELS[first.rows])
    campaign.ask()
    campaign.revoke(first.rows[1])
    finished(campaign)
    assert first.rows[1] not in campaign.labels()
    assert campaign.status().labels_bought == 24
    reopened = again(campaign)
    assert first.rows[1] not in reopened.labels()


def again(campaign: Campaign) -> Campaign:
    campaign.close()
    return Campaign.open(campaign.folder)


def test_three_people_label_each_row(tmp_path: Path) -> None:
    campaign = started(tmp_path / "c", VOTE, annotators=["ann", "bob", "eve"], budget=30)
    batch = campaign.ask()
    assert len(batch) == 12
    assert sorted(batch.annotators) == ["ann"] * 4 + ["bob"] * 4 + ["eve"] * 4
    rows = sorted(set(batch.rows))
    assert set(campaign.ask("ann").rows) == set(rows)
    campaign.tell(rows, LABELS[rows], "ann")
    assert not campaign.ask("ann").rows
    # somebody who was not named at the start answers in the place of one who was
    campaign.tell(rows, LABELS[rows], "kim")
    with pytest.raises(RequestError, match="all the answers that the recipe wants"):
        campaign.tell([*rows, rows[0]], [*LABELS[rows], LABELS[rows[0]]], ["bob"] * 4 + ["zoe"])
    campaign.tell(rows, LABELS[rows], "eve")
    people = {person.name: person.answers for person in campaign.status().annotators}
    assert people == {"ann": 4, "bob": 0, "eve": 4, "kim": 4}
    assert campaign.status().annotators[0].agreement == 1.0


def test_labels_from_before_take_the_place_of_the_first_sample(tmp_path: Path) -> None:
    before: list[Any] = [None] * len(X)
    for row in range(0, 60, 3):
        before[row] = LABELS[row]
    recipe = Recipe(initial_sample={"method": "random", "size": 22})
    campaign = started(tmp_path / "c", recipe, labels=before, budget=40)
    first = campaign.ask()
    assert len(first) == 2
    assert not set(first.rows) & set(range(0, 60, 3))
    finished(campaign)
    status = campaign.status()
    assert (status.labels_bought, len(campaign.answers()), len(campaign.labels())) == (40, 20, 40)
    enough = started(tmp_path / "enough", "margin", labels=before, budget=40)
    assert enough.ask().number == 2  # the first sample is complete, so the first batch is empty


def test_hold_out_rows_are_asked_about_first_and_never_trained_on(tmp_path: Path) -> None:
    campaign = finished(started(tmp_path / "c", hold_out=30, budget=40, scenario={"also": ["balanced_accuracy"]}))
    status = campaign.status()
    assert (status.labels_bought, status.hold_out_labels) == (40, 30)
    assert {*status.curve[-1].scores} == {"accuracy", "balanced_accuracy"}
    assert status.curve[-1].scores["accuracy"] > 0.8
    assert len(campaign.labels()) == 70


def test_rows_can_be_added_and_taken_out(tmp_path: Path) -> None:
    table = pd.DataFrame(X).add_prefix("x").assign(cellar=np.where(X[:, 0] > 13, "north", "south"))
    names = [f"bottle {row}" for row in range(len(X))]
    known = dict(zip(names, LABELS, strict=True))
    campaign = started(tmp_path / "c", "margin", table[:100].assign(id=names[:100]), ids="id", budget=60)
    batch = campaign.ask()
    campaign.remove_rows(batch.rows[0])
    assert batch.rows[0] not in campaign.ask().rows
    campaign.tell(batch.rows[1:], [known[name] for name in batch.rows[1:]])
    campaign.add_rows(table[100:].assign(id=names[100:]), ids="id")
    while batch := campaign.ask():
        campaign.tell(batch.rows, [known[name] for name in batch.rows])
    labelled = set(campaign.labels())
    assert labelled & set(names[100:])
    assert (campaign.status().rows, campaign.status().labels_bought) == (len(X) - 1, 60)
    predicted = campaign.predict()
    assert predicted["row"].tolist() == [name for name in names if name in set(predicted["row"])]
    assert (predicted["prediction"] == [known[name] for name in predicted["row"]]).mean() > 0.85
    as_new = campaign.predict(table[1:6])["prediction"]
    assert as_new.tolist() == predicted.set_index("row")["prediction"].reindex(names[1:6]).fillna(as_new).tolist()
    pd.testing.assert_frame_equal(predicted, again(campaign).predict())


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no such row": ({"rows": 999, "labels": "barolo"}, "there is no row 999"),
    "a negative row": ({"rows": -1, "labels": "barolo"}, "there is no row -1"),
    "a name for a number": ({"rows": "seven", "labels": "barolo"}, "there is no row 'seven'"),
    "not asked": ({"rows": 5, "labels": "barolo"}, "was not asked about"),
    "no such class": ({"rows": 0, "labels": "barollo"}, "no class 'barollo'; did you mean 'barolo'"),
    "too few labels": ({"rows": [0, 1], "labels": ["barolo"]}, "one label is needed for each row"),
    "two labels": ({"rows": [0, 0], "labels": ["barolo", "barbera"]}, "two different labels"),
    "no annotator": ({"rows": 0, "labels": "barolo", "annotator": " "}, "is not the name of an annotator"),
    "a time before the start": (
        {"rows": 0, "labels": "barolo", "seconds": -1},
        "seconds must be a number of 0 or more",
    ),
    "NaN seconds": ({"rows": 0, "labels": "barolo", "seconds": float("nan")}, "seconds must be a number"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_is_refused_and_nothing_is_taken(tmp_path: Path, wrong: str) -> None:
    campaign = started(tmp_path / "c")
    batch = campaign.ask()
    before = lines(campaign)
    given, message = WRONG[wrong]
    asked = {0: batch.rows[0], 1: batch.rows[1], 5: next(row for row in range(len(X)) if row not in batch.rows)}
    rows = [asked.get(row, row) for row in np.atleast_1d(np.array(given["rows"], dtype=object))]
    right = batch.rows[2]
    arguments = {**given, "rows": [right, *rows], "labels": [LABELS[right], *np.atleast_1d(given["labels"])]}
    with pytest.raises(RequestError, match=message):
        campaign.tell(**arguments)
    assert lines(campaign) == before


def test_options_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    campaign = finished(started(tmp_path / "c"))
    for call in (campaign.predict, campaign.add_rows):
        with pytest.raises(TypeError, match="unexpected keyword argument 'seperator'"):
            call(X[:3], seperator=";")
    with pytest.raises((TypeError, RequestError), match="seperator"):
        started(tmp_path / "d", seperator=";")
    assert not (tmp_path / "d").exists()


def test_a_campaign_has_one_owner(tmp_path: Path) -> None:
    campaign = started(tmp_path / "c")
    batch = campaign.ask()
    with pytest.raises(RequestError, match="another process"):
        Campaign.open(campaign.folder)
    looking = Campaign.open(campaign.folder, read_only=True)
    assert looking.ask() == batch
    with pytest.raises(RequestError, match="for reading only"):
        looking.tell(batch.rows, LABELS[batch.rows])
    campaign.close()
    with Campaign.open(campaign.folder) as opened:
        opened.tell(batch.rows, LABELS[batch.rows])


def test_a_log_that_is_cut_anywhere_leads_to_the_same_campaign(tmp_path: Path) -> None:
    """A kill leaves a beginning of the log: what is missing is asked about again, and the campaign ends the same."""
    whole = finished(started(tmp_path / "whole", hold_out=5))
    log = (whole.folder / FILE).read_bytes()
    whole.close()
    labels = whole.labels()
    rng = np.random.default_rng(0)
    for number, end in enumerate(rng.integers(log.index(b"\n") + 1, len(log), size=12)):
        folder = tmp_path / str(number)
        shutil.copytree(whole.folder, folder)
        (folder / FILE).write_bytes(log[:end])
        with Campaign.open(folder) as opened:
            assert finished(opened).labels() == labels
            assert [line.split(b'"time"')[0] for line in lines(opened)] == [
                line.split(b'"time"')[0] for line in log.splitlines()
            ]


def test_a_later_version_that_would_choose_others_keeps_what_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = started(tmp_path / "c", budget=40)
    for _ in range(3):
        batch = campaign.ask()
        campaign.tell(batch.rows, LABELS[batch.rows])
    batch, labels = campaign.ask(), campaign.labels()
    strategy = type(campaign.recipe.query_strategy)
    scores = strategy.scores
    monkeypatch.setattr(strategy, "scores", lambda self, pool, rng: -scores(self, pool, rng))
    opened = again(campaign)
    assert opened.ask() == batch
    opened.tell(batch.rows, LABELS[batch.rows])
    opened.ask()
    assert opened.labels() == labels | {row: LABELS[row] for row in batch.rows}


def test_a_line_that_changed_is_named(tmp_path: Path) -> None:
    campaign = finished(started(tmp_path / "c"))
    campaign.close()
    path = campaign.folder / FILE
    log = path.read_bytes().splitlines(keepends=True)
    log[2] = log[2].replace(b"annotator 1", b"annotator 2")
    path.write_bytes(b"".join(log))
    with pytest.raises(StorageError, match="line 3 has changed since it was written"):
        Campaign.open(campaign.folder)


STARTS: dict[str, tuple[dict[str, Any], str]] = {
    "no classes": ({"classes": None}, "the classes are missing"),
    "one class": ({"classes": ["barolo"]}, "two different names or more"),
    "a class twice": ({"classes": ["a", "b", "a"]}, "two different names or more"),
    "too large a budget": ({"budget": 1000}, "budget must be from 3 to 178"),
    "too small a budget": ({"budget": 2}, "budget must be from 3"),
    "too large a hold-out": ({"hold_out": 178}, "hold_out must be from 0 to 175"),
    "too few people": ({"recipe": VOTE, "annotators": ["ann"]}, "the recipe does not work here"),
    "two people of one name": ({"annotators": ["ann", "ann"]}, "annotators must be different names"),
    "labels of another length": ({"labels": ["barolo"]}, "1 labels were given for 178 rows"),
    "a label of no class": ({"labels": ["merlot", *[None] * 177]}, "the label 'merlot'"),
    "more labels than the budget": ({"labels": list(LABELS)}, "178 rows have a label already"),
    "ids that are equal": ({"ids": ["a"] * 178}, "two rows have the name 'a'"),
    "no such column": ({"pool": pd.DataFrame(X).add_prefix("x"), "ids": "id"}, "no column 'id' with names of the rows"),
    "too few ids": ({"ids": ["a"]}, "1 names were given for 178 rows"),
    "true labels": ({"recipe": Recipe(initial_sample="oracle_stratified")}, "which only a simulation has"),
}


@pytest.mark.parametrize("wrong", STARTS)
def test_a_campaign_that_cannot_begin_leaves_no_folder(tmp_path: Path, wrong: str) -> None:
    options, message = STARTS[wrong]
    with pytest.raises(RequestError, match=message):
        started(tmp_path / "c", **options)
    assert not (tmp_path / "c").exists()


def test_a_run_brings_budget_classes_and_recipe(tmp_path: Path) -> None:
    run = altune.tune("wine", n_trials=2, budget=20, out=tmp_path / "run", report_blocks=3, progress=False)
    campaign = Campaign.create(tmp_path / "c", tmp_path / "run", X)
    assert (campaign.recipe, campaign.scenario.budget) == (run.best_recipe, 20)
    assert campaign.classes == run.scenario.classes
