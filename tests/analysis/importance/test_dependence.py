"""Shares where some combinations cannot be played."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.importance.dependence import draw_playable, playable
from altune.analysis.importance.encoding import encode_knobs
from altune.analysis.importance.knob_importance import knob_importance
from altune.analysis.importance.observations import Observation
from altune.analysis.importance.variance import exact_shares
from altune.core.needs import Capabilities
from altune.recipes.space import SearchSpace
from tests.helpers.importance import FINITE, Params, chances, every, strategy_part


def forbidding() -> SearchSpace:
    plain = FINITE.to_dict()
    return SearchSpace.from_dict(
        {**plain, "forbid": [{"query_strategy": "density_weighted", "retrain": ["warm_start", "reset_every"]}]}
    )


def test_shares_where_combinations_are_forbidden() -> None:
    space = forbidding()
    allowed = [space.check_draw(space.recipe_at(one), Capabilities(), one) is None for one in every(space)]
    params = [one for one, good in zip(every(space), allowed, strict=True) if good]

    def value(one: Params) -> float:
        return strategy_part(one) + (one["retrain"] == "reset") * 0.8

    values = np.array([value(one) for one in params])
    exact = exact_shares(params, values, chances(space)[allowed], list(space.decisions))
    result = knob_importance([Observation(one, value(one)) for one in params], space)
    assert result.dependent
    assert [result[knob].share for knob in space.decisions] == pytest.approx(exact.share, abs=0.03)
    assert [result[knob].main for knob in space.decisions] == pytest.approx(exact.main, abs=0.08)
    free = exact_shares(
        every(space), np.array([value(one) for one in every(space)]), chances(space), list(space.decisions)
    )
    assert np.abs(free.share - exact.share).max() > 0.05


def test_what_the_model_cannot_do_is_never_drawn() -> None:
    space = SearchSpace.from_dict(
        {"model": ["logistic_regression", "naive_bayes"], "retrain": ["reset", {"method": "warm_start", "on": "all"}]}
    )
    knobs = encode_knobs(space, [])
    facts = Capabilities()
    allowed = playable(space, knobs, [facts])
    drawn = draw_playable(knobs, allowed, 200, np.random.default_rng(0))
    for place in range(200):
        atoms = [knob.atoms[rows[place]] for knob, rows in zip(knobs, drawn, strict=True)]
        params = {path: value for atom in atoms for path, value in atom.items()}
        assert space.check_draw(space.recipe_at(params), facts, params) is None
    assert allowed.everything == all(
        space.check_draw(space.recipe_at(params), facts, params) is None for params in every(space)
    )
