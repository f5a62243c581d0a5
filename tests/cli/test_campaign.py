"""``altune campaign``: from a table without labels to predictions, and files of answers that do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

FRAME = load_wine(as_frame=True)
KNOWN = np.array(["=north", "south", "west"])[FRAME.target]
POOL = FRAME.data.assign(row=np.arange(len(KNOWN)) % 7, bottle=[f"{number:03}" for number in range(len(KNOWN))])


Run = Callable[..., str]


@pytest.fixture
def run(altune: Callable[..., tuple[object, str, str]], tmp_path: Path) -> Run:
    """Run ``altune campaign`` where the file ``wines.csv`` has the rows; return what it prints."""
    POOL.to_csv(tmp_path / "wines.csv", index=False)

    def run(*words: object, code: int = 0) -> str:
        ended, out, err = altune("campaign", *words)
        assert (ended or 0) == code, err
        assert "Traceback" not in err
        return err if code else out

    return run


def started(run: Run, *words: object) -> str:
    return run("start", "wines.csv", "--classes", "=north,south,west", "--budget", 40, *words)


def next_batch(run: Run, folder: str, *words: object) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(run("next", folder, "--json", *words))
    return plain


def answer(file: str, **columns: Any) -> pd.DataFrame:
    """Fill in a batch with the true labels."""
    table = pd.read_csv(file, dtype={"row": str})
    table["label"] = [KNOWN[int(name)] for name in table["row"]]
    table.assign(**columns).to_csv(file, index=False)
    return table


def test_from_a_table_without_labels_to_predictions(run: Run) -> None:
    text = started(run, "--id", "bottle", "--hold-out", 20)
    assert "a campaign of 40 labels; the first batch has 25" in text
    assert "altune campaign next campaigns/wines" in text
    while (batch := next_batch(run, "campaigns/wines"))["file"] is not None:
        table = answer(batch["file"], seconds=2.5)
        assert [*table.columns[:3]] == ["row", "label", "annotator"]
        assert "row (column)" in table.columns
        run("submit", "campaigns/wines", batch["file"])
    assert batch["stopped"] == "budget"
    text = run("status", "campaigns/wines")
    assert "40 of 40 labels bought; ended (budget)" in text
    assert "accuracy" in text
    run("predict", "campaigns/wines")
    predicted = pd.read_csv("predictions.csv", dtype={"row": str})
    assert predicted["row"].tolist() == POOL["bottle"].tolist()
    assert (predicted["prediction"].str.removeprefix("'") == KNOWN).mean() > 0.8
    run("predict", "campaigns/wines", "wines.csv", "--out", "new.csv")
    assert pd.read_csv("new.csv")["prediction"].tolist() == predicted["prediction"].tolist()
    run("export", "campaigns/wines")
    run("export", "campaigns/wines", "--answers", "--out", "answers.csv")
    assert (len(pd.read_csv("labels.csv")), len(pd.read_csv("answers.csv"))) == (60, 60)
    assert set(pd.read_csv("answers.csv")["seconds"]) == {2.5}


def test_json_lines_and_a_row_about_which_an_annotator_cannot_tell(run: Run) -> None:
    started(run, "--out", "c")
    run("next", "c", "--out", "batch.jsonl")
    lines = [json.loads(line) for line in Path("batch.jsonl").read_text().splitlines()]
    filled: list[dict[str, Any]] = [{"row": line["row"], "label": KNOWN[line["row"]], "seconds": 1} for line in lines]
    filled[0]["label"], filled[1]["label"] = "?", None
    Path("batch.jsonl").write_text("\n".join(map(json.dumps, filled)))
    assert f"{len(lines) - 1} answers taken" in run("submit", "c", "batch.jsonl", "--annotator", "ann")
    status = json.loads(run("status", "c", "--json"))
    assert (status["open"], status["skipped"], status["labels_bought"]) == (1, 1, len(lines) - 2)
    assert [person["answers"] for person in status["annotators"] if person["name"] == "ann"] == [len(lines) - 2]


WRONG = {
    "unknown rows": ("row,label\n{0},south\n999,south\n", "line 3: there is no row '999'"),
    "not a row": ("row,label\nfirst,south\n", "line 2: there is no row 'first'"),
    "not asked": ("row,label\n{other},south\n", "was not asked about"),
    "unknown class": ("row,label\n{0},sooth\n", "line 2: row '{0}': no class 'sooth'; did you mean 'south'"),
    "two labels": ("row,label\n{0},south\n{0},west\n", "line 3: row '{0}' has two different labels"),
    "two lines": ("row,label\n{0},sooth\n{1},wets\n", "line 3: row '{1}': no class 'wets'; did you mean 'west'"),
    "no row": ("rows,label\n{0},south\n", "the column 'row' is missing; did you mean 'rows'"),
    "no label": ("row,class\n{0},south\n", "the column 'label' is missing"),
    "row twice": ("row,label,row\n{0},south,1\n", "the column 'row' is there twice"),
    "too many fields": ("row,label\n{0},south,west\n", "line 2 has 3 fields, not 2"),
    "open quote": ('row,label\n{0},"south\n', "line 2: unexpected end of data"),
    "seconds": ("row,label,seconds\n{0},south,fast\n", "line 2: seconds 'fast' is not a number"),
    "negative seconds": ("row,label,seconds\n{0},south,-3\n", "line 2: seconds must be a number of 0 or more"),
    "nothing": ("", "the column 'row' is missing"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_file_that_does_not_fit_is_refused_by_line(wrong: str, run: Run) -> None:
    started(run, "--out", "c")
    rows = pd.read_csv(next_batch(run, "c")["file"], dtype=str)["row"].tolist()
    other = next(str(row) for row in range(len(KNOWN)) if str(row) not in rows)
    before = {path.name: path.read_bytes() for path in Path("c").iterdir()}
    content, message = WRONG[wrong]
    Path("answers.csv").write_text(content.format(*rows, other=other))
    assert message.format(*rows) in " ".join(run("submit", "c", "answers.csv", code=2).split())
    assert {path.name: path.read_bytes() for path in Path("c").iterdir()} == before
