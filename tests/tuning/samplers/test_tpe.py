"""TPE draws what Optuna draws, and learns."""

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from altune.tuning.samplers import SamplerPlan
from tests.helpers.samplers import ask, new_memory, score, space_of


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
