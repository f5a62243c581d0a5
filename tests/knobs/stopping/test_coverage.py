"""Stopping rules by coverage, by hand."""

from __future__ import annotations

from tests.helpers.stopping import rule, view


def test_no_novelty_is_the_share_within_reach():
    noted = rule("no_novelty", radius=1.0).note(view(nearest=[0.0, 0.5, 1.0, 3.0]))
    assert noted == {"stop_coverage": 0.75}
    assert rule("no_novelty", coverage=0.75).fires([noted])
    assert not rule("no_novelty").fires([noted])
    assert rule("no_novelty", coverage=1.0, radius=3.0).fires(
        [rule("no_novelty", coverage=1.0, radius=3.0).note(view(nearest=[0.0, 3.0]))]
    )
