"""A search is deterministic, survives any kill, and confirms on rows that it never scored."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import optuna
import pytest

import altune
from altune.core.errors import RequestError, StorageError, WorkError
from altune.data.blocks import make_blocks
from altune.models import as_model
from altune.recipes.space import SearchSpace
from altune.simulation.store import TrajectoryStore
from altune.tuning.observer import Silent
from altune.tuning.run_folder import finished_trials
from altune.tuning.storage import read_study
from altune.tuning.trials import REASON
from altune.workflows.open_run import open_run
from altune.workflows.tune import tune
from tests.helpers.paths import ROOT

SPACE = {
    "initial_sample": [{"method": "random", "size": {"low": 4, "high": 12}}, {"method": "kmeans", "size": 6}],
    "query_strategy": ["margin", "entropy", {"method": "density_weighted", "beta": {"low": 0.1, "high": 2.0}}],
}
SMALL = {
    "budget": 40,
    "loops": 4,
    "n_trials": 10,
    "n_blocks": 2,
    "select_among": 2,
    "select_blocks": 2,
    "report_blocks": 3,
}


def play_small(out=None, **changes):
    # What the ablation does in a run is tested in test_ablation.py.
    return tune("iris", SearchSpace.from_dict(SPACE), out=out, **{**SMALL, "ablation": False, **changes})


@pytest.fixture(scope="module", params=[2, None], ids=["fixed blocks", "blocks by merit"])
def n_blocks(request):
    return request.param


@pytest.fixture(scope="module")
def small(n_blocks):
    return partial(play_small, n_blocks=n_blocks)


def without_times(run):
    plain = run.to_dict()
    return json.dumps({key: value for key, value in plain.items() if key not in ("seconds", "run")}, sort_keys=True)


@pytest.fixture(scope="module")
def undisturbed(small, tmp_path_factory):
    return small(tmp_path_factory.mktemp("runs") / "undisturbed")


def test_a_run_writes_its_folder(undisturbed):
    names = {path.name for path in undisturbed.folder.iterdir()}
    assert {"study.journal", "recipe.yaml", "curves.csv", "report.html"} <= names
    assert altune.Recipe.load(undisturbed.folder / "recipe.yaml") == undisturbed.best_recipe
    table = undisturbed.curves()
    assert set(table["part"]) == {"search", "select", "report"}
    assert {"confirmed", "random_sampling", "vanilla", "vanilla_matched"} <= set(table["recipe"])


def test_jobs_change_no_result(small, undisturbed):
    assert without_times(small(n_jobs=2)) == without_times(undisturbed)


def test_memory_and_disk_agree(small, undisturbed):
    assert without_times(small()) == without_times(undisturbed)


def test_the_same_command_again_simulates_nothing(small, undisturbed, monkeypatch):
    from altune.simulation.execution import worker as workers

    def never(*arguments):
        raise AssertionError("a trajectory was simulated again")

    monkeypatch.setattr(workers, "Trajectory", never)
    assert without_times(small(undisturbed.folder)) == without_times(undisturbed)


def test_more_trials_extend_a_run_as_if_they_had_been_asked_for_at_once(small, tmp_path):
    small(tmp_path / "run", n_trials=6)
    extended = small(tmp_path / "run", n_trials=11)
    assert without_times(extended) == without_times(small(n_trials=11))


@pytest.mark.slow
def test_a_cut_off_batch_is_asked_again_just_the_same(small, undisturbed, tmp_path):
    """Keep a prefix of the journal, as a kill leaves it, and go on."""
    lines = (undisturbed.folder / "study.journal").read_bytes().splitlines(keepends=True)
    for kept in (1, 3, len(lines) // 2, len(lines) - 1):
        folder = tmp_path / str(kept)
        folder.mkdir()
        (folder / "study.journal").write_bytes(b"".join(lines[:kept]) + b'{"op_code": 4, "torn')
        assert without_times(small(folder)) == without_times(undisturbed)


@pytest.mark.slow
def test_killed_three_times_it_ends_as_one_never_killed(small, n_blocks, undisturbed, tmp_path):
    folder = tmp_path / "killed"
    script = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; import tests.tuning.test_search as t;"
        f"t.play_small(Path(sys.argv[1]), n_jobs=2, n_blocks={n_blocks})"
    )
    command = [sys.executable, "-c", script, str(folder), str(ROOT)]
    chance = random.Random(7)
    kills = 0
    while kills < 3:
        process = subprocess.Popen(command, start_new_session=True)
        journal, grown = folder / "study.journal", chance.randint(1, 12)
        deadline = time.monotonic() + 600
        start = journal.stat().st_size if journal.exists() else 0
        while process.poll() is None and time.monotonic() < deadline:
            if journal.exists() and journal.stat().st_size > start + grown * 500:
                break
            time.sleep(0.01)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        kills += 1
    assert without_times(small(folder)) == without_times(undisturbed)


def test_a_changed_request_is_explained_and_changes_nothing(small, n_blocks, undisturbed):
    before = (undisturbed.folder / "study.journal").read_bytes()
    for change, words in (({"budget": 41}, "scenario"), ({"seed": 1}, "seed"), ({"n_blocks": 3}, "n_blocks")):
        with pytest.raises(RequestError, match=words):
            small(undisturbed.folder, **change)
    sizes = {**SMALL, "n_blocks": n_blocks}
    with pytest.raises(RequestError, match="query_strategy has random, which the run does not have"):
        tune("iris", SearchSpace.from_dict({"query_strategy": ["margin", "random"]}), out=undisturbed.folder, **sizes)
    with pytest.raises(RequestError, match="the data"):
        tune("wine", SearchSpace.from_dict(SPACE), out=undisturbed.folder, **sizes)
    assert (undisturbed.folder / "study.journal").read_bytes() == before


def test_optuna_opens_the_study(undisturbed):
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(undisturbed.folder / "study.journal")))
    study = optuna.load_study(study_name="altune", storage=storage)
    if undisturbed.record.search_blocks.by_merit:
        assert len(study.trials) == len(undisturbed.trials) + sum("again" in trial.user_attrs for trial in study.trials)
    else:
        assert study.best_value == undisturbed.best_trial.value
    assert "query_strategy" in optuna.importance.get_param_importances(study)
    assert optuna.visualization.plot_optimization_history(study).data


def test_a_run_opens_from_its_folder_alone(undisturbed):
    opened = open_run(undisturbed.folder)
    assert opened.answer == undisturbed.answer
    assert opened.trials == undisturbed.trials
    with pytest.raises(RequestError, match="repeat the tune command"):
        opened.confirm()
    with pytest.raises(RequestError, match="no run here"):
        read_study(undisturbed.folder / "nowhere")


def test_confirm_later_is_confirm_at_once(small, undisturbed):
    later = small(confirm=False)
    assert later.confirmation is None
    assert "biased" in later.answer
    assert without_times(later.confirm()) == without_times(undisturbed)


def test_the_confirmation_never_scores_what_the_search_scored(undisturbed):
    data = altune.load_dataset("iris")
    search = make_blocks(data, "search", 3, 0)
    report = make_blocks(data, "report", 3, 0)
    for block in report:
        assert not np.intersect1d(block.test, np.concatenate([one.pool for one in search])).size
        assert not np.intersect1d(block.test, np.concatenate([one.test for one in search])).size
        assert len(block.pool) == len(search[0].pool)
    pools = {tuple(block.pool) for block in [*search, *report, *make_blocks(data, "select", 3, 0)]}
    assert len(pools) == 9


FORBIDDING = {
    "model": ["logistic_regression", "k_nearest_neighbours"],
    "retrain": ["reset", "warm_start"],
    "query_strategy": ["margin", "random"],
    "forbid": [{"query_strategy": "random", "retrain": "reset"}],
}


def is_allowed(recipe):
    model, retrain, strategy = recipe.model.method, recipe.retrain.method, recipe.query_strategy.method
    return (model, retrain) != ("k_nearest_neighbours", "warm_start") and (strategy, retrain) != ("random", "reset")


def test_samplers_pass_over_forbidden_draws():
    run = tune("iris", SearchSpace.from_dict(FORBIDDING), confirm=False, **{**SMALL, "n_trials": 12})
    assert [trial.state for trial in run.trials] == ["complete"] * 12
    assert all(is_allowed(trial.recipe) for trial in run.trials)


def test_a_forbidden_draw_that_comes_all_the_same_is_recorded_not_counted_and_drawn_again():
    from altune.simulation.environment import make_environments
    from altune.tuning.observer import Silent
    from altune.tuning.proposals import Proposer
    from altune.tuning.resources import Resources
    from altune.tuning.search import Search
    from altune.tuning.settings import Settings
    from altune.tuning.stages import Stages
    from altune.tuning.study_setup import StudySetup

    class Careless:
        """Draws as Optuna does, without a look at what may be played."""

        replayed, most_trials = False, None

        def sampler(self, number, memory):
            return optuna.samplers.RandomSampler(seed=number)

    environments = make_environments("iris", budget=40)
    setup = StudySetup(environments, SearchSpace.from_dict(FORBIDDING), Settings(n_blocks=1))
    stages = Stages(setup, Silent())
    study = stages.open(None)
    with stages.player(None, Resources()) as player:
        evaluator = stages.evaluator(stages.baselines(study, player), player)
        proposer = Proposer(setup.space, setup.capabilities, Careless())
        Search(study, proposer, evaluator).run(12)
    states = [trial.state.name for trial in study.trials]
    assert states.count("COMPLETE") == 12
    assert states.count("FAIL") == len(states) - 12 > 0
    assert all(trial.user_attrs[REASON].startswith("forbidden") for trial in study.trials if trial.state.name == "FAIL")
    bounded = stages.open(None)
    with stages.player(None, Resources()) as player:
        evaluator = stages.evaluator(stages.baselines(bounded, player), player)
        Search(bounded, proposer, evaluator).run(12, n_simulations=7)
    assert [trial.state.name for trial in bounded.trials].count("COMPLETE") == 7, "a forbidden draw is no play"


def test_a_failing_trial_is_kept_with_its_error_and_the_search_goes_on():
    from typing import ClassVar, Literal

    from altune.core.registry import register, unregister
    from altune.knobs.query_strategy.base import QueryStrategy

    @register
    class Broken(QueryStrategy):
        """Fails in every loop."""

        source: ClassVar[str] = "a test"
        method: Literal["broken"] = "broken"

        def select(self, pool, size, rng):
            raise ZeroDivisionError("nothing to divide")

    try:
        space = SearchSpace.from_dict({"query_strategy": ["margin", "broken", "entropy"]})
        run = tune("iris", space, **SMALL)
        failed = [trial for trial in run.trials if trial.state == "failed"]
        assert failed
        assert all("nothing to divide" in trial.reason and trial.recipe is not None for trial in failed)
        assert run.best_recipe.query_strategy.method != "broken"
        only = SearchSpace.from_dict(
            {"query_strategy": "broken", "initial_sample": {"method": "random", "size": {"low": 3, "high": 9}}}
        )
        with pytest.raises(WorkError, match="no trial succeeded"):
            tune("iris", only, **SMALL)
    finally:
        unregister("query_strategy", "broken")


def test_a_full_disk_is_one_clear_line(tmp_path, monkeypatch):
    store = TrajectoryStore(tmp_path / "trajectories")
    curve = altune.simulate("random_sampling", "iris", budget=20, n_blocks=1).curves[0]

    def full(self, *arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageError, match="No space left on device"):
        store.save("ab" * 16, curve)
    monkeypatch.undo()
    assert not list((tmp_path / "trajectories").rglob("*.json"))


def test_stopping_may_be_open_only_where_an_early_stop_pays():
    space = SearchSpace.from_dict({"stopping": ["budget", "stabilizing_predictions"]})
    with pytest.raises(RequestError, match="net_value"):
        tune("iris", space, **SMALL)
    scenario = altune.Scenario(objective="net_value", value=100.0, price_per_label=0.2)
    assert tune("iris", space, scenario=scenario, confirm=False, **SMALL).best_trial.value is not None


def test_pure_noise_is_not_sold_as_a_gain():
    rng = np.random.default_rng(0)
    noise = altune.Dataset(rng.normal(size=(400, 8)), rng.integers(2, size=400), name="noise")
    run = tune(noise, SearchSpace.from_dict(SPACE), budget=60, loops=5, n_trials=8, n_blocks=2, report_blocks=8)
    assert run.findings.verdict == "unclear"
    assert not any(run.findings.beats(against.difference) for against in run.findings.against.values())
    assert "without a clear difference from" in run.answer


@pytest.mark.slow
def test_own_strategies_and_estimators_travel_to_worker_processes():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    one = tune("iris", SearchSpace.from_dict(SPACE), model=LinearDiscriminantAnalysis(), n_jobs=1, **SMALL)
    two = tune("iris", SearchSpace.from_dict(SPACE), model=LinearDiscriminantAnalysis(), n_jobs=2, **SMALL)
    assert without_times(one) == without_times(two)
    assert one.best_recipe.model.method == "linear_discriminant_analysis"


def test_workers_that_outlive_a_player_never_play_another_players_blocks(small, undisturbed, tmp_path):
    later = small(tmp_path / "run", confirm=False, n_jobs=2)
    assert without_times(later.confirm()) == without_times(undisturbed)
    assert not list((tmp_path / "run").glob("blocks/*"))


@pytest.mark.slow
def test_another_estimator_of_the_same_class_is_another_run(tmp_path):
    from sklearn.ensemble import BaggingClassifier

    script = (
        "import sys, altune; from sklearn.ensemble import BaggingClassifier as B; from pathlib import Path;"
        "altune.tune('iris', 'quick', model=B(n_estimators=int(sys.argv[2])), out=Path(sys.argv[1]), budget=20,"
        "loops=2, n_trials=1, n_blocks=1, confirm=False)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "run")]
    subprocess.run([*command, "2"], check=True)
    other = subprocess.run([*command, "3"], check=False, capture_output=True, text=True)
    assert "your own estimators" in other.stderr
    told = subprocess.run(
        [sys.executable, "-m", "altune", "report", str(tmp_path / "run")], check=False, capture_output=True, text=True
    )
    assert told.returncode == 2
    assert "register_estimator" in told.stderr
    name = as_model(BaggingClassifier(n_estimators=2)).method
    assert repr(name) in told.stderr
    try:
        assert "Not confirmed yet" in open_run(tmp_path / "run").answer
    finally:
        from altune.core.registry import unregister

        unregister("model", name)


def test_a_foreign_journal_is_refused(small, tmp_path):
    (tmp_path / "study.journal").write_text("garbage\n")
    with pytest.raises(RequestError, match="not created by altune"):
        small(tmp_path)
    assert (tmp_path / "study.journal").read_text() == "garbage\n"


def test_no_time_is_told_apart_from_no_success(small):
    with pytest.raises(WorkError, match="time limit"):
        small(timeout=0.0)


def test_confirm_takes_its_own_sizes_and_nothing_else(small, undisturbed):
    run = small(confirm=False)
    assert len(run.confirm(report_blocks=4).confirmation.recipe.curves) == 4
    with pytest.raises(RequestError, match="no argument 'n_trials'"):
        run.confirm(n_trials=3)


def test_the_pages_commands_meet_the_same_environment_on_other_splits(undisturbed):
    from altune.report import CodeBlock
    from altune.report.pages.run.page import run_content

    commands = [part.text for part in run_content(undisturbed).parts if isinstance(part, CodeBlock)][1:]
    assert commands[0].startswith("altune simulate iris --recipe ")
    assert commands[0].endswith(" --seed 0"), "whose held-back rows no recipe of the search was scored on"
    assert altune.Scenario.load(undisturbed.folder / "scenario.yaml").to_dict() == undisturbed.scenario.to_dict()


def test_a_trial_is_stored_while_later_ones_of_its_batch_are_played(tmp_path):
    seen = []

    class Watching(Silent):
        def search(self, progress):
            seen.append((progress.played, finished_trials(tmp_path / "run")))

    play_small(tmp_path / "run", n_trials=4, batch=4, confirm=False, observer=Watching())
    assert (8, 3) in seen  # the last trajectory was played, and its own trial is not told yet
    assert (2, 0) in seen
    assert (3, 1) in seen
