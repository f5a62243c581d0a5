"""A search by merit: what is played and stored, and what falls back to fixed blocks."""

from collections import Counter

import numpy as np
import pytest

import altune
from altune.core.errors import RequestError
from altune.recipes.space import SearchSpace
from altune.simulation.environment import make_environments
from altune.tuning.merit import BASELINE_BLOCKS, MOST_BLOCKS, first_block, merged_trials
from altune.tuning.record import StudyRecord
from altune.tuning.settings import Settings
from altune.tuning.study_setup import StudySetup
from altune.tuning.trials import AGAIN, BATCH, BLOCKS, RECIPE, VALUES
from altune.workflows.tune import tune

SPACE = SearchSpace.from_dict(
    {
        "initial_sample": [{"method": "random", "size": {"low": 4, "high": 12}}, {"method": "kmeans", "size": 6}],
        "query_strategy": ["random", "margin", {"method": "density_weighted", "beta": {"low": 0.1, "high": 2.0}}],
    }
)
SMALL = {"budget": 30, "loops": 4, "confirm": False}


@pytest.fixture(scope="module")
def run():
    return tune("iris", SPACE, n_trials=30, **SMALL)


def test_each_trial_is_played_once_and_good_recipes_again(run):
    stored = run.study.trials
    asks = [trial for trial in stored if AGAIN not in trial.user_attrs]
    again = [trial for trial in stored if AGAIN in trial.user_attrs]
    assert len(asks) == len(run.trials) == 30
    assert len(again) == 12, "two for each full batch but the first"
    assert all(len(trial.user_attrs[BLOCKS]) == len(trial.user_attrs[VALUES]) <= 1 for trial in stored)
    sizes = Counter(trial.user_attrs[BATCH] for trial in stored)
    assert [sizes[batch] for batch in range(8)] == [4, 6, 6, 6, 6, 6, 6, 2]
    replayed = {trial.user_attrs[AGAIN] for trial in again}
    values = {trial.number: trial.value for trial in run.trials}
    assert np.mean([values[number] for number in replayed]) > np.mean(list(values.values()))


def test_recipes_begin_on_blocks_in_turn_and_continue_with_the_first_ones(run):
    blocks = {}
    for trial in run.study.trials:
        key = altune.Recipe.from_dict(trial.user_attrs[RECIPE]).digest()
        blocks.setdefault(key, []).extend(trial.user_attrs[BLOCKS])
    for number, played in enumerate(blocks.values()):
        start = first_block(number)
        order = [start, *(block for block in range(MOST_BLOCKS) if block != start)]
        assert played == order[: len(played)]
    assert max(map(len, blocks.values())) <= MOST_BLOCKS
    assert max(map(len, blocks.values())) > 2


def test_a_play_again_has_the_parameters_of_its_recipe_and_names_its_first_trial(run):
    firsts = {}
    for trial in run.study.trials:
        key = altune.Recipe.from_dict(trial.user_attrs[RECIPE]).digest()
        if AGAIN in trial.user_attrs:
            assert trial.user_attrs[AGAIN] == firsts[key]
            assert trial.params == run.study.trials[firsts[key]].params
        else:
            firsts.setdefault(key, trial.number)


def test_the_values_of_a_play_are_those_of_its_block(run):
    trial = next(trial for trial in run.study.trials if trial.user_attrs.get(BLOCKS, [0])[0] >= 2)
    recipe, block = altune.Recipe.from_dict(trial.user_attrs[RECIPE]), trial.user_attrs[BLOCKS][0]
    (environment,) = make_environments("iris", budget=30, loops=4)
    splits = {"search": [environment.blocks("search", MOST_BLOCKS)[block]]}
    assert len(splits["search"]) == 1
    number = trial.user_attrs.get(AGAIN, trial.number)
    positions = next(one.positions for one in run.trials if one.number == number)
    curve = run.record.curves(number)[positions.index(block)]
    assert environment.objective(curve) == pytest.approx(trial.user_attrs[VALUES][0])
    assert recipe == next(one.recipe for one in run.trials if trial.params == one.params)


