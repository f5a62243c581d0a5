"""Stored curves under another objective or other prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState

from altune.analysis.findings import Findings, find
from altune.analysis.rescoring.rankings import Side, correlations
from altune.analysis.rescoring.result import RankedTrial, Rescored
from altune.core.errors import RequestError, ScenarioError, WorkError
from altune.core.registry import FIELDS, Method
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.scenario import Scenario
from altune.tuning.confirmation import Confirmation, Played
from altune.tuning.judging import REFERENCE, Judge, check_several, needs_references
from altune.tuning.preference import Preference
from altune.tuning.trials import TrialRecord, curves_of, is_forbidden, record_of

if TYPE_CHECKING:
    from altune.tuning.record import StudyRecord


DENSE = "aulc_dense"


def changed(scenario: Scenario, given: Mapping[str, Any]) -> Scenario:
    """Return a scenario with some fields changed, refused where the curves could not tell.

    Raises
    ------
    ScenarioError
        If a metric or an area is asked for that was not recorded.
    """
    recorded = scenario.metric_names
    metric = given.get("metric", scenario.metric)
    if metric not in recorded:
        raise ScenarioError(
            f"the metric {metric!r} was not recorded in this run, which has {', '.join(recorded)}; a run records "
            "others beside its own with --also NAME"
        )
    also = {} if metric == scenario.metric else {"also": [name for name in recorded if name != metric]}
    new = Scenario.from_dict({**scenario.to_dict(), **also, **given})
    wanted = {*new.objective_names, *(bound.name for bound in new.make_constraints())}
    if DENSE in wanted and not scenario.dense_points:
        raise ScenarioError(
            f"{DENSE} was not recorded in this run: it needs models refitted on a grid while a recipe is played; "
            "simulate anew with this objective"
        )
    return new


def repriced(curve: LearningCurve, old: Scenario, new: Scenario) -> LearningCurve:
    """Return a curve with its cost as it would have been at the new prices per label and per loop.

    That is exact for a recipe that does not itself read them: the curve counts what each was paid for.
    """
    label, loop = new.price_per_label - old.price_per_label, new.price_per_loop - old.price_per_loop
    return (
        curve
        if not label and not loop
        else replace(curve, cost=curve.cost + label * curve.priced + loop * curve.round_trips)
    )


def price_reader(recipe: Recipe) -> str | None:
    """Return the method of a recipe that reads the scenario's prices, in words; None where none does."""
    for knob in FIELDS:
        for method in _with_nested(getattr(recipe, knob)):
            if getattr(method, "reads_prices", False):
                return f"its {knob}, {method.method}, reads the prices"
    return None


def _with_nested(method: Method) -> list[Method]:
    return [method, *(inner for nested in method.nested().values() for inner in _with_nested(nested))]


