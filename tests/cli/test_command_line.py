"""The command line as a user meets it: results on standard output, one line for each error, exit codes 0, 1, 2."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import dump_svmlight_file, load_breast_cancer

from altune.knobs.columns import COLUMNS

QUICK = [
    *("--budget", "40", "--loops", "4", "--trials", "4", "--blocks", "2", "--jobs", "1"),
    *("--select-among", "2", "--select-blocks", "2", "--report-blocks", "2"),
]


def mixed_table(rows=240):
    """A table as people have it: categories, free text, a date, gaps, and a label that depends on some of it."""
    rng = np.random.default_rng(1)
    label = rng.integers(2, size=rows)
    colour = np.where(rng.random(rows) < 0.85, np.where(label == 1, "red", "blue"), "green").astype(object)
    colour[rng.random(rows) < 0.05] = None
    size = label * 1.5 + rng.normal(size=rows)
    size[rng.random(rows) < 0.1] = np.nan
    words = [f"{'late parcel, please refund' if one else 'thank you, all fine'} no {n}" for n, one in enumerate(label)]
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(400, size=rows), unit="D")
    columns = {"colour": colour, "size": size, "note": words, "when": when.astype(str)}
    return pd.DataFrame({**columns, "label": np.where(label, "complaint", "praise")})


def test_a_dry_run_says_how_the_columns_become_numbers(altune):
    frame = mixed_table()
    frame.insert(0, "ticket", np.arange(len(frame)) + 501)
    frame.to_csv("mails.csv", index=False)
    code, out, _ = altune("tune", "mails.csv", "--dry-run", "--text-features", 12)
    assert code == 0
    assert "5 columns become 23 features (2 numbers as 3, 1 category as 4, 1 text as 12, 1 date as 4)" in " ".join(
        out.split()
    )
    lines = out.splitlines()
    table = lines[lines.index("columns of mails") + 1 :]
    assert table[0].split() == ["column", "holds", "features", "becomes", "values", "gaps", "note"]
    rows = {line.split()[0]: line for line in table[1 : table.index("")]}
    assert [name for name in rows if name in frame] == ["ticket", "colour", "size", "note", "when"]
    assert rows["ticket"].split()[1:] == ["number", "1", "as", "it", "is", "–", "–", "identifier?"]
    assert rows["note"].split()[1:8] == ["text", "12", "LSA", "of", "its", "characters", "144"]
    assert out.count("note: column 'ticket' looks like an identifier") == 1
    code, out, _ = altune("tune", "mails.csv", "--dry-run", "--json", "--text-features", "tfidf")
    plan = json.loads(out)
    assert plan["encoding"]["sparse"]
    assert plan["encoding"]["summary"].startswith("5 columns become ")
    assert [column["name"] for column in plan["encoding"]["listed"]] == ["ticket", "colour", "size", "note", "when"]
    assert plan["scenario"]["text_features"] == "tfidf"
    assert [note.split(" looks like")[0] for note in plan["notes"]] == ["column 'ticket'"]


def test_identifiers_and_text_are_pointed_out_on_standard_error(altune):
    frame = mixed_table()
    frame.insert(0, "ticket", np.arange(len(frame)) + 501)
    frame.to_csv("mails.csv", index=False)
    sizes = ["--budget", 30, "--loops", 2, "--trials", 1, "--blocks", 1, "--jobs", 1, "--no-confirm", "--quiet"]
    code, out, err = altune("tune", "mails.csv", *sizes)
    assert code == 0
    assert "column 'ticket' looks like an identifier" in " ".join(err.split())
    assert "column 'note' is text and becomes 30 numbers; --text-features tfidf keeps its words" in " ".join(
        err.split()
    )
    assert "identifier" not in out


def test_text_features_reach_every_command_that_plays_and_a_wrong_value_is_one_line(altune):
    mixed_table().to_csv("mails.csv", index=False)
    playing = ["--budget", 20, "--loops", 2, "--blocks", 2, "--jobs", 1, "--json"]
    curves = [
        json.loads(altune("simulate", "mails.csv", "--recipe", "vanilla", *playing, "--text-features", how)[1])[
            "blocks"
        ]
        for how in ("lsa", "30", "tfidf")
    ]
    assert curves[0] == curves[1] != curves[2]
    for value in ("word2vec", "-3", "1.5"):
        code, out, err = altune("simulate", "mails.csv", *playing, "--text-features", value)
        assert (code, out) == (2, "")
        assert err == f"altune: --text-features takes tfidf, lsa or a number of features, not '{value}'\n"
    code, _, err = altune("simulate", "mails.csv", "--model", "naive_bayes", *playing, "--text-features", "tfidf")
    assert code == 2
    assert err.strip().endswith("cannot be trained on the sparse TF-IDF of text (--text-features lsa makes it dense)")


def test_help_names_every_command_and_each_has_its_own(altune):
    code, out, _ = altune("--help")
    assert code == 0
    for command in ("tune", "simulate", "compare", "report", "knobs", "spaces", "datasets"):
        assert command in out
        code, own, _ = altune(command, "--help")
        assert code == 0
        assert "--json" in own


@pytest.mark.slow
def test_tune_a_table_with_categories_text_dates_and_gaps(altune, tmp_path):
    mixed_table().to_csv(tmp_path / "mail.csv", index=False)
    code, out, _ = altune("tune", "mail.csv", "--target", "label", "--out", "run", *QUICK)
    assert code == 0
    assert "The recipe:" in out
    assert {"recipe.yaml", "report.html", "curves.csv", "study.journal"} <= set(os.listdir("run"))
    code, out, _ = altune("report", "run", "--json")
    assert json.loads(out)["confirmed"]["mean"] > 0.7


@pytest.mark.slow
def test_tune_parquet_and_sparse_files(altune, tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    pd.DataFrame(X, columns=[f"f{n}" for n in range(30)]).assign(label=y).to_parquet(tmp_path / "cells.parquet")
    dump_svmlight_file(np.where(np.median(X, axis=0) < X, X, 0.0), y, str(tmp_path / "cells.svmlight"))
    for name in ("cells.parquet", "cells.svmlight"):
        code, out, _ = altune("tune", name, "--json", "--out", f"run-{name}", *QUICK)
        assert code == 0
        plain = json.loads(out)
        assert plain["confirmed"]["mean"] > 0.75
        assert len(plain["trials"]) == 4


def test_json_of_tune_has_what_scripts_read(altune):
    code, out, err = altune("tune", "iris", "--json", "--out", "run", *QUICK)
    assert code == 0
    assert err == ""
    plain = json.loads(out)
    assert set(plain) == {
        *("answer", "objective", "recipe", "confirmed", "baselines", "ablation", "trials", "seconds", "run"),
        *("cost", "label_nothing", "selection"),
    }
    assert {"mean", "low", "high", "blocks", "score", "basis"} <= set(plain["confirmed"])
    assert set(plain["baselines"]) == {"random_sampling", "margin", "vanilla", "recommended"}
    for one in plain["baselines"].values():
        assert {"mean", "difference", "low", "high", "labels_saved", "matched"} <= set(one)
        assert {"mean", "difference", "low", "high"} <= set(one["matched"])
        assert one["difference"] == pytest.approx(plain["confirmed"]["mean"] - one["mean"])
    for trial in plain["trials"]:
        assert {"number", "state", "value", "params", "blocks"} <= set(trial)


def test_json_of_simulate_gives_the_rows_bought_as_rows_of_the_data(altune):
    code, out, _ = altune("simulate", "iris", "--recipe", "vanilla", "--budget", "20", "--blocks", "2", "--json")
    assert code == 0
    plain = json.loads(out)
    assert plain["mean"] == pytest.approx(np.mean([block["value"] for block in plain["blocks"]]))
    for block in plain["blocks"]:
        assert len(block["rows"]) == len(set(block["rows"])) == block["labels"][-1] == 20
        assert len(block["labels"]) == len(block["scores"])
        assert set(block["rows"]) <= set(range(150))


@pytest.mark.slow
def test_compare_says_margin_is_ahead_of_random(altune, tmp_path):
    (tmp_path / "margin.yaml").write_text("query_strategy: {method: margin}\n")
    words = ("compare", "digits", "random_sampling", "margin.yaml", "--blocks", "6", "--jobs", "1")
    code, out, _ = altune(*words, "--json")
    assert code == 0
    (pair,) = json.loads(out)["differences"]
    assert {"a", "b", "mean", "low", "high", "p"} <= set(pair)
    assert pair["mean"] < 0
    code, out, _ = altune("compare", "iris", "a=vanilla", "b=margin.yaml", "--budget", "20", "--blocks", "2")
    assert code == 0
    assert "a - b" in out
    assert "95 % interval" in out


def test_the_positive_class_is_an_option_and_is_named(altune):
    options = ("--metric", "recall", "--budget", "20", "--blocks", "2")
    code, out, _ = altune("simulate", "breast_cancer", *options, "--positive", "malignant", "--json")
    assert (code, json.loads(out)["positive"]) == (0, "malignant")
    code, out, _ = altune("simulate", "breast_cancer", *options)
    assert code == 0
    assert out.startswith("aulc of recall of 'benign': ")
    code, out, err = altune("simulate", "breast_cancer", *options, "--positive", "malignat")
    near = "did you mean 'malignant'? Accepted: benign, malignant"
    assert (code, out, err) == (2, "", f"altune: positive: breast_cancer has no class 'malignat'; {near}\n")
    code, out, _ = altune("tune", "breast_cancer", "--metric", "recall", "--dry-run", "--json")
    assert (code, json.loads(out)["positive"]) == (0, "benign")


def test_lists_print_text_and_json(altune):
    one = ["knobs", "query_strategy", "badge"]
    for words in (["knobs"], ["knobs", "query_strategy"], one, ["spaces"], ["datasets"]):
        assert altune(*words)[0] == 0
        code, out, _ = altune(*words, "--json")
        assert code == 0
        assert json.loads(out)
    _, out, _ = altune("knobs", "--json")
    assert set(json.loads(out)["query_strategy"]["badge"]) >= {"parameters", "needs", "source"}
    assert "typiclust" in altune("spaces", "standard")[1]


def test_columns_of_metadata_are_listed_with_version_meaning_and_form(altune):
    code, out, _ = altune("knobs", "--metadata")
    assert code == 0
    code, listed, _ = altune("knobs", "--metadata", "--json")
    columns = json.loads(listed)["metadata"]
    assert list(columns) == list(COLUMNS)
    for name, info in COLUMNS.items():
        assert columns[name] == {"version": info.version, "meaning": info.meaning, "form": info.carried}
        assert f"\n{name} " in out
    assert "up to 4 loops ago" in out
    code, out, err = altune("knobs", "query_strategy", "--metadata")
    assert (code, out) == (2, "")
    assert "leave out 'query_strategy' or --metadata" in err


def test_a_dry_run_prints_every_default_and_writes_nothing(altune, tmp_path):
    code, out, _ = altune("tune", "digits", "--dry-run")
    assert code == 0
    for word in ("200 labels", "20 after the first sample", "10 rows", "accuracy", "reset", "logistic_regression"):
        assert word in out
    code, out, _ = altune("tune", "digits", "--dry-run", "--json")
    assert json.loads(out)["scenario"]["budget"] == 200
    assert list(tmp_path.iterdir()) == []


def bad_files(folder):
    table = mixed_table(120)
    table.assign(empty=np.nan).to_csv(folder / "gap.csv", index=False)
    table.assign(label="same").to_csv(folder / "one.csv", index=False)
    rare = table.copy()
    rare.loc[0, "label"] = "rare"
    rare.to_csv(folder / "rare.csv", index=False)
    (folder / "empty.csv").write_text("")
    (folder / "ragged.csv").write_text("a,b,label\n1,2,x\n1,2,3,4,y\n")
    (folder / "bytes.csv").write_bytes(b"a,label\n\xff\xfe\x00,x\n")
    (folder / "torn.csv.gz").write_bytes(gzip.compress(table.to_csv(index=False).encode())[:-40])
    (folder / "torn.parquet").write_bytes(b"PAR1 and nothing more")
    (folder / "bad.svmlight").write_text("1 1:2.0\n0 one:3\n")
    np.savez(folder / "text.npz", X=np.array([["a", "b"]] * 20), y=np.arange(20) % 2)
    table.to_csv(folder / "good.csv", index=False)


BAD = {
    "target missing": (["good.csv", "--target", "lable"], "label"),
    "no such file": (["god.csv"], "good.csv"),
    "one class only": (["one.csv"], "same"),
    "a class too small": (["rare.csv"], "rare"),
    "all-NaN column": (["gap.csv"], "empty"),
    "text where numbers are claimed": (["text.npz"], "text.npz"),
    "file empty": (["empty.csv"], "empty"),
    "broken line": (["ragged.csv"], "line 3"),
    "undecodable": (["bytes.csv"], "UTF-8"),
    "torn gzip": (["torn.csv.gz"], "torn.csv.gz"),
    "torn parquet": (["torn.parquet"], "torn.parquet"),
    "broken svmlight": (["bad.svmlight"], "line 2"),
    "budget over the pool": (["good.csv", "--budget", "5000"], "5000"),
    "unknown model": (["good.csv", "--model", "logistic"], "logistic_regression"),
    "unknown metric": (["good.csv", "--metric", "acuracy"], "accuracy"),
    "metric of two classes": (["digits", "--metric", "f1"], "f1"),
    "unknown space": (["good.csv", "--space", "standart"], "standard"),
    "unknown objective": (["good.csv", "--objective", "auc"], "aulc"),
    "net value without a value": (["good.csv", "--objective", "net_value"], "value"),
    "loops": (["good.csv", "--loops", "many"], "unlimited"),
    "timeout": (["good.csv", "--timeout", "soon"], "10m"),
    "annotators": (["good.csv", "--annotators", "1.5"], "1.5"),
    "model twice": (["good.csv", "--space", "neural", "--model", "mlp"], "model"),
    "one trial too few": (["good.csv", "--trials", "0"], "n_trials"),
    "negative seed": (["good.csv", "--seed", "-1"], "seed"),
    "no such scenario": (["good.csv", "--scenario", "environment.yaml"], "environment.yaml"),
    "no such option": (["good.csv", "--budgets", "3"], "--budgets"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_request_is_one_line_exit_2_and_writes_nothing(altune, tmp_path, case):
    bad_files(tmp_path)
    before = sorted(tmp_path.iterdir())
    words, expected = BAD[case]
    code, out, err = altune("tune", *words)
    assert code == 2, err
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert expected in err
    assert "Traceback" not in err
    assert sorted(tmp_path.iterdir()) == before


def test_a_wrong_recipe_names_file_place_value_and_what_is_right(altune, tmp_path):
    (tmp_path / "bad.yaml").write_text("query_strategy: {method: margn}\n")
    code, _, err = altune("simulate", "iris", "--recipe", "bad.yaml")
    assert code == 2
    for word in ("bad.yaml", "query_strategy.method", "'margn'", "'margin'"):
        assert word in err
    (tmp_path / "cannot.yaml").write_text("retrain: {method: warm_start}\nmodel: {method: random_forest}\n")
    code, _, err = altune("simulate", "iris", "--recipe", "cannot.yaml")
    assert code == 2
    assert "random_forest" in err


def test_a_scenario_file_is_read_and_options_override_it(altune, tmp_path):
    (tmp_path / "environment.yaml").write_text("budget: 30\nmetric: balanced_accuracy\nannotators: [{error: 0.1}]\n")
    _, out, _ = altune("tune", "iris", "--scenario", "environment.yaml", "--budget", "35", "--dry-run", "--json")
    scenario = json.loads(out)["scenario"]
    assert (scenario["budget"], scenario["metric"]) == (35, "balanced_accuracy")
    assert scenario["annotators"][0]["error"] == 0.1


def test_explicit_blocks_from_a_file(altune, tmp_path):
    blocks = [{"pool": list(range(0, 150, 2)), "test": list(range(1, 150, 2)), "initial": [0, 50, 100]}]
    (tmp_path / "blocks.json").write_text(json.dumps(blocks))
    code, out, _ = altune("simulate", "iris", "--splits", "blocks.json", "--budget", "20", "--json")
    assert code == 0
    (block,) = json.loads(out)["blocks"]
    assert block["rows"][:3] == [0, 50, 100]
    assert all(row % 2 == 0 for row in block["rows"])
    blocks[0]["test"][0] = 0
    (tmp_path / "blocks.json").write_text(json.dumps(blocks))
    code, _, err = altune("simulate", "iris", "--splits", "blocks.json", "--budget", "20")
    assert code == 2
    assert "row 0 is in both pool and test" in err


def test_rare_classes_and_plain_accuracy_bring_one_line_of_advice(altune, tmp_path):
    rng = np.random.default_rng(0)
    y = np.r_[np.zeros(280, int), np.ones(20, int)]
    np.savez(tmp_path / "rare.npz", X=rng.normal(size=(300, 3)) + y[:, None], y=y)
    _, _, err = altune("tune", "rare.npz", "--out", "run", "--quiet", "--no-confirm", *QUICK)
    assert "balanced_accuracy" in err
    _, _, err = altune("tune", "rare.npz", "--out", "b", "-q", "--no-confirm", "--metric", "balanced_accuracy", *QUICK)
    assert "consider" not in err


SIZES = ["--budget", "100", "--trials", "24", "--blocks", "3", "--jobs", "2"]
SEARCH = ["tune", "digits", *SIZES, "--no-confirm", "--out", "run"]


def begun_search(folder):
    """Begin a search, and return its process when some trials are stored."""
    process = subprocess.Popen(
        [sys.executable, "-m", "altune", *SEARCH],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that a shell runs in the background inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    journal = folder / "run" / "study.journal"
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and not (journal.exists() and journal.read_bytes().count(b"\n") > 6):
        time.sleep(0.02)
    return process


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_the_same_command_goes_on(tmp_path):
    process = begun_search(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "To resume, run the same command" in err
    assert out == ""
    command = [sys.executable, "-m", "altune", *SEARCH, "--json"]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert len(json.loads(again.stdout)["trials"]) == 24
    assert not (tmp_path / "run" / "blocks").exists()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker in /proc")
def test_a_worker_that_is_killed_is_replaced(tmp_path):
    process = begun_search(tmp_path)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = [
        int(worker) for child in children for worker in Path(f"/proc/{child}/task/{child}/children").read_text().split()
    ]
    assert workers
    os.kill(workers[0], signal.SIGKILL)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "of 24 trials" in out
