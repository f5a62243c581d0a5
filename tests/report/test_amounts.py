"""Amounts as text."""

from __future__ import annotations

import math

from altune.report import Amounts
from altune.simulation.objectives import Objective
from tests.helpers.figures import LABELS


def test_amounts_are_written_as_what_they_count() -> None:
    assert LABELS.signed_headline(-34.2) == "−34 labels"
    assert LABELS.signed_headline(2.25) == "+2.2 labels"
    assert LABELS.exact.text(119.0) == "119.0"
    assert Amounts().exact.text(0.91234) == "0.9123"
    assert Amounts().signed(-0.0001) == "+0.000"
    assert Amounts().interval(0.5, -math.inf, math.inf) == "0.500 (no interval)"
    money = Amounts.of(Objective("net_value", end=100, value=10.0))
    assert (money.text(843.236), money.headline(843.236), money.less_is_better) == ("843.24", "843", False)
    assert Amounts.of(Objective("deficiency", end=100)) == Amounts(3, "", less_is_better=True)