class Rescoring:
    """One run and one set of changes."""

    def __init__(self, record: StudyRecord, folder: Path | None, given: Mapping[str, Any], prefer: str | None) -> None:
        self.record = record
        self.folder = folder
        self.old_scenarios = record.scenarios
        self.new_scenarios = {name: changed(one, given) for name, one in self.old_scenarios.items()}
        self.given = dict(given)
        self.prefer = prefer
        self.left_out: dict[str, str] = {}
        self.trials = [one for one in record.study.get_trials(deepcopy=False) if one.state == TrialState.COMPLETE]
        if not self.trials:
            raise WorkError("the run has no finished trial to rescore")
        self.played = record.baselines()
        pairs = list(zip(self.old_scenarios.values(), self.new_scenarios.values(), strict=True))
        self.pairs = pairs
        self.prices_change = any(
            old.mean_price != new.mean_price or old.price_per_loop != new.price_per_loop for old, new in pairs
        )
        judge = record.judge()
        self.blocks = judge.blocks
        references = self._repriced(judge.references)
        self.old = Side(judge, record.preference)
        self.new = Side(
            Judge(list(self.new_scenarios.values()), self.blocks, references, judge.across), self._preference()
        )
        self._check()

    def result(self) -> Rescored:
        """Rank everything."""
        records = {one.number: record_of(one) for one in self.trials}
        new: list[TrialRecord] = []
        for trial in self.trials:
            recipe = records[trial.number].recipe
            if recipe is None or self._is_left_out(f"trial {trial.number}", recipe):
                continue
            curves = self._repriced(curves_of(trial))
            objectives = self.new.judge.values(curves)
            new.append(
                replace(
                    records[trial.number],
                    value=objectives[0],
                    values=tuple(self.new.judge.block_values(curves)),
                    objectives=objectives,
                    violations=self.new.judge.constraints(curves),
                )
            )
        if not new:
            raise WorkError(f"no trial can be rescored: {next(iter(self.left_out.values()))}")
        before, after = self.old.ranked(list(records.values())), self.new.ranked(new)
        old_ranks = {trial.number: rank for rank, trial in enumerate(before, start=1)}
        ranked = [
            RankedTrial(
                trial.number,
                rank,
                old_ranks[trial.number],
                trial.objectives[0],
                float(records[trial.number].value or 0.0),
                trial.objectives,
                trial.violations,
                trial.recipe,
            )
            for rank, trial in enumerate(after, start=1)
            if trial.recipe is not None
        ]
        return self._rescored(ranked, self.new.front(new), correlations(before, after))

    def _rescored(
        self, ranked: list[RankedTrial], front: tuple[int, ...], correlated: tuple[float | None, float | None]
    ) -> Rescored:
        from altune.analysis.rescoring.command import tune_command

        baselines = self._baselines()
        self._note_dropped()
        confirmations = self.record.confirmations()
        confirmed = self._confirmed(confirmations)
        first = next(iter(confirmations.values()), None)
        replayed = all(old.played_digest() == new.played_digest() for old, new in self.pairs)
        return Rescored(
            scenarios=self.new_scenarios,
            changes=self._changes(),
            objectives=self.new.objectives,
            old_objectives=self.old.objectives,
            trials=tuple(ranked),
            front=front,
            baselines=baselines,
            spearman=correlated[0],
            kendall=correlated[1],
            left_out=self.left_out,
            confirmed=confirmed,
            confirmed_trial=None if first is None else first.candidates[first.selected].trial,
            confirmed_recipe=None if first is None else first.recipe.recipe,
            replayed=replayed,
            command=tune_command(self.record, self.folder, {**self.given, "prefer": self.prefer}, self._counted()),
        )

    # parts ----------------------------------------------------------------------------------------------------

    def _preference(self) -> Preference:
        names = next(iter(self.new_scenarios.values())).objective_names
        if self.prefer is not None:
            return Preference.parse(self.prefer, names)
        same = names == next(iter(self.old_scenarios.values())).objective_names
        return self.record.preference if same else Preference.usual(names)

    def _check(self) -> None:
        """Refuse what no trial could be rescored by."""
        names, scenario = list(self.new_scenarios), self.new.judge.scenarios[0]
        check_several(names, scenario, self.new.judge.across)
        uses_references = needs_references(scenario, len(names)) or self.blocks.leader_blocks > 0
        reason = price_reader(self.played[REFERENCE].recipe) if self.prices_change else None
        if reason is not None and uses_references:
            objective = self.new.objectives[0].name
            raise RequestError(f"{objective} is measured against {REFERENCE}, and {reason}: simulate anew")

    def _counted(self) -> int:
        return sum(not is_forbidden(trial) for trial in self.record.study.get_trials(deepcopy=False))

    def _is_left_out(self, name: str, recipe: Recipe) -> bool:
        reason = price_reader(recipe) if self.prices_change else None
        if reason is not None:
            self.left_out[name] = f"{reason}, so at others it is played otherwise"
        return reason is not None

    def _note_dropped(self) -> None:
        for trial in self.record.study.get_trials(deepcopy=False, states=(TrialState.PRUNED,)):
            reason = "given up early by the run's own objective, before all blocks were played"
            self.left_out[f"trial {trial.number}"] = reason

    def _repriced(self, curves: Sequence[LearningCurve]) -> list[LearningCurve]:
        """Return curves on the search blocks at the new prices."""
        return [repriced(curve, *self.pairs[data]) for (data, _), curve in zip(self.blocks.order, curves, strict=False)]

    def _baselines(self) -> dict[str, tuple[float, float]]:
        found = {}
        for name, one in self.played.items():
            if not self._is_left_out(f"baseline {name}", one.recipe):
                # Baselines are played on the leader blocks too; their value is that on the usual ones.
                curves = one.curves[: self.blocks.n_usual]
                found[name] = (self.old.judge.values(curves)[0], self.new.judge.values(self._repriced(curves))[0])
        return found

    def _confirmed(self, confirmations: Mapping[str, Confirmation]) -> dict[str, Findings]:
        found = {}
        for name, confirmation in confirmations.items():
            old, new = self.old_scenarios[name], self.new_scenarios[name]
            if self._is_left_out("the confirmed recipe", confirmation.recipe.recipe):
                return {}
            kept = [one for one in confirmation.baselines if f"baseline {one}" not in self.left_out]
            if REFERENCE not in kept:
                return {}
            again = replace(
                confirmation,
                recipe=_repriced_all(confirmation.recipe, old, new),
                baselines={one: _repriced_all(confirmation.baselines[one], old, new) for one in kept},
                matched={one: _repriced_all(confirmation.matched[one], old, new) for one in kept},
            )
            found[name] = find(again, new.make_objective(), new.labels)
        return found

    def _changes(self) -> dict[str, tuple[Any, Any]]:
        old, new = (next(iter(one.values())).to_dict() for one in (self.old_scenarios, self.new_scenarios))
        found = {name: (old[name], new[name]) for name in new if name in self.given and old[name] != new[name]}
        if str(self.old.preference) != str(self.new.preference) and len(self.new.objectives) > 1:
            found["prefer"] = (str(self.old.preference), str(self.new.preference))
        return found


def _repriced_all(played: Played, old: Scenario, new: Scenario) -> Played:
    return replace(played, curves=tuple(repriced(curve, old, new) for curve in played.curves))
