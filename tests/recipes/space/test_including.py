"""Spaces that build on others: what wins, what is joined, and which files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from altune.core.errors import FormatError
from altune.recipes.space import SearchSpace


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_own_knobs_win_and_the_rest_is_taken_over(tmp_path: Path) -> None:
    write(tmp_path, mine="include: standard\nquery_strategy: [margin, badge]\n")
    space = SearchSpace.load(tmp_path / "mine.yaml")
    standard = SearchSpace.load("standard")
    assert space.name == "mine"
    assert space.decisions["query_strategy"].labels == ("margin", "badge")
    assert space.decisions["initial_sample"] == standard.decisions["initial_sample"]
    assert list(space.decisions) == list(standard.decisions)


def test_the_stored_space_is_flat(tmp_path: Path) -> None:
    write(tmp_path, mine="include: [cold_start, quick]\n")
    space = SearchSpace.load(tmp_path / "mine.yaml")
    assert "include" not in space.to_dict()
    assert SearchSpace.from_dict(space.to_dict()) == space
    assert space.digest() == SearchSpace.load("quick").digest()


def test_of_several_the_later_wins(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="query_strategy: margin\nretrain: reset\n",
        b="query_strategy: badge\n",
        c="include: [a.yaml, b.yaml]",
    )
    assert SearchSpace.load(tmp_path / "c.yaml").fixed()["query_strategy"].method == "badge"
    assert "retrain" in SearchSpace.load(tmp_path / "c.yaml").decisions


def test_baselines_are_joined_by_name_and_rules_are_appended(tmp_path: Path) -> None:
    write(
        tmp_path,
        base="query_strategy: [margin, badge, entropy]\nmodel: [mlp, sgd]\n"
        "baselines: {one: {query_strategy: badge}, two: {query_strategy: badge}}\n"
        "forbid: [{query_strategy: entropy, model: sgd}, {query_strategy: badge, model: mlp}]\n",
        mine="include: base.yaml\nquery_strategy: [margin, badge]\n"
        "baselines: {two: {query_strategy: margin}}\nforbid: [{query_strategy: margin, model: sgd}]\n",
    )
    space = SearchSpace.load(tmp_path / "mine.yaml")
    assert {name: part["query_strategy"]["method"] for name, part in space.baselines.items()} == {
        "one": "badge",
        "two": "margin",
    }
    assert space.to_dict()["forbid"] == [
        {"query_strategy": "badge", "model": "mlp"},
        {"query_strategy": "margin", "model": "sgd"},
    ]


def test_paths_are_relative_to_the_including_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "inner", deep="query_strategy: badge\n", middle="include: deep.yaml\n")
    write(tmp_path, top="include: inner/middle.yaml\n")
    assert SearchSpace.load(tmp_path / "top.yaml").fixed()["query_strategy"].method == "badge"
    monkeypatch.chdir(tmp_path)
    assert SearchSpace.from_dict({"include": "inner/deep.yaml"}).fixed()["query_strategy"].method == "badge"


def test_a_rule_once_included_twice_stands_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        root="query_strategy: [margin, badge]\nforbid: [{query_strategy: badge, model: sgd}]\n",
        a="include: root.yaml\n",
        b="include: root.yaml\n",
        both="include: [a.yaml, b.yaml]\n",
    )
    assert len(SearchSpace.load(tmp_path / "both.yaml").forbid) == 1


@pytest.mark.parametrize(
    ("include", "place", "says"),
    [
        ("standart", "include", "did you mean 'standard'"),
        ("othr.yaml", "include", "no such file; did you mean 'other.yaml'"),
        ("[standard, standart]", "include[1]", "did you mean 'standard'"),
        ("[other.yaml, other.yaml]", "include[1]", "occurs twice"),
        ("mine.yaml", "include", "in a circle: mine.yaml includes mine.yaml"),
        ("round.yaml", "include", "in a circle: mine.yaml includes round.yaml includes mine.yaml"),
        ("3", "include", "3 is not a space"),
        ("[]", "include", "the list is empty"),
        ("{a: b}", "include", "is not a space"),
        ("wrong.yaml", "query_strategy.method", "wrong.yaml: query_strategy.method: "),
    ],
)
def test_what_cannot_be_included_is_refused(tmp_path: Path, include: str, place: str, says: str) -> None:
    write(
        tmp_path,
        mine=f"include: {include}\n",
        other="query_strategy: badge\n",
        round="include: mine.yaml\n",
        wrong="query_strategy: margn\n",
    )
    with pytest.raises(FormatError) as caught:
        SearchSpace.load(tmp_path / "mine.yaml")
    assert caught.value.path == place
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_own_rule_on_what_is_gone_is_refused(tmp_path: Path) -> None:
    write(tmp_path, mine="include: standard\nquery_strategy: [margin, badge]\nforbid: [{query_strategy: switch}]\n")
    with pytest.raises(FormatError, match="'switch' is never drawn"):
        SearchSpace.load(tmp_path / "mine.yaml")
