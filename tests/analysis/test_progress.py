"""The pace of a search."""

from __future__ import annotations

import pytest

from altune.analysis.progress import pace


def test_the_pace_leaves_pauses_out() -> None:
    batches = [10.0 * batch + 0.01 * place for batch in range(12) for place in range(4)]
    paused = [time if time < 60 else time + 50_000 for time in batches]
    assert pace(batches) == pytest.approx(2.5, rel=0.15)
    assert pace(paused) == pytest.approx(2.5, rel=0.2)
    assert pace([3.0]) is None
