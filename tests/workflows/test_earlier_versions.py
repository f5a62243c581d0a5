"""What altune 0.1.0 has stored opens, resumes and reports; what it wrote is in tests/stored/altune_0_1_0.tar.gz.

The archive holds, each made by a command of that version:

- ``run``: ``altune tune iris --space quick --trials 8 --budget 30 --loops 5 --seeds 2 --select-seeds 3 --report-seeds 5
  --select-among 2``, and ``expected.json``, what ``altune report --json`` printed for it;
- ``killed``: the same, cut off in the line of the seventh trial;
- ``two``: the same on wine and breast_cancer, with 4 trials;
- ``sweep``: ``altune sweep sweep.yaml``, two budgets on iris.
"""

import copy
import json
import tarfile
from pathlib import Path

import pytest

import altune
from altune.core.errors import RequestError
from altune.recipes.recipe import Recipe
from altune.report import write_run
from altune.simulation.scenario import Scenario
from altune.simulation.store import TrajectoryStore
from altune.tuning.header import HEADER, header_changes, read_header
from altune.tuning.run_folder import REPORT_FILE
from tests.helpers.paths import STORED

REQUEST = {"space": "quick", "budget": 30, "loops": 5, "n_blocks": 2, "select_blocks": 3, "report_blocks": 5}