def test_the_table_of_curves_has_each_play_once(run):
    table = run.curves()
    searched = table[table["part"] == "search"].drop_duplicates(["recipe", "block"])
    trials = searched[searched["recipe"].str.startswith("trial_")]
    assert len(trials) == sum(len(trial.user_attrs[BLOCKS]) for trial in run.study.trials)
    assert (searched[searched["recipe"] == "margin"]["block"] < BASELINE_BLOCKS).all()


def test_json_has_a_trial_for_each_draw_with_all_values_of_its_recipe(run):
    plain = run.to_dict()["trials"]
    assert len(plain) == 30
    assert all({"number", "state", "value", "params", "blocks", "error"} <= set(trial) for trial in plain)
    assert max(len(trial["blocks"]) for trial in plain) > 2


def test_a_sampler_is_told_the_adjusted_mean_of_each_recipe_as_it_is_now(monkeypatch):
    from altune.tuning.proposals import Proposer

    told = []
    ask = Proposer.ask

    def watched(self, study, number):
        told.append([trial.value for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()])
        return ask(self, study, number)

    monkeypatch.setattr(Proposer, "ask", watched)
    run = tune("iris", SPACE, n_trials=16, **SMALL)
    earlier = [
        play for play, trial in zip(run.record.plays(), run.study.trials, strict=True) if trial.user_attrs[BATCH] < 3
    ]
    _, standing = merged_trials(earlier, run.record.baseline_blocks(), 1.0)
    keys = [play.recipe.digest() for play in earlier if play.again is None]
    assert told[-1] == pytest.approx([standing.model.raw[standing.rows[key]] for key in keys])
    assert told[4] != told[-1][:4], "a recipe that was played again gets another value"


def test_the_number_of_simulations_is_bounded():
    run = tune("iris", SPACE, n_simulations=25, **SMALL)
    assert run.record.n_played == 25
    longer = tune("iris", SPACE, n_trials=10, n_simulations=25, **SMALL)
    assert len(longer.trials) == 10
    fixed = tune("iris", SPACE, n_simulations=25, n_blocks=3, **SMALL)
    assert len(fixed.trials) == 8
    leaders = tune("iris", SPACE, n_simulations=40, n_blocks=2, leader_blocks=4, **SMALL)
    assert len(leaders.trials) < 20, "further blocks for leaders count as well"
    assert leaders.record.n_played <= 40 + 4 * 4


@pytest.mark.parametrize("first", [5, 13, 14])
def test_more_simulations_extend_a_run_as_if_they_had_been_asked_for_at_once(first, tmp_path):
    tune("iris", SPACE, n_simulations=first, out=tmp_path / "run", **SMALL)
    extended = tune("iris", SPACE, n_simulations=21, out=tmp_path / "run", **SMALL)
    at_once = tune("iris", SPACE, n_simulations=21, **SMALL)
    assert [trial.to_dict() for trial in extended.trials] == [trial.to_dict() for trial in at_once.trials]


def test_a_small_space_is_played_on_all_blocks_and_then_ends():
    space = SearchSpace.from_dict({"query_strategy": ["random", "margin"]})
    run = tune("iris", space, n_trials=40, **SMALL)
    assert len(run.trials) == 40
    assert {len(trial.values) for trial in run.trials} == {MOST_BLOCKS}
    assert run.record.n_played == 2 * MOST_BLOCKS


def test_a_recipe_that_fails_on_a_block_fails_and_is_not_played_again():
    from typing import ClassVar, Literal

    from altune.core.registry import register, unregister
    from altune.knobs.query_strategy.base import QueryStrategy

    @register
    class Moody(QueryStrategy):
        """Fails on some blocks."""

        source: ClassVar[str] = "a test"
        method: Literal["moody"] = "moody"

        def select(self, pool, size, rng):
            candidates = pool.unlabelled
            if int(candidates[0]) % 2:
                raise ZeroDivisionError("nothing to divide")
            return candidates[:size]

    try:
        space = SearchSpace.from_dict(
            {
                "query_strategy": ["margin", "moody"],
                "initial_sample": {"method": "random", "size": {"low": 4, "high": 8}},
            }
        )
        run = tune("iris", space, n_trials=16, **SMALL)
        trials = run.trials
        assert run.best_recipe.query_strategy.method == "margin"
    finally:
        unregister("query_strategy", "moody")
    failed = {trial.recipe.digest() for trial in trials if trial.state == "failed"}
    assert failed
    assert all(trial.state == "failed" for trial in trials if trial.recipe.digest() in failed)


