"""A run is ranked anew from its curves, just as if it had been played under the other objective or prices."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

import altune
from altune.analysis.rescoring.rescoring import price_reader, repriced
from altune.cli import main
from altune.core.errors import RequestError, ScenarioError, WorkError
from altune.recipes.space import SearchSpace
from altune.simulation.execution import worker as workers
from altune.tuning.storage import append_trial, read_study
from altune.workflows.open_run import open_run
from altune.workflows.tune import tune

SPACE = {
    "initial_sample": {"method": "random", "size": {"choices": [4, 8]}},
    "query_strategy": ["margin", "entropy", "random"],
    "loop_size": [{"method": "constant", "size": 4}, {"method": "cost_aware"}],
}
SIZES = {"budget": 30, "loops": 6, "n_trials": 6, "n_blocks": 2, "batch": 6, "sampler": "random"}
CONFIRM = {"select_among": 2, "select_blocks": 2, "report_blocks": 3}
SCENARIO = {
    "also": ["f1_macro"],
    "over": "labels",
    "price_per_loop": 1.0,
    "annotators": [{"error": 0.1}, {"error": 0.1, "price": 2.5}],
}


def played(out=None, space=SPACE, **changes):
    """Return a run; the sampler is random, so that the same trials are played whatever is bettered."""
    return tune("iris", SearchSpace.from_dict(space), out=out, **{**SIZES, **CONFIRM, **SCENARIO, **changes})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return played(tmp_path_factory.mktemp("rescore") / "run")


def values_of(trials):
    return {one.number: one.value for one in trials if one.value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": "deficiency"},
        {"objective": "final_score", "metric": "f1_macro"},
        {"objective": "aulc", "risk": "cvar:0.5"},
        {"objective": "net_value", "value": 50.0, "price_per_label": 1.75, "price_per_loop": 4.0},
        {"over": "cost", "price_per_label": 0.5, "price_per_loop": 3.0},
    ],
)
def test_rescored_values_are_those_of_a_run_that_was_played_so(run, changes):
    found = altune.rescore(run.folder, **changes)
    named = {name: value for name, value in changes.items() if name != "metric"}
    also = {"metric": "f1_macro", "also": ["accuracy"]} if "metric" in changes else {}
    again = played(confirm=False, **named, **also)
    told = values_of(again.trials)
    assert len(found.trials) + len([name for name in found.left_out if name.startswith("trial")]) == len(told)
    for one in found.trials:
        assert one.value == pytest.approx(told[one.number], abs=1e-12)
    best = altune.rescore(again, **{"objective": again.objective.name, "prefer": again.objective.name})
    kept = [one.number for one in best.trials if one.number in {trial.number for trial in found.trials}]
    assert [one.number for one in found.trials] == kept
    expected = again.record.baseline_values()
    assert {name: new for name, (_, new) in found.baselines.items()} == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
def test_confirmed_numbers_are_those_of_the_same_recipes_played_so(run):
    prices = {"price_per_label": 1.75, "price_per_loop": 4.0}
    space = {**SPACE, "loop_size": SPACE["loop_size"][0]}
    old = played(space=space)
    found = altune.rescore(old, objective="net_value", value=50.0, **prices).confirmed["iris"]
    recipe = {"mine": old.best_recipe, "random_sampling": old.confirmation.baselines["random_sampling"].recipe}
    own = [
        played(space={**recipe[name].to_dict(), "name": name}, objective="net_value", value=50.0, n_trials=1, **prices)
        for name in recipe
    ]
    assert found.recipe.mean == pytest.approx(own[0].findings.recipe.mean)
    assert found.against["random_sampling"].baseline.mean == pytest.approx(own[1].findings.recipe.mean)


def test_no_model_is_fitted_and_nothing_is_written(run, monkeypatch):
    def never(*arguments, **named):
        raise AssertionError("a trajectory was simulated")

    monkeypatch.setattr(workers, "Trajectory", never)
    monkeypatch.setattr("altune.models.base.Model.fit", never)
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    assert altune.rescore(run.folder, objective="aulc", price_per_label=3.0).trials
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before


def test_nothing_but_the_unchanged_objective_leaves_every_rank_and_value(run):
    found = altune.rescore(run, objective="aulc")
    assert [one.rank for one in found.trials] == [one.old_rank for one in found.trials]
    assert [one.value for one in found.trials] == pytest.approx([one.old_value for one in found.trials], abs=1e-12)
    assert (found.spearman, found.kendall) == pytest.approx((1.0, 1.0))
    assert found.trials[0].number == run.best_trial.number
    assert found.best_is_confirmed == (found.trials[0].recipe == run.best_recipe)


def test_a_curve_counts_what_each_price_was_paid_for(run):
    curve = next(iter(run.baselines.values())).curves[0]
    old = run.scenario
    new = old.model_copy(update={"price_per_label": 3.0, "price_per_loop": 10.0})
    assert repriced(curve, old, new).cost == pytest.approx(curve.cost + 2 * curve.priced + 9 * curve.round_trips)


def test_a_recipe_that_reads_the_price_is_left_out_and_named(run):
    readers = {
        f"trial {one.number}" for one in run.trials if one.recipe and one.recipe.loop_size.method == "cost_aware"
    }
    assert readers, "the space draws some"
    found = altune.rescore(run, price_per_loop=5.0, objective="net_value", value=50.0)
    assert {name for name in found.left_out if name.startswith("trial")} == readers
    assert all("cost_aware, reads the prices" in reason for reason in found.left_out.values())
    assert not readers & {f"trial {one.number}" for one in found.trials}
    assert altune.rescore(run, objective="final_score").left_out == {}, "no price changes"


def test_a_price_that_reaches_no_recipe_leaves_none_out(tmp_path):
    owned = played(confirm=False, annotators=[{"error": 0.0, "price": 2.0}])
    assert any(price_reader(one.recipe) for one in owned.trials)
    assert altune.rescore(owned, price_per_label=9.0).left_out == {}


def test_a_run_of_price_readers_alone_is_refused():
    all_readers = played(confirm=False, space={**SPACE, "loop_size": {"method": "cost_aware"}})
    with pytest.raises(WorkError, match="no trial can be rescored: its loop_size, cost_aware, reads the prices"):
        altune.rescore(all_readers, price_per_loop=2.0)
    with pytest.raises(RequestError, match="measured against random_sampling"):
        altune.rescore(all_readers, price_per_loop=2.0, objective="deficiency")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "neg_log_loss"}, "not recorded in this run, which has accuracy, f1_macro"),
        ({"objective": "aulc_dense"}, "aulc_dense was not recorded"),
        ({"constraints": ["aulc_dense >= 0.5"]}, "aulc_dense was not recorded"),
        ({"objective": "net_value"}, "needs `value`"),
        ({"objective": "labels"}, "is best without any label"),
        ({"prefer": "fewest labels"}, "no objective of the study"),
        ({}, "nothing to rescore by"),
    ],
)
def test_what_was_not_recorded_or_means_nothing_is_refused(run, changes, said):
    with pytest.raises((RequestError, ScenarioError), match=said):
        altune.rescore(run, **changes)


def test_a_dense_area_that_was_recorded_is_scored():
    dense = played(confirm=False, dense=4)
    assert all(0 < one.value < 1 for one in altune.rescore(dense, objective="aulc_dense").trials)


def test_several_objectives_give_a_front_and_a_preference_picks(run):
    found = altune.rescore(run, objective=["aulc", "cost"], prefer="score within 10, then lowest cost")
    cheapest = min(one.objectives[1] for one in found.trials)
    assert found.trials[0].objectives[1] == cheapest
    table = np.array([one.objectives for one in found.trials])
    better = lambda own: ((table[:, 0] >= own[0]) & (table[:, 1] <= own[1]) & (table != own).any(axis=1)).any()  # noqa: E731
    assert set(found.front) == {one.number for one in found.trials if not better(one.objectives)}
    assert "Pareto front" in found.answer


def test_a_bound_puts_those_who_break_it_last(run):
    dearest = max(one.value for one in altune.rescore(run, objective=["aulc", "cost"]).trials)
    found = altune.rescore(run, constraints=[f"final_score >= {dearest:.3f}"])
    feasible = [one.feasible for one in found.trials]
    assert feasible == sorted(feasible, reverse=True)


def test_of_several_data_sets_each_block_is_scored_in_its_own_environment():
    settings = {**SIZES, "budget": None, "n_trials": 3, "confirm": False}
    space = SearchSpace.from_dict({**SPACE, "loop_size": {"method": "constant", "size": 8}})
    both = tune(["iris", "wine"], space, **settings, also=["f1_macro"])
    assert len({one.budget for one in both.record.scenarios.values()}) == 2
    changes = {"metric": "f1_macro", "objective": "aulc_trapezoid"}
    again = tune(["iris", "wine"], space, **settings, also=["accuracy"], **changes)
    found = altune.rescore(both, **changes)
    assert values_of(found.trials) == pytest.approx(values_of(again.trials), abs=1e-12)
    with pytest.raises(RequestError, match="no common scale"):
        altune.rescore(both, objective="net_value", value=10.0)


def test_another_best_is_said_to_be_unconfirmed_with_the_command_that_confirms(run):
    worst_first = altune.rescore(run, objective="last_k_slope")
    assert worst_first.trials[0].recipe != run.best_recipe, "the steepest is not the best"
    assert not worst_first.best_is_confirmed
    said = worst_first.answer
    assert f"Trial {worst_first.trials[0].number} is not confirmed under this objective" in said
    assert f"altune tune iris --space SPACE.yaml --scenario {run.folder}/scenario.yaml --objective last_k_slope" in said
    assert "--trials 6 --blocks 2 --batch 6 --sampler random" in said
    assert f"--out {run.folder}-rescored --cache {run.folder}/trajectories" in said
    assert "plays all trajectories again" not in said
    dear = altune.rescore(run, objective=["last_k_slope", "cost"], price_per_label=2.0)
    assert "plays all trajectories again" in dear.answer


def test_a_new_price_moves_an_area_to_cost_and_is_refused_where_it_changes_nothing(run):
    found = altune.rescore(run, price_per_loop=4.0)
    assert found.changes["over"] == ("labels", "cost")
    told = values_of(played(confirm=False, over="cost", price_per_loop=4.0).trials)
    assert {one.number: one.value for one in found.trials} == pytest.approx(
        {one.number: told[one.number] for one in found.trials}, abs=1e-12
    )
    assert "--over cost" in found.command
    with pytest.raises(ScenarioError, match="final_score does not depend on price_per_label"):
        altune.rescore(run, objective="final_score", price_per_label=2.0)


def test_the_command_prints_a_short_table_and_json(run, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["altune", "rescore", str(run.folder), "--objective", "net_value", "--value", "50",
                                      "--label-price", "2", "--loop-price", "3"])  # fmt: skip
    for extra in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", [*sys.argv[:12], *extra])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        out = capsys.readouterr().out
    plain = json.loads(out)
    found = altune.rescore(run.folder, objective="net_value", value=50, price_per_label=2, price_per_loop=3)
    assert [one["number"] for one in plain["trials"]] == [one.number for one in found.trials]
    assert plain["changes"]["price_per_loop"] == {"old": 1.0, "new": 3.0}
    frame = found.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame["net_value"].tolist() == [one.value for one in found.trials]


def test_two_hundred_trials_are_ranked(run, tmp_path):
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "study.journal").write_bytes((run.folder / "study.journal").read_bytes())
    study = read_study(folder)
    for trial in (study.get_trials() * 40)[: 200 - SIZES["n_trials"]]:
        append_trial(study, trial)
    found = altune.rescore(open_run(folder), objective="final_score")
    assert sorted(one.rank for one in found.trials) == list(range(1, 201))
    assert [one.value for one in found.trials] == sorted((one.value for one in found.trials), reverse=True)
