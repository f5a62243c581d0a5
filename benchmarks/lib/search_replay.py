"""One search in a problem, and what the recipe is worth that is confirmed of its first trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import optuna

from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.tuning.confirmation import confirm
from altune.tuning.evaluation import Evaluator
from altune.tuning.judging import Judge
from altune.tuning.merit import BASELINE_BLOCKS, Standing, merged_trials
from altune.tuning.played import ConfirmationBlocks
from altune.tuning.proposals import Proposer
from altune.tuning.ranking import best_recipes
from altune.tuning.samplers import SamplerPlan
from altune.tuning.search import Search
from altune.tuning.search_blocks import SearchBlock
from altune.tuning.selection import Prior
from altune.tuning.trials import TrialRecord, record_of
from lib.search_policies import Policy
from lib.search_problems import CountedPlayer, Deal, Problem

AMONG = 5
BATCH = 4
MOST_TRIALS = 2000


@dataclass(frozen=True)
class Stand:
    """How a search stood after some of its trials.

    Attributes
    ----------
    trials : the trials, without plays again.
    standing : what the recipes were worth then, None on fixed blocks.
    """

    trials: Sequence[TrialRecord]
    standing: Standing | None = None

    def prior(self, best: Sequence[TrialRecord]) -> Prior | None:
        """Return what the search knew of some trials, None on fixed blocks."""
        if self.standing is None:
            return None
        model = self.standing.model
        rows = {trial.number: self.standing.rows[trial.recipe.digest()] for trial in best if trial.recipe is not None}
        means, variances = (
            {number: float(values[row]) for number, row in rows.items()} for values in (model.mean, model.variance)
        )
        return Prior(means, variances, model.noise)


@dataclass
class Replayed:
    """One search, as it stood after each trial.

    Attributes
    ----------
    baselines : value of each baseline on its search blocks, by name.
    sign : 1 if a higher value is better, −1 if a lower one is.
    by_merit : whether recipes got blocks by merit.
    records : its trials and plays again, in order.
    work : trajectories played after each of them.
    """

    baselines: Mapping[str, Sequence[float]]
    sign: float
    by_merit: bool
    records: list[TrialRecord] = field(default_factory=list)
    work: list[float] = field(default_factory=list)

    def first(self, work: float) -> Stand:
        """Return how it stood when no more than so much work was done; after one trial at least."""
        records = self.records[: max(1, int((np.array(self.work) <= work + 1e-9).sum()))]
        return Stand(*merged_trials(records, self.baselines, self.sign)) if self.by_merit else Stand(records)


@dataclass(frozen=True)
class Confirmed:
    """What is confirmed of a search.

    Attributes
    ----------
    value : mean value of the selected recipe on the report blocks.
    regret : how much better the best recipe of the problem is there; None where it is not known.
    selecting : trajectories played to select it.
    """

    value: float
    regret: float | None
    selecting: float


def search(problem: Problem, deal: Deal, policy: Policy, seed: int, work: float) -> Replayed:
    """Search until so much work is done. The plays of baselines do not count."""
    environment, order = problem.environment, policy.order()
    player = CountedPlayer(problem.player)
    blocks = [SearchBlock(environment, block) for block in deal.search[: len(order)]]
    references, *others = [
        curves_or_raise(problem.player.play([WorkItem(recipe, block, environment) for _, block in blocks]))
        for recipe in problem.baselines
    ]
    judge = Judge([environment.scenario], order, references)
    baselines = {
        str(number): judge.block_values(curves[:BASELINE_BLOCKS]).tolist()
        for number, curves in enumerate([references, *others])
    }
    found = Replayed(baselines, environment.objective.sign, order.by_merit)
    total = 0.0

    def note(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        # The trajectories of a trial are played when it is stored; those of later trials of its batch may be as well.
        nonlocal total
        record = record_of(trial)
        total += player.by_recipe.pop(record.recipe.digest(), 0.0) if record.recipe is not None else 0.0
        found.records.append(record)
        found.work.append(total)

    plan = SamplerPlan("tpe", problem.space, seed, lambda params: True)
    Search(
        study=optuna.create_study(direction=environment.objective.direction),
        proposer=Proposer(problem.space, [environment.capabilities], plan),
        evaluator=Evaluator(player, judge, blocks, policy.rules()),
        batch=BATCH,
        baselines=baselines,
        callbacks=(note,),
    ).run(MOST_TRIALS, out_of_time=lambda: player.work >= work)
    return found


def confirmed(problem: Problem, deal: Deal, stand: Stand) -> Confirmed:
    """Confirm the best recipes of a search as it stood, as altune does; the baselines do not compete."""
    objective = problem.environment.objective
    best = best_recipes(stand.trials, AMONG, [objective])
    player = CountedPlayer(problem.player)
    blocks = ConfirmationBlocks(problem.environment, deal.select, deal.report)
    (confirmation,) = confirm(player, best, {}, [blocks], prior=stand.prior(best))
    values = np.array([objective(curve, curve) for curve in confirmation.recipe.curves])
    return Confirmed(
        value=float(values.mean()),
        regret=None if problem.best is None else float((problem.best(deal) - values).mean()),
        selecting=player.work - len(deal.report),
    )
