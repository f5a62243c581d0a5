"""Sweeps: a kill in the middle, the table, the page and the dry run."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import altune
from altune.analysis.sweep.rows import COLUMNS
from altune.cli import main
from altune.core.errors import RequestError
from altune.core.yaml import write_yaml
from altune.report.figures.cell_differences import cell_differences
from altune.tuning.observer import Silent
from altune.workflows.progress import SweepProgress
from altune.workflows.sweep.planning import plan_sweep

TINY = {
    "scenario": {"loops": 4, "budget": 30},
    "settings": {"n_trials": 3, "n_blocks": 2, "select_among": 2, "select_blocks": 2, "report_blocks": 5},
}
EVIL = "<script>alert(1)</script>"
TWO_BY_TWO = {**TINY, "data": [{"file": "iris", "name": EVIL}, "wine"], "spaces": ["quick"], "seeds": [0, 1]}


class Cells:
    """Remembers which cells were begun."""

    def __init__(self):
        self.begun, self.said = [], []

    def cell(self, number, cells, name):
        self.begun.append(name)
        return Silent()

    def say(self, line):
        self.said.append(line)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return altune.sweep(TWO_BY_TWO, out=tmp_path_factory.mktemp("sweeps") / "whole")


@pytest.fixture
def run_cli(monkeypatch, tmp_path, capsys):
    """Run the command line in this process, in an empty folder; return exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["altune", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return run


def test_the_table_has_a_row_for_each_cell_and_baseline_the_same_in_csv_and_parquet(undisturbed):
    frame = undisturbed.to_frame()
    assert frame[["data", "seed", "baseline"]].drop_duplicates().shape[0] == len(frame) == 16
    assert frame["difference"].to_numpy() == pytest.approx(
        (frame["confirmed_mean"] - frame["baseline_mean"]).to_numpy()
    )
    sides = {1: "better", 0: "unclear", -1: "worse"}
    assert frame["verdict"].tolist() == [sides[int(row.low > 0) - int(row.high < 0)] for row in frame.itertuples()]
    confirmed = undisturbed.runs[0].run.findings.recipe.mean
    assert frame["confirmed_mean"][0] == pytest.approx(confirmed)
    assert set(frame["query_strategy"]) <= {"margin_cover", "margin", "entropy", "least_confidence", "random"}
    read = pd.read_csv(undisturbed.folder / "results.csv", dtype=COLUMNS)
    parquet = pd.read_parquet(undisturbed.folder / "results.parquet")
    assert_frame_equal(read, frame, rtol=1e-12)
    assert_frame_equal(parquet, frame, check_exact=True)


@pytest.mark.slow
def test_a_sweep_killed_in_the_middle_ends_with_the_table_of_one_never_killed(undisturbed, tmp_path):
    (tmp_path / "sweep.yaml").write_text(write_yaml(TWO_BY_TWO))
    command = [sys.executable, "-m", "altune", "sweep", "sweep.yaml", "--out", "out", "--jobs", "1", "--quiet"]
    process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True)
    names = [run.folder.name for run in undisturbed.runs]
    journal = tmp_path / "out" / names[1] / "study.journal"
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and not (journal.exists() and journal.read_bytes().count(b"\n") > 3):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (tmp_path / "out" / names[0] / "result.json").is_file()
    assert not (tmp_path / "out" / names[3]).exists()
    assert not (tmp_path / "out" / "results.csv").exists()
    watch = Cells()
    again = altune.sweep(tmp_path / "sweep.yaml", out=tmp_path / "out", observer=watch)
    assert len(watch.begun) in (2, 3)
    assert_frame_equal(again.to_frame().drop(columns="seconds"), undisturbed.to_frame().drop(columns="seconds"))


def test_a_finished_sweep_begins_no_cell_and_a_longer_list_adds_only_its_own(tmp_path):
    one = {**TINY, "data": ["iris"], "spaces": ["quick"]}
    first = altune.sweep(one, out=tmp_path)
    watch = Cells()
    assert_frame_equal(altune.sweep(one, out=tmp_path, observer=watch).to_frame(), first.to_frame())
    assert watch.begun == []
    altune.sweep({**one, "seeds": [0, 1]}, out=tmp_path, observer=watch)
    assert watch.begun == ["iris, seed 1"]


def test_what_two_cells_share_is_played_once(tmp_path):
    def kept(out, spaces):
        altune.sweep({**TINY, "data": ["iris"], "spaces": spaces}, out=out)
        return len(list((out / "cache").rglob("*.json")))

    twins = [{"file": "quick", "name": "one"}, {"file": "quick", "name": "two"}]
    assert kept(tmp_path / "twins", twins) == kept(tmp_path / "alone", ["quick"])
    assert not list(tmp_path.rglob("trajectories"))


def test_a_cell_with_another_request_fails_in_one_line_and_the_others_are_played(run_cli, tmp_path):
    one = {**TINY, "data": ["iris"], "spaces": ["quick"]}
    altune.sweep(one, out=tmp_path / "out")
    changed = {**one, "seeds": [0, 1], "scenario": {"loops": 3, "budget": 30}}
    (tmp_path / "sweep.yaml").write_text(write_yaml(changed))
    code, out, err = run_cli("sweep", "sweep.yaml", "--out", "out", "--jobs", "1")
    assert code == 1
    assert "cell 2 of 2: iris, seed 1" in err
    assert "failed: iris, seed 0: " in out
    table = pd.read_csv(tmp_path / "out" / "results.csv")
    assert table["state"].tolist() == ["failed", *["complete"] * 4]
    assert "loops is 3, in the run 4" in table["reason"][0]


