"""The numbers of an ablation path made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.ablation import path_gains
from tests.helpers.ablation import by_hand


def test_numbers_of_a_path_made_by_hand() -> None:
    found = by_hand()
    first, second = found.steps
    assert first.gains == pytest.approx([0.10, 0.11, 0.09, 0.10, 0.10])
    assert first.difference.mean == pytest.approx(0.10)
    # s = 0.00707, corrected for blocks that share rows: s·√(1/5 + 10/30) = 0.00516, t(4) = 2.776
    assert first.difference.low == pytest.approx(0.10 - 0.01434, abs=1e-4)
    assert first.is_clear
    assert second.gains == pytest.approx([0.01, -0.01, 0.01, -0.01, 0.0])
    assert not second.is_clear
    assert first.difference.p_holm == pytest.approx(2 * first.difference.p)
    assert second.difference.p_holm == pytest.approx(second.difference.p)
    assert found.whole.mean == pytest.approx(0.10)
    assert (found.start.mean, first.mean, found.end.mean) == pytest.approx((0.65, 0.75, 0.75))
    kept, *impossible = found.without
    assert kept.difference is not None
    assert kept.difference.mean == pytest.approx(0.10)
    assert [(one.difference, one.reason) for one in impossible] == [(None, "no"), (None, "no")]
    assert second.knobs == ("loop_size", "model")


def test_a_sentence_tells_the_clear_steps() -> None:
    said = by_hand().sentence
    assert said.startswith("From vanilla to the recipe (+0.100 [")
    assert "margin +0.100 [+0.082, +0.118]; no other change made a clear difference by itself." in said
    assert "less is better" not in said


def test_telescoping_of_any_values() -> None:
    values = np.random.default_rng(0).normal(size=(6, 9))
    assert path_gains(list(values)).sum(axis=0) == pytest.approx(values[-1] - values[0])
