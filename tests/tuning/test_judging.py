"""What a trial is worth on one data set and on several, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from altune.core.errors import RequestError
from altune.tuning.judging import Judge, check_several, normalized, parse_across
from altune.tuning.search_blocks import SearchBlocks
from tests.helpers.stored_curves import BUDGET, curve, judge_of, made_environment

PRIOR = 0.3


def area(score):
    """Return the area under a flat curve from the first label on."""
    return (PRIOR + (BUDGET - 1) * score) / BUDGET


def flat(*scores):
    return [curve(score) for score in scores]


def with_references(judge, scores):
    return Judge(judge.scenarios, judge.blocks, flat(*scores), judge.across)


# one data set -----------------------------------------------------------------------------------------------------


def test_one_data_set_is_the_plain_mean_of_the_objective():
    judge = judge_of([made_environment()], blocks=3, usual=3)
    assert judge.block_values(flat(0.5, 0.6, 0.8)) == pytest.approx([area(0.5), area(0.6), area(0.8)])
    assert judge.values(flat(0.5, 0.6, 0.8)) == pytest.approx((np.mean([area(0.5), area(0.6), area(0.8)]),))
    assert judge.directions == ("maximize",)
    assert not judge.several


def test_the_risk_stands_for_the_blocks_where_it_was_asked_for():
    judge = judge_of([made_environment(risk="cvar:0.5")], blocks=4, usual=4)
    assert judge.values(flat(0.9, 0.5, 0.8, 0.6)) == pytest.approx(((area(0.5) + area(0.6)) / 2,))


def test_several_objectives_each_have_their_mean():
    judge = judge_of([made_environment(objective=["aulc", "labels"])], blocks=2, usual=2)
    ended = [curve({1: 0.5, 10: 0.7}), curve({1: 0.5, 16: 0.7})]
    areas = [(PRIOR + 9 * 0.5 + 10 * 0.7) / BUDGET, (PRIOR + 15 * 0.5 + 4 * 0.7) / BUDGET]
    assert judge.values(ended) == pytest.approx((np.mean(areas), 13.0))
    assert judge.directions == ("maximize", "minimize")


def test_a_bound_is_broken_by_the_mean_over_blocks():
    judge = judge_of([made_environment(constraints=["labels <= 12", "final_score >= 0.8"])], blocks=2, usual=2)
    ended = [curve({1: 0.5, 10: 0.7}), curve({1: 0.5, 16: 0.7})]
    assert judge.constraints(ended) == pytest.approx({"labels <= 12": 1.0, "final_score >= 0.8": 0.1})
    assert judge.constraints([curve({1: 0.5, 10: 0.9})] * 2) == pytest.approx(
        {"labels <= 12": -2.0, "final_score >= 0.8": -0.1}
    )


# several data sets ------------------------------------------------------------------------------------------------


def two_data_sets(across="normalized", blocks=2, **changes):
    environments = [made_environment(**changes), made_environment(seed=1, **changes)]
    return with_references(judge_of(environments, blocks, blocks, across), [0.4, 0.8] * blocks)


def test_on_two_data_sets_random_sampling_is_0_and_a_perfect_model_1():
    judge = two_data_sets()
    usual, other = area(0.4), area(0.8)
    by_hand = [(area(0.7) - usual) / (1 - usual), (area(0.7) - other) / (1 - other)] * 2
    assert judge.block_values(flat(0.7, 0.7, 0.7, 0.7)) == pytest.approx(by_hand)
    assert judge.values(flat(0.7, 0.7, 0.7, 0.7)) == pytest.approx((np.mean(by_hand),))
    assert judge.values(flat(0.4, 0.8, 0.4, 0.8)) == pytest.approx((0.0,))


def test_each_data_set_counts_alike_however_many_blocks_it_has():
    whole = two_data_sets()
    judge = Judge(whole.scenarios, SearchBlocks((2, 1)), flat(0.4, 0.4, 0.4))
    values = judge.block_values(flat(0.5, 0.9, 0.7))
    assert judge.values(flat(0.5, 0.9, 0.7)) == pytest.approx((((values[0] + values[2]) / 2 + values[1]) / 2,))


def test_where_random_sampling_is_perfect_nothing_is_divided_by_zero():
    objective = made_environment(objective="final_score").objective
    assert normalized(objective, 0.9, curve(1.0)) == pytest.approx(-100.0)


def test_a_bound_is_that_of_the_data_set_that_breaks_it_most():
    judge = two_data_sets(constraints=["labels <= 12"])
    shorter, longer = curve({1: 0.5, 10: 0.7}), curve({1: 0.5, 16: 0.7})
    assert judge.constraints([shorter, longer, shorter, longer]) == pytest.approx({"labels <= 12": 4.0})


def test_ranks_are_of_each_data_set_apart():
    judge = two_data_sets("ranks", blocks=1)
    # best and worst on the first; on the second two share the best rank
    values = {4: np.array([0.9, 0.2]), 7: np.array([0.5, 0.6]), 9: np.array([0.1, 0.6])}
    assert judge.mean_ranks(values) == pytest.approx({4: (3 + 1) / 6, 7: (2 + 2.5) / 6, 9: (1 + 2.5) / 6})
    assert judge.mean_ranks({}) == {}


def test_where_less_is_better_less_ranks_higher():
    judge = two_data_sets("ranks", blocks=1, objective="labels_to_target")
    assert judge.mean_ranks({0: np.array([5.0, 5.0]), 1: np.array([9.0, 9.0])}) == {0: 1.0, 1: 0.5}


def test_what_cannot_be_averaged_over_data_sets_is_refused():
    scenario, several = made_environment().scenario, made_environment(objective=["aulc", "labels"]).scenario
    check_several(["iris"], several, "normalized")
    check_several(["iris", "wine"], scenario, "normalized")
    with pytest.raises(RequestError, match="share a name"):
        check_several(["iris", "iris"], scenario, "normalized")
    with pytest.raises(RequestError, match="several objectives"):
        check_several(["iris", "wine"], several, "ranks")
    endless = scenario.model_copy(update={"metric": "positive_likelihood_ratio"})
    check_several(["iris", "wine"], endless, "ranks")
    with pytest.raises(RequestError, match="positive_likelihood_ratio has no highest value"):
        check_several(["iris", "wine"], endless, "normalized")
    with pytest.raises(RequestError, match="across is 'medians'"):
        parse_across("medians")


# leaders ----------------------------------------------------------------------------------------------------------


def leaders_judge(references):
    return with_references(judge_of([made_environment()], blocks=5, usual=2), references)


def test_a_leader_is_worth_its_mean_gain_above_what_random_sampling_has_on_the_usual_blocks():
    judge = leaders_judge([0.5, 0.6, 0.3, 0.3, 0.3])
    gains = [area(0.9) - area(score) for score in (0.5, 0.6, 0.3, 0.3, 0.3)]
    expected = np.mean(gains) + (area(0.5) + area(0.6)) / 2
    assert judge.values(flat(*[0.9] * 5)) == pytest.approx((expected,))


def test_equal_gains_make_a_leader_worth_its_mean_on_the_usual_blocks():
    references = np.array([0.5, 0.6, 0.3, 0.35, 0.4])
    judge = leaders_judge(references)
    leader = flat(*(references + 0.2))
    assert judge.values(leader) == pytest.approx(judge.values(leader[:2]))


def test_on_average_over_blocks_a_leader_gains_and_loses_nothing_by_leading():
    """All ways to take two of the blocks as the usual ones stand for chance."""
    rng = np.random.default_rng(0)
    references, own = rng.uniform(0.3, 0.6, 5), rng.uniform(0.4, 0.9, 5)
    found = []
    for first in range(5):
        for second in set(range(5)) - {first}:
            order = [first, second, *sorted(set(range(5)) - {first, second})]
            found.append(leaders_judge(references[order]).values(flat(*own[order]))[0])
    assert np.std(found) > 0.01
    assert np.mean(found) == pytest.approx(np.mean([area(score) for score in own]))
