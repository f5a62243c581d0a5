"""Examining the loops of a run and of a recipe, in Python and at the command line."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pytest

import altune
from altune.analysis.loops.facts import LoopFacts
from altune.cli import main
from altune.recipes.space import SearchSpace

SIZES: dict[str, Any] = {"n_trials": 2, "n_blocks": 2, "select_among": 2, "select_blocks": 2, "report_blocks": 4}


def tuned(out: Any = None, **given: Any) -> altune.Run:
    space = SearchSpace.from_dict({"query_strategy": ["margin", "entropy"]})
    return altune.tune("iris", space, budget=30, loops=6, ablation=False, out=out, **{**SIZES, **given})


def test_a_run_holds_what_each_loop_of_its_confirmed_recipe_did(tmp_path):
    run = tuned(tmp_path / "run")
    found = run.loops
    assert (found.blocks, found.uncertainty.blocks, found.stopping.blocks) == (4, 3, 3)
    curves = run.confirmation.recipe.curves
    assert found.labels.mean[-1] == np.mean([curve.labels[-1] for curve in curves])
    assert len(json.dumps(run.record.examined())) < 300_000
    assert altune.open_run(tmp_path / "run").loops == found
    assert tuned(tmp_path / "run").loops == found
    assert tuned(n_jobs=2).loops == found, "whatever the number of processes"


def test_a_run_examines_again_what_it_confirms_again():
    run = tuned()
    before = run.loops
    run.confirm(report_blocks=5)
    assert (before.blocks, run.loops.blocks) == (4, 5)


def test_a_run_that_was_not_confirmed_or_is_older_opens_without():
    assert tuned(confirm=False).loops is None
    run = tuned()
    run.study.set_user_attr("examined", {"key": "another confirmation", "loops": {}})
    run.read_again()
    assert run.loops is None


def test_a_recipe_that_cannot_be_played_again_leaves_the_run_whole(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr("altune.simulation.trajectory.uncertainty_facts", lambda loop, request: 1 / 0)
    monkeypatch.setattr("altune.tuning.observer.Silent.say", lambda self, line: said.append(line))
    found = tuned().loops
    assert found.uncertainty is None
    assert found.stopping is None
    assert found.balance.bought[0].mean[0] > 0
    assert any("the confirmed recipe could not be examined: ZeroDivisionError" in line for line in said)


def command(monkeypatch, capsys, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["altune", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def test_command_prints_writes_and_answers_in_json(monkeypatch, capsys, tmp_path):
    words = ("examine", "iris", "vanilla", "--budget", "30", "--loops", "4", "--blocks", "2", "--jobs", "1")
    code, out, err = command(monkeypatch, capsys, *words, "--out", str(tmp_path / "new"))
    assert (code, err) == (0, "")
    assert "rows first, then" in out
    assert out.rstrip().endswith("examined.html")
    assert "What did it do?" in (tmp_path / "new" / "examined.html").read_text("utf-8")
    assert (tmp_path / "new" / "loops.csv").read_text("utf-8").startswith("loop,quantity,class,mean,low,high")
    code, out, _ = command(monkeypatch, capsys, *words, "--json")
    assert code == 0
    assert LoopFacts.from_dict(json.loads(out)).blocks == 2


def test_command_refuses_what_does_not_fit(monkeypatch, capsys, tmp_path):
    code, _, err = command(monkeypatch, capsys, "examine", "iris", "vanilla", "--blocks", "0")
    assert (code, err.count("\n")) == (2, 1)
    (tmp_path / "file").write_text("")
    where = str(tmp_path / "file")
    code, _, err = command(
        monkeypatch, capsys, "examine", "iris", "vanilla", "--budget", "30", "--blocks", "1", "--out", where
    )
    assert code == 2
    assert "cannot be written" in err
