"""Every sampler draws recipes that may be played, and asks the same after any interruption."""

from importlib.util import find_spec

import numpy as np
import pytest
from optuna.trial import TrialState, create_trial

from altune.tuning.samplers import SAMPLERS
from tests.helpers.samplers import CONDITIONAL, NUMBERS, SMALL, ask, new_memory, plan_of, score, search

SPACES = {"cmaes": NUMBERS, "grid": SMALL}
TRIALS = {"gp": 13, "grid": 14}
NEEDS_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="the extra gp is not installed")
GP = pytest.param("gp", marks=NEEDS_TORCH)
DRAWING = [GP if name == "gp" else name for name in SAMPLERS]


def reopened(memory, n_trials):
    """Return an in-memory study with finished trials as a store gives them: no state of a sampler."""
    again = new_memory(len(memory.directions))
    for trial in memory.trials[:n_trials]:
        kept = {"params": trial.params, "distributions": trial.distributions}
        if trial.state == TrialState.PRUNED:
            kept["intermediate_values"] = trial.intermediate_values
        again.add_trial(create_trial(state=trial.state, values=trial.values, **kept))
    return again


@pytest.mark.parametrize("name", DRAWING)
def test_the_seed_decides_every_draw(name):
    plain, n_trials = SPACES.get(name, CONDITIONAL), TRIALS.get(name, 24)
    first = search(plan_of(name, plain), new_memory(), n_trials)
    assert first == search(plan_of(name, plain), new_memory(), n_trials)
    assert first != search(plan_of(name, plain, seed=1), new_memory(), n_trials)


@pytest.mark.parametrize("name", DRAWING)
def test_draws_are_recipes_of_the_space_that_may_be_played(name):
    plan = plan_of(name, SPACES.get(name, CONDITIONAL))
    for params in search(plan, new_memory(), TRIALS.get(name, 24)):
        assert plan.playable(params)


@pytest.mark.parametrize("name", ["tpe", "random", GP, "qmc", "grid"])
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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tpe", "nsga2", "cmaes"])
def test_samplers_that_learn_beat_chance(name):
    plain = SPACES.get(name, CONDITIONAL)

    def late_mean(sampler):
        late = [search(plan_of(sampler, plain, seed), new_memory(), 60)[30:] for seed in range(2)]
        return np.mean([score(params) for draws in late for params in draws])

    assert late_mean(name) > late_mean("random") + 0.3


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tpe", "nsga2", "nsga3"])
def test_several_objectives(name):
    plan, memory = plan_of(name, CONDITIONAL, n_objectives=2), new_memory(2)
    for _ in range(40):
        trial = ask(plan, memory)
        memory.tell(trial, [score(trial.params), -float(len(trial.params))])
    assert all(plan.playable(trial.params) for trial in memory.trials)


@pytest.mark.parametrize("name", [name for name in DRAWING if name != "grid"])
def test_only_a_grid_has_an_end(name):
    assert plan_of(name, SPACES.get(name, CONDITIONAL)).most_trials is None


@pytest.mark.parametrize("name", DRAWING)
def test_nothing_is_warned_of(name, recwarn):
    plan = plan_of(name, SPACES.get(name, CONDITIONAL))
    search(plan, new_memory(), 14)
    assert [str(warning.message) for warning in recwarn] == []
