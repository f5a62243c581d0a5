"""examine(): what each loop of a recipe did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from altune.analysis.loops.facts import LoopFacts, StoppingFacts
from altune.analysis.loops.numbers import loop_facts
from altune.analysis.loops.pool_map import Projection, check_projection, pool_map
from altune.analysis.loops.stopping import OWN, single_rules, stopping_facts
from altune.analysis.stopping_replay import replayable, replayed
from altune.core.arguments import plain_arguments
from altune.core.registry import parse_method
from altune.data.blocks import Block
from altune.knobs.stopping import RecordedRules, Stopping, notes_of, stopping_point
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import AnyData, Environment, make_environment
from altune.simulation.execution.counting import counted
from altune.simulation.execution.items import Failure, WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.execution.processes import processes
from altune.simulation.given_scenario import AnyScenario, scenario_arguments
from altune.simulation.objectives import Objective
from altune.simulation.play import AnyRecipe, set_up
from altune.simulation.prepared import prepare_block
from altune.simulation.result import Simulation
from altune.tuning.record import EXAMINED, StudyRecord
from altune.tuning.storage import set_attribute
from altune.tuning.study_setup import PLAYED_AGAIN
from altune.workflows.progress import shown_progress
from altune.workflows.recipes import find_recipe

if TYPE_CHECKING:
    import optuna

    from altune.analysis.run import Run
    from altune.tuning.stages import Stages


@plain_arguments(also=scenario_arguments)
def examine(
    recipe: AnyRecipe | Run,
    data: AnyData,
    *,
    rules: Mapping[str, Any] | None = None,
    projection: Projection = "pca",
    n_blocks: int = 5,
    seed: int = 0,
    target: str | None = None,
    group: Any = None,
    time: Any = None,
    model: Any = None,
    scenario: AnyScenario | None = None,
    splits: Any = None,
    n_jobs: int = 1,
    progress: bool = True,
    **overrides: Any,
) -> LoopFacts:
    """Play a recipe on fresh blocks, and say what each of its loops did.

    Parameters
    ----------
    rules : stopping rules by names of your choice, beside the one of the recipe; by default all registered ones.
    projection : projection of the map of the pool: ``pca``, or ``umap`` (extra ``umap``).
    recipe, data, n_blocks, seed, target, group, time, model, scenario, splits, n_jobs, progress, overrides : as for
        :func:`altune.simulate`.

    Raises
    ------
    RequestError
        If something does not fit.
    WorkError
        If a trajectory fails.

    Examples
    --------
    >>> facts = examine("vanilla", "iris", budget=30, n_blocks=2, loops=4)
    >>> facts.loops, facts.balance.classes
    ((0, 1, 2, 3, 4), ('setosa', 'versicolor', 'virginica'))
    """
    environment = make_environment(
        data, target=target, group=group, time=time, scenario=scenario, seed=seed, splits=splits, **overrides
    )
    setup = set_up({"recipe": find_recipe(recipe, model, [environment])}, [environment], n_blocks, model)
    check_projection(projection)
    wanted = None if rules is None else {name: parse_method("stopping", rule) for name, rule in rules.items()}
    examination = Examination.of(setup.recipes["recipe"], environment, setup.blocks[0], wanted)
    with Player(jobs=processes(n_jobs)) as player, shown_progress(progress) as counter:
        counter.stage("examination", len(examination.blocks))
        recorded = curves_or_raise(player.play(examination.work_items(), counted(player, counter)))
    return examination.facts(recorded, projection=projection)


@dataclass(frozen=True, eq=False)
class Examination:
    """A recipe that is played with notes of every loop.

    Attributes
    ----------
    recipe, environment, blocks : the recipe, and where it is played.
    rules : stopping rules that take notes, by name, the one of the recipe among them; empty if it cannot be replayed.
    excluded : rules that one trajectory cannot replay, with the reason.
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
        """Return the examination of a recipe with some stopping rules, by default all registered ones."""
        if recipe.stopping.held_out_rows:
            reason = f"{recipe.stopping.method} buys hold-out rows, which change the trajectory"
            return cls(recipe, environment, blocks, {}, {"every rule": reason})
        own_rule = {} if recipe.stopping.method == "budget" else {OWN: recipe.stopping}
        kept, excluded = replayable(
            own_rule | dict(single_rules(recipe) if rules is None else rules), recipe, environment.capabilities
        )
        return cls(recipe, environment, blocks, kept, excluded)

    def work_items(self) -> list[WorkItem]:
        """Return a work item for each block."""
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
        recorded : curves of :meth:`work_items`; empty if they could not be played.
        curves, blocks : curves of the recipe on these blocks or more, if they are already known.
        projection : projection of the map of the pool.
        """
        environment, metric = self.environment, self.environment.objective.metric
        stopped = [self._until_stop(curve) for curve in recorded]
        shown, where = (list(curves), list(blocks)) if curves else (stopped, list(self.blocks))
        streams = where[0].streams(environment.seed, environment.dataset.name)
        facts = loop_facts(
            self.recipe, environment.dataset, metric, where, shown, stopped, streams.generator("examined_balance")
        )
        scenario = environment.scenario
        prepared = prepare_block(
            environment.dataset, where[0], environment.seed, scenario.scaling, scenario.text_features
        )
        return replace(
            facts,
            stopping=self._stopping(recorded) if self.rules and recorded else None,
            pool_map=pool_map(prepared, shown[0], [str(name) for name in environment.dataset.classes], projection),
        )

    def _until_stop(self, curve: LearningCurve) -> LearningCurve:
        """Return a full curve up to where the stopping rule of the recipe ends it."""
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
    """Examine the confirmed recipe on its report blocks, unless the study holds that; return whether it was done.

    The curves on these blocks are known. The recipe is played again on the first few of them, to take more notes.
    """
    record = StudyRecord(study)
    key, confirmations = record.confirmation_key(), record.confirmations()
    is_stored = bool(record.examined())
    n_all = sum(min(PLAYED_AGAIN, len(confirmed.recipe.curves)) for confirmed in confirmations.values())
    stages.observer.stage("examination", n_all, done=n_all if is_stored else 0)
    if key is None or is_stored:
        return False
    loops: dict[str, Any] = {}
    for environment in stages.setup.environments:
        confirmed = confirmations[environment.dataset.name].recipe
        blocks = environment.blocks("report", len(confirmed.curves))
        examination = Examination.of(confirmed.recipe, environment, blocks[:PLAYED_AGAIN])
        outcomes = player.play(examination.work_items(), counted(player, stages.observer))
        # The run is complete without the notes, so a failure is only reported.
        failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
        for failure in failures[:1]:
            stages.observer.say(f"the confirmed recipe could not be examined: {failure.reason}")
        recorded = [] if failures else curves_or_raise(outcomes)
        facts = examination.facts(recorded, curves=confirmed.curves, blocks=blocks)
        loops[environment.dataset.name] = facts.to_dict()
    set_attribute(study, EXAMINED, {"key": key, "loops": loops})
    return True
