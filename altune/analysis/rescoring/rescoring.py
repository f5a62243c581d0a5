"""The trials of a run under another objective or other prices, from their stored curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.analysis.findings import Findings, find
from altune.analysis.rescoring.rankings import Side, correlations
from altune.analysis.rescoring.result import RankedTrial, Rescored
from altune.core.errors import RequestError, ScenarioError, WorkError
from altune.core.registry import FIELDS, Method
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.pricing import settle_prices
from altune.simulation.scenario import Scenario
from altune.tuning.confirmation import Confirmation
from altune.tuning.judging import REFERENCE, Judge, check_several, needs_references
from altune.tuning.merit import merged_trials
from altune.tuning.played import Played
from altune.tuning.preference import Preference
from altune.tuning.trials import TrialRecord

if TYPE_CHECKING:
    from altune.tuning.record import StudyRecord


DENSE = "aulc_dense"


def changed(scenario: Scenario, given: Mapping[str, Any]) -> Scenario:
    """Return a scenario with some fields changed.

    Raises
    ------
    ScenarioError
        If the new objective needs a metric or an area that was not recorded.
    """
    recorded = scenario.metric_names
    metric = given.get("metric", scenario.metric)
    if metric not in recorded:
        raise ScenarioError(
            f"the metric {metric!r} was not recorded in this run, which has {', '.join(recorded)}; --also NAME records "
            "further metrics in a run"
        )
    also = {} if metric == scenario.metric else {"also": [name for name in recorded if name != metric]}
    changed_fields = Scenario.from_dict({**scenario.to_dict(), **also, **given}).with_classes(scenario.classes)
    new, _ = settle_prices(changed_fields, given)
    wanted = {*new.objective_names, *(bound.name for bound in new.make_constraints())}
    if DENSE in wanted and not scenario.dense_points:
        raise ScenarioError(
            f"{DENSE} was not recorded in this run: it needs models that are refitted on a grid of label counts; start "
            "a new run with this objective"
        )
    return new


def repriced(curve: LearningCurve, old: Scenario, new: Scenario) -> LearningCurve:
    """Return a curve with its cost at the new prices per label and per loop.

    The cost is exact if the recipe does not read prices: the curve counts the labels and loops that were paid for.
    """
    label, loop = new.price_per_label - old.price_per_label, new.price_per_loop - old.price_per_loop
    if not label and not loop:
        return curve
    return replace(curve, cost=curve.cost + label * curve.priced + loop * curve.round_trips)


def price_reader(recipe: Recipe) -> str | None:
    """Return the method of a recipe that reads the scenario's prices, in words; None if there is none."""
    for knob in FIELDS:
        for method in _with_nested(getattr(recipe, knob)):
            if getattr(method, "reads_prices", False):
                return f"its {knob}, {method.method}, reads the prices"
    return None


def _with_nested(method: Method) -> list[Method]:
    return [method, *(inner for nested in method.nested().values() for inner in _with_nested(nested))]


