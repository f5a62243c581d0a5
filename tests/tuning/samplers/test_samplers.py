"""Every sampler draws recipes that may be played, asks the same after any interruption, and refuses what it cannot."""

import zlib
from collections import Counter

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial
from scipy.stats.qmc import Sobol

from altune.core.errors import MissingExtraError, RequestError
from altune.core.needs import Capabilities
from altune.recipes.space import SearchSpace
from altune.tuning.samplers import SAMPLERS, SamplerPlan, check_sampler, check_suitable, choosing
from altune.tuning.samplers.startup import n_startup

FACTS = Capabilities(n_classes=10, n_features=64)
CONDITIONAL = {
    "initial_sample": [
        {"method": "random", "size": {"low": 5, "high": 60, "log": True}},
        {"method": "kmeans", "size": {"low": 5, "high": 60, "step": 5}},
    ],
    "query_strategy": ["margin", "entropy", {"method": "density_weighted", "beta": {"low": 0.1, "high": 2.0}}],
    "forbid": [{"initial_sample": "kmeans", "query_strategy": ["margin", "entropy"]}],
}
NUMBERS = {
    "initial_sample": {"method": "random", "size": {"low": 5, "high": 60}},
    "query_strategy": {"method": "density_weighted", "beta": {"low": 0.1, "high": 2.0}},
}
SMALL = {
    "initial_sample": [
        {"method": "random", "size": {"low": 5, "high": 20, "step": 5}},
        {"method": "kmeans", "size": 9},
    ],
    "query_strategy": ["margin", "entropy", "random"],
    "forbid": [{"initial_sample": "kmeans", "query_strategy": "random"}],
}
SPACES = {"cmaes": NUMBERS, "grid": SMALL}
TRIALS = {"gp": 13, "grid": 14}


def space_of(plain):
    return SearchSpace.load(plain).narrow(FACTS)[0] if isinstance(plain, str) else SearchSpace.from_dict(plain)


def playable_in(space):
    return lambda params: space.check_draw(space.recipe_at(params), FACTS, params) is None


def plan_of(name, plain, seed=0, **options):
    space = space_of(plain)
    return SamplerPlan(name, space, seed, options.pop("playable", playable_in(space)), **options)


def new_memory(n_objectives=1):
    return optuna.create_study(directions=["maximize"] * n_objectives)


def score(params):
    """Return a smooth function of the numbers, with a bonus for one strategy."""
    numbers = [value for value in params.values() if not isinstance(value, str)]
    near = -sum(abs(np.log1p(abs(value)) - 1.5) for value in numbers)
    return float(near + 2.0 * (params.get("query_strategy") == "density_weighted"))


def fate(number, params):
    """Return state and values of a trial: some are pruned, some fail while being played."""
    luck = zlib.crc32(repr((number, sorted(params.items()))).encode()) % 8
    if luck == 0:
        return TrialState.FAIL, None
    return (TrialState.PRUNED, score(params)) if luck == 1 else (TrialState.COMPLETE, score(params))


def ask(plan, memory):
    memory.sampler = plan.sampler(len(memory.get_trials(deepcopy=False)), memory)
    trial = memory.ask()
    plan.space.suggest(trial)
    return trial


def tell(memory, trial):
    state, value = fate(trial.number, trial.params)
    if state == TrialState.PRUNED:
        trial.report(value, 2)
    memory.tell(trial, value if state == TrialState.COMPLETE else None, state=state)


def search(plan, memory, n_trials, batch=4):
    """Go on until there are ``n_trials`` trials; every tenth draw is told as forbidden, as a search would."""
    while (done := len(memory.get_trials(deepcopy=False))) < n_trials:
        for trial in [ask(plan, memory) for _ in range(min(batch, n_trials - done))]:
            if trial.number % 10 == 9:
                memory.tell(trial, state=TrialState.FAIL)
            else:
                tell(memory, trial)
    return [trial.params for trial in memory.get_trials(deepcopy=False)]


def reopened(memory, n_trials):
    """Return an in-memory study with finished trials as a store gives them: no state of a sampler."""
    again = new_memory(len(memory.directions))
    for trial in memory.trials[:n_trials]:
        kept = {"params": trial.params, "distributions": trial.distributions}
        if trial.state == TrialState.PRUNED:
            kept["intermediate_values"] = trial.intermediate_values
        again.add_trial(create_trial(state=trial.state, values=trial.values, **kept))
    return again


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_seed_decides_every_draw(name):
    plain, n_trials = SPACES.get(name, CONDITIONAL), TRIALS.get(name, 24)
    first = search(plan_of(name, plain), new_memory(), n_trials)
    assert first == search(plan_of(name, plain), new_memory(), n_trials)
    assert first != search(plan_of(name, plain, seed=1), new_memory(), n_trials)


@pytest.mark.parametrize("name", SAMPLERS)
def test_draws_are_recipes_of_the_space_that_may_be_played(name):
    plan = plan_of(name, SPACES.get(name, CONDITIONAL))
    for params in search(plan, new_memory(), TRIALS.get(name, 24)):
        assert plan.playable(params)


