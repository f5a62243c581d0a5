"""examine(): what each loop of a recipe did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.analysis.loops.facts import LoopFacts, StoppingFacts
from altune.analysis.loops.numbers import loop_facts
from altune.analysis.loops.pool_map import Projection, check_projection, pool_map
from altune.analysis.loops.stopping import OWN, single_rules, stopping_facts
from altune.analysis.stopping_replay import replayable, replayed
from altune.core.deprecations import renamed_keywords
from altune.core.registry import parse_method
from altune.data import Dataset
from altune.data.blocks import Block
from altune.knobs.stopping import RecordedRules, Stopping, notes_of, stopping_point
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment, make_environment
from altune.simulation.execution.items import Failure, WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.execution.processes import processes
from altune.simulation.objectives import Objective
from altune.simulation.play import AnyRecipe, set_up
from altune.simulation.prepared import prepare_block
from altune.simulation.result import Simulation
from altune.simulation.scenario import Scenario
from altune.tuning.record import EXAMINED, StudyRecord
from altune.tuning.stages import PLAYED_AGAIN
from altune.tuning.storage import set_attribute

if TYPE_CHECKING:
    import optuna

    from altune.tuning.stages import Stages


@renamed_keywords
def examine(
    recipe: AnyRecipe,
    data: Dataset | str | Path,
    *,
    rules: Mapping[str, Any] | None = None,
    projection: Projection = "pca",
    n_blocks: int = 5,
    seed: int = 0,
    target: str | None = None,
    model: Any = None,
    scenario: Scenario | None = None,
    splits: Any = None,
    n_jobs: int = 1,
    **overrides: Any,
) -> LoopFacts:
    """Play a recipe on fresh blocks, and say what each of its loops did.

    Parameters
    ----------
    recipe : as for :func:`altune.simulate`.
    rules : stopping rules by a name of your choice, beside the recipe's own; by default every registered one.
    projection : how the pool is drawn in two dimensions: ``pca``, or ``umap`` (extra ``umap``).
    n_blocks : number of blocks.
    data, seed, target, model, scenario, blocks, n_jobs, overrides : as for :func:`altune.simulate`.

    Raises
    ------
    RequestError
        If something does not fit.
    WorkError
        If a trajectory fails.

    Examples
    --------
    >>> found = examine("vanilla", "iris", budget=30, n_blocks=2, loops=4)
    >>> found.loops, found.balance.classes
    ((0, 1, 2, 3, 4), ('setosa', 'versicolor', 'virginica'))
    """
    environment = make_environment(data, target=target, scenario=scenario, seed=seed, splits=splits, **overrides)
    setup = set_up({"recipe": recipe}, [environment], n_blocks, model)
    check_projection(projection)
    wanted = None if rules is None else {name: parse_method("stopping", one) for name, one in rules.items()}
    examination = Examination.of(setup.recipes["recipe"], environment, setup.blocks[0], wanted)
    with Player(jobs=processes(n_jobs)) as player:
        recorded = curves_or_raise(player.play(examination.tasks()))
    return examination.facts(recorded, projection=projection)


@dataclass(frozen=True, eq=False)
class Examination:
    """A recipe to be played with notes of every loop.

    Attributes
    ----------
    recipe, environment, blocks : what is played where.
    rules : stopping rules that take notes, by name, the recipe's own among them; empty where it cannot be replayed.
    excluded : rules that cannot be told from one trajectory, with the reason.
    """

    recipe: Recipe
    environment: Environment
    blocks: Sequence[Block]
    rules: Mapping[str, Stopping]
    excluded: Mapping[str, str]

    @classmethod
    def of(
        cls, recipe: Recipe, environment: Environment, blocks: Sequence[Block], rules: Mapping[str, Any] | None = None
    ) -> Examination:
        """Return the examination of a recipe under some rules, by default every registered one."""
        if recipe.stopping.held_out_rows:
            reason = f"{recipe.stopping.method} buys hold-out rows, without which the run would be another"
            return cls(recipe, environment, blocks, {}, {"every rule": reason})
        own = {} if recipe.stopping.method == "budget" else {OWN: recipe.stopping}
        kept, excluded = replayable(
            own | dict(single_rules(recipe) if rules is None else rules), recipe, environment.capabilities
        )
        return cls(recipe, environment, blocks, kept, excluded)

    def tasks(self) -> list[WorkItem]:
        """Return what has to be played, a work item for each block."""
        noting = self.recipe
        if self.rules:
            noting = noting.replace(stopping=RecordedRules(rules=tuple(self.rules.values())))
        return [WorkItem(noting, block, self.environment, examined=True) for block in self.blocks]

    def facts(
        self,
        recorded: Sequence[LearningCurve],
        *,
        curves: Sequence[LearningCurve] = (),
        blocks: Sequence[Block] = (),
        projection: Projection = "pca",
    ) -> LoopFacts:
        """Return what each loop did.

        Parameters
        ----------
        recorded : the curves of :meth:`tasks`, none where they could not be played.
        curves, blocks : the recipe's own curves on as many blocks or more, where they are known already.
        projection : how the pool is drawn.
        """
        environment, metric = self.environment, self.environment.objective.metric
        own = [self._own(curve) for curve in recorded]
        shown, where = (list(curves), list(blocks)) if curves else (own, list(self.blocks))
        streams = where[0].streams(environment.seed, environment.dataset.name)
        found = loop_facts(
            self.recipe, environment.dataset, metric, where, shown, own, streams.generator("examined_balance")
        )
        prepared = prepare_block(environment.dataset, where[0], environment.seed, environment.scenario.scaling)
        return replace(
            found,
            stopping=self._stopping(recorded) if self.rules and recorded else None,
            pool_map=pool_map(prepared, shown[0], [str(name) for name in environment.dataset.classes], projection),
        )

    def _own(self, curve: LearningCurve) -> LearningCurve:
        """Return the part of a full curve that the recipe's own rule lets happen."""
        if OWN not in self.rules or self.recipe.stopping.method == "budget":
            return curve
        rule = self.recipe.stopping
        point = stopping_point(rule, notes_of(curve.notes, list(self.rules).index(OWN))[:-1])
        return curve if point is None else curve.first(point + 1, rule.method)

    def _stopping(self, recorded: Sequence[LearningCurve]) -> StoppingFacts:
        environment = self.environment
        objective = Objective("aulc", environment.objective.metric, "labels", environment.scenario.labels)
        overlap = len(self.blocks[0].test) / len(self.blocks[0].pool)
        played = Simulation(self.recipe, tuple(recorded), tuple(self.blocks), objective, overlap)
        return stopping_facts(replayed(self.recipe, self.rules, self.excluded, played))


