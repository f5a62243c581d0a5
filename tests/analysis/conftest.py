"""Fixtures that are computed once for all tests of the analysis."""

from __future__ import annotations

import pytest

from altune.simulation.curve import LearningCurve
from tests.helpers.compared import play


@pytest.fixture(scope="session")
def played() -> dict[str, list[LearningCurve]]:
    return {name: [play(seed, name) for seed in range(10)] for name in ("margin", "random")}
