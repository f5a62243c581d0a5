"""The noise of the means of few blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from altune.analysis.importance.block_noise import block_contrasts
from altune.analysis.importance.explained import prepare
from altune.analysis.importance.knob_importance import knob_importance
from altune.analysis.importance.observations import Observation, observe
from altune.analysis.importance.surrogate import covariance_of_trials
from tests.helpers.importance import FINITE, MIXED, every, objective, search, strategy_part

BLOCKS = 40


@dataclass(frozen=True)
class Apart(Observation):
    """A recipe on blocks that are not the first ones."""

    positions: tuple[int, ...] = ()


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


def test_a_recipe_on_few_blocks_has_the_noise_of_these_blocks() -> None:
    trials, _ = played(6)
    short = [Observation(trials[0].params, float(np.mean(trials[0].values[:2])), trials[0].values[:2]), *trials[1:]]
    study = prepare(short, FINITE)
    assert study.blocks is not None
    noise = study.blocks.covariance(study.blocks.hyper, slope=0.0)
    design = study.blocks.design
    per_block = study.blocks.scale * (
        covariance_of_trials(design, study.blocks.hyper) + design.noise_covariance(study.blocks.hyper)
    )
    assert noise[0, 0] == pytest.approx(per_block[0, 0] / 2)
    assert noise[0, 1] == pytest.approx(per_block[0, 1] / 6)
    assert noise[1, 1] == pytest.approx(per_block[1, 1] / 6)


def test_recipes_without_a_block_in_common_share_no_noise() -> None:
    trials, _ = played(6)
    apart = [Apart(trial.params, None, trial.values[1:3], (1, 2)) for trial in trials[:1]]
    apart += [Apart(trial.params, None, trial.values[:1], (0,)) for trial in trials[1:3]]
    blocks = prepare([*apart, *trials[3:]], FINITE).blocks
    assert blocks is not None
    noise = blocks.covariance(blocks.hyper, slope=0.0)
    assert noise[0, 1] == 0
    design = blocks.design
    per_block = blocks.scale * (covariance_of_trials(design, blocks.hyper) + design.noise_covariance(blocks.hyper))
    assert noise[1, 2] == pytest.approx(per_block[1, 2])
    assert noise[0, 3] == pytest.approx(per_block[0, 3] * 2 / (2 * 6))


def by_merit(noise: float, seed: int) -> list[Observation]:
    """Return recipes on one block each, of which the best were played again, up to six times."""
    rng = np.random.default_rng(seed)
    params = list(observe(search(MIXED, objective, 100, seed)[1]).params)
    values = np.array([objective(recipe) for recipe in params])[:, None] + rng.normal(size=6)
    values += noise * rng.normal(size=values.shape)
    counts = np.ones(len(params), dtype=int)
    for _ in range(90):
        means = np.array([row[:count].mean() for row, count in zip(values, counts, strict=True)])
        counts[int(np.where(counts < 6, means, -np.inf).argmax())] += 1
    return [Observation(p, None, tuple(row[:count])) for p, row, count in zip(params, values, counts, strict=True)]


def test_the_noise_is_known_from_the_recipes_played_again() -> None:
    """Whoever was lucky on the first block was played again and did worse then, which is no noise."""
    study = prepare(by_merit(0.5, 0), MIXED)
    assert study.blocks is not None
    counts = study.observed.played.sum(axis=1)
    noise = np.diag(study.blocks.covariance(study.blocks.hyper, slope=0.0)) * study.scale**2
    assert np.nanmean(study.blocks.contrasts[:, 0]) > 0.2
    assert (counts == 1).sum() > 40
    assert (counts == 6).sum() > 8
    assert noise[counts == 1].mean() == pytest.approx(0.5**2, rel=0.35)
    assert noise[counts == 6].mean() == pytest.approx(0.5**2 / 6, rel=0.35)


def test_poor_recipes_may_be_noisier_than_those_whose_noise_is_known() -> None:
    blocks = prepare(by_merit(0.5, 0), MIXED).blocks
    assert blocks is not None
    plain = np.diag(blocks.covariance(blocks.hyper, slope=0.0))
    ratios = np.diag(blocks.covariance(blocks.hyper, slope=-2.0)) / plain
    assert ratios.max() / ratios.min() == pytest.approx(np.exp(2.0), rel=0.05)
    worst = int(blocks.ranks.argmin())
    assert ratios[worst] == ratios.max()
    drawn = [blocks.draw(blocks.hyper, np.random.default_rng(seed)) for seed in range(40)]
    assert len({round(draw[worst, worst] / draw[0, 0], 9) for draw in drawn}) == 40


def test_with_the_same_blocks_for_all_no_slope_is_drawn() -> None:
    blocks = prepare(played(5)[0], FINITE).blocks
    assert blocks is not None
    draws = [blocks.draw(blocks.hyper, np.random.default_rng(seed)) for seed in range(2)]
    assert draws[0] / draws[0][0, 0] == pytest.approx(draws[1] / draws[1][0, 0])
    assert draws[0] * np.random.default_rng(0).chisquare(4) / 4 == pytest.approx(blocks.covariance(blocks.hyper))


def test_shares_of_a_search_by_merit_are_those_that_are_true() -> None:
    result = knob_importance(by_merit(0.1, 1), MIXED)
    truth = np.array([1 / 3 + 5 / 288, 5 / 48 + 5 / 288, 0.0]) / (1 / 3 + 5 / 48 + 5 / 144)
    ours = [result[name] for name in ("query_strategy", "loop_size", "retrain")]
    assert [knob.share for knob in ours] == pytest.approx(truth, abs=0.1)
    assert all(knob.low <= share <= knob.high for knob, share in zip(ours, truth, strict=True))
    assert (result.fewest_blocks, result.n_blocks) == (1, 6)


def test_with_hardly_any_recipe_played_again_the_noise_is_that_of_the_fit() -> None:
    trials, _ = played(3)
    single = [Observation(trial.params, None, trial.values[:1]) for trial in trials[2:]]
    twice = [Observation(trial.params, None, trial.values[:2]) for trial in trials[:2]]
    study = prepare([*twice, *single], FINITE)
    assert study.blocks is None
    assert study.observed.noise.tolist() == [0.5, 0.5, *[1.0] * len(single)]


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


def test_contrasts_of_nested_blocks_are_those_of_helmert() -> None:
    from scipy.linalg import helmert

    deviations = np.random.default_rng(0).normal(size=(5, 4))
    played = np.arange(4) < np.array([4, 4, 3, 2, 1])[:, None]
    contrasts = block_contrasts(deviations, played)
    expected = deviations @ helmert(4).T
    assert contrasts[:2] == pytest.approx(expected[:2])
    assert contrasts[2, :2] == pytest.approx(expected[2, :2])
    assert np.isnan(contrasts[4]).all()


def test_the_noise_of_two_recipes_is_shared_on_their_common_blocks_alone() -> None:
    rng = np.random.default_rng(1)
    params = list(observe(search(MIXED, objective, 60, 0)[1]).params)
    values = np.array([objective(recipe) for recipe in params])[:, None] + 0.3 * rng.normal(size=(len(params), 5))
    trials = [
        Observation(p, None, tuple(row[list(on)]), on)
        for p, row, on in zip(params, values, [(0, 1), (2, 3), (1, 2, 4), (3,)] * len(params), strict=False)
    ]
    study = prepare(trials, MIXED)
    blocks = study.blocks
    assert blocks is not None
    covariance = blocks.covariance(blocks.hyper, slope=0.0)
    per_block = blocks.scale * (
        covariance_of_trials(blocks.design, blocks.hyper) + blocks.design.noise_covariance(blocks.hyper)
    )
    assert covariance[0, 1] == 0
    assert covariance[0, 2] == pytest.approx(per_block[0, 2] / 6)
    assert covariance[0, 0] == pytest.approx(per_block[0, 0] / 2)
