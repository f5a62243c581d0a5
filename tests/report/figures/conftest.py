"""Curves and trials for the tests of figures."""

from __future__ import annotations

import pytest

from tests.helpers.report_samples import Curves, example_curves, example_matched


@pytest.fixture(scope="session")
def curves() -> Curves:
    return example_curves()


@pytest.fixture(scope="session")
def matched() -> Curves:
    return example_matched()
