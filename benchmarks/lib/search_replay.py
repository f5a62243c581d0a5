"""One search in a world, and what the recipe is worth that is confirmed of its first trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import optuna
from lib.search_policies import Policy
from lib.search_worlds import CountedPlayer, Deal, World

from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.tuning.confirmation import ConfirmationBlocks, confirm
from altune.tuning.evaluation import Evaluator
from altune.tuning.judging import Judge
from altune.tuning.proposals import Proposer
from altune.tuning.ranking import best_recipes
from altune.tuning.samplers import SamplerPlan
from altune.tuning.search import Search
from altune.tuning.search_blocks import SearchBlock, SearchBlocks
from altune.tuning.trials import TrialRecord, record_of

AMONG = 5
BATCH = 4
MOST_TRIALS = 2000


@dataclass
class Replayed:
    """One search, as it stood after each trial.

    Attributes
    ----------
    trials : its trials in order.
    work : trajectories played after each of them.
    """

    trials: list[TrialRecord] = field(default_factory=list)
    work: list[float] = field(default_factory=list)

    def first(self, work: float) -> list[TrialRecord]:
        """Return the first trials, as many as took no more than so much work; one at least."""
        return self.trials[: max(1, int((np.array(self.work) <= work + 1e-9).sum()))]


@dataclass(frozen=True)
class Confirmed:
    """What is confirmed of a search.

    Attributes
    ----------
    value : mean value of the selected recipe on the report blocks.
    regret : how much better the best recipe of the world is there; None where nobody knows it.
    selecting : trajectories played to select it.
    """

    value: float
    regret: float | None
    selecting: float


def search(world: World, deal: Deal, policy: Policy, seed: int, work: float) -> Replayed:
    """Search until so much work is done."""
    player, found = CountedPlayer(world.player), Replayed()
    total = 0.0

    def note(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        # The trajectories of a trial are played when it is stored; those of later trials of its batch may be as well.
        nonlocal total
        record = record_of(trial)
        total += player.by_recipe.pop(record.recipe.digest(), 0.0) if record.recipe is not None else 0.0
        found.trials.append(record)
        found.work.append(total)

    evaluator = make_evaluator(world, deal, policy, player)
    Search(
        study=optuna.create_study(direction=world.environment.objective.direction),
        proposer=Proposer(
            world.space, [world.environment.capabilities], SamplerPlan("tpe", world.space, seed, lambda params: True)
        ),
        evaluator=evaluator,
        batch=BATCH,
        callbacks=(note,),
    ).run(MOST_TRIALS, out_of_time=lambda: player.work >= work)
    return found


def make_evaluator(world: World, deal: Deal, policy: Policy, player: CountedPlayer) -> Evaluator:
    """Return what plays and judges the recipes of a search."""
    rules = policy.rules()
    order = SearchBlocks((policy.n_blocks,), rules.leader_blocks)
    blocks = [SearchBlock(world.environment, block) for block in deal.search[: len(order)]]
    references = curves_or_raise(
        world.player.play([WorkItem(world.reference, block, environment) for environment, block in blocks])
    )
    return Evaluator(player, Judge([world.environment.scenario], order, references), blocks, rules)


def confirmed(world: World, deal: Deal, trials: Sequence[TrialRecord]) -> Confirmed:
    """Confirm the best recipes of some trials as altune does."""
    best = best_recipes(trials, AMONG, [world.environment.objective])
    player = CountedPlayer(world.player)
    blocks = ConfirmationBlocks(world.environment, deal.select, deal.report)
    (confirmation,) = confirm(player, best, {}, [blocks])
    objective = world.environment.objective
    values = np.array([objective(curve, curve) for curve in confirmation.recipe.curves])
    return Confirmed(
        value=float(values.mean()),
        regret=None if world.best is None else float((world.best(deal) - values).mean()),
        selecting=player.work - len(deal.report),
    )