@pytest.mark.parametrize("name", ["tpe", "random", "gp", "qmc", "grid"])
@pytest.mark.parametrize("cut", [4, 12])
def test_an_interrupted_search_goes_on_from_its_finished_trials(name, cut):
    plain, n_trials = SPACES.get(name, CONDITIONAL), TRIALS.get(name, 24)
    memory = new_memory()
    undisturbed = search(plan_of(name, plain), memory, n_trials)
    assert search(plan_of(name, plain), reopened(memory, min(cut, n_trials)), n_trials) == undisturbed


@pytest.mark.parametrize("name", ["cmaes", "nsga2", "nsga3"])
def test_samplers_with_a_state_are_replayed_from_the_start(name):
    """Their state is not in the stored trials: only asking again from number 0 brings it back."""
    plain = SPACES.get(name, CONDITIONAL)
    plan, memory = plan_of(name, plain), new_memory()
    assert plan.replayed
    undisturbed = search(plan, memory, 56)
    again = new_memory()
    search(plan_of(name, plain), again, 32)
    assert search(plan_of(name, plain), again, 56) == undisturbed
    assert search(plan_of(name, plain), reopened(memory, 32), 56) != undisturbed


@pytest.mark.parametrize("name", ["standard", "full"])
def test_the_first_trials_meet_every_alternative(name):
    plan, memory = plan_of("tpe", name), new_memory()
    search(plan, memory, int(1.3 * n_startup(plan.space)))
    for path, labels in plan.space.categorical_choices().items():
        if "." not in path:
            met = Counter(trial.params[path] for trial in memory.trials)
            assert set(met) == set(labels), path


def test_nested_decisions_are_met_in_turn():
    strategies = ["margin", "entropy", "least_confidence"]
    nested = {"query_strategy": {"method": "switch", "first": ["typiclust", "kcenter"], "then": strategies, "at": 0.3}}
    plan, memory = plan_of("tpe", nested), new_memory()
    search(plan, memory, 6)
    firsts = Counter(trial.params["query_strategy.switch.first"] for trial in memory.trials)
    thens = Counter(trial.params["query_strategy.switch.then"] for trial in memory.trials)
    assert firsts == {"typiclust": 3, "kcenter": 3}
    assert thens == {"margin": 2, "entropy": 2, "least_confidence": 2}


def test_an_alternative_that_never_works_keeps_no_other_from_being_met():
    strategies = {"query_strategy": ["margin", "entropy", "random", "least_confidence"]}
    plan = plan_of("tpe", strategies, playable=lambda params: params["query_strategy"] != "random")
    met = Counter(params["query_strategy"] for params in search(plan, new_memory(), 9))
    assert met == {"margin": 3, "entropy": 3, "least_confidence": 3}


@pytest.mark.parametrize("n_objectives", [1, 2])
@pytest.mark.parametrize("space_name", ["standard", "noisy_labels"])
def test_tpe_draws_what_optuna_draws(space_name, n_objectives):
    space = space_of(space_name)
    memory = new_memory(n_objectives)
    filler = SamplerPlan("random", space, 3, lambda params: True)
    for number in range(60):
        trial = ask(filler, memory)
        if number % 7 == 6 and n_objectives == 1:
            trial.report(score(trial.params), 1)
            memory.tell(trial, state=TrialState.PRUNED)
        elif number < 57:
            trial.set_constraint("price", float(number % 3) - 1.0)
            memory.tell(trial, [score(trial.params), float(number % 5)][:n_objectives])
    plan = SamplerPlan("tpe", space, 0, lambda params: True, n_objectives=n_objectives)
    for number in range(60, 66):
        seed = int(np.random.SeedSequence([0, number]).generate_state(1, np.uint32)[0])
        memory.sampler = optuna.samplers.TPESampler(seed=seed)
        theirs = memory.ask()
        space.suggest(theirs)
        memory.tell(theirs, state=TrialState.FAIL)
        memory.sampler = plan.sampler(number, memory)
        ours = memory.ask()
        space.suggest(ours)
        memory.tell(ours, state=TrialState.FAIL)
        assert ours.params == theirs.params


@pytest.mark.parametrize("name", ["tpe", "nsga2", "cmaes"])
def test_samplers_that_learn_beat_chance(name):
    plain = SPACES.get(name, CONDITIONAL)

    def late_mean(sampler):
        late = [search(plan_of(sampler, plain, seed), new_memory(), 60)[30:] for seed in range(2)]
        return np.mean([score(params) for draws in late for params in draws])

    assert late_mean(name) > late_mean("random") + 0.3


