"""``altune tune DATA --confirm-on DATA...``: tune on some data sets, confirm on others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import altune as package

Altune = Callable[..., tuple[object, str, str]]
SIZES = ["--budget", 30, "--loops", 3, "--trials", 3, "--select-among", 1, "--select-blocks", 1, "--report-blocks", 3]
SIZES += ["--space", "quick", "--jobs", 1, "--no-ablation"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    """Write three tables of digits, two of them for the data that no trial sees."""
    digits = package.load_dataset("digits")
    for number, name in enumerate(("home", "away", "further")):
        rows = np.arange(digits.n_rows) % 8 == number
        table = np.column_stack([digits.X[rows], digits.y[rows]])
        header = ",".join([*(f"pixel_{column}" for column in range(64)), "target"])
        np.savetxt(tmp_path / f"{name}.csv", table, fmt="%g", delimiter=",", header=header, comments="")


def test_several_words_follow_the_option(altune: Altune, tmp_path: Path) -> None:
    code, out, err = altune("tune", "home.csv", "--confirm-on", "away.csv", "further.csv", *SIZES, "--json")
    assert code == 0, err
    plain = json.loads(out)
    assert plain["away"]["data_sets"].keys() == {"away", "further"}
    assert plain["baselines"].keys() == plain["away"]["together"].keys() | {plain_name(plain)}
    folder = Path(plain["run"])
    assert {path.name for path in folder.glob("*.scenario.yaml")} == {"away.scenario.yaml", "further.scenario.yaml"}
    page = (folder / "report.html").read_text("utf-8")
    assert "Does it hold elsewhere?" in page
    assert f"altune simulate {tmp_path / 'away.csv'} --recipe" in page
    parts = {line.split(",")[0] for line in (folder / "curves.csv").read_text("utf-8").splitlines()[1:]}
    assert parts == {"search", "select", "report", "away"}


def plain_name(plain: dict[str, object]) -> str:
    """Return the baseline that was selected, if one was."""
    selected = next(candidate for candidate in plain["selection"] if candidate["selected"])  # type: ignore[attr-defined]
    return str(selected.get("baseline") or next(iter(plain["baselines"])))  # type: ignore[call-overload]


def test_the_run_of_the_same_request_is_confirmed_later(altune: Altune) -> None:
    code, out, err = altune("tune", "home.csv", *SIZES)
    assert code == 0, err
    code, out, err = altune("tune", "home.csv", *SIZES, "--confirm-on", "away.csv")
    assert code == 0, err
    assert out.startswith("On away, which no trial saw, ")
    assert len(list(Path("runs").iterdir())) == 1
    folder = next(Path("runs").iterdir())
    code, out, _ = altune("watch", folder, "--once", "--json")
    assert (code, json.loads(out)["stage"]) == (0, "ended")


def test_the_plan_lists_the_data_and_counts_their_trajectories(altune: Altune) -> None:
    words = ["tune", "home.csv", *SIZES, "--confirm-on", "away.csv", "further.csv", "--dry-run"]
    code, out, err = altune(*words)
    assert code == 0, err
    assert "confirmed on" in out
    code, out, _ = altune(*words, "--json")
    plan = json.loads(out)
    assert [of_data["data"]["name"] for of_data in plan["confirm_on"]] == ["away", "further"]
    assert plan["trajectories"]["transfer"] == 2 * 3 * (1 + 2 * len(plan["baselines"]))
    # a long line wraps
    assert f"{plan['trajectories']['transfer']} transfer" in " ".join(altune(*words)[1].split())
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["home.csv", "--confirm-on", "home.csv"], "home has the rows of home"),
        (["home.csv", "--confirm-on", "missing.csv"], "missing.csv"),
        (["home.csv", "--confirm-on", "away.csv", "--no-confirm"], "--no-confirm"),
        (["home.csv", "--confirm-on"], "--confirm-on needs one word or more"),
        (["--confirm-on", "away.csv", "home.csv"], "DATA"),
    ],
)
def test_what_is_wrong_is_one_line(altune: Altune, words: list[str], message: str) -> None:
    code, out, err = altune("tune", *words, *SIZES)
    assert (code, out) == (2, "")
    assert message in err.strip().splitlines()[-1]
    assert "Traceback" not in err
    assert not Path("runs").exists()
