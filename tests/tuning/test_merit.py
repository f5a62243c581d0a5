"""Blocks by merit: what recipes are worth, and which are played again."""

import numpy as np
import pytest

from altune.recipes.recipe import Recipe
from altune.tuning.merit import (
    PlayedRecipe,
    PlayedRecipes,
    clearly_behind,
    expected_gains,
    merged_trials,
    n_again,
    plays_again,
    plays_left,
)
from altune.tuning.search_blocks import SearchBlocks
from altune.tuning.trials import TrialRecord


def played(*values, baselines=None):
    recipes = PlayedRecipes(1, baselines)
    for number, own in enumerate(values):
        recipes.recipes[str(number)] = PlayedRecipe(number, values=dict(enumerate(own)))
    return recipes


def record(number, values, size=5, again=None, state="complete", reason="", block=0):
    recipe = Recipe.from_dict({"initial_sample": {"method": "random", "size": size}})
    value = float(np.mean(values)) if state == "complete" else None
    positions = tuple(range(block, block + len(values)))
    return TrialRecord(
        number, state, value, {"size": size}, tuple(values), recipe, reason, again=again, positions=positions
    )


def test_a_gain_is_what_the_best_of_a_choice_gains_by_one_more_play():
    rng = np.random.default_rng(0)
    for lead, step in ((0.0, 1.0), (-0.5, 1.0), (-2.0, 0.7), (1.0, 0.4)):
        moved = lead + step * rng.standard_normal(400_000)
        by_hand = np.maximum(moved, 0).mean() - max(lead, 0)
        assert expected_gains(np.array([lead]), np.array([step]))[0] == pytest.approx(by_hand, abs=2e-3)
    assert expected_gains(np.array([0.3, 0.0]), np.array([0.0, 0.0])).tolist() == [0, 0]


def test_recipes_that_may_be_the_best_are_played_again():
    standing = played([0.90], [0.89], [0.5], [0.4], [0.88, 0.87], [0.3, 0.31]).standing()
    chosen = plays_again(standing, [11] * 6, 2)
    assert set(chosen) <= {0, 1}, "close to the best, and known from one block"
    assert chosen == plays_again(standing, [11] * 6, 2)


def test_a_recipe_without_blocks_left_is_not_played_again():
    standing = played([0.90], [0.89], [0.5], [0.4, 0.42]).standing()
    assert 0 not in plays_again(standing, [0, 11, 11, 11], 2)
    assert plays_again(standing, [0] * 4, 2) == []


def test_one_recipe_has_no_rival_and_equal_ones_cannot_be_told_apart():
    assert plays_again(played([0.9]).standing(), [11], 2) == []
    assert plays_again(played([0.9], [0.9], [0.9], baselines={"a": [0.9]}).standing(), [11] * 3, 2) in (
        [],
        [0, 1],
        [0, 0],
    )


def test_a_play_again_within_a_batch_makes_the_next_one_less_worth():
    standing = played([0.90], [0.90], [0.5], [0.4, 0.42]).standing()
    assert sorted(plays_again(standing, [11] * 4, 2)) == [0, 1]


def test_failed_recipes_are_left_out_and_baselines_are_no_candidates():
    recipes = played([0.9], [0.8], [0.7, 0.72], baselines={"margin": [0.95, 0.97]})
    recipes.recipes["0"].failure = "out of memory"
    standing = recipes.standing()
    assert list(standing.rows) == ["1", "2", "margin"]
    assert standing.n_recipes == 2
    assert 1 <= standing.candidates <= 2


def test_clearly_behind_is_less_likely_than_the_bound_to_be_better():
    from scipy.stats import norm

    mean, variance = np.array([0.9, 0.88, 0.85]), np.array([1e-4, 1e-4, 4e-4])
    chances = norm.cdf((mean - 0.9) / np.sqrt(variance + 1e-4))
    assert clearly_behind(mean, variance).tolist() == [False, *(chances[1:] < 0.2).tolist()]
    assert not clearly_behind(np.array([0.5, 0.5]), np.zeros(2)).any()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_trial_gets_all_plays_of_its_recipe_and_the_posterior_mean(sign):
    records = [
        record(0, [sign * 0.9], size=5),
        record(1, [sign * 0.8], size=6),
        record(2, [sign * 0.6], size=7),
        record(3, [sign * 0.85], size=5, again=0, block=2),
        record(4, [sign * 0.88], size=5, block=1),
        record(5, [sign * 0.5], size=8),
    ]
    trials, standing = merged_trials(records, {"margin": [sign * 0.7, sign * 0.66]}, sign)
    assert [trial.number for trial in trials] == [0, 1, 2, 4, 5]
    assert trials[0].values == trials[3].values == (sign * 0.9, sign * 0.88, sign * 0.85)
    assert trials[0].positions == (0, 1, 2)
    key = records[0].recipe.digest()
    assert trials[0].value == trials[3].value == sign * standing.model.mean[standing.rows[key]]
    assert trials[0].error == pytest.approx(np.sqrt(standing.model.variance[standing.rows[key]]))
    poor = standing.rows[records[5].recipe.digest()]
    assert standing.model.mean[poor] > standing.model.raw[poor], "a poor value on one block is drawn to the mean"
    assert trials[4].values == (sign * 0.5,)


def test_a_recipe_that_fails_when_it_is_played_again_has_failed():
    records = [
        record(0, [0.9], size=5),
        record(1, [0.8], size=6),
        record(2, [], size=5, again=0, state="failed", reason="diverged"),
    ]
    trials, standing = merged_trials(records, {}, 1)
    assert [trial.state for trial in trials] == ["failed", "complete"]
    assert trials[0].reason == "diverged"
    assert trials[0].value is None
    assert standing.n_recipes == 1


def test_forbidden_draws_stay_as_they_are():
    forbidden = TrialRecord(1, "forbidden", None, {}, (), None, "forbidden: no")
    trials, _ = merged_trials([record(0, [0.9]), forbidden], {}, 1)
    assert trials[1] is forbidden


def test_plays_of_a_search_are_counted_batch_by_batch():
    blocks = SearchBlocks((12,), by_merit=True)
    assert [n_again(batch) for batch in (1, 2, 4, 7)] == [1, 1, 2, 3]
    assert blocks.plays_left(60, 0, 4) == 60 + 14 * 2
    assert blocks.plays_left(61, 0, 4) == 61 + 14 * 2, "a last batch that is not full has no plays again"
    for finished in range(0, 61, 4):
        done = plays_left(finished, 0, 4)
        assert done + blocks.plays_left(60, finished, 4) == 88
    assert SearchBlocks((5,)).plays_left(60, 20, 4) == 200
