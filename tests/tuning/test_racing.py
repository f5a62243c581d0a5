"""Racing keeps its bound, learns how noisy differences are, and the envelope never lies below what was seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import polygamma

from altune.core.errors import RequestError
from altune.simulation.curve import LearningCurve, log_axis, trapezoid_area
from altune.simulation.trajectory import PAUSED
from altune.tuning.envelope import Envelope
from altune.tuning.racing import Noise, Racing, inverse_trigamma, paired_noise
from tests.helpers.stored_curves import BUDGET, curve


@pytest.mark.parametrize(
    "wrong", [{"racing": -0.1}, {"racing": 0.6}, {"rungs": (0.5, 0.3)}, {"rungs": (1.0,)}, {"leader_blocks": -1}]
)
def test_what_cannot_be_spent_is_refused(wrong):
    with pytest.raises(RequestError):
        Racing(**wrong)


@pytest.mark.parametrize(
    ("spending", "asked", "words"),
    [
        (Racing(racing=0.1), (4, ["aulc"], "labels", "mean"), "5 search blocks"),
        (Racing(racing=0.1), (5, ["aulc", "cost"], "labels", "mean"), "racing needs one objective"),
        (Racing(rungs=(0.5,)), (3, ["aulc"], "labels", "cvar:0.2"), "a rung needs one objective"),
        (Racing(leader_blocks=2), (3, ["aulc"], "labels", "cvar:0.2"), "a leader block needs"),
        (Racing(rungs=(0.5,)), (3, ["final_score"], "labels", "mean"), "rungs need an area over labels"),
        (Racing(rungs=(0.5,)), (3, ["aulc"], "cost", "mean"), "rungs need an area over labels"),
    ],
)
def test_what_does_not_go_together_is_refused(spending, asked, words):
    spending.check(5, ["aulc"], "labels", "mean")
    with pytest.raises(RequestError, match=words):
        spending.check(*asked)


@given(n_blocks=st.integers(2, 40), data_sets=st.integers(1, 4))
def test_looks_come_after_whole_rounds_and_leave_some_to_come(n_blocks, data_sets):
    looks = Racing(racing=0.1).looks(n_blocks, data_sets)
    assert looks == sorted(set(looks))
    assert 1 <= len(looks) <= 3
    assert all(look % data_sets == 0 and 0 < look < n_blocks * data_sets for look in looks)
    assert Racing().looks(n_blocks, data_sets) == []


def dropped(spending, values, known):
    looks = spending.looks(known.shape[1])
    return any(spending.loses_race(values[:look], known, len(looks)) for look in looks)


@pytest.mark.parametrize("blocks", [5, 10])
@pytest.mark.parametrize("uneven", [False, True])
def test_equally_good_trials_are_dropped_no_more_often_than_was_asked_for(blocks, uneven):
    """The best of forty is ahead of a newcomer on these blocks, by luck alone."""
    rng, racing, n = np.random.default_rng(blocks), 0.2, 1500
    wrong = 0
    for _ in range(n):
        spread = np.sqrt(6 / rng.chisquare(6, size=(41, 1))) if uneven else np.ones((41, 1))
        values = rng.normal(size=blocks) + 0.3 * spread * rng.normal(size=(41, blocks))
        wrong += dropped(Racing(racing=racing), values[0], values[1:])
    # three standard errors of a share above the bound
    assert wrong / n <= racing + 3 * np.sqrt(racing * (1 - racing) / n)
    # and racing does something
    assert wrong / n > racing / 5


def test_the_bound_is_over_all_looks_not_for_each():
    rng = np.random.default_rng(3)
    known, own = rng.normal(size=(40, 10)), rng.normal(size=(2000, 10))
    spending = Racing(racing=0.3)
    looks = spending.looks(10)
    first = np.mean([spending.loses_race(one[: looks[0]], known, len(looks)) for one in own])
    alone = np.mean([spending.loses_race(one[: looks[0]], known, 1) for one in own])
    assert first < alone / 2


def test_a_clearly_worse_trial_is_dropped_after_one_block_and_a_better_one_never():
    rng = np.random.default_rng(0)
    known = 0.7 + 0.01 * rng.normal(size=(20, 5))
    spending = Racing(racing=0.05)
    assert spending.loses_race(np.array([0.6]), known, 3)
    assert not spending.loses_race(known.max(axis=0)[:3], known, 3)
    assert not dropped(spending, known[7], known)


def test_the_rival_is_chosen_on_the_blocks_to_come():
    known = np.full((20, 5), 0.5) + 0.001 * np.random.default_rng(0).normal(size=(20, 5))
    known[3, :2] += 0.2  # lucky on the blocks played
    spending = Racing(racing=0.2)
    assert not spending.loses_race(np.array([0.6, 0.6]), known, 1)
    known[3, 2:] += 0.2  # good on the others too
    assert spending.loses_race(np.array([0.6, 0.6]), known, 1)


def test_nothing_is_dropped_before_enough_is_known_or_when_all_was_played():
    known = 0.7 + 0.01 * np.random.default_rng(0).normal(size=(20, 5))
    spending = Racing(racing=0.5)
    assert not spending.loses_race(np.array([0.1]), known[:7], 1)
    assert spending.loses_race(np.array([0.1]), known[:8], 1)
    assert not spending.loses_race(np.full(5, 0.1), known, 1)


def test_noise_is_that_of_differences_without_what_trials_and_blocks_have_of_their_own():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 1)) + rng.normal(size=6) + 0.1 * rng.normal(size=(400, 6))
    noise = paired_noise(values, 0)
    assert noise.variance == pytest.approx(2 * 0.1**2, rel=0.1)
    assert noise.freedom > 15  # all are alike: what is known of the others is known of a new one


@pytest.mark.parametrize("freedom", [4.0, 20.0])
def test_noise_that_differs_from_trial_to_trial_is_known_the_less(freedom):
    rng = np.random.default_rng(1)
    spread = 0.1 * np.sqrt(freedom / rng.chisquare(freedom, size=(3000, 1)))
    values = spread * rng.normal(size=(3000, 8))
    own = values.var(axis=1, ddof=1)
    usual = paired_noise(values, int(np.abs(own - 0.1**2).argmin()))
    assert usual.freedom == pytest.approx(freedom, rel=0.25)
    assert usual.variance == pytest.approx(2 * 0.1**2, rel=0.1)
    noisy = paired_noise(values, int(own.argmax()))
    assert noisy.variance == pytest.approx(0.1**2 + (freedom * 0.1**2 + 7 * own.max()) / (freedom + 7), rel=0.2)


def test_trials_without_noise():
    values = np.tile(np.linspace(0, 1, 9)[:, None], 5)
    noise = paired_noise(values, 0)
    assert noise.variance == pytest.approx(0.0, abs=1e-20)
    assert Noise(0.0, 4.0).chance(np.array([-0.1])) == 0.0
    assert Noise(0.0, 4.0).chance(np.array([0.0])) == 1.0


def test_the_moderated_test_lies_between_the_usual_ones():
    difference = np.array([-0.3, 0.1, -0.2, -0.1])
    usual = stats.ttest_1samp(difference, 0, alternative="less").pvalue
    assert Noise(1.0, 1e-9).chance(difference) == pytest.approx(usual)
    known = stats.norm.cdf(difference.mean() / np.sqrt(0.04 / 4))
    assert Noise(0.04, 1e12).chance(difference) == pytest.approx(known)
    by_hand = (5 * 0.04 + 3 * difference.var(ddof=1)) / 8
    expected = stats.t.cdf(difference.mean() / np.sqrt(by_hand / 4), 8)
    assert Noise(0.04, 5.0).chance(difference) == pytest.approx(expected)


@given(value=st.floats(1e-3, 1e3))
def test_the_inverse_of_the_trigamma_function(value):
    assert polygamma(1, inverse_trigamma(value)) == pytest.approx(value, rel=1e-6)


scores = st.floats(0, 1, width=32)


@st.composite
def curves(draw) -> LearningCurve:
    labels = sorted(draw(st.sets(st.integers(1, BUDGET), min_size=1, max_size=6)))
    return curve({count: draw(scores) for count in labels}, prior=draw(scores))


def in_hand(one: LearningCurve, count: int) -> float:
    """Return the score in hand at a label count, the slow way."""
    reached = [score for label, score in zip(one.labels, one.scores["accuracy"], strict=True) if label <= count]
    return reached[-1] if reached else one.prior["accuracy"]


@given(seen=st.lists(curves(), min_size=1, max_size=4), pausing=curves())
def test_the_rest_is_the_best_that_was_ever_seen(seen, pausing):
    envelope = Envelope([BUDGET], ["accuracy"])
    for one in seen:
        envelope.see([one])
    (found,) = envelope.completed([pausing.first(len(pausing), PAUSED)])
    last = int(pausing.labels[-1])
    for count in range(BUDGET + 1):
        known = in_hand(pausing, count)
        best = max(known, *(in_hand(one, count) for one in seen)) if count > last else known
        assert found.at(np.array([count]), "accuracy")[0] == best
    (ended,) = envelope.completed([pausing])
    assert ended is pausing


@given(seen=curves(), points=st.integers(1, 6))
def test_a_trial_like_the_best_is_completed_to_its_own_curve(seen, points):
    for joined in (None, "plain", "log"):
        envelope = Envelope([BUDGET], ["accuracy"], joined)
        envelope.see([seen])
        (found,) = envelope.expected([seen.first(points, PAUSED)], [seen])
        counts = np.arange(BUDGET + 1)
        if joined is None:
            np.testing.assert_allclose(found.at(counts, "accuracy"), seen.at(counts, "accuracy"), atol=1e-12)
        axis, end = (log_axis, np.log2(BUDGET)) if joined == "log" else (np.asarray, BUDGET)
        area = [trapezoid_area(axis(one.labels), one.scores["accuracy"], 0.0, end) for one in (found, seen)]
        assert joined is None or area[0] == pytest.approx(area[1])


def test_a_worse_trial_is_expected_to_stay_as_far_behind():
    envelope = Envelope([10], ["accuracy"])
    best = curve({2: 0.5, 6: 0.9})
    (found,) = envelope.expected([curve({2: 0.4}, stopped=PAUSED)], [best])
    np.testing.assert_allclose(found.at(np.array([0, 2, 5, 6, 10]), "accuracy"), [0.3, 0.4, 0.4, 0.8, 0.8])


def test_an_envelope_is_known_once_a_trial_was_seen():
    envelope = Envelope([10, 10], ["accuracy", "accuracy"])
    assert not envelope.known
    envelope.see([curve(0.5), curve(0.6)])
    assert envelope.known
