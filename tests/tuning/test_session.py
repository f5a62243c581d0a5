"""People with a scheduler of their own ask and tell; callbacks see every trial; MLflow gets them."""

import pytest

import altune
from altune import Session, Settings, make_environments, prepare_space
from altune.core.errors import RequestError
from altune.workflows.open_run import open_run

SMALL = {"budget": 30, "n_trials": 4, "n_blocks": 2, "select_among": 1, "select_blocks": 2, "report_blocks": 2}


def session(out=None, **settings):
    environments = make_environments("iris", budget=30)
    return Session(
        environments, prepare_space("quick", environments), Settings(**{"n_blocks": 2, "seed": 0, **settings}), out=out
    )


def test_one_after_the_other_is_what_tune_does_with_a_batch_of_one():
    with session(batch=1) as mine:
        values = []
        for _ in range(4):
            asked = mine.ask()
            values.append(mine.tell(asked.number, mine.play(asked)).values)
    assert values == [trial.values for trial in altune.tune("iris", "quick", **SMALL, batch=1, confirm=False).trials]


def test_told_in_another_order_and_gone_on_with(tmp_path):
    with session(tmp_path / "run") as mine:
        first, second = mine.ask(), mine.ask()
        assert first.number != second.number
        mine.tell(second.number, mine.play(second))
        mine.tell(first.number, "my cluster lost it")
    with session(tmp_path / "run") as mine:
        asked = mine.ask()
        assert mine.tell(asked.number, mine.play(asked)).number == 2
    assert [trial.state for trial in open_run(tmp_path / "run").trials] == ["complete", "failed", "complete"]


def test_what_was_not_asked_cannot_be_told():
    with session() as mine:
        asked = mine.ask()
        with pytest.raises(RequestError, match="recipe 7 is not open"):
            mine.tell(7, "?")
        with pytest.raises(RequestError, match="needs 2 curves, one for each block, not 1"):
            mine.tell(asked.number, mine.play(asked)[:1])
    with pytest.raises(RequestError, match="in the order in which they were asked"):
        session(sampler="nsga2")


def test_callbacks_see_the_study_and_each_trial_once():
    seen = []
    run = altune.tune(
        "iris", "quick", **SMALL, confirm=False, callbacks=[lambda study, trial: seen.append(trial.number)]
    )
    assert seen == [trial.number for trial in run.trials]


@pytest.mark.slow
def test_mlflow_gets_every_trial(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    uri = f"sqlite:///{tmp_path / 'runs.db'}"
    callback = altune.MLflowCallback("labels", uri)
    run = altune.tune("iris", "quick", **SMALL, confirm=False, callbacks=[callback])
    client = mlflow.MlflowClient(uri)
    logged = client.search_runs([client.get_experiment_by_name("labels").experiment_id])
    assert sorted(one.data.metrics["aulc"] for one in logged) == sorted(trial.value for trial in run.trials)
    assert all(one.data.tags["state"] == "complete" for one in logged)
    assert {frozenset(one.data.params) for one in logged} == {frozenset(trial.params) for trial in run.trials}