class Rescoring:
    """One run under a changed scenario.

    Parameters
    ----------
    record : the stored study.
    folder : folder of the run, None for a run in memory.
    given : changed fields of the scenario.
    prefer : rule for choosing among several objectives; None for that of the run.

    Raises
    ------
    ScenarioError
        If the new objective needs what was not recorded.
    RequestError
        If no trial could be rescored.
    WorkError
        If the run has no complete trial.
    """

    def __init__(self, record: StudyRecord, folder: Path | None, given: Mapping[str, Any], prefer: str | None) -> None:
        self.record = record
        self.folder = folder
        self.old_scenarios = record.scenarios
        self.new_scenarios = {name: changed(scenario, given) for name, scenario in self.old_scenarios.items()}
        # Prices may have moved an area to cost.
        over = {new.over for new in self.new_scenarios.values()} - {old.over for old in self.old_scenarios.values()}
        self.given = {**given, "over": over.pop()} if over else dict(given)
        self.prefer = prefer
        self.left_out: dict[str, str] = {}
        self.trials = [trial for trial in record.trials() if trial.state == "complete"]
        if not self.trials:
            raise WorkError("the run has no complete trial to rescore")
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
        """Rank the trials under the new objective.

        Raises
        ------
        WorkError
            If no trial can be rescored.
        """
        records = {trial.number: trial for trial in self.trials}
        new = self._merged() if self.blocks.by_merit else self._rescored_trials()
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

    def _rescored_trials(self) -> list[TrialRecord]:
        new: list[TrialRecord] = []
        for trial in self.trials:
            if trial.recipe is None or self._is_left_out(f"trial {trial.number}", trial.recipe):
                continue
            curves = self._repriced(self.record.curves(trial.number))
            objectives = self.new.judge.values(curves)
            new.append(
                replace(
                    trial,
                    value=objectives[0],
                    values=tuple(self.new.judge.block_values(curves)),
                    objectives=objectives,
                    violations=self.new.judge.constraints(curves),
                )
            )
        return new

    def _merged(self) -> list[TrialRecord]:
        """Return the trials whose recipes got blocks by merit: what recipes are worth is estimated anew."""
        plays = [
            replace(play, values=tuple(self._values_of(play)))
            for play in self.record.plays()
            if play.recipe is not None and not self._is_left_out(f"trial {play.number}", play.recipe)
        ]
        baselines = {
            name: self.new.judge.block_values(self._repriced(played.curves)).tolist()
            for name, played in self.played.items()
        }
        merged, _ = merged_trials(plays, baselines, self.new.objectives[0].sign)
        return [trial for trial in merged if trial.state == "complete"]

    def _values_of(self, play: TrialRecord) -> list[float]:
        curves = self.record.curves_on(play.number)
        return [self.new.judge.value_on(position, *self._repriced([curve])) for position, curve in curves.items()]

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

    def _preference(self) -> Preference:
        names = next(iter(self.new_scenarios.values())).objective_names
        if self.prefer is not None:
            return Preference.parse(self.prefer, names)
        same = names == next(iter(self.old_scenarios.values())).objective_names
        return self.record.preference if same else Preference.usual(names)

    def _check(self) -> None:
        """Raise an error if no trial could be rescored."""
        names, scenario = list(self.new_scenarios), self.new.judge.scenarios[0]
        check_several(names, scenario, self.new.judge.across)
        uses_references = needs_references(scenario, len(names)) or self.blocks.leader_blocks > 0
        reason = price_reader(self.played[REFERENCE].recipe) if self.prices_change else None
        if reason is not None and uses_references:
            objective = self.new.objectives[0].name
            raise RequestError(f"{objective} is measured against {REFERENCE}, and {reason}: start a new run")

    def _counted(self) -> int:
        return sum(trial.state != "forbidden" for trial in self.record.trials())

    def _is_left_out(self, name: str, recipe: Recipe) -> bool:
        reason = price_reader(recipe) if self.prices_change else None
        if reason is not None:
            self.left_out[name] = f"{reason}, so other prices would change its trajectory"
        return reason is not None

    def _note_dropped(self) -> None:
        for trial in self.record.trials():
            if trial.state == "dropped":
                reason = "dropped early by the run's own objective, before all blocks were played"
                self.left_out[f"trial {trial.number}"] = reason

    def _repriced(self, curves: Sequence[LearningCurve]) -> list[LearningCurve]:
        """Return curves on the search blocks at the new prices."""
        return [repriced(curve, *self.pairs[data]) for (data, _), curve in zip(self.blocks.order, curves, strict=False)]

    def _baselines(self) -> dict[str, tuple[float, float]]:
        values = {}
        for name, played in self.played.items():
            if not self._is_left_out(f"baseline {name}", played.recipe):
                # Baselines are played on the leader blocks too, but their value is the mean over the usual ones.
                curves = played.curves[: self.blocks.n_usual]
                values[name] = (self.old.judge.values(curves)[0], self.new.judge.values(self._repriced(curves))[0])
        return values

    def _confirmed(self, confirmations: Mapping[str, Confirmation]) -> dict[str, Findings]:
        findings = {}
        for name, confirmation in confirmations.items():
            old, new = self.old_scenarios[name], self.new_scenarios[name]
            if self._is_left_out("the confirmed recipe", confirmation.recipe.recipe):
                return {}
            kept = [baseline for baseline in confirmation.baselines if f"baseline {baseline}" not in self.left_out]
            if REFERENCE not in kept:
                return {}
            repriced_confirmation = replace(
                confirmation,
                recipe=_repriced_all(confirmation.recipe, old, new),
                baselines={baseline: _repriced_all(confirmation.baselines[baseline], old, new) for baseline in kept},
                matched={baseline: _repriced_all(confirmation.matched[baseline], old, new) for baseline in kept},
            )
            findings[name] = find(repriced_confirmation, new.make_objective(), new.labels)
        return findings

    def _changes(self) -> dict[str, tuple[Any, Any]]:
        old, new = (next(iter(by_data.values())).to_dict() for by_data in (self.old_scenarios, self.new_scenarios))
        changes = {name: (old[name], new[name]) for name in new if name in self.given and old[name] != new[name]}
        if str(self.old.preference) != str(self.new.preference) and len(self.new.objectives) > 1:
            changes["prefer"] = (str(self.old.preference), str(self.new.preference))
        return changes


def _repriced_all(played: Played, old: Scenario, new: Scenario) -> Played:
    return replace(played, curves=tuple(repriced(curve, old, new) for curve in played.curves))
