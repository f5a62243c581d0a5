"""``--group`` and ``--time`` on the commands that read data, and what a dry run says about data."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from altune import open_run
from altune.workflows.learn.sources import read_source

Altune = Callable[..., tuple[object, str, str]]
RNG = np.random.default_rng(0)
ROWS = pd.DataFrame({"a": RNG.normal(size=40), "b": RNG.normal(size=40)}).loc[np.repeat(np.arange(40), 6)]
ROWS = ROWS.reset_index(drop=True).assign(
    patient=[f"p{number}" for number in np.repeat(np.arange(40), 6)],
    when=pd.date_range("2024-01-01", periods=240).strftime("%Y-%m-%d"),
    label=np.array(["no", "yes"])[RNG.integers(0, 2, 40)].repeat(6),
)
SIZES = ["--target", "label", "--budget", "20", "--loops", "2", "--jobs", "1"]
SMALL = [*SIZES, "--blocks", "1"]


@pytest.fixture
def file(tmp_path: Path) -> str:
    ROWS.to_csv(tmp_path / "visits.csv", index=False)
    return "visits.csv"


@pytest.mark.parametrize("columns", [["--group", "patient"], ["--time", "when"], ["--group", "duplicates"]])
@pytest.mark.parametrize(
    "words",
    [
        ["simulate"],
        ["compare", "vanilla", "random_sampling"],
        ["examine", "vanilla"],
        ["stopping"],
        ["ablate", "random_sampling"],
    ],
    ids=lambda words: words[0],
)
def test_commands_take_columns(altune: Altune, file: str, words: list[str], columns: list[str]) -> None:
    code, out, err = altune(words[0], file, *words[1:], *columns, *SMALL)
    assert (code, err) == (0, "")
    assert out
    code, out, err = altune(words[0], file, *words[1:], columns[0], "nothing", *SMALL)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "column 'nothing'" in err


def test_a_dry_run_says_how_rows_are_split_and_how_precise_the_result_will_be(altune: Altune, file: str) -> None:
    for columns, words in (
        (["--group", "patient"], "40 groups by patient, none of which is in both pool and test; 8 are held back"),
        (["--time", "when"], "the 48 rows from 2024-07-11 are held back, and pools are drawn from earlier rows"),
        ([], "240 of 240 rows (100%) are duplicates"),
    ):
        code, out, _ = altune("tune", file, "--space", "quick", "--dry-run", *columns, *SIZES)
        assert code == 0
        said = " ".join(out.split())
        assert words in said
        assert "precision about ±" in said
        assert "from 240 rows with labels; ±0.01 takes about" in said
    code, out, _ = altune("tune", file, "--space", "quick", "--dry-run", "--json", *SIZES)
    [precision] = json.loads(out)["precision"]
    assert precision["rows_wanted"] == pytest.approx(240 * (precision["half_width"] / 0.01) ** 2, abs=1)


def test_a_search_on_groups_names_them_on_its_page_and_in_its_commands(altune: Altune, file: str) -> None:
    sizes = ["--trials", "1", "--select-blocks", "1", "--report-blocks", "2", "--no-ablation", "--out", "run", "-q"]
    code, _, _ = altune("tune", file, "--space", "quick", "--group", "patient", *SMALL, *sizes)
    assert code == 0
    page = " ".join(Path("run/report.html").read_text("utf-8").split())
    assert "40 groups by patient, which no split separates" in page
    assert "--group patient" in page
    code, out, err = altune("tune", file, "--space", "quick", "--time", "when", *SMALL, *sizes)
    assert (code, out) == (2, "")
    assert "the group column is None, in the run patient; the time column is when, in the run None" in err


def test_a_file_of_another_kind_has_groups_and_a_time_as_well(altune: Altune, tmp_path: Path) -> None:
    rows = ROWS.assign(row=range(240), label=ROWS["label"].where(ROWS.index != 7))
    rows.to_csv(tmp_path / "export.csv", index=False, sep=";", decimal=",")
    text = ["export.csv", "--sep", ";", "--decimal", ",", "--skip-unlabelled"]
    sizes = ["--space", "quick", *SMALL, "--trials", "1", "--no-confirm", "--out", "run", "-q"]
    for again in (False, True):
        code, _, err = altune("tune", *text, "--group", "patient", "--drop", "row", "when", *sizes)
        assert code == 0, err
        source = open_run("run").record.sources["export"]
        assert source["drop"] == ["row", "when"], again
        assert source["group"] == "patient"
    (learned,) = read_source("run").data
    assert learned.reading.stored == {name: value for name, value in source.items() if name != "data"}
    page = " ".join(html.unescape(Path("run/report.html").read_text("utf-8")).split())
    assert "--sep ';' --decimal , --drop row --drop when --skip-unlabelled --group patient" in page
    assert "drop=('row', 'when'), skip_unlabelled=True, group='patient'" in page
    code, out, err = altune("tune", *text, "--group", "patient", "--drop", "patient", *sizes)
    assert (code, out) == (2, "")
    assert "the group column 'patient' cannot be dropped; leave it out of --drop" in err
    entries = (
        "{file: export.csv, sep: ';', decimal: ',', skip_unlabelled: true, drop: [row, when], group: patient}",
        "{file: export.csv, sep: ';', decimal: ',', skip_unlabelled: true, drop: row, time: when, name: timed}",
        "{file: iris, group: petal width (cm)}",
    )
    listed = "".join(f"  - {entry}\n" for entry in entries)
    (tmp_path / "sweep.yaml").write_text(f"version: 1\ndata:\n{listed}budgets: [20]\nspaces: [quick]\n")
    code, out, err = altune("sweep", "sweep.yaml", "--dry-run", "--json")
    assert code == 0, err
    assert [cell["state"] for cell in json.loads(out)["cells"]] == ["to play"] * 3
    assert [entry.reading.group for entry in read_source("sweep.yaml").data] == ["patient", None, "petal width (cm)"]
