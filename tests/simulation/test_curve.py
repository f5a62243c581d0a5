"""Learning curves: round trips, tables and bands."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altune.core.formats import CURVE_FORMAT
from altune.simulation.curve import LearningCurve, band, curves_frame, held_area, trapezoid_area
from tests.helpers.curves import curve, curves


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_trapezoid_is_numpys(scores):
    x = np.arange(1, len(scores) + 1)
    expected = np.trapezoid([0.3, *scores], np.arange(len(scores) + 1)) / len(scores)
    assert trapezoid_area(x, np.array(scores), 0.3, float(len(scores))) == pytest.approx(expected, abs=1e-12)


@given(curves(), st.integers(1, 99))
def test_held_areas_of_two_parts_add_up(one, cut):
    x, y, prior = one.labels, one.scores["accuracy"], one.prior["accuracy"]
    whole = held_area(x, y, prior, 100.0)
    parts = cut * held_area(x, y, prior, float(cut)) + (100 - cut) * held_area(x, y, prior, 100.0, float(cut))
    assert parts / 100 == pytest.approx(whole, abs=1e-12)


@given(curves())
def test_a_curve_reads_back_from_json_exactly(one):
    facts = tuple({"stop_kappa_1": 1 / 3 + number} for number in range(len(one)))
    one = curve(one.labels.tolist(), one.scores["accuracy"], one.prior["accuracy"], notes=facts)
    back = LearningCurve.from_dict(json.loads(json.dumps(one.to_dict())))
    assert back.to_dict() == one.to_dict()
    assert back.notes == one.notes
    for name in ("labels", "used", "cost", "loop_rows", "fit_seconds", "rows"):
        assert getattr(back, name).dtype == getattr(one, name).dtype
        np.testing.assert_array_equal(getattr(back, name), getattr(one, name))
    np.testing.assert_array_equal(back.scores["accuracy"], one.scores["accuracy"])


def test_a_curve_without_a_part_is_no_curve():
    plain = curve([2, 6], [0.5, 1.0]).to_dict()
    del plain["stopped"]
    with pytest.raises(KeyError):
        LearningCurve.from_dict(plain)


def test_row_scores_are_read_back_from_few_bytes() -> None:
    flags = np.random.default_rng(0).random((2, 401)) < 0.7
    plain = curve([2, 6], [0.5, 1.0], row_scores=flags).to_dict()
    assert len(json.dumps(plain["row_scores"])) < 401 * 2 / 4
    back = LearningCurve.from_dict(json.loads(json.dumps(plain)))
    assert back.row_scores is not None
    assert back.row_scores.dtype == bool
    np.testing.assert_array_equal(back.row_scores, flags)
    np.testing.assert_array_equal(back.first(1, "early").row_scores, flags[:1])
    without = curve([2, 6], [0.5, 1.0])
    assert "row_scores" not in without.to_dict()
    assert without.first(1, "early").row_scores is LearningCurve.from_dict(without.to_dict()).row_scores is None


def test_formats_up_to_the_current_one_are_read() -> None:
    plain = curve([2, 6], [0.5, 1.0], round_trips=np.array([1, 2])).to_dict()
    first = {"facts": plain["notes"], "rounds": plain["round_trips"]}
    first |= {name: value for name, value in plain.items() if name not in ("format", "notes", "round_trips")}
    assert LearningCurve.from_dict(first).to_dict() == plain
    with pytest.raises(ValueError, match=f"format {CURVE_FORMAT + 1}; this altune reads up to {CURVE_FORMAT}"):
        LearningCurve.from_dict(plain | {"format": CURVE_FORMAT + 1})


def test_the_current_score():
    one = curve([2, 6], [0.5, 1.0])
    assert one.at(np.array([0, 1, 2, 5, 6, 1000]), "accuracy").tolist() == [0.1, 0.1, 0.5, 0.5, 1.0, 1.0]
    assert len(one) == 2


def test_as_a_table():
    frame = curve(
        [2, 6], [0.5, 1.0], notes=({"stop_kappa_1": 0.5}, {"stop_kappa_1": 0.75, "audit_ran": 1.0})
    ).to_frame()
    assert frame["labels"].tolist() == [2, 6]
    assert frame["accuracy"].tolist() == [0.5, 1.0]
    assert frame["loop"].tolist() == [0, 1]
    assert frame["stop_kappa_1"].tolist() == [0.5, 0.75]
    assert frame["audit_ran"].isna().tolist() == [True, False]
    assert "stop_kappa_1" not in curve([2, 6], [0.5, 1.0]).to_frame()


def test_a_band_is_the_mean_of_the_current_scores():
    found = band([curve([2, 6], [0.5, 1.0]), curve([4], [0.9], prior=0.3)], "accuracy", 10)
    assert found.counts.tolist() == [0, 2, 4, 6, 10]
    np.testing.assert_allclose(found.mean, [0.2, 0.4, 0.7, 0.95, 0.95])
    np.testing.assert_allclose(found.low, [0.12, 0.32, 0.54, 0.91, 0.91])
    np.testing.assert_allclose(found.high, [0.28, 0.48, 0.86, 0.99, 0.99])
    assert found.counts.dtype == np.int64
    assert found.blocks == 2
    assert band([curve([2, 16], [0.5, 1.0])], "accuracy", 10).counts.tolist() == [0, 2, 10]


def test_many_curves_at_once_are_the_frames_of_each_one_below_the_other() -> None:
    alike = [
        curve([2, 6], [0.5, 1.0]),
        replace(curve([2, 4, 6], [0.1, 0.5, 1.0]), notes=({}, {"audit_ran": 1.0}, {})),
    ]
    keys = {"recipe": ["a", "b"], "block": [3, 4]}
    frames = [
        one.to_frame().assign(recipe=name, block=block) for one, name, block in zip(alike, *keys.values(), strict=True)
    ]
    found = curves_frame(alike, keys)
    assert list(found.columns[:3]) == ["recipe", "block", "loop"]
    pd.testing.assert_frame_equal(found, pd.concat(frames, ignore_index=True)[list(found.columns)])
    assert curves_frame([]).empty
