"""The noise of the means of few blocks."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.importance.block_noise import generalised_means
from altune.analysis.importance.explained import prepare
from altune.analysis.importance.knob_importance import knob_importance
from altune.analysis.importance.observations import Observation, observe
from altune.analysis.importance.surrogate import covariance_of_trials
from tests.helpers.importance import FINITE, MIXED, every, objective, search, strategy_part

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
    noise = study.blocks.means(study.blocks.hyper)[1] * study.scale**2
    centre = np.eye(len(trials)) - 1 / len(trials)
    alike = (strategies[:, None] == strategies[None, :]).astype(float)
    wanted = centre @ (0.7**2 * alike + 0.1**2 * np.eye(len(trials))) @ centre / BLOCKS
    modelled = centre @ noise @ centre
    assert np.trace(modelled) == pytest.approx(np.trace(wanted), rel=0.2)
    assert np.corrcoef(modelled.ravel(), wanted.ravel())[0, 1] > 0.98


def cells(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the recipe and the block of each play."""
    played = [(recipe, block) for recipe, count in enumerate(counts) for block in range(count)]
    return tuple(np.array(played).T)  # type: ignore[return-value]


def test_means_over_unequal_blocks_are_those_of_generalised_least_squares() -> None:
    """Effects of recipes and of blocks are free numbers, written as one regression over all plays."""
    rng = np.random.default_rng(3)
    counts = np.array([1, 1, 1, 2, 2, 4, 4])
    root = rng.normal(size=(7, 7))
    per_block = root @ root.T + np.eye(7)
    values = rng.normal(size=(7, 4))
    recipe, block = cells(counts)
    covariance = per_block[np.ix_(recipe, recipe)] * (block[:, None] == block[None, :])
    X = np.hstack([np.eye(7)[recipe], np.eye(4)[block][:, 1:]])
    inverse = np.linalg.inv(covariance)
    uncertain = np.linalg.inv(X.T @ inverse @ X)
    wanted = uncertain @ X.T @ inverse @ values[recipe, block]
    means, noise = generalised_means(values, counts, per_block)
    differences = np.eye(7) - 1 / 7
    assert differences @ means == pytest.approx(differences @ wanted[:7])
    assert differences @ noise @ differences == pytest.approx(differences @ uncertain[:7, :7] @ differences)


def test_means_over_the_same_blocks_are_plain_means() -> None:
    values = np.random.default_rng(0).normal(size=(6, 3))
    means, noise = generalised_means(values, np.full(6, 3), np.eye(6) + 0.5)
    assert means == pytest.approx(values.mean(axis=1))
    assert noise == pytest.approx((np.eye(6) + 0.5) / 3)


def test_a_block_on_which_everyone_is_better_does_not_change_the_means() -> None:
    values = np.random.default_rng(0).normal(size=(6, 3))
    counts = np.array([1, 1, 2, 2, 3, 3])
    easier = values + np.array([0.0, 5.0, -2.0])
    means, shifted = (generalised_means(some, counts, np.eye(6))[0] for some in (values, easier))
    assert shifted - shifted.mean() == pytest.approx(means - means.mean())


def test_what_a_block_does_to_a_strategy_is_learned_from_the_recipes_played_again() -> None:
    """Two thirds of the recipes have a single block, on which strategies are worth something else than on average."""
    trials, _ = played(8, seed=3)
    counts = np.where(np.arange(len(trials)) % 3 == 0, 8, 1)
    short = [Observation(t.params, None, t.values[:count]) for t, count in zip(trials, counts, strict=True)]
    study = prepare(short, FINITE)
    whole = np.array([np.mean(trial.values) for trial in trials])
    single = np.array([trial.values[0] for trial in trials])[counts == 1]
    found = (study.y[:, 0] * study.scale + study.centre)[counts == 1]

    def error(values: np.ndarray) -> float:
        gap = values - whole[counts == 1]
        return float(np.std(gap))

    assert error(found) < 0.4 * error(single)


def test_the_luck_of_those_played_again_is_no_noise() -> None:
    """Who does well on the first block is played again, and does worse on the next ones on average."""
    rng = np.random.default_rng(5)
    params = [recipe for recipe in observe(search(MIXED, objective, 100, 0)[1]).params]
    values = np.array([objective(recipe) for recipe in params])[:, None] + 0.5 * rng.normal(size=(len(params), 6))
    counts = np.ones(len(params), dtype=int)
    for _ in range(90):
        means = np.array([row[:count].mean() for row, count in zip(values, counts, strict=True)])
        counts[int(np.where(counts < 6, means, -np.inf).argmax())] += 1
    trials = [Observation(p, None, tuple(row[:count])) for p, row, count in zip(params, values, counts, strict=True)]
    study = prepare(trials, MIXED)
    assert study.blocks is not None
    assert np.nanmean(study.blocks.contrasts[:, 0]) > 0.3
    noise = np.diag(study.blocks.means(study.blocks.hyper)[1]) * study.scale**2
    assert noise[counts == 1].mean() == pytest.approx(0.5**2, rel=0.35)
    assert noise[counts == counts.max()].mean() < 0.4 * noise[counts == 1].mean()


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
