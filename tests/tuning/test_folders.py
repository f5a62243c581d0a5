"""Folders that altune writes to hold nothing of anyone else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import altune
from altune.core.errors import RequestError
from altune.recipes.space import SearchSpace
from altune.tuning.folders import contents_of, kind_of, require_folder
from altune.tuning.storage import JOURNAL, LOCK

SPACE = SearchSpace.from_dict({"query_strategy": ["margin", "random"]})
SWEEP = {"version": 1, "data": ["iris"], "spaces": [SPACE], "budgets": [20], "settings": {"n_trials": 1}}


def filled(folder: Path, *names: str) -> Path:
    """Return a folder with files of these names; a name that ends in a slash is an empty folder."""
    for name in names:
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text("mine")
    return folder


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ((), "new"),
        ((LOCK,), "new"),
        ((JOURNAL,), "run"),
        ((JOURNAL, LOCK, "report.html", "trajectories/"), "run"),
        (("storage.yaml", LOCK), "run"),
        ((LOCK, "sweep.html"), "sweep"),
        ((LOCK, "cache/"), "sweep"),
        ((LOCK, f"iris-seed0/{JOURNAL}"), "sweep"),
        ((LOCK, f"iris-seed0/{LOCK}"), "sweep"),
        ((LOCK, "iris-seed0/"), "sweep"),
        ((f"iris-seed0/{JOURNAL}", "iris-seed0/result.json"), "sweep"),
        ((f"iris-seed0/{JOURNAL}",), "other"),  # a folder of runs, such as `runs`
        (("data.csv",), "other"),
        (("cache/",), "other"),
        (("sweep.html",), "other"),
        (("recipe.yaml", "report.html"), "other"),
        ((LOCK, "data.csv"), "other"),
    ],
)
def test_the_kind_of_a_folder(tmp_path: Path, names: tuple[str, ...], kind: str) -> None:
    assert kind_of(filled(tmp_path, *names)) == kind


def test_a_folder_that_does_not_exist_is_new(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "none") == "new"
    require_folder(tmp_path / "none", "run")


def test_a_refusal_names_what_the_folder_holds(tmp_path: Path) -> None:
    folder = filled(tmp_path, "a.csv", "b.csv", "c.csv", "d.csv", "e.csv")
    assert contents_of(folder) == "a.csv, b.csv, c.csv and 2 more"
    line = f"{folder}: not the folder of a run: it holds a.csv, b.csv, c.csv and 2 more; give another --out"
    with pytest.raises(RequestError, match=re.escape(line)):
        require_folder(folder, "run")


@pytest.mark.parametrize(("names", "held"), [(("data.csv",), "data.csv"), ((LOCK, "sweep.html"), "a sweep")])
def test_tune_leaves_a_folder_that_is_no_run_as_it_is(tmp_path: Path, names: tuple[str, ...], held: str) -> None:
    before = sorted(filled(tmp_path, *names).iterdir())
    with pytest.raises(RequestError, match=f"not the folder of a run: it holds {held}; give another --out"):
        altune.tune("iris", SPACE, budget=20, n_trials=1, out=tmp_path)
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(RequestError, match="not the folder of a run"):
        altune.Session(altune.make_environments("iris", budget=20), SPACE, altune.Settings(), out=tmp_path)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("names", "held"), [(("data.csv",), "data.csv"), ((LOCK, JOURNAL), "a run")])
def test_sweep_leaves_a_folder_that_is_no_sweep_as_it_is(tmp_path: Path, names: tuple[str, ...], held: str) -> None:
    before = sorted(filled(tmp_path, *names).iterdir())
    with pytest.raises(RequestError, match=f"not the folder of a sweep: it holds {held}; give another --out"):
        altune.sweep(SWEEP, out=tmp_path)
    assert sorted(tmp_path.iterdir()) == before
