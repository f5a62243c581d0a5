"""The step from the rule: found where the response has a slope that families share, none where it has not."""

import numpy as np
import pytest

from altune.learning.response import LONGEST, Responses, StepFinder

GROUPS = np.repeat(np.arange(6), 4)


def responses(slopes, curvature=0.0, families=8, plays=120, noise=1.0, seed=0, scale=0.01):
    rng = np.random.default_rng(seed)
    listed = []
    for number in range(families):
        steps = rng.normal(size=(plays, len(GROUPS)))
        of_family = slopes(number, rng)
        direction = of_family / max(np.linalg.norm(of_family), 1e-9)
        x = steps @ direction
        signs = []
        for sign in (1.0, -1.0):
            mean = sign * steps @ of_family + 0.5 * curvature * x**2
            signs.append(scale * (mean + noise * rng.normal(size=plays)))
        listed.append(Responses(f"data{number}", f"family{number}", steps, *signs))
    return listed


def common(number, rng):
    return np.where(GROUPS == 1, 0.5, 0.0)


def test_a_slope_that_families_share_is_followed():
    step = StepFinder(responses(common), GROUPS).step()
    direction = step.vector / step.length
    assert direction @ common(0, None) > 0.95
    assert step.length == pytest.approx(LONGEST), "nothing bends the response, so the trust region ends the step"


def test_the_step_ends_where_the_response_bends_down():
    step = StepFinder(responses(common, curvature=-0.7), GROUPS).step()
    assert 0.5 < step.length < 2.5
    assert step.curvature < 0


@pytest.mark.parametrize("slopes", [lambda number, rng: np.zeros(24), lambda number, rng: 0.3 * rng.normal(size=24)])
def test_where_families_share_no_slope_the_table_hardly_moves(slopes):
    lengths = [StepFinder(responses(slopes, seed=seed), GROUPS).step().length for seed in range(8)]
    assert sum(length == 0 for length in lengths) >= 5


def test_a_family_that_is_left_out_has_no_influence():
    first, second = responses(common), responses(common, seed=3)
    mixed = [*first[:-1], second[-1]]
    one, two = (StepFinder(listed, GROUPS).step("family7") for listed in (first, mixed))
    assert one.vector.tolist() == two.vector.tolist()
    assert one.vector.tolist() != StepFinder(first, GROUPS).step().vector.tolist()


def test_data_sets_are_normalised_by_their_own_spread():
    first = responses(common)
    larger = [*first[:-1], Responses("data7", "family7", first[-1].steps, 50 * first[-1].plus, 50 * first[-1].minus)]
    one, two = (StepFinder(listed, GROUPS).step().vector for listed in (first, larger))
    np.testing.assert_allclose(one, two)


def test_policies_that_are_all_alike_give_no_step():
    steps = np.random.default_rng(0).normal(size=(20, 24))
    alike = [Responses(name, name, steps, np.zeros(20), np.zeros(20)) for name in "abc"]
    assert StepFinder(alike, GROUPS).step().length == 0
