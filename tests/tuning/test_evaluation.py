"""What is played under each way of spending, and what is said of trials that were given up."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from altune.core.errors import WorkError
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.execution.items import Failure, WorkItem
from altune.simulation.execution.player import Player
from altune.simulation.trajectory import Trajectory
from altune.tuning.evaluation import Evaluator
from altune.tuning.racing import LEADERS, Racing
from altune.workflows.tune import tune
from tests.helpers.stored_curves import BUDGET, Shelf, curve, judge_of, made_environment

ENVIRONMENT = made_environment()
JUDGE = judge_of([ENVIRONMENT], blocks=8, usual=5)
PLAIN, RACE, RUNG, LEAD = Racing(), Racing(racing=0.2), Racing(rungs=(0.5,)), Racing(leader_blocks=3)
FIRST = [0, 1, 2, 3, 4]
NOISE = 0.01 * np.random.default_rng(0).normal(size=(12, 8))


def recipe(number):
    """Return one of many recipes, told apart by the size of the first sample."""
    return Recipe(initial_sample={"method": "random", "size": number})


def evaluator(outcomes, spending=PLAIN, judge=JUDGE, limit=None, environments=(ENVIRONMENT,)):
    """Return an evaluator and its shelf; ``outcomes`` are flat scores or whatever is played, by size of the start."""

    def played(one, block):
        found = outcomes[one.initial_sample.size]
        found = found(block) if callable(found) else found
        return curve(found) if isinstance(found, float) else found

    shelf = Shelf(played)
    return Evaluator(shelf, judge, judge.blocks.of(environments), spending, limit), shelf


def see_usual_trials(one, level=0.7, curves=True):
    """Tell an evaluator of a dozen finished trials around one level."""
    for row in NOISE:
        flat = [curve(level + noise) for noise in row[:5]]
        one.see(one.judge.block_values(flat), flat if curves else ())


# what is played ---------------------------------------------------------------------------------------------------


def test_usually_every_block_is_played_once():
    one, shelf = evaluator({5: 0.6, 6: lambda block: 0.5 + 0.1 * block})
    seen = []
    verdicts = one.play([recipe(5), recipe(6)], lambda index, outcome: seen.append(index))
    assert shelf.blocks(recipe(5)) == shelf.blocks(recipe(6)) == FIRST
    assert seen == list(range(10))
    # the majority's 0.3 until the first label
    assert verdicts[0].objectives[0] == pytest.approx((0.3 + 19 * 0.6) / 20)
    assert verdicts[1].block_values == pytest.approx([(0.3 + 19 * (0.5 + 0.1 * block)) / 20 for block in FIRST])


@pytest.mark.parametrize(("spending", "first"), [(PLAIN, FIRST), (LEAD, FIRST), (RACE, [0]), (RUNG, [])])
def test_what_is_begun_is_what_is_played_first(spending, first):
    one, shelf = evaluator({5: 0.7}, spending)
    one.begin(recipe(5))
    assert [task.block.number for task in shelf.begun] == FIRST  # nothing to race against, no rung to fall at
    see_usual_trials(one)
    shelf.begun.clear()
    one.begin(recipe(5))
    assert [task.block.number for task in shelf.begun] == first
    one.play([recipe(5)])
    begun = [(task.recipe, task.block.number, task.until, task.limit) for task in shelf.begun]
    assert shelf.played[: len(begun)] == begun


def test_a_race_is_lost_on_the_first_blocks():
    one, shelf = evaluator({5: 0.5, 6: 0.7, 7: lambda block: 0.7 if block < 1 else 0.5}, RACE)
    see_usual_trials(one, curves=False)
    bad, good, later = one.play([recipe(5), recipe(6), recipe(7)])
    assert (shelf.blocks(recipe(5)), shelf.blocks(recipe(6)), shelf.blocks(recipe(7))) == ([0], FIRST, [0, 1])
    assert "clearly worse than the best on 1 block" in bad.dropped
    assert (good.dropped, len(later.block_values)) == ("", 2)


def test_a_dropped_trial_is_likely_worth_the_best_less_its_distance():
    one, _ = evaluator({5: 0.5}, RACE)
    see_usual_trials(one, curves=False)
    (bad,) = one.play([recipe(5)])
    best = max((JUDGE.block_values([curve(0.7 + noise) for noise in row[:5]]) for row in NOISE), key=np.mean)
    assert bad.block_values == pytest.approx([(0.3 + 19 * 0.5) / 20])
    assert bad.estimate == pytest.approx(best.mean() + bad.block_values[0] - best[0])
    assert bad.objectives == ()


def test_where_less_is_better_the_race_runs_the_other_way():
    environment = made_environment(objective="labels_to_target")
    judge = judge_of([environment], blocks=5, usual=5)
    # the target is what random sampling has: 0.5
    late, soon = curve({1: 0.4, 18: 0.9}), curve({1: 0.4, 3: 0.9})
    one, shelf = evaluator({5: late, 6: soon}, RACE, judge)
    for row in NOISE:
        one.see([8.0 + 100 * noise for noise in row[:5]], ())
    bad, good = one.play([recipe(5), recipe(6)])
    assert (shelf.blocks(recipe(5)), shelf.blocks(recipe(6))) == ([0], FIRST)
    assert bad.estimate > 8 + 5
    assert good.objectives == (3.0,)


def test_several_data_sets_are_raced_in_whole_rounds():
    environments = [ENVIRONMENT, made_environment(seed=1), made_environment(seed=2)]
    one, shelf = evaluator({5: 0.3}, RACE, judge_of(environments, blocks=2, usual=2), environments=environments)
    for row in NOISE:
        one.see(list(row[:6]), ())
    assert len(one.play([recipe(5)])[0].block_values) == 3
    assert len(shelf.played) == 3


def test_a_rung_is_climbed_by_those_that_could_still_win():
    one, shelf = evaluator({5: curve({1: 0.1, 10: 0.1, 20: 0.1}), 6: 0.72}, RUNG)
    see_usual_trials(one)
    bad, good = one.play([recipe(5), recipe(6)])
    assert shelf.blocks(recipe(5), until=10.0) == FIRST
    assert (shelf.blocks(recipe(5)), shelf.blocks(recipe(6))) == ([], FIRST)
    assert "at 50% of the budget" in bad.dropped
    assert [one.labels[-1] for one in bad.curves] == [10] * 5
    assert good.dropped == ""


def test_a_trial_given_up_at_a_rung_is_likely_worth_what_it_would_have_beside_the_best():
    one, _ = evaluator({5: curve({1: 0.1, 10: 0.2, 15: 0.9})}, RUNG)
    rising = curve({1: 0.6, 10: 0.7, 15: 0.8})
    one.see(JUDGE.block_values([rising] * 5), [rising] * 5)
    (bad,) = one.play([recipe(5)])
    expected = curve({1: 0.1, 10: 0.2, 15: 0.3})
    assert bad.block_values == pytest.approx(JUDGE.block_values([expected] * 5).tolist())
    assert bad.estimate == pytest.approx(np.mean(bad.block_values))
    assert [one.stopped for one in bad.curves] == ["paused"] * 5


def test_a_trial_that_has_ended_by_itself_has_no_rest():
    ended = curve({1: 0.69, 2: 0.69}, stopped="loops")
    one, shelf = evaluator({5: ended}, RUNG)
    risen = curve({1: 0.6, 11: 0.9})
    one.see(JUDGE.block_values([risen] * 5), [risen] * 5)
    assert "could not win" in one.play([recipe(5)])[0].dropped
    assert shelf.blocks(recipe(5)) == []


def test_nothing_is_raced_or_paused_before_anything_is_known():
    for spending in (RACE, RUNG):
        one, shelf = evaluator({5: 0.1}, spending)
        assert one.play([recipe(5)])[0].dropped == ""
        assert [until for _, _, until, _ in shelf.played] == [None] * 5


def test_leaders_are_played_on_further_blocks():
    one, shelf = evaluator({5: 0.6, 6: 0.8}, LEAD)
    one.play([recipe(6)])
    assert shelf.blocks(recipe(6)) == FIRST  # nobody leads before there are others
    see_usual_trials(one)
    low, high = one.play([recipe(5), recipe(6)])
    assert (len(low.curves), len(high.curves)) == (5, 8)
    assert high.objectives == JUDGE.values([curve(0.8)] * 8)


def test_a_leader_drawn_again_takes_one_place():
    one, _ = evaluator({5: 0.8, 6: 0.75}, LEAD)
    see_usual_trials(one)
    for _ in range(LEADERS + 1):
        (again,) = one.play([recipe(5)])
        one.see(again.block_values, again.curves)
    assert len(one.play([recipe(6)])[0].curves) == 8


def test_a_leader_drawn_again_is_judged_as_before():
    """Else its luck on the usual blocks, which the further ones took back, would count after all."""
    one, _ = evaluator({5: lambda block: 0.8 if block < 5 else 0.6}, LEAD)
    see_usual_trials(one)
    (first,) = one.play([recipe(5)])
    one.see(first.block_values, first.curves)
    for better in np.linspace(0.85, 0.9, LEADERS):
        one.see(JUDGE.block_values([curve(better)] * 5), ())
    assert one.play([recipe(5)])[0].objectives == first.objectives


def test_a_trial_that_breaks_a_bound_is_no_rival():
    one, shelf = evaluator({5: 0.7}, RACE)
    see_usual_trials(one, curves=False)
    for row in NOISE:
        one.see(JUDGE.block_values([curve(0.9 + noise) for noise in row[:5]]), (), feasible=False)
    assert one.play([recipe(5)])[0].dropped == ""
    assert shelf.blocks(recipe(5)) == FIRST


# failures and time ------------------------------------------------------------------------------------------------


def fails_on(block):
    return lambda number: Failure(f"broken on {block}") if number >= block else 0.7


@pytest.mark.parametrize(("spending", "played"), [(PLAIN, 5), (RACE, 2), (RUNG, 5)])
def test_a_failure_ends_its_trial_and_no_other(spending, played):
    one, shelf = evaluator({5: fails_on(1), 6: 0.71}, spending)
    see_usual_trials(one)
    broken, fine = one.play([recipe(5), recipe(6)])
    assert broken.failure is not None
    assert broken.failure.reason == "broken on 1"
    assert sum(own == recipe(5) for own, *_ in shelf.played) == played
    assert fine.failure is None
    assert len(fine.block_values) == 5


def test_a_failure_is_stored_with_its_attempt():
    one, _ = evaluator({5: fails_on(1)}, PLAIN)
    first, third = one.play([recipe(5)])[0], one.play([recipe(5)], attempt=2)[0]
    assert "attempt" not in first.attributes()
    assert third.failure.attempt == third.attributes()["attempt"] == 2


def test_the_time_limit_is_shared_evenly_by_the_blocks():
    one, shelf = evaluator({5: 0.6}, Racing(rungs=(0.5,)), limit=10.0)
    see_usual_trials(one)
    one.play([recipe(5)])
    assert {limit for *_, limit in shelf.played} == {2.0}


# the guard of rungs -----------------------------------------------------------------------------------------------

AREAS = {
    name: judge_of([made_environment(objective=name)], 2, 2)
    for name in ("aulc", "aulc_trapezoid", "aulc_log", "alc_normalized")
}
scores = st.floats(0, 1, width=32)


@st.composite
def curves(draw):
    labels = sorted(draw(st.sets(st.integers(1, BUDGET), min_size=1, max_size=5)))
    return curve({count: draw(scores) for count in labels}, prior=0.25)


def lines(found, name):
    """Return the score at each label count, the way an area takes it."""
    counts, labels = np.arange(BUDGET + 1), np.array([0, *found.labels])
    if name in ("aulc", "aulc_log"):
        return found.at(counts, "accuracy")
    if name == "alc_normalized":
        counts, labels = np.log2(np.maximum(counts, 1)), np.log2(np.maximum(labels, 1))
    return np.interp(counts, labels, [found.prior["accuracy"], *found.scores["accuracy"]])


@pytest.mark.slow
@pytest.mark.parametrize("name", AREAS)
@given(
    before=st.lists(st.tuples(curves(), curves()), min_size=1, max_size=4),
    own=st.tuples(curves(), curves()),
    share=st.sampled_from([0.2, 0.5, 0.8]),
    like=st.integers(0, 4),
)
def test_a_winner_that_stays_below_the_envelope_is_never_given_up(name, before, own, share, like):
    judge = AREAS[name]
    # often the same as an earlier one: ties are the hardest
    own = before[like] if like < len(before) else own
    one, _ = evaluator({5: lambda block: own[block]}, Racing(rungs=(share,)), judge)
    highest = np.full((2, BUDGET + 1), -np.inf)
    for pair in before:
        one.see(judge.block_values(pair), pair)
        highest = np.maximum(highest, [lines(found, name) for found in pair])
    paused = [int(found.labels[min(int((found.labels < share * BUDGET).sum()), len(found) - 1)]) for found in own]
    rest = [lines(found, name)[last:] for found, last in zip(own, paused, strict=True)]
    assume(
        all(np.all(y[1:] <= np.maximum(h[last + 1 :], y[0])) for y, h, last in zip(rest, highest, paused, strict=True))
    )
    assume(judge.block_values(own).mean() >= max(judge.block_values(pair).mean() for pair in before))
    assert one.play([recipe(5)])[0].dropped == ""


# the real player --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_trajectory_goes_on_the_same_wherever_it_paused(monkeypatch):
    begun = []

    class Counted(Trajectory):
        def __init__(self, *arguments, **options):
            begun.append(self)
            super().__init__(*arguments, **options)

    monkeypatch.setattr("altune.simulation.execution.worker.Trajectory", Counted)
    one = Recipe(query_strategy="entropy", retrain="warm_start", model="logistic_regression")
    block = ENVIRONMENT.blocks("search", 1)[0]
    part, rest = WorkItem(one, block, ENVIRONMENT, until=10.0), WorkItem(one, block, ENVIRONMENT)
    with Player() as here:
        paused = here.play([part])[0]
        with Player(jobs=2) as elsewhere:
            gone_on_elsewhere = elsewhere.play([rest])[0]
        assert len(begun) == 1
        gone_on = here.play([rest])[0]
        assert len(begun) == 1, "the paused trajectory continues"
    with Player() as another:
        at_once = another.play([rest])[0]
    assert len(begun) == 2, "it was played from its start to its end"
    assert paused.stopped == "paused"
    assert 10 <= paused.labels[-1] < BUDGET
    for found in (gone_on, gone_on_elsewhere):
        np.testing.assert_array_equal(found.rows, at_once.rows)
        np.testing.assert_array_equal(found.scores["accuracy"], at_once.scores["accuracy"])
    np.testing.assert_array_equal(paused.scores["accuracy"], at_once.scores["accuracy"][: len(paused)])


def test_jobs_change_nothing_where_trials_are_given_up():
    space = {
        "initial_sample": {"method": "random", "size": {"low": 3, "high": 15}},
        "query_strategy": ["margin", "random"],
        "model": ["logistic_regression", {"method": "k_nearest_neighbours", "n_neighbors": 15}],
    }
    sizes = {"budget": BUDGET, "loops": 3, "n_trials": 20, "n_blocks": 5, "confirm": False, "portfolio": 0}
    spending = {"racing": 0.5, "rungs": (0.5,), "leader_blocks": 1}
    runs = [tune("iris", SearchSpace.from_dict(space), n_jobs=jobs, **sizes, **spending) for jobs in (1, 2)]
    plain = [json.dumps([trial.to_dict() for trial in run.trials]) for run in runs]
    assert plain[0] == plain[1]
    reasons = {trial.reason.split(" ")[0] for trial in runs[0].trials}
    assert {"at", "clearly"} <= reasons, "a run in which nothing is given up proves nothing"


@pytest.mark.parametrize("spending", [PLAIN, RACE, RUNG, LEAD], ids=["plain", "race", "rung", "lead"])
def test_an_objective_without_a_number_for_a_curve_fails_that_trial_alone(spending, monkeypatch):
    judge = judge_of([ENVIRONMENT], blocks=8, usual=5)
    usual = type(judge).block_values

    def block_values(judge, curves, name=None):
        if any(each.scores["accuracy"][0] == 0.25 for each in curves):
            raise WorkError("objective 'mine' returned nothing; it must return one number")
        return usual(judge, curves, name)

    monkeypatch.setattr(type(judge), "block_values", block_values)
    one, _ = evaluator({5: 0.25, 6: 0.9}, spending, judge)
    see_usual_trials(one)
    failed, worked = one.play([recipe(5), recipe(6)])
    assert failed.failure == Failure("objective 'mine' returned nothing; it must return one number")
    assert worked.failure is None
    assert worked.curves