def test_cells_that_cannot_be_are_refused_before_anything_is_played(run_cli, tmp_path):
    wrong = {**TINY, "data": ["wine", "iris"], "spaces": ["quick"], "budgets": [30, 5000], "scenario": {}}
    (tmp_path / "sweep.yaml").write_text(write_yaml(wrong))
    code, out, err = run_cli("sweep", "sweep.yaml", "--jobs", "1")
    assert (code, out) == (2, "")
    assert err.count("budget 5000 is larger than the pool") == 3
    assert "`skip`" in err.splitlines()[-1]
    assert not (tmp_path / "runs").exists()
    code, out, _ = run_cli("sweep", "sweep.yaml", "--dry-run", "--jobs", "1")
    assert code == 0
    assert "impossible: wine-quick-5000-seed0: budget 5000 is larger than the pool" in out


@pytest.mark.parametrize(
    ("knobs", "more", "said"),
    [
        ({"model": ["mlp", "naive_bayes"]}, {"models": ["mlp"]}, "opens model"),
        ({"model": {"method": "mlp", "alpha": {"low": 0.1, "high": 0.9}}}, {"settings": {"sampler": "grid"}}, "grid"),
    ],
)
def test_what_a_space_cannot_do_is_found_before_anything_is_played(tmp_path, knobs, more, said):
    space = altune.SearchSpace.from_dict({"name": "mine", **knobs})
    with pytest.raises(RequestError, match=f"1 of 1 cells are impossible, the first is iris: .*{said}"):
        altune.sweep({"data": ["iris"], "spaces": [space], **more}, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_dry_run_counts_what_the_cells_ask_for_and_leaves_nothing(run_cli, tmp_path, undisturbed):
    (tmp_path / "sweep.yaml").write_text(write_yaml({**TWO_BY_TWO, "skip": [{"data": "wine", "seed": 1}]}))
    code, out, _ = run_cli("sweep", "sweep.yaml", "--dry-run", "--json", "--jobs", "2")
    plain = json.loads(out)
    assert code == 0
    assert os.listdir(tmp_path) == ["sweep.yaml"]
    assert (len(plain["cells"]), plain["left_out"], plain["finished"]) == (3, 1, 0)
    # 4 baselines and 3 trials on 2 blocks, 2 recipes and the baselines on 2 to select, one, the baselines and the
    # matched on 5, and that one examined on 3.
    count = 4 * 2 + 3 * 2 + 6 * 2 + 9 * 5 + 3
    assert plain["trajectories"] == 3 * count
    each = [cell["seconds_per_trajectory"] for cell in plain["cells"]]
    assert min(each) > 0
    assert plain["seconds"] == pytest.approx(count * sum(each) / 2)
    finished = plan_sweep(TWO_BY_TWO, out=undisturbed.folder)
    assert (finished.trajectories, finished.count("finished")) == (0, 4)


def test_interrupted_it_says_how_to_go_on(run_cli, tmp_path, monkeypatch):
    (tmp_path / "sweep.yaml").write_text(write_yaml({**TINY, "data": ["iris"], "spaces": ["quick"], "seeds": [0, 1]}))
    begin = SweepProgress.cell

    def interrupted(self, number, cells, name):
        if number == 2:
            raise KeyboardInterrupt
        return begin(self, number, cells, name)

    monkeypatch.setattr(SweepProgress, "cell", interrupted)
    code, out, err = run_cli("sweep", "sweep.yaml", "--jobs", "1")
    assert (code, out) == (130, "")
    assert "1 of 2 cells are finished in runs/sweep. To resume, run the same command:" in err


def test_the_page_escapes_what_it_is_given_and_leads_to_each_cells_own(undisturbed):
    page = (undisturbed.folder / "sweep.html").read_text("utf-8")
    assert EVIL not in page
    assert EVIL.replace("<", "&lt;").replace(">", "&gt;") in page
    links = re.findall(r'<th scope="row"><a href="([^"]+)">', page)
    assert len(links) == len(undisturbed.runs)
    assert all((undisturbed.folder / unquote(link)).is_file() for link in links)


def test_the_figure_shows_the_numbers_of_the_table(undisturbed):
    frame = undisturbed.to_frame()
    own = frame[frame["baseline"] == "random_sampling"]
    cells = cell_differences(undisturbed.runs)
    assert [cell.row.mean for cell in cells] == own["difference"].tolist()
    assert [cell.verdict for cell in cells] == own["verdict"].tolist()
    assert [cell.row.name for cell in cells][2:] == ["wine, seed 0", "wine, seed 1"]


def test_scripts_read_coordinates_results_and_files(undisturbed):
    plain = json.loads(json.dumps(undisturbed.to_dict(), allow_nan=False))
    assert {"answer", "cells", "files", "seconds"} == set(plain)
    cell = plain["cells"][3]
    assert (cell["data"], cell["space"], cell["budget"], cell["seed"], cell["state"]) == (
        "wine",
        "quick",
        30,
        1,
        "complete",
    )
    assert [row["baseline"] for row in cell["results"]] == [
        "random_sampling",
        "margin",
        "vanilla",
        "recommended",
    ]
    assert all(Path(file).is_file() for file in plain["files"].values())


def test_the_page_ranks_where_there_is_enough_to_rank(undisturbed):
    page = (undisturbed.folder / "sweep.html").read_text("utf-8")
    assert undisturbed.ranking.over == "cells"
    assert "Does it rank first?" in page
    assert "Mean rank over cells" in page