@pytest.mark.parametrize(
    ("changes", "settings", "reason"),
    [
        ({"objective": ("aulc", "labels")}, {}, "several objectives"),
        ({"constraints": ["labels <= 20"]}, {}, "constraints"),
        ({"risk": "quantile:0.1"}, {}, "quantile:0.1 over blocks"),
        ({}, {"racing": 0.1}, "race"),
        ({}, {"leader_blocks": 2}, "leader blocks"),
        ({}, {"sampler": "nsga2"}, "nsga2"),
    ],
)
def test_what_needs_fixed_blocks_gets_them_and_says_so(changes, settings, reason):
    environments = make_environments("iris", budget=30, loops=4, **changes)
    setup = StudySetup(environments, SPACE, Settings(**settings))
    assert setup.settings.n_blocks == 5
    assert not setup.search_blocks.by_merit
    (line,) = [line for line in setup.notes() if "each trial is played on 5 blocks" in line]
    assert reason in line


def test_several_data_sets_and_given_blocks_get_fixed_blocks():
    setup = StudySetup(make_environments(["iris", "wine"], budget=30), SPACE, Settings())
    assert "several data sets" in setup.why_fixed
    splits = [{"pool": list(range(0, 100)), "test": list(range(100, 150))}]
    setup = StudySetup(make_environments("iris", budget=30, splits=splits), SPACE, Settings())
    assert "the blocks are given" in setup.why_fixed


def test_a_number_of_blocks_that_was_asked_for_is_no_news():
    setup = StudySetup(make_environments("iris", budget=30), SPACE, Settings(n_blocks=5))
    assert not setup.search_blocks.by_merit
    assert not any("blocks" in line for line in setup.notes())


def test_a_batch_is_at_most_as_large_as_a_recipe_has_blocks():
    with pytest.raises(RequestError, match="batch must be 12 or less"):
        StudySetup(make_environments("iris", budget=30), SPACE, Settings(batch=13))
    assert len(tune("iris", SPACE, n_trials=13, batch=12, **SMALL).trials) == 13


def test_an_objective_relative_to_random_sampling_is_measured_on_every_block():
    run = tune("iris", SPACE, n_trials=12, objective="deficiency", **SMALL)
    assert len(run.baselines["random_sampling"].curves) == MOST_BLOCKS
    assert len(run.baselines["margin"].curves) == BASELINE_BLOCKS
    assert run.best_trial.value == min(trial.value for trial in run.trials)


def test_rescoring_estimates_anew_what_recipes_are_worth(run):
    rescored = altune.rescore(run, objective="final_score")
    same = altune.rescore(run, objective="aulc", target_score=0.9)
    assert len(rescored.trials) == 30
    by_number = {trial.number: trial for trial in run.trials}
    assert all(trial.value == pytest.approx(by_number[trial.number].value) for trial in same.trials)
    assert any(trial.value != pytest.approx(by_number[trial.number].value) for trial in rescored.trials)


def test_too_few_simulations_for_one_trial_are_refused():
    with pytest.raises(RequestError, match="n_simulations is 4, too few for one trial, which is played on 5 blocks"):
        StudySetup(make_environments("iris", budget=30), SPACE, Settings(n_blocks=5, n_simulations=4))
    assert len(tune("iris", SPACE, n_simulations=1, **SMALL).trials) == 1
    with pytest.raises(RequestError, match="n_simulations must be 1 or more, not 0"):
        tune("iris", SPACE, n_simulations=0, **SMALL)


def test_curves_of_all_trials_read_the_study_once(run, monkeypatch):
    record = StudyRecord(run.study)
    numbers = [trial.number for trial in record.trials()]
    reads = []
    whole = run.study.get_trials
    monkeypatch.setattr(run.study, "get_trials", lambda **options: reads.append(1) or whole(**options))
    curves = [record.curves(number) for number in numbers]
    assert [len(own) for own in curves] == [len(trial.values) for trial in run.trials]
    assert len(reads) <= 2, "not once for each trial"
