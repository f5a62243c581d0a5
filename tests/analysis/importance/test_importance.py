"""Importance of knobs: exact where it can be, and right on searches whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from altune.analysis.importance.dependence import draw_playable, playable
from altune.analysis.importance.effects import Effects, method_effects
from altune.analysis.importance.encoding import encode_knobs, part_of, weighted_atoms
from altune.analysis.importance.explained import prepare
from altune.analysis.importance.function_draws import draw_functions
from altune.analysis.importance.knob_importance import KnobImportance, knob_importance
from altune.analysis.importance.observations import Observation, observe
from altune.analysis.importance.optuna import optuna_importance
from altune.analysis.importance.surrogate import Hyperparameters, Prior, design_of, fit, negative_log_likelihood
from altune.analysis.importance.variance import exact_shares, shares_of_coalitions, shares_of_components
from altune.core.errors import RequestError, WorkError
from altune.core.needs import Capabilities
from altune.recipes.space import SearchSpace
from altune.recipes.space.given import GivenTrial
from tests.helpers.benchmark_scripts import load

optuna.logging.set_verbosity(optuna.logging.WARNING)

Params = dict[str, Any]

MIXED = SearchSpace.from_dict(
    {
        "query_strategy": ["random", "margin", {"method": "density_weighted", "beta": {"low": 0.0, "high": 2.0}}],
        "loop_size": ["constant", {"method": "geometric", "growth": {"low": 0.5, "high": 1.5}}],
        "retrain": ["reset", "warm_start"],
    }
)
"""A conditional parameter in each of two knobs, and a knob that the functions below leave out."""

FINITE = SearchSpace.from_dict(
    {
        "query_strategy": [
            "random",
            "margin",
            {"method": "density_weighted", "beta": {"choices": [0.5, 1.0, 2.0]}},
        ],
        "loop_size": ["constant", {"method": "geometric", "growth": 1.5}],
        "retrain": ["reset", "warm_start", {"method": "reset_every"}],
    }
)


grid_command = load("full_grid")


def strategy_part(params: Params) -> float:
    """0, 1, or evenly on [0, 2]: mean 2/3, variance 1/3."""
    return float(params.get("query_strategy.density_weighted.beta", params["query_strategy"] == "margin"))


def loop_part(params: Params) -> float:
    """0 or evenly on [0, 1]: mean 1/4, variance 5/48."""
    return float(params.get("loop_size.geometric.growth", 0.5)) - 0.5


def objective(params: Params) -> float:
    """Both parts and their product: the interaction has the variance 1/3 · 5/48, retraining has none."""
    a, b = strategy_part(params), loop_part(params)
    return a + b + (a - 2 / 3) * (b - 1 / 4)


VARIANCES = np.array([1 / 3, 5 / 48, 5 / 144])
TRUTH = np.array([VARIANCES[0] + VARIANCES[2] / 2, VARIANCES[1] + VARIANCES[2] / 2, 0.0]) / VARIANCES.sum()


def search(
    space: SearchSpace,
    function: Callable[[Params], float],
    n: int,
    seed: int,
    *,
    noise: float = 0.0,
    sampler: str = "random",
) -> tuple[optuna.Study, list[Observation]]:
    """Let Optuna search, each recipe played on five blocks."""
    kinds = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
    study = optuna.create_study(direction="maximize", sampler=kinds[sampler](seed=seed))
    rng = np.random.default_rng(seed)
    played = []
    for _ in range(n):
        trial = study.ask()
        space.suggest(trial)
        values = function(trial.params) + noise * rng.normal(size=5)
        study.tell(trial, float(values.mean()))
        played.append(Observation(dict(trial.params), float(values.mean()), tuple(values)))
    return study, played


def every(space: SearchSpace) -> list[Params]:
    """Return every recipe of a finite space."""
    return list(space.grid())


def different(played: list[Observation]) -> set[str]:
    return {str(sorted(one.params.items())) for one in played}


def chances(space: SearchSpace) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([grid_command.chance(space, params) for params in space.grid()])


# shares -----------------------------------------------------------------------------------------------------------


def test_shares_of_a_grid_by_hand() -> None:
    params = [{"model": a, "retrain": b} for a in "xy" for b in "uv"]
    shares = exact_shares(params, np.array([0.0, 0.0, 0.0, 1.0]), np.ones(4), ["model", "retrain"])
    assert shares.main == pytest.approx([1 / 3, 1 / 3])
    assert shares.pairs[0, 1] == pytest.approx(1 / 3)
    assert shares.total == pytest.approx([2 / 3, 2 / 3])
    assert shares.share == pytest.approx([0.5, 0.5])
    assert float(shares.variance) == pytest.approx(3 / 16)


def test_weights_count_as_chances() -> None:
    params = [{"model": a, "retrain": b} for a in "xy" for b in "uv"]
    shares = exact_shares(params, np.array([0.0, 1.0, 0.0, 1.0]), np.array([3.0, 1.0, 3.0, 1.0]), ["model", "retrain"])
    assert float(shares.variance) == pytest.approx(3 / 16)
    assert shares.share == pytest.approx([0.0, 1.0])


def test_components_and_coalitions_tell_the_same() -> None:
    components = {(0,): 4.0, (1,): 2.0, (2,): 0.0, (0, 1): 1.0, (0, 2): 0.5, (1, 2): 0.0, (0, 1, 2): 0.3}
    explained = {some: sum(v for other, v in components.items() if set(other) <= set(some)) for some in components}
    a = shares_of_components({some: np.array(v) for some, v in components.items()}, 3)
    b = shares_of_coalitions({some: np.array(v) for some, v in explained.items()}, 3)
    for name in ("share", "main", "total", "pairs"):
        assert getattr(a, name) == pytest.approx(getattr(b, name)), name
    assert a.share.sum() == pytest.approx(1.0)


# the encoding -----------------------------------------------------------------------------------------------------


def test_atoms_have_the_chances_of_the_spaces_own_draws() -> None:
    found = weighted_atoms(FINITE.decisions["query_strategy"], "query_strategy", np.random.default_rng(0))
    assert {str(sorted(atom.items(), key=str)): round(chance, 6) for atom, chance in found} == {
        "[('query_strategy', 'random')]": 0.333333,
        "[('query_strategy', 'margin')]": 0.333333,
        **{
            f"[('query_strategy', 'density_weighted'), ('query_strategy.density_weighted.beta', {beta})]": 0.111111
            for beta in (0.5, 1.0, 2.0)
        },
    }


@pytest.mark.parametrize("name", ["standard", "full"])
def test_every_atom_of_a_shipped_space_is_a_setting_of_its_knob(name: str) -> None:
    space = SearchSpace.load(name)
    for knob, decision in space.decisions.items():
        found = weighted_atoms(decision, knob, np.random.default_rng(0))
        assert sum(chance for _, chance in found) == pytest.approx(1.0)
        for atom, _ in found:
            trial = GivenTrial(atom)
            decision.suggest(trial, knob)
            trial.refuse_unasked()


def test_atoms_of_a_range_lie_as_random_draws_do() -> None:
    space = SearchSpace.load("standard")
    rng = np.random.default_rng(0)
    path = "initial_sample.kmeans.size"
    drawn = [params[path] for params in (space.random_params(rng) for _ in range(4000)) if path in params]
    found = weighted_atoms(space.decisions["initial_sample"], "initial_sample", rng)
    ours = np.repeat([atom[path] for atom, _ in found if path in atom], [1000 * c for a, c in found if path in a])
    ends = [np.log(np.quantile(some, [0.1, 0.5, 0.9])) for some in (ours, drawn)]
    assert ends[0] == pytest.approx(ends[1], abs=0.15)


def test_a_covariance_has_mean_0_and_trace_1_under_the_draws() -> None:
    _, played = search(MIXED, objective, 30, 0)
    for knob in encode_knobs(MIXED, [one.params for one in played]):
        for part in knob.parts:
            assert np.abs(knob.weights @ part.features).max() < 1e-6
            assert knob.weights @ (part.features**2).sum(axis=1) == pytest.approx(1.0, abs=1e-3)


def test_an_inactive_parameter_tells_nothing() -> None:
    knob = next(one for one in encode_knobs(MIXED, []) if one.knob == "query_strategy")
    own = next(part for part in knob.parts if part.kind == "own")
    inactive = [len(atom) == 1 for atom in knob.atoms]
    assert np.abs(own.features[inactive]).max() < 1e-6


# the surrogate ----------------------------------------------------------------------------------------------------


def test_the_slope_of_the_likelihood() -> None:
    _, played = search(MIXED, objective, 25, 1, noise=0.2)
    observed = observe(played)
    design = design_of(encode_knobs(MIXED, observed.params), observed.noise)
    start = Hyperparameters.start(design, Prior())
    slope = negative_log_likelihood(design, observed.y, start)[1]
    for place, step in enumerate(1e-5 * np.eye(len(slope))):
        ends = [
            negative_log_likelihood(design, observed.y, replace(start, logarithms=start.logarithms + sign * step))[0]
            for sign in (1, -1)
        ]
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(slope[place], abs=1e-5)


def test_components_of_a_drawn_function_are_its_exact_shares() -> None:
    _, played = search(FINITE, strategy_part, 40, 2, noise=0.3)
    study = prepare(played, FINITE)
    draws = draw_functions(study.fitted(), np.repeat(study.y[:, None], 3, axis=1), np.random.default_rng(0))
    shares = shares_of_components(draws.component_variances(), 3)
    params = every(FINITE)
    atoms = [np.array([knob.atoms.index(part_of(one, knob.knob)) for one in params]) for knob in study.knobs]
    values = draws.values(atoms)
    for draw in range(3):
        exact = exact_shares(params, values[:, draw], chances(FINITE), list(FINITE.decisions))
        assert shares.share[:, draw] == pytest.approx(exact.share, abs=1e-6)
        assert shares.pairs[:, :, draw] == pytest.approx(exact.pairs, abs=1e-6)
        assert shares.variance[draw] == pytest.approx(float(exact.variance))
    assert draws.means == pytest.approx(chances(FINITE) @ values)


def test_draws_spread_as_the_posterior_does() -> None:
    _, played = search(FINITE, strategy_part, 12, 3, noise=0.5)
    study = prepare(played, FINITE)
    draws = draw_functions(study.fitted(), np.repeat(study.y[:, None], 4000, axis=1), np.random.default_rng(0))
    at_trials = draws.values([knob.rows for knob in study.knobs])
    surrogate = study.fitted()
    K = surrogate.covariance([knob.rows for knob in study.knobs]) + 10.0
    expected = K - K @ surrogate.solve(K)
    assert np.cov(at_trials) == pytest.approx(expected, abs=4e-2 * np.abs(expected).max())
    assert at_trials.mean(axis=1) == pytest.approx(K @ surrogate.solve(study.y), abs=0.05)


# searches with a known truth --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found() -> KnobImportance:
    return knob_importance(search(MIXED, objective, 120, 0, noise=0.3)[1], MIXED)


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
    assert "of what was gained or lost" in said[0]
    assert said[1] == "Retraining is not told apart from noise."
    assert found.warning == ""
    assert json.loads(json.dumps(found.to_dict()))["knobs"][0]["knob"] == "query_strategy"
    assert list(found.to_frame()["knob"]) == [one.knob for one in found.knobs]
    assert found.interaction_frame().loc["loop_size", "query_strategy"] == found.interactions[0].share


def test_the_same_seed_gives_the_same_numbers() -> None:
    played = search(MIXED, objective, 30, 0, noise=0.3)[1]
    assert knob_importance(played, MIXED, seed=4).to_dict() == knob_importance(played, MIXED, seed=4).to_dict()
    assert knob_importance(played, MIXED, seed=4) != knob_importance(played, MIXED, seed=5)


# what is counted --------------------------------------------------------------------------------------------------


def test_failed_and_repeated_trials() -> None:
    played = search(FINITE, strategy_part, 10, 0)[1]
    failed = Observation(played[0].params, None)
    seen = observe([*played, failed, played[0]])
    assert seen.left_out == 1
    assert len(seen) + seen.repeated == 11
    assert seen.noise == pytest.approx(np.ones(len(seen)))


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


def test_a_dropped_recipe_is_compared_on_the_blocks_it_met() -> None:
    effect = np.array([0.0, 1.0, 5.0])
    labels = ["random", "margin", "entropy", "kcenter", "badge"]
    whole = [Observation({"query_strategy": x}, None, tuple(place + effect)) for place, x in enumerate(labels)]
    dropped = Observation({"query_strategy": "kmeans"}, None, (7.0, 8.0))
    seen = observe([*whole, dropped])
    assert seen.y == pytest.approx([2.0, 3.0, 4.0, 5.0, 6.0, 9.0])
    assert seen.noise == pytest.approx([1, 1, 1, 1, 1, 1.5])


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
    with pytest.raises(RequestError, match="nothing open"):
        knob_importance([], closed)
    with pytest.raises(RequestError, match="confidence"):
        knob_importance([], MIXED, confidence=1.0)
    with pytest.raises(RequestError, match="did you mean 'fanova'"):
        optuna_importance(optuna.create_study(), "fanov")


# forbidden combinations -------------------------------------------------------------------------------------------


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


# beside Optuna's --------------------------------------------------------------------------------------------------


def test_optunas_evaluators_are_added_up_by_knob() -> None:
    study = search(MIXED, objective, 60, 0)[0]
    for evaluator in ("fanova", "ped_anova", "mean_decrease_impurity"):
        knobs = optuna_importance(study, evaluator)
        assert set(knobs) == set(MIXED.decisions)
        assert sum(knobs.values()) == pytest.approx(1.0)
        assert list(knobs.values()) == sorted(knobs.values(), reverse=True)


# effects ----------------------------------------------------------------------------------------------------------


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
    with pytest.raises(RequestError, match="is no number"):
        effects.curve("query_strategy")
    with pytest.raises(RequestError, match="no open knob"):
        effects.methods("stopping")
    with pytest.raises(RequestError, match="leaves no"):
        effects.curve("query_strategy.density_weighted.bta")


def test_all_methods_in_one_table() -> None:
    played = search(MIXED, objective, 40, 0, noise=0.2)[1]
    frame = method_effects(played, MIXED)
    assert list(frame["knob"].unique()) == list(MIXED.decisions)
    assert frame.groupby("knob")["n_trials"].sum().tolist() == [len(different(played))] * 3
    assert (frame["q10"] <= frame["q90"]).all()


# a real run -------------------------------------------------------------------------------------------------------


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


def test_a_run_fits_the_surrogate_once_for_the_same_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    import altune

    fitted = []
    monkeypatch.setattr(
        "altune.analysis.importance.explained.fit", lambda *given: fitted.append(threads()) or fit(*given)
    )
    options = {"budget": 30, "loops": 4, "n_blocks": 2, "confirm": False, "seed": 0}
    run = altune.tune("iris", FINITE, n_trials=12, **options)
    with threadpool_limits(limits=2):
        effects, again = run.effects(), run.effects()
        assert len(fitted) == 1
        run.effects(seed=1)
        assert len(fitted) == 2
        assert threads() == {2}
    assert fitted == [{1}, {1}]
    for one, other in zip(effects.methods("query_strategy"), again.methods("query_strategy"), strict=True):
        assert one == other


def threads() -> set[int]:
    """Return how many threads linear algebra has now."""
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


# the full grid ----------------------------------------------------------------------------------------------------


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    space = {
        "initial_sample": [{"method": "random", "size": {"choices": [6, 12]}}, {"method": "kmeans", "size": 6}],
        "query_strategy": ["random", "margin"],
        "retrain": ["reset", "warm_start"],
    }
    for name, value in {"SPACE": space, "BUDGET": 30, "LOOPS": 4}.items():
        monkeypatch.setattr(grid_command, name, value)


def test_the_grid_is_played_stored_and_gone_on_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch)
    arguments = ["--data", "iris", "--out", str(tmp_path)]
    assert grid_command.main([*arguments, "--blocks", "1"]) == 0
    first = (tmp_path / "iris" / "block_000.npz").read_bytes()
    assert grid_command.main([*arguments, "--blocks", "2"]) == 0
    assert (tmp_path / "iris" / "block_000.npz").read_bytes() == first
    assert capsys.readouterr().err.count("block") == 2

    grid = grid_command.load_grid(tmp_path, "iris")
    assert grid.values.shape == (12, 2)
    assert grid.weights.sum() == pytest.approx(1.0)
    assert sorted(set(np.round(grid.weights, 6))) == [0.0625, 0.125]
    environment = grid_command.the_environment("iris")
    for place in (0, 11):
        curve = grid_command.curve_of(grid, place, 1)
        assert environment.objective(curve) == pytest.approx(grid.values[place, 1], abs=1e-6)
        assert grid.space.params_of(grid.recipe(place)) == grid.params[place]


def test_another_grid_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch)
    arguments = ["--data", "iris", "--out", str(tmp_path), "--blocks", "1"]
    grid_command.open_folder(tmp_path / "iris", grid_command.the_environment("iris"), [{"retrain": "reset"}])
    assert grid_command.main(arguments) == 2
    assert "another grid" in capsys.readouterr().err
    with pytest.raises(RequestError, match="does not hold 1 blocks of wine"):
        grid_command.load_grid(tmp_path, "wine")


def test_the_benchmark_compares_with_the_grids_own_shares() -> None:
    table = load("importance")
    params = every(FINITE)
    values = np.array([[strategy_part(one) + loop_part(one) + block for block in range(6)] for one in params])
    nothing = np.zeros((len(params), 6, 1))
    grid = grid_command.Grid(
        "made", FINITE, params, chances(FINITE), values, nothing, nothing, nothing[0, :, 0], 100, 25, 50
    )
    truth = exact_shares(params, values.mean(axis=1), grid.weights, list(FINITE.decisions))
    lines = table.repetition(grid, truth, "random", 0, 60, 3)
    errors = {line["method"]: line["error"] for line in lines}
    assert errors["all recipes"] == pytest.approx(0.0, abs=1e-9)
    assert errors["altune"] < 0.005 < errors["fanova"]
    rows = table.summary(lines)
    assert table.closest(rows)
    assert not table.closest([{**row, "error": 1.0} if row["method"] == "altune" else row for row in rows])