def test_constraints_keep_a_search_where_they_hold():
    def late_share(name):
        plan, memory = plan_of(name, CONDITIONAL, constraints=True), new_memory()
        for _ in range(80):
            trial = ask(plan, memory)
            trial.set_constraint("price", 1.0 if trial.params["query_strategy"] == "density_weighted" else -1.0)
            memory.tell(trial, score(trial.params))
        late = [trial.params["query_strategy"] for trial in memory.trials[40:]]
        return np.mean([strategy == "density_weighted" for strategy in late])

    chance = late_share("random")
    assert late_share("tpe") < chance / 2
    assert late_share("nsga2") < 0.8 * chance


def test_children_inherit_what_only_some_trials_have():
    plan, memory = plan_of("nsga2", NUMBERS | {"query_strategy": CONDITIONAL["query_strategy"]}), new_memory()
    path = "query_strategy.density_weighted.beta"
    betas = [params[path] for params in search(plan, memory, 60) if path in params]
    assert len(set(betas)) < 0.8 * len(betas)


@pytest.mark.parametrize("name", ["tpe", "nsga2", "nsga3"])
def test_several_objectives(name):
    plan, memory = plan_of(name, CONDITIONAL, n_objectives=2), new_memory(2)
    for _ in range(40):
        trial = ask(plan, memory)
        memory.tell(trial, [score(trial.params), -float(len(trial.params))])
    assert all(plan.playable(trial.params) for trial in memory.trials)


def test_qmc_takes_the_points_of_a_sobol_sequence():
    space = space_of({key: CONDITIONAL[key] for key in ("initial_sample", "query_strategy")})
    plan = SamplerPlan("qmc", space, 5, playable_in(space))
    points = Sobol(space.n_open, scramble=True, rng=np.random.default_rng(5)).random(16)
    expected = [space.params_at(dict(zip(space.open_paths, map(float, point), strict=True))) for point in points]
    assert search(plan, new_memory(), 16) == expected


def test_qmc_passes_over_points_that_may_not_be_played():
    free, forbidding = space_of({**CONDITIONAL, "forbid": []}), space_of(CONDITIONAL)
    every = search(SamplerPlan("qmc", free, 0, lambda params: True), new_memory(), 64)
    expected = [params for params in every if playable_in(forbidding)(params)][:20]
    assert search(plan_of("qmc", CONDITIONAL), new_memory(), 20) == expected


def test_grid_plays_each_combination_once():
    plan = plan_of("grid", SMALL)
    assert plan.most_trials == 14
    memory = new_memory()
    drawn = search(plan, memory, 14)
    every = [params for params in plan.space.grid() if plan.playable(params)]
    assert sorted(map(str, drawn)) == sorted(map(str, every))
    assert drawn != every
    with pytest.raises(RequestError, match="the grid has 14 combinations that may be played; all are asked for"):
        ask(plan, memory)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "grid"])
def test_only_a_grid_has_an_end(name):
    assert plan_of(name, SPACES.get(name, CONDITIONAL)).most_trials is None


@pytest.mark.parametrize("name", SAMPLERS)
def test_nothing_is_warned_of(name, recwarn):
    plan = plan_of(name, SPACES.get(name, CONDITIONAL))
    search(plan, new_memory(), 14)
    assert [str(warning.message) for warning in recwarn] == []


REFUSED = {
    "unknown": ("tpee", SMALL, {}, "no sampler 'tpee'; did you mean 'tpe'? Accepted: " + ", ".join(sorted(SAMPLERS))),
    "choices": (
        "cmaes",
        CONDITIONAL,
        {},
        "the sampler cmaes applies to spaces of numbers only; this one leaves initial_sample, query_strategy open; "
        "fix it, or use tpe",
    ),
    "one number": (
        "cmaes",
        {"initial_sample": NUMBERS["initial_sample"]},
        {},
        "the sampler cmaes needs two open numbers or more; this space has 1; use tpe",
    ),
    "objectives": (
        "cmaes",
        NUMBERS,
        {"n_objectives": 2},
        "the sampler cmaes has one objective, not 2; use nsga2, nsga3 or tpe",
    ),
    "constraints": (
        "cmaes",
        NUMBERS,
        {"constraints": True},
        "the sampler cmaes does not know constraints; use tpe, gp, nsga2 or nsga3",
    ),
    "endless": (
        "grid",
        NUMBERS,
        {},
        "the sampler grid applies to small spaces; this one has ranges without a step: "
        "query_strategy.density_weighted.beta; give them a step or choices, or use qmc",
    ),
    "large": (
        "grid",
        {"initial_sample": {"method": "random", "size": {"low": 1, "high": 20000}}},
        {},
        "the sampler grid applies to spaces of at most 10,000 combinations; this one has 20,000; open less, or use qmc",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_in_one_line(case):
    name, plain, options, line = REFUSED[case]
    with pytest.raises(RequestError) as refused:
        check_suitable(name, space_of(plain), **options)
    assert str(refused.value) == line


def test_a_gaussian_process_names_the_extra_it_needs(monkeypatch):
    monkeypatch.setattr(choosing, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"the sampler gp needs the extra 'gp': pip install 'altune\[gp\]'"):
        check_suitable("gp", space_of(CONDITIONAL))


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_listed_sampler_is_known(name):
    check_sampler(name)
