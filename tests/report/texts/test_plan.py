"""The plan of a search as text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from altune.report.texts.aligned import table
from altune.report.texts.plan import plan_text
from altune.simulation.environment import make_environments
from altune.tuning.prepared_space import prepare_space
from altune.tuning.settings import Settings
from altune.workflows.plan import plan


def plan_of(data: Any = "iris", space: str = "quick", settings: Settings | None = None, **given: Any) -> dict[str, str]:
    """Return the first table of a plan as rows by name."""
    environments = make_environments(data, budget=30, loops=8, **given)
    made = plan(environments, prepare_space(space, environments), settings or Settings(), Path("runs/x"), True)
    first = plan_text(made).split("\n\n")[0].splitlines()
    width = first[0].index("value")
    rows: dict[str, str] = {}
    name = ""
    for line in first[1:]:
        name = line[:width].strip() or name
        rows[name] = f"{rows.get(name, '')} {line[width:].strip()}".strip()
    return rows


def test_a_usual_plan_says_nothing_of_what_was_not_asked_for() -> None:
    rows = plan_of()
    assert list(rows) == [
        *("data", "features", "pool and test", "budget", "first sample", "loops", "metric", "annotators", "prices"),
        *("objective", "search", "first trials", "sampler", "confirmation", "trajectories"),
        *("precision", "time", "memory", "run"),
    ]
    assert rows["data"] == "iris: 150 rows, 4 features, 3 classes"
    assert rows["features"] == "4 columns become 4 features (4 numbers), scaled to mean 0 and variance 1"
    assert rows["objective"] == "aulc over labels"
    assert rows["search"] == "60 trials on 1 to 12 blocks, more the better a recipe does, batches of 4"
    assert re.fullmatch(r"about \d+ (s|min) with 1 process, estimated from a few trajectories", rows["time"])
    assert re.fullmatch(r"about [\d.]+ [MG]B", rows["memory"])


def test_a_plan_of_several_data_sets_tells_each() -> None:
    rows = plan_of(["iris", "wine"], settings=Settings(across="ranks", sampler="random"))
    assert rows["data set 2"].startswith(
        "wine: 178 rows, 13 features, 3 classes 13 columns become 13 features (13 numbers), scaled to mean 0 and "
        "variance 1 pool 106, test 36 rows; budget 30"
    )
    assert rows["over data sets"] == "mean of the ranks among all trials, on each data set"
    assert rows["search"].startswith("60 trials on 5 blocks of each data set")
    assert rows["confirmation"] == "best 5 on 10 blocks, one on up to 20 of each data set"
    usual = plan_of(["iris", "wine"])
    assert usual["over data sets"] == "mean of values where random sampling is 0 and a perfect model 1"


def test_a_plan_tells_objectives_rule_risk_and_bounds() -> None:
    settings = Settings(prefer="score within 0.02, then fewest labels")
    given = {"objective": ("aulc", "labels"), "risk": "cvar:0.2", "constraints": ("labels <= 28",)}
    rows = plan_of(space="stopping", settings=settings, **given)
    assert rows["objectives"] == "aulc over labels; labels (less is better)"
    assert rows["picked from the front"] == "aulc within 0.02 of the best, then the fewest labels"
    assert rows["over blocks"] == "the mean over the worst 20 % of the blocks"
    assert rows["constraints"] == "labels <= 28"
    target = plan_of(objective="labels_to_target", target_score=0.9)
    assert (target["objective"], target["target"]) == ("labels_to_target (less is better)", "a score of 0.9")


def test_a_plan_names_the_positive_class_of_a_metric() -> None:
    usual = plan_of("breast_cancer", metric="recall")["positive class"]
    assert usual == "'benign', the last one; --positive CLASS chooses the other"
    assert plan_of("breast_cancer", metric="recall", positive="malignant")["positive class"] == "'malignant'"
    assert "positive class" not in plan_of("breast_cancer", metric="roc_auc")


def test_a_plan_tells_what_is_spent_with_care() -> None:
    rows = plan_of(settings=Settings(racing=0.05, rungs=(0.3, 0.6), leader_blocks=3, trial_timeout=60))
    assert rows["racing"].endswith("one as good as the best with a probability of at most 0.05")
    assert rows["rungs"].startswith("at 30%, 60% of the budget")
    assert rows["leaders"] == "3 further blocks for trials among the best 5"
    assert rows["time limit"] == "60 s for each trial"
    assert rows["trajectories"].endswith("and more for leaders")
    assert plan_of(settings=Settings(racing=0.05))["trajectories"].endswith(", at most")


def test_a_plan_tells_which_rows_the_search_plays_on() -> None:
    assert plan_of("digits")["pool and test"] == "1077 and 360 rows of each block"
    part = Settings(search_rows=800)
    assert plan_of("digits", settings=part)["pool and test"] == "600 and 200 rows of each search block"
    both = plan_of(["digits", "iris"], settings=part)
    assert "pool 600, test 200 rows of each search block; budget 30" in both["data set 1"]
    assert "pool 90, test 30 rows; budget 30" in both["data set 2"]


def test_wide_columns_share_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = table([{"name": "a", "first": "one two " * 40, "second": "three four " * 40}], wide=("first", "second"))
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("one two") + text.count("one\n") >= 30
    assert max(map(len, table([{"name": "a", "first": "x"}], wide="first").splitlines())) == 11


def test_a_plan_says_what_prices_do_and_which_space_suits_an_objective() -> None:
    rows = plan_of(price_per_label=0.5, price_per_loop=20.0)
    assert rows["prices"] == "0.5 a label, 20 a loop"
    assert rows["objective"] == "aulc over cost"
    environments = make_environments("iris", budget=30, objective="net_value", value=50.0, price_per_loop=2.0)
    made = plan(environments, prepare_space("standard", environments), Settings(), Path("runs/x"), True)
    assert [line for line in plan_text(made).splitlines() if line.startswith("note: ")] == [
        "note: every recipe of the space standard spreads the whole budget over all loops, so net_value can hardly "
        "gain by fewer labels or loops, and net_value ranks much as final_score does; --space costs opens the number "
        "of loops and the stopping rule"
    ]


def test_wide_columns_that_need_less_leave_more_to_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = table([{"name": "a", "first": "x" * 5, "second": "three four " * 20}], wide=("first", "second"))
    assert text.splitlines()[0] == "name  first  second"
    assert max(map(len, text.splitlines())) <= 60
