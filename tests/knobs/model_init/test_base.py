"""The seed of a start, and parameters outside of their ranges."""

from __future__ import annotations

import pytest

from altune.core.errors import FormatError
from altune.core.registry import parse_method
from altune.knobs.model_init import DefaultStart
from tests.helpers.training import SEARCH_STREAMS, Recorder, start


@pytest.mark.parametrize(
    ("knob", "wrong"),
    [
        ("model_init", {"method": "ensemble", "members": 1}),
        ("model_init", {"method": "class_prior", "smoothing": 0.0}),
        ("model_init", {"method": "pretrained", "rows": 5}),
        ("retrain", {"method": "shrink_perturb", "shrink": 1.1}),
        ("retrain", {"method": "shrink_perturb", "sigma": -0.1}),
        ("retrain", {"method": "reset_every", "loops": 1}),
        ("retrain", {"method": "reset_every", "on": "old"}),
    ],
)
def test_parameters_outside_of_their_ranges_are_refused(knob, wrong):
    with pytest.raises(FormatError):
        parse_method(knob, wrong)


@pytest.fixture
def recorder():
    Recorder.calls.clear()
    return Recorder()


def test_default_takes_a_new_seed_in_each_loop_or_one_for_all(recorder):
    for loop in (0, 1):
        start(DefaultStart(), recorder, 5, loop)
        start(DefaultStart(shared=True), recorder, 5, loop)
    seeds = [said[1][1] for said in recorder.calls]
    assert seeds[0] != seeds[2]
    assert seeds[1] == seeds[3]
    assert (seeds[0], seeds[2]) == (SEARCH_STREAMS.integer("model", 0), SEARCH_STREAMS.integer("model", 1))
