"""Importance of knobs: exact where it can be, and right on searches whose truth is known."""

from __future__ import annotations

import json

import numpy as np
import optuna
import pytest

from altune.analysis.importance.knob_importance import KnobImportance, knob_importance
from altune.analysis.importance.observations import Observation, observe
from altune.analysis.importance.optuna import optuna_importance
from altune.analysis.importance.variance import exact_shares
from altune.core.errors import RequestError, WorkError
from altune.recipes.space import SearchSpace
from tests.helpers.importance import FINITE, MIXED, Params, chances, every, objective, search, strategy_part

VARIANCES = np.array([1 / 3, 5 / 48, 5 / 144])
TRUTH = np.array([VARIANCES[0] + VARIANCES[2] / 2, VARIANCES[1] + VARIANCES[2] / 2, 0.0]) / VARIANCES.sum()


@pytest.fixture(scope="module")
def found() -> KnobImportance:
    return knob_importance(search(MIXED, objective, 120, 0, noise=0.3)[1], MIXED)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_known_shares_lie_in_the_intervals(sampler: str) -> None:
    names = ("query_strategy", "loop_size", "retrain")
    inside, errors = [], []
    for seed in range(6):
        result = knob_importance(search(MIXED, objective, 100, seed, noise=0.3, sampler=sampler)[1], MIXED)
        ours = [result[name] for name in names]
        inside += [one.low <= truth <= one.high for one, truth in zip(ours, TRUTH, strict=True)]
        errors += [abs(one.share - truth) for one, truth in zip(ours, TRUTH, strict=True)]
        assert [one.matters for one in ours] == [True, True, False]
    assert np.mean(inside) >= 0.88
    assert np.mean(errors) < 0.05


def test_every_recipe_without_noise_gives_the_exact_shares() -> None:
    def value(one: Params) -> float:
        return strategy_part(one) * (one["loop_size"] == "geometric") + 0.5 * (one["retrain"] == "reset")

    params = every(FINITE)
    exact = exact_shares(params, np.array([value(one) for one in params]), chances(FINITE), list(FINITE.decisions))
    result = knob_importance([Observation(one, value(one)) for one in params], FINITE)
    for name, place in zip(FINITE.decisions, range(3), strict=True):
        assert result[name].share == pytest.approx(exact.share[place], abs=0.01)
        assert result[name].main == pytest.approx(exact.main[place], abs=0.01)
        assert result[name].total == pytest.approx(exact.total[place], abs=0.01)
    assert np.abs(exact.share - exact.main / exact.main.sum()).max() > 0.03
    assert result.n_blocks == 0


def test_the_interaction_and_the_parameters_are_told_apart(found: KnobImportance) -> None:
    pair = found.interactions[0]
    assert {pair.a, pair.b} == {"query_strategy", "loop_size"}
    assert pair.low <= VARIANCES[2] / VARIANCES.sum() <= pair.high
    inside = {one.path: one for one in found.parameters}
    # Of the strategy's 1/3, beta's own spread where it is active is 1/3 · 1/3.
    beta = inside["query_strategy.density_weighted.beta"]
    assert beta.low <= 1 / 9 / VARIANCES.sum() <= beta.high
    method = inside["query_strategy"]
    assert method.low <= 2 / 9 / VARIANCES.sum() <= method.high


def test_the_spread_is_in_the_objectives_unit(found: KnobImportance) -> None:
    assert found.spread == pytest.approx(float(np.sqrt(VARIANCES.sum())), rel=0.15)
    assert found.r2 > 0.8
    assert sum(one.share for one in found.knobs) == pytest.approx(1.0)


@pytest.mark.slow
def test_a_search_that_stayed_in_a_good_region_is_corrected_for() -> None:
    _, played = search(MIXED, objective, 400, 5, noise=0.1)
    best = sorted(played, key=lambda one: -float(one.value or 0.0))[:60]
    mixed = [*best, *played[:40]]
    result = knob_importance(mixed, MIXED)
    ours = np.array([result[name].share for name in ("query_strategy", "loop_size", "retrain")])
    assert ours == pytest.approx(TRUTH, abs=0.06)


