"""What commands take as a recipe, and the folders and files that they leave alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from altune.cli.compare import named_recipes

SIZES = ["--budget", "20", "--loops", "3", "--jobs", "1"]
SMALL = [*SIZES, "--blocks", "2"]
Altune = Callable[..., tuple[object, str, str]]


def test_every_command_that_takes_a_recipe_takes_the_folder_of_a_run_and_says_if_it_is_not_confirmed(
    altune: Altune,
) -> None:
    tuned = altune("tune", "iris", "--space", "quick", "--trials", "2", "--no-confirm", "--out", "my=run", "-q", *SMALL)
    assert tuned[0] == 0
    said = "altune: my=run: not confirmed, so this is the best recipe of its search\n"
    for words in (
        ["simulate", "iris", "--recipe", "my=run"],
        ["stopping", "iris", "--recipe", "my=run", "--rule", "delta_f"],
        ["examine", "iris", "my=run"],
        ["ablate", "iris", "my=run"],
        ["ablate", "iris", "random_sampling", "--from", "my=run"],
        ["compare", "iris", "my=run", "random_sampling"],
    ):
        code, out, err = altune(*words, *SMALL)
        assert (code, err) == (0, said), words
        assert out
        code, out, err = altune(*[".." if word == "my=run" else word for word in words], *SMALL)
        assert (code, out, len(err.splitlines())) == (2, "", 1), words
        assert "..: no run here, but " in err


def test_the_name_of_a_recipe_is_that_of_its_path_even_with_an_equals_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b").mkdir()
    assert named_recipes(["a=b", "c=vanilla", "d=a=b"]) == {"a=b": "a=b", "c": "vanilla", "d": "a=b"}


@pytest.mark.parametrize(
    ("words", "theirs"),
    [
        (["tune", "iris", "--out", "mine"], "mine/notes.txt"),
        (["tune", "iris", "--out", "mine", "--dry-run"], "mine/notes.txt"),
        (["sweep", "sweep.yaml", "--out", "mine"], "mine/notes.txt"),
        (["sweep", "sweep.yaml", "--out", "mine", "--dry-run"], "mine/notes.txt"),
        (["compare", "iris", "vanilla", "random_sampling", "--out", "mine"], "mine/results.csv"),
        (["compare-runs", "a", "b", "--out", "mine"], "mine/compare.html"),
        (["examine", "iris", "vanilla", "--out", "mine"], "mine/loops.csv"),
        (["examine", "iris", "vanilla", "--out", "mine"], "mine/examined.html"),
        (["simulate", "iris", "--csv", "mine.csv"], "mine.csv"),
    ],
)
def test_what_altune_did_not_write_stays_as_it_is_and_nothing_is_played(
    altune: Altune, tmp_path: Path, words: list[str], theirs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sweep.yaml").write_text("version: 1\ndata: [iris]\nspaces: [quick]\n")
    path = tmp_path / theirs
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr("altune.simulation.execution.player.Player.play", None)
    code, out, err = altune(*words)
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert path.name in err
    assert sorted(tmp_path.rglob("*")) == before
    assert path.read_text() == "mine"


def test_a_report_goes_to_a_new_file_or_replaces_a_page(altune: Altune, tmp_path: Path) -> None:
    altune("tune", "iris", "--space", "quick", "--trials", "2", "--no-confirm", "--out", "run", "-q", *SMALL)
    (tmp_path / "mine.txt").write_text("mine")
    code, _, err = altune("report", "run", "--out", "mine.txt")
    assert code == 2
    assert err == "altune: mine.txt: exists and was not written by altune; give another name, or move it away\n"
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert [altune("report", "run", *out)[0] for out in ([], ["--out", "new.html"], ["--out", "new.html"])] == [0, 0, 0]