def examine_run(stages: Stages, study: optuna.Study, player: Player) -> bool:
    """Examine the confirmed recipe on its report blocks, unless the study has that; return whether it was done now.

    Its curves there are known; it is played again on the first few, for what they do not say.
    """
    record = StudyRecord(study)
    key, confirmations = record.confirmation_key(), record.confirmations()
    if key is None or record.examined():
        return False
    many = [min(PLAYED_AGAIN, len(one.recipe.curves)) for one in confirmations.values()]
    stages.watch.stage("examination", sum(many))
    found: dict[str, Any] = {}
    for environment in stages.environments:
        one = confirmations[environment.dataset.name].recipe
        blocks = environment.blocks("report", len(one.curves))
        examination = Examination.of(one.recipe, environment, blocks[:PLAYED_AGAIN])
        outcomes = player.play(examination.tasks(), lambda index, outcome: stages.watch.played())
        # A run is worth as much without: what cannot be played again is left out, and said.
        failed = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
        for failure in failed[:1]:
            stages.watch.say(f"the confirmed recipe could not be played again to be examined: {failure.reason}")
        recorded = [] if failed else curves_or_raise(outcomes)
        found[environment.dataset.name] = examination.facts(recorded, curves=one.curves, blocks=blocks).to_dict()
    set_attribute(study, EXAMINED, {"key": key, "loops": found})
    return True