def test_noise_alone_is_warned_of() -> None:
    result = knob_importance(search(MIXED, lambda params: 0.0, 40, 0, noise=1.0)[1], MIXED)
    assert result.r2 < 0.3
    assert f"{result.n_trials} recipes are too few" in result.warning
    assert not any(one.matters for one in result.knobs)
    assert result.sentences()[0] == result.warning


def test_the_words(found: KnobImportance) -> None:
    said = found.sentences()
    assert said[0].startswith("The query strategy explains 7")
    assert "of the differences between recipes" in said[0]
    assert said[1] == "Retraining has no clear effect."
    assert found.warning == ""
    assert json.loads(json.dumps(found.to_dict()))["knobs"][0]["knob"] == "query_strategy"
    assert list(found.to_frame()["knob"]) == [one.knob for one in found.knobs]
    assert found.interaction_frame().loc["loop_size", "query_strategy"] == found.interactions[0].share


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers() -> None:
    played = search(MIXED, objective, 30, 0, noise=0.3)[1]
    assert knob_importance(played, MIXED, seed=4).to_dict() == knob_importance(played, MIXED, seed=4).to_dict()
    assert knob_importance(played, MIXED, seed=4) != knob_importance(played, MIXED, seed=5)


@pytest.mark.slow
def test_of_very_many_recipes_the_first_and_some_others_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    played = search(MIXED, objective, 150, 0, noise=0.1, sampler="tpe")[1]
    every_one = knob_importance(played, MIXED)
    monkeypatch.setattr("altune.analysis.importance.observations.MOST", 60)
    some = knob_importance(played, MIXED)
    assert (every_one.aside, some.n_trials, some.aside) == (0, 60, every_one.n_trials - 60)
    assert f"From 60 of {every_one.n_trials} recipes" in some.sentences()[-1]
    seen = observe(played)
    assert seen.params[:30] == observe(played[:30]).params[:30]
    assert list(seen.params) == [one for one in map(dict, seen.params) if one in [other.params for other in played]]
    for knob in some.knobs:
        assert knob.share == pytest.approx(every_one[knob.knob].share, abs=0.1)


@pytest.mark.parametrize(
    ("played", "problem"),
    [
        ([Observation({"retrain": "reset"}, 1.0)], "at least 5 different recipes"),
        ([Observation(params, 1.0) for params in every(FINITE)], "the same value"),
    ],
)
def test_nothing_to_explain(played: list[Observation], problem: str) -> None:
    with pytest.raises(WorkError, match=problem):
        knob_importance(played, FINITE)


def test_wrong_requests() -> None:
    closed = SearchSpace.from_dict({"query_strategy": "margin"})
    with pytest.raises(RequestError, match="nothing in the space is open"):
        knob_importance([], closed)
    with pytest.raises(RequestError, match="confidence"):
        knob_importance([], MIXED, confidence=1.0)
    with pytest.raises(RequestError, match="did you mean 'fanova'"):
        optuna_importance(optuna.create_study(), "fanov")


def test_a_real_run_explains_itself() -> None:
    import altune

    run = altune.tune("iris", FINITE, budget=30, loops=4, n_trials=12, n_blocks=2, confirm=False, seed=0)
    result = run.importance()
    assert knob_importance(run.trials, FINITE).to_dict() == result.to_dict()
    assert {one.knob for one in result.knobs} == set(FINITE.decisions)
    assert result.n_blocks == 2
    assert result.n_trials + result.repeated == 12
    assert set(optuna_importance(run.study, "ped_anova")) <= set(FINITE.decisions)
    marginals = run.effects().methods("query_strategy")
    assert {one.method for one in marginals} == {"random", "margin", "density_weighted"}