@pytest.fixture
def stored(tmp_path):
    with tarfile.open(STORED / "altune_0_1_0.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def trajectories(folder: Path) -> set[Path]:
    return set(folder.glob("??/*.json"))


def values(run: altune.Run) -> list[tuple]:
    return [(trial.number, trial.state, trial.value, trial.params) for trial in run.trials]


def test_a_run_opens_with_the_same_numbers(stored):
    expected = json.loads((stored / "run/expected.json").read_text("utf-8"))
    plain = altune.open_run(stored / "run").to_dict()
    for key in ("objective", "recipe", "trials"):
        assert plain[key] == expected[key], key
    assert plain["confirmed"] == expected["confirmed"] | {"basis": "blocks alone", "score": plain["confirmed"]["score"]}
    for name, baseline in expected["baselines"].items():
        now = plain["baselines"][name]
        assert now["basis"] == "blocks alone"
        for key in ("mean", "difference", "low", "high", "p"):
            assert now[key] == pytest.approx(baseline[key], rel=1e-12), (name, key)
            assert now["matched"][key] == pytest.approx(baseline["matched"][key], rel=1e-12), (name, key)
    for step, before in zip(plain["ablation"]["steps"], expected["ablation"]["steps"], strict=True):
        assert (step["words"], step["knobs"]) == (before["words"], before["knobs"])
        assert step["gains"] == pytest.approx(before["gains"], abs=1e-12)
        assert step["low"] == pytest.approx(before["low"], rel=1e-9)


def test_a_run_is_reported_again(stored):
    run = altune.open_run(stored / "run")
    write_run(run)
    assert "altune 0.1.0" in (stored / "run" / REPORT_FILE).read_text("utf-8")
    assert "intervals are by blocks alone" in run.answer
    assert len(run.curves().columns) > 5


def test_a_run_is_resumed_by_the_same_request_without_simulating_anything(stored):
    before = trajectories(stored / "run/trajectories")
    run = altune.tune("iris", n_trials=8, select_among=2, out=stored / "run", **REQUEST)
    assert values(run) == values(altune.open_run(stored / "run"))
    assert run.to_dict()["confirmed"]["mean"] == expected_mean(stored)
    assert trajectories(stored / "run/trajectories") == before


def test_a_run_that_was_killed_goes_through_its_trials_and_is_confirmed_as_today(stored):
    before = trajectories(stored / "killed/trajectories")
    run = altune.tune("iris", n_trials=8, select_among=2, out=stored / "killed", **REQUEST)
    assert values(run) == values(altune.open_run(stored / "run"))
    assert run.baselines.keys() == {"random_sampling", "vanilla"}, "the baselines are those that it began with"
    assert run.findings.recipe.basis == "blocks and rows"
    if run.best_recipe == altune.open_run(stored / "run").best_recipe:
        assert run.findings.recipe.mean == expected_mean(stored)
    assert before < trajectories(stored / "killed/trajectories")


def expected_mean(stored: Path) -> float:
    return json.loads((stored / "run/expected.json").read_text("utf-8"))["confirmed"]["mean"]


def test_another_request_is_still_refused(stored):
    with pytest.raises(RequestError, match="n_blocks is 3, in the run 2"):
        altune.tune("iris", n_trials=8, select_among=2, out=stored / "run", **{**REQUEST, "n_blocks": 3})


def test_a_run_is_not_resumed_if_what_it_asks_for_has_another_meaning_since(stored):
    header = read_header(altune.open_run(stored / "run").study.user_attrs[HEADER])
    assert header_changes(header, header) == []
    for environment in header["environments"]:
        environment["scenario"] |= {"objective": ["aulc", "alc_normalized"], "annotators": [{"instance": 0.2}]}
    header["space"]["stopping"] = [{"method": "budget"}, {"method": "any", "rules": [{"method": "target"}]}]
    starts = (
        "alc_normalized joins the points",
        "errors that depend on the row have",
        "the stopping rule target is sure",
    )
    changes = header_changes(header, header)
    assert [change.startswith(start) for change, start in zip(changes, starts, strict=True)] == [True] * 3
    assert header_changes({**header, "format": 2}, header) == []


def test_a_positive_class_is_part_of_the_request(stored):
    header = read_header(altune.open_run(stored / "run").study.user_attrs[HEADER])
    chosen = copy.deepcopy(header)
    chosen["environments"][0]["scenario"]["positive"] = "0"
    assert header_changes(header, chosen) == ["the scenario's positive is 0, in the run None"]
    assert header_changes(chosen, header) == ["the scenario's positive is None, in the run 0"]


def test_a_run_on_two_data_sets_opens_and_is_reported(stored):
    run = altune.open_run(stored / "two")
    assert list(run.confirmations) == ["wine", "breast_cancer"]
    write_run(run)
    assert (stored / "two" / REPORT_FILE).is_file()


def test_a_sweep_keeps_its_finished_cells(stored):
    before = trajectories(stored / "sweep/cache")
    journals = {path: path.stat().st_mtime_ns for path in (stored / "sweep").glob("*/study.journal")}
    with pytest.warns(FutureWarning, match="select_blocks"):
        sweep = altune.sweep(stored / "sweep.yaml", out=stored / "sweep")
    assert [cell.state for cell in sweep.runs] == ["complete", "complete"]
    assert trajectories(stored / "sweep/cache") == before
    assert {path: path.stat().st_mtime_ns for path in journals} == journals


def test_recipes_and_scenarios_are_read(stored):
    recipe = Recipe.load(stored / "run/recipe.yaml")
    assert recipe == altune.open_run(stored / "run").best_recipe
    assert Scenario.load(stored / "run/scenario.yaml").budget == 30


def test_trajectories_of_other_libraries_are_simulated_again_and_that_is_said(stored, monkeypatch):
    store = TrajectoryStore(stored / "run/trajectories")
    path = min(trajectories(store.folder))
    curve = store.load(path.stem)
    assert curve is not None
    assert store.outdated == ""
    store.save(path.stem, curve)  # now with the versions of today
    assert store.load(path.stem) is not None
    monkeypatch.setattr("altune.core.formats.library_versions", lambda: {"numpy": "99.0", "scikit-learn": "99.0"})
    assert store.load(path.stem) is None
    assert "scikit-learn" in store.outdated
    assert "(now 99.0)" in store.outdated


def test_old_keywords_names_and_methods_work_with_a_warning(stored, tmp_path):
    with pytest.warns(FutureWarning, match="'seeds' is now 'n_blocks'"):
        played = altune.simulate("vanilla", "iris", budget=20, seeds=2)
    assert len(played.blocks) == 2
    with pytest.warns(FutureWarning, match=r"altune\.make_worlds is now altune\.make_environments"):
        assert altune.make_worlds is altune.make_environments
    run = altune.open_run(stored / "run")
    (stored / "run" / REPORT_FILE).unlink(missing_ok=True)
    with pytest.warns(FutureWarning, match=r"Run\.write is now altune\.report\.write_run"):
        run.write()
    assert (stored / "run" / REPORT_FILE).is_file()
    with pytest.warns(FutureWarning, match=r"LearningCurve\.facts is now LearningCurve\.notes"):
        assert played.curves[0].facts == played.curves[0].notes
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = run.nothing_of_the_kind
