"""Effects of methods and parameters."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.importance.effects import Effects
from altune.analysis.importance.explained import prepare
from altune.analysis.importance.observations import Observation
from altune.core.errors import RequestError
from tests.helpers.importance import MIXED, objective, search


def different(played: list[Observation]) -> set[str]:
    return {str(sorted(one.params.items())) for one in played}


@pytest.fixture(scope="module")
def effects() -> Effects:
    return Effects(prepare(search(MIXED, objective, 150, 0, noise=0.2)[1], MIXED))


def test_the_marginal_of_each_method(effects: Effects) -> None:
    marginals = {one.method: one for one in effects.methods("query_strategy")}
    for method, level in {"random": 0.0, "margin": 1.0, "density_weighted": 1.0}.items():
        assert marginals[method].low <= level + 1 / 4 <= marginals[method].high
        assert marginals[method].high - marginals[method].low < 0.4
    assert effects.methods("query_strategy")[-1].method == "random"
    assert sum(one.n_trials for one in marginals.values()) == len(different(search(MIXED, objective, 150, 0)[1]))


def test_the_curve_of_a_conditional_parameter(effects: Effects) -> None:
    curve = effects.curve("query_strategy.density_weighted.beta")
    truth = curve.at + 1 / 4
    assert np.mean((curve.low <= truth) & (truth <= curve.high)) > 0.9
    assert np.abs(curve.mean - truth).max() < 0.2
    assert len(curve.trial_at) == len(curve.trial_value) > 20


def test_the_surface_of_two_decisions(effects: Effects) -> None:
    surface = effects.surface("query_strategy", "loop_size.geometric.growth")
    assert surface.at_a == ("random", "margin", "density_weighted")
    growth = np.array(surface.at_b) - 0.5
    for row, level in zip(surface.mean, (0.0, 1.0, 1.0), strict=True):
        assert row == pytest.approx(level + growth + (level - 2 / 3) * (growth - 1 / 4), abs=0.3)
    assert surface.spread.shape == surface.mean.shape
    assert surface.spread.max() < 0.3


def test_effects_that_there_are_not(effects: Effects) -> None:
    with pytest.raises(RequestError, match="belong to one knob"):
        effects.surface("query_strategy", "query_strategy.density_weighted.beta")
    with pytest.raises(RequestError, match="is not a number"):
        effects.curve("query_strategy")
    with pytest.raises(RequestError, match="no open knob"):
        effects.methods("stopping")
    with pytest.raises(RequestError, match="no open decision"):
        effects.curve("query_strategy.density_weighted.bta")


def test_all_methods_in_one_table() -> None:
    played = search(MIXED, objective, 40, 0, noise=0.2)[1]
    frame = Effects(prepare(played, MIXED)).to_frame()
    assert list(frame["knob"].unique()) == list(MIXED.decisions)
    assert frame.groupby("knob")["n_trials"].sum().tolist() == [len(different(played))] * 3
    assert (frame["q10"] <= frame["q90"]).all()
