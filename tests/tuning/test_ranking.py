"""The ranking of trials: feasible trials first, by the preference."""

import pytest

from altune.recipes.recipe import Recipe
from altune.tuning.preference import Preference
from altune.tuning.ranking import best_recipes, best_so_far, rank_trials
from altune.tuning.trials import TrialRecord
from tests.helpers.stored_curves import made_environment

OBJECTIVES = made_environment(objective=["aulc", "labels"]).scenario.make_objectives()


def trial(number, score, labels=20.0, violation=0.0, size=None):
    """Return a complete trial; ``size`` of the initial sample tells recipes apart, by default each is another."""
    recipe = Recipe(initial_sample={"method": "random", "size": number + 5 if size is None else size})
    return TrialRecord(
        number,
        "complete",
        score,
        {},
        (score,),
        recipe,
        objectives=(score, labels),
        violations={"labels <= 20": violation},
    )


def numbers(trials):
    return [one.number for one in trials]


def test_feasible_trials_come_first_and_the_others_by_their_largest_violation():
    trials = [trial(0, 0.9, violation=3.0), trial(1, 0.5), trial(2, 0.8, violation=1.0), trial(3, 0.6, violation=-2.0)]
    assert numbers(rank_trials(trials, OBJECTIVES)) == [3, 1, 2, 0]


def test_the_next_objective_decides_among_equals_and_then_the_number():
    trials = [trial(0, 0.5, 30.0), trial(1, 0.5, 20.0), trial(2, 0.5, 20.0)]
    assert numbers(rank_trials(trials, OBJECTIVES)) == [1, 2, 0]


def test_a_preference_and_ranks_take_the_place_of_the_first_objective():
    trials = [trial(0, 0.80, 30.0), trial(1, 0.79, 10.0), trial(2, 0.5, 5.0)]
    rule = Preference.parse("score within 0.02, then fewest labels", ["aulc", "labels"])
    assert numbers(rank_trials(trials, OBJECTIVES, rule)) == [1, 0, 2]
    assert numbers(rank_trials(trials, OBJECTIVES, ranks={0: 0.1, 1: 0.2, 2: 1.0})) == [2, 1, 0]


def test_a_recipe_that_was_drawn_twice_is_among_the_best_once():
    unfinished = TrialRecord(3, "failed", None, {}, (), None)
    trials = [trial(0, 0.9, size=5), trial(1, 0.9, size=5), trial(2, 0.8), unfinished]
    assert numbers(best_recipes(trials, 5, OBJECTIVES)) == [0, 2]
    assert numbers(best_recipes(trials, 1, OBJECTIVES)) == [0]


@pytest.mark.parametrize(
    ("scores", "best"), [((0.5, 0.6, 0.6), 1), ((0.5, None, 0.4), 0), ((None, None, None), None), ((0.5, 0.9, 0.6), 2)]
)
def test_the_best_so_far_is_the_first_of_equals_and_always_feasible(scores, best):
    found = None
    for number, score in enumerate(scores):
        one = TrialRecord(number, "failed", None, {}, (), None)
        if score is not None:
            one = trial(number, score, violation=1.0 if score == 0.9 else 0.0)
        found = best_so_far(found, one, OBJECTIVES[0])
    assert (None if found is None else found.number) == best
