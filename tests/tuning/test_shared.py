"""Workers in processes of their own share a study in a real PostgreSQL; some are killed, the database goes away."""

import os
import signal
import subprocess
import sys
import time

import pytest
from scipy.sparse import csr_matrix

import altune
from altune.core.errors import RequestError
from altune.tuning.observer import Silent
from altune.tuning.shared import open_shared
from altune.tuning.shared_worker import rebuild
from altune.workflows.open_run import open_run

TUNE = ["--space", "quick", "--budget", "150", "--blocks", "3", "--select-among", "2", "--select-blocks", "2"]
TUNE += ["--report-blocks", "3", "--jobs", "1", "--grace", "4s", "--quiet"]


def start(*words):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "altune", *map(str, words)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def begun(server, database, trials, patience=120):
    """Wait until a study's trials are queued."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        tables = server.execute("SELECT to_regclass('trials')", database=database)
        if tables[0][0] and server.execute("SELECT count(*) FROM trials", database=database)[0][0] >= trials:
            return
        time.sleep(0.2)
    raise AssertionError("the owner queued no trials")


def joined(server, database, processes, patience=120):
    """Wait until each of these processes has claimed a trial."""
    seen = "SELECT DISTINCT (value_json::json ->> 'process')::int FROM trial_user_attributes WHERE key = 'worker'"
    end = time.monotonic() + patience
    while not {process.pid for process in processes} <= {row[0] for row in server.execute(seen, database=database)}:
        assert time.monotonic() < end, "the workers did not join"
        time.sleep(0.2)


@pytest.mark.slow
def test_workers_are_killed_and_the_database_goes_away_and_nothing_is_lost_or_doubled(server, tmp_path):
    url, trials = server.create_database("together"), 80
    owner = start(
        "tune", "digits", *TUNE, "--trials", trials, "--storage", url, "--study", "s", "--out", tmp_path / "run"
    )
    begun(server, "together", trials)
    # The owner pauses, so that its trial goes to another worker, which it learns when it goes on.
    os.kill(owner.pid, signal.SIGSTOP)
    workers = [start("worker", "--storage", url, "--study", "s", "--quiet") for _ in range(2)]
    joined(server, "together", workers)
    os.kill(owner.pid, signal.SIGCONT)
    os.kill(workers[0].pid, signal.SIGKILL)
    server.stop()
    time.sleep(3)
    server.start()
    said, problem = owner.communicate(timeout=600)
    assert owner.returncode == 0, problem.decode()
    workers[0].communicate(timeout=600)
    left_over = workers[1].communicate(timeout=600)
    assert workers[1].returncode == 0, left_over[1].decode()
    rows = server.execute(
        "SELECT number, state, (SELECT count(*) FROM trial_values v WHERE v.trial_id = t.trial_id) FROM trials t "
        "ORDER BY number",
        database="together",
    )
    assert [tuple(row) for row in rows] == [(number, "COMPLETE", 1) for number in range(trials)]
    run = open_run(tmp_path / "run")
    assert len(run.trials) == trials
    assert run.answer in said.decode()
    assert all(len(run.record.curves(trial.number)) == 3 for trial in run.trials)
    # The same command again plays nothing, and more trials are just those that are missing.
    again = start(
        "tune", "digits", *TUNE, "--trials", trials + 2, "--storage", url, "--study", "s", "--out", tmp_path / "run"
    )
    again.communicate(timeout=600)
    assert again.returncode == 0
    assert server.execute("SELECT count(*) FROM trials", database="together")[0][0] == trials + 2


@pytest.mark.slow
def test_a_shared_trial_is_worth_what_it_is_worth_alone(server, tmp_path):
    url = server.create_database("alone")
    settings = {"budget": 30, "n_trials": 5, "n_blocks": 2, "select_among": 2, "select_blocks": 2, "report_blocks": 3}
    shared = altune.tune("iris", "quick", **settings, storage=url, out=tmp_path / "run")
    # Played alone, the same recipe has the same curves.
    recipe, values = shared.best_trial.recipe, shared.best_trial.values
    space = altune.SearchSpace.from_dict({knob: getattr(recipe, knob) for knob in ("initial_sample", "query_strategy")})
    space = space.with_fixed(loop_size=recipe.loop_size, model=recipe.model)
    other = {"query_strategy": [recipe.query_strategy, "random"]}
    alone = altune.tune("iris", altune.SearchSpace.from_dict({**space.to_dict(), **other}), sampler="grid", **settings)
    assert values in [trial.values for trial in alone.trials]
    assert open_run(tmp_path / "run").best_recipe == shared.best_recipe


def test_what_cannot_be_shared_is_refused(server):
    url = server.create_database("refused")
    with pytest.raises(RequestError, match="keeps a state of its own"):
        altune.tune("iris", "quick", budget=30, sampler="nsga2", storage=url)
    with pytest.raises(RequestError, match="no study 'x'"):
        open_shared(url, "x", Silent())


def test_a_worker_checks_its_data(server, tmp_path):
    url = server.create_database("data")
    table = tmp_path / "mine.csv"
    table.write_text("a,b,label\n" + "".join(f"{n},{n * 7 % 11},{'xy'[n % 2]}\n" for n in range(120)))
    altune.tune(table, "quick", target="label", budget=20, n_trials=1, n_blocks=1, report_blocks=2, storage=url)
    shared = open_shared(url, "altune", Silent())
    assert rebuild(shared, Silent()).setup.environments[0].dataset.n_rows == 120
    table.write_text(table.read_text().replace("1,7,y", "2,7,y"))
    with pytest.raises(RequestError, match="not the data of the study"):
        rebuild(shared, Silent())


def test_each_first_trial_from_the_portfolio_is_played_once(server, monkeypatch):
    url = server.create_database("first")
    run = altune.tune("iris", "quick", budget=30, n_trials=5, n_blocks=1, confirm=False, storage=url)
    stored = run.record.header["portfolio"]["params"]
    assert len(stored) > 3
    assert [trial.params for trial in run.trials][: len(stored)] == stored[:5]
    # A worker with another portfolio plays what the study began with, and its baselines.
    monkeypatch.setattr("altune.tuning.study_setup.first_trials", lambda *_: pytest.fail("the study has its own"))
    setup = rebuild(open_shared(url, "altune", Silent()), Silent()).setup
    assert [dict(params) for params in setup.first.params] == stored
    assert list(setup.baselines) == list(run.baselines)


def test_a_shared_study_is_confirmed_away_and_its_workers_draw_what_works_there(server, tmp_path):
    url = server.create_database("away")
    iris = altune.load_dataset("iris")
    sparse = altune.Dataset(csr_matrix(iris.X + 1), iris.y, name="sparse")
    models = {"version": 1, "name": "models", "model": ["logistic_regression", "naive_bayes"]}
    sizes = {"budget": 20, "loops": 2, "n_trials": 2, "n_blocks": 1, "select_among": 1, "select_blocks": 1}
    space, folder = altune.SearchSpace.from_dict(models), tmp_path / "run"
    more = {"report_blocks": 2, "ablation": False, "storage": url, "out": folder}
    run = altune.tune("iris", space, confirm_on=sparse, **sizes, **more)
    assert list(run.away) == list(open_run(folder).away) == ["sparse"]
    setup = rebuild(open_shared(url, "altune", Silent()), Silent()).setup
    assert [alternative.method for alternative in setup.space.decisions["model"].alternatives] == [
        "logistic_regression"
    ]
    assert len(setup.environments) == 1
