"""The benchmark of the winner's curse compares confirmed values with replays of the same recipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import altune
from tests.helpers.benchmark_scripts import load

curse = load("winners_curse")


def test_a_search_is_confirmed_and_its_recipe_replayed() -> None:
    line = curse.one_search(("iris", 1, 4, 3))
    run = altune.tune("iris", budget=40, loops=6, n_trials=4, seed=1, ablation=False, progress=False)
    replay = altune.simulate(run, "iris", scenario=run.scenario, n_blocks=3, seed=1, progress=False)
    assert line["confirmed"] == pytest.approx(run.findings.recipe.mean)
    assert line["replay"] == pytest.approx(replay.values.mean())
    chosen = run.confirmation.candidates[run.confirmation.selected]
    assert line["selected"] == pytest.approx(np.mean(chosen.values))
    assert line["search"] == (None if chosen.baseline else chosen.search_value)


def a_line(seed: int, confirmed: float, search: float | None) -> dict[str, Any]:
    plain = {"data": "iris", "seed": seed, "trials": 24, "replays": 100, "replay": 0.8}
    return plain | {"confirmed": confirmed, "selected": 0.81, "search": search, "raw": search}


def test_where_a_baseline_was_selected_the_search_has_no_value() -> None:
    rows = curse.summary([a_line(0, 0.8, 0.9), a_line(1, 0.82, 0.86), a_line(2, 0.78, None)])
    assert [(row["kind"], row["blocks"]) for row in rows] == [
        ("confirmed", 3),
        ("selected", 3),
        ("search", 2),
        ("raw", 2),
    ]
    assert [row["mean"] for row in rows] == pytest.approx([0.0, 0.01, 0.08, 0.08])


@pytest.mark.parametrize(("bias", "code"), [(0.0, 0), (0.002, 0), (0.004, 1), (-0.004, 1)])
def test_the_exit_code_tells_whether_the_interval_is_inside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bias: float, code: int
) -> None:
    out = tmp_path / "lines.jsonl"
    lines = [a_line(seed, 0.8 + bias + 0.001 * (-1) ** seed, 0.9) for seed in range(20)]
    out.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert curse.main(["--data", "iris", "--searches", "20", "--out", str(out)]) == code
    printed = capsys.readouterr()
    assert printed.err == "", "all searches were stored"
    assert f"confirmed value                       {bias:+.4f}" in printed.out
