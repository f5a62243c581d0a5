"""Every kind of search goes on where it was, changes with nothing but the request, and plays nothing twice."""

import json
from typing import Literal

import numpy as np
import pytest

import altune
from altune.core.errors import RequestError
from altune.core.registry import unregister
from altune.knobs import ScoreStrategy, register
from altune.simulation.trajectory import Trajectory

SMALL = {"budget": 30, "n_blocks": 5, "select_among": 2, "select_blocks": 2, "report_blocks": 2, "seed": 3}
NUMBERS = {
    "initial_sample": {"method": "random", "size": {"low": 3, "high": 15}},
    "query_strategy": {"method": "density_weighted", "beta": {"low": 0.1, "high": 3.0}},
}
FEW = {"query_strategy": ["margin", "random", "entropy"], "initial_sample": ["random", "kmeans"]}
KINDS = {
    "racing": {"racing": 0.3},
    "rungs": {"rungs": (0.3, 0.6)},
    "leaders": {"leader_blocks": 2},
    "several data sets": {"data": ["iris", "wine"], "n_blocks": 2},
    "ranks": {"data": ["iris", "wine"], "n_blocks": 2, "across": "ranks"},
    "several objectives": {"objective": ("aulc", "labels"), "space": "stopping", "n_blocks": 2},
    "constraints": {"objective": ("final_score", "labels"), "constraints": ["labels <= 25"], "space": "stopping"},
    "less is better": {"objective": "deficiency", "n_blocks": 2},
    "the unlucky": {"risk": "cvar:0.4"},
    "random": {"sampler": "random", "n_blocks": 2},
    "qmc": {"sampler": "qmc", "n_blocks": 2},
    "nsga2": {"sampler": "nsga2", "n_blocks": 2},
    "cmaes": {"sampler": "cmaes", "space": NUMBERS, "n_blocks": 2},
}


def go(trials, cache, out=None, **kind):
    data, space = kind.pop("data", "iris"), kind.pop("space", "quick")
    given = altune.SearchSpace.from_dict(space) if isinstance(space, dict) else space
    return altune.tune(data, given, n_trials=trials, cache=cache, out=out, **{**SMALL, **kind})


def without_times(run):
    plain = run.to_dict()
    return json.dumps({key: value for key, value in plain.items() if key not in ("seconds", "run")}, sort_keys=True)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_search_that_was_interrupted_ends_as_one_that_was_not(kind, cache, tmp_path):
    go(6, cache, tmp_path / "run", **KINDS[kind])
    gone_on = go(14, cache, tmp_path / "run", **KINDS[kind])
    assert without_times(gone_on) == without_times(go(14, cache, **KINDS[kind]))


@pytest.mark.slow
def test_racing_and_rungs_drop_trials_and_say_why(cache):
    for kind, reason in (("racing", "clearly worse than the best"), ("rungs", "could not win any more")):
        dropped = [trial for trial in go(24, cache, **KINDS[kind]).trials if trial.state == "dropped"]
        assert dropped
        assert all(reason in trial.reason and trial.value is None for trial in dropped)


def test_a_bound_is_kept_by_what_is_confirmed(cache):
    run = go(14, cache, **KINDS["constraints"])
    assert run.best_trial.feasible
    assert run.best_trial.objectives[1] <= 25
    assert all(trial.feasible for trial in run.front)


def test_a_front_is_picked_from_by_the_rule(cache):
    kind = {**KINDS["several objectives"], "prefer": "score within 1, then fewest labels"}
    run = go(14, cache, **kind)
    assert run.best_trial.objectives[1] == min(trial.objectives[1] for trial in run.trials)
    assert {trial.number for trial in run.front} == set(run.to_dict()["front"])
    assert "Pareto front of aulc and labels" in run.answer


def test_a_grid_ends_when_it_is_played(cache):
    run = go(50, cache, sampler="grid", space=FEW)
    assert len({json.dumps(trial.params, sort_keys=True) for trial in run.trials}) == len(run.trials) == 6


def test_each_data_set_is_confirmed_by_itself(cache):
    run = go(6, cache, **KINDS["several data sets"])
    assert list(run.confirmations) == list(run.to_dict()["data_sets"]) == ["iris", "wine"]
    assert {"data", "part"} <= set(run.curves().columns)
    assert "iris: " in run.answer
    assert "wine: " in run.answer


@pytest.mark.slow
def test_what_one_run_played_no_other_plays_again(tmp_path, monkeypatch):
    cold = go(6, tmp_path / "shared", tmp_path / "one", n_blocks=2)

    def never(*arguments):
        raise AssertionError("a trajectory was simulated again")

    monkeypatch.setattr("altune.simulation.execution.worker.Trajectory", never)
    warm = go(6, tmp_path / "shared", tmp_path / "two", n_blocks=2)
    assert without_times(warm) == without_times(cold)


