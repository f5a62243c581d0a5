"""The noise of the means of few blocks."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.importance.explained import prepare
from altune.analysis.importance.knob_importance import knob_importance
from altune.analysis.importance.observations import Observation
from altune.analysis.importance.surrogate import covariance_of_trials
from tests.helpers.importance import FINITE, every, strategy_part

BLOCKS = 40


def played(blocks: int, seed: int = 0) -> tuple[list[Observation], np.ndarray]:
    """Return all recipes of a space on some blocks, and what the loop size and the strategy are worth on each.

    On each block every strategy is worth something else; the loop size is worth the same everywhere.
    """
    rng = np.random.default_rng(seed)
    params = every(FINITE)
    strategies = sorted({recipe["query_strategy"] for recipe in params})
    worth = dict(zip(strategies, rng.normal(scale=0.7, size=(len(strategies), blocks)), strict=True))
    values = [
        2.0 * (recipe["loop_size"] == "geometric") + worth[recipe["query_strategy"]] + 0.1 * rng.normal(size=blocks)
        for recipe in params
    ]
    trials = [Observation(recipe, float(v.mean()), tuple(v)) for recipe, v in zip(params, values, strict=True)]
    return trials, np.array([recipe["query_strategy"] for recipe in params])


def test_recipes_with_much_in_common_share_their_noise() -> None:
    trials, strategies = played(BLOCKS)
    study = prepare(trials, FINITE)
    assert study.blocks is not None
    noise = study.blocks.covariance(study.blocks.hyper) * study.scale**2
    centre = np.eye(len(trials)) - 1 / len(trials)
    alike = (strategies[:, None] == strategies[None, :]).astype(float)
    wanted = centre @ (0.7**2 * alike + 0.1**2 * np.eye(len(trials))) @ centre / BLOCKS
    modelled = centre @ noise @ centre
    assert np.trace(modelled) == pytest.approx(np.trace(wanted), rel=0.2)
    assert np.corrcoef(modelled.ravel(), wanted.ravel())[0, 1] > 0.98


def test_a_recipe_that_was_dropped_early_has_the_noise_of_its_blocks() -> None:
    trials, _ = played(6)
    short = [Observation(trials[0].params, float(np.mean(trials[0].values[:2])), trials[0].values[:2]), *trials[1:]]
    study = prepare(short, FINITE)
    assert study.blocks is not None
    noise = study.blocks.covariance(study.blocks.hyper)
    design = study.blocks.design
    per_block = study.blocks.scale * (
        covariance_of_trials(design, study.blocks.hyper) + design.noise_covariance(study.blocks.hyper)
    )
    assert noise[0, 0] == pytest.approx(per_block[0, 0] / 2)
    assert noise[0, 1] == pytest.approx(per_block[0, 1] / 6)
    assert noise[1, 1] == pytest.approx(per_block[1, 1] / 6)


def test_without_blocks_or_differences_between_them_there_is_no_block_noise() -> None:
    means = [Observation(params, strategy_part(params)) for params in every(FINITE)]
    assert prepare(means, FINITE).blocks is None
    alike = [Observation(params, strategy_part(params), (strategy_part(params),) * 3) for params in every(FINITE)]
    assert prepare(alike, FINITE).blocks is None


def test_what_differs_from_block_to_block_widens_the_interval_of_its_knob() -> None:
    """Over many blocks the strategy explains nothing; on five of them it always explains something."""
    trials, _ = played(5, seed=4)
    blind = [Observation(trial.params, trial.value) for trial in trials]
    share, blind_share = (knob_importance(some, FINITE)["query_strategy"] for some in (trials, blind))
    assert share.share < 0.8 * blind_share.share
    assert blind_share.matters
    assert not share.matters
    assert share.high - share.low > 3 * (blind_share.high - blind_share.low)