def test_in_memory_a_recipe_that_comes_again_is_not_played_again(monkeypatch):
    played = []

    class Counted(Trajectory):
        def __init__(self, recipe, prepared, scenario, **more):
            played.append((recipe.digest(), prepared.block.digest()))
            super().__init__(recipe, prepared, scenario, **more)

    monkeypatch.setattr("altune.simulation.execution.worker.Trajectory", Counted)
    run = go(20, None, space=FEW, n_blocks=2)
    assert len(run.trials) == 20
    assert len(played) == len(set(played))


def test_a_stopping_rule_is_replayed_where_little_else_is_open(monkeypatch):
    space = {"stopping": [{"method": "stabilizing_predictions", "threshold": {"low": 0.9, "high": 1.0}}, "budget"]}
    kind = {"space": space, "objective": "net_value", "value": 100.0, "price_per_loop": 1.0, "n_blocks": 2}
    kind |= {"sampler": "random", "confirm": False}
    played = []

    class Counted(Trajectory):
        def __init__(self, recipe, prepared, scenario, **more):
            played.append(prepared.block.number)
            super().__init__(recipe, prepared, scenario, **more)

    with monkeypatch.context() as patch:
        patch.setattr("altune.simulation.execution.worker.Trajectory", Counted)
        shared = go(10, None, **kind)
    assert len(played) <= 2 * 4  # each block once for all rules and margin, and for the three other baselines
    for trial in shared.trials:
        space = altune.SearchSpace.from_dict(
            {"stopping": trial.recipe.stopping, "query_strategy": ["margin", "random"]}
        )
        alone = go(2, None, **{**kind, "space": space, "sampler": "grid"})
        assert trial.values in [one.values for one in alone.trials]
        break


@pytest.mark.slow
def test_a_trial_that_takes_too_long_has_failed_and_the_search_goes_on():
    import time

    class Sleepy(ScoreStrategy):
        """Take a minute."""

        method: Literal["sleepy"] = "sleepy"

        def scores(self, pool, rng):
            time.sleep(60)
            return np.zeros(len(pool.candidates))

    register(Sleepy)
    try:
        space = {"query_strategy": ["margin", "random", "sleepy"]}
        run = go(3, None, space=space, sampler="grid", n_blocks=1, trial_timeout=5.0, confirm=False)
        trials = {trial.recipe.query_strategy.method: trial for trial in run.trials}
    finally:
        unregister("query_strategy", "sleepy")
    states = {name: trial.state for name, trial in trials.items()}
    assert states == {"margin": "complete", "random": "complete", "sleepy": "failed"}
    assert "time limit" in trials["sleepy"].reason


def test_a_later_format_is_explained(cache, tmp_path, monkeypatch):
    with monkeypatch.context() as later:
        later.setattr("altune.tuning.header.STUDY_FORMAT", 99)
        go(2, cache, tmp_path / "run", n_blocks=1, confirm=False)
    with pytest.raises(RequestError, match="its format is 99, and this version of altune reads formats 1 to 3"):
        go(2, cache, tmp_path / "run", n_blocks=1, confirm=False)


def test_another_version_of_altune_continues_a_run_and_another_scikit_learn_says_so(cache, tmp_path, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr("altune.tuning.header.__version__", "0.0.9")
        earlier.setattr("altune.tuning.header.library_versions", lambda: {"scikit-learn": "1.0"})
        go(2, cache, tmp_path / "run", n_blocks=1, confirm=False)
    lines = []
    monkeypatch.setattr("altune.tuning.observer.Silent.say", lambda self, line: lines.append(line))
    assert len(go(3, cache, tmp_path / "run", n_blocks=1, confirm=False).trials) == 3
    assert any("started with scikit-learn 1.0 (now " in line for line in lines)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ({"racing": 0.1, "n_blocks": 3}, "racing needs 5 search blocks or more"),
        ({"rungs": (0.5,), "objective": "final_score"}, "rungs need an area"),
        ({"rungs": (0.6, 0.3)}, "increasing shares"),
        ({"racing": 0.1, "objective": ("aulc", "labels")}, "needs one objective"),
        ({"data": ["iris", "wine"], "objective": "labels_to_target"}, "no common scale"),
        ({"data": ["iris", "iris"]}, "share a name"),
        ({"data": ["iris", "wine"], "across": "ranks", "sampler": "nsga2"}, "needs one of the samplers"),
        ({"prefer": "speed"}, "no objective of the study"),
        ({"sampler": "cmaes"}, "a space of numbers only"),
        ({"sampler": "grid", "space": "standard"}, "grid"),
        ({"trial_timeout": 0.0}, "above 0 s"),
    ],
)
def test_what_cannot_be_is_refused(kind, said, cache):
    with pytest.raises(RequestError, match=said):
        go(4, cache, **kind)
