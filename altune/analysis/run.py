"""A run: a search with its trials and its confirmation, and all that is computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from altune.analysis.answer import answer, answer_of_several, front_sentences
from altune.analysis.costs import money_of, money_sentences
from altune.analysis.findings import Findings, against_of, confirmed_entry, find
from altune.analysis.run_curves import stored_curves
from altune.analysis.run_summary import RunSummary
from altune.analysis.transfer import Transfer, home_sentences, transfer_sentences
from altune.analysis.untrained import untrained_lines, untrained_numbers
from altune.core.arguments import plain_arguments
from altune.core.deprecations import OldNames
from altune.core.errors import RequestError, WorkError
from altune.core.html import html_table
from altune.core.text import counted
from altune.recipes.recipe import Recipe
from altune.simulation.curve import curves_frame
from altune.simulation.scenario import Scenario
from altune.tuning.confirmation import Confirmation
from altune.tuning.played import Played
from altune.tuning.preference import pareto_trials
from altune.tuning.ranking import best_recipes
from altune.tuning.record import StudyRecord
from altune.tuning.reported import Reported
from altune.tuning.run_folder import stored_study
from altune.tuning.trials import TrialRecord

if TYPE_CHECKING:
    import optuna
    import pandas as pd

    from altune.analysis.ablation import Ablation
    from altune.analysis.importance.effects import Effects
    from altune.analysis.importance.explained import Explained
    from altune.analysis.importance.knob_importance import KnobImportance
    from altune.analysis.loops.facts import LoopFacts
    from altune.simulation.objectives import Objective


class LaterStages(Protocol):
    """Interface of what confirms and ablates a run after its search; it has the data, which a run has not."""

    def confirm(self, run: Run, sizes: Mapping[str, Any]) -> None:
        """Confirm the best recipes, store the confirmation with the study, and write the run's folder."""

    def ablate(self, run: Run) -> None:
        """Play the path from vanilla to the confirmed recipe unless it is stored, and write the run's folder."""


class Run(OldNames):
    """A search with its confirmation; it wraps an Optuna study, the attribute ``study``.

    Attributes
    ----------
    record : everything stored in the study.
    folder : the run's folder, None for a run in memory.
    seconds : wall seconds of this call; a run that was opened took none.

    Parameters
    ----------
    study : Optuna's study.
    later : what confirms and ablates the run later; None for a run that was opened from its folder.
    """

    def __init__(
        self, study: optuna.Study, folder: Path | None = None, *, seconds: float = 0.0, later: LaterStages | None = None
    ) -> None:
        self.record = StudyRecord(study)
        self.folder = folder
        self.seconds = seconds
        self._later = later
        self._last_explained: tuple[Any, Explained] | None = None

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Open a run from its folder, for reading.

        Raises
        ------
        RequestError
            If there is no run, or its model is a user's estimator that is not registered.
        """
        run = cls(stored_study(Path(folder)), Path(folder))
        run.record.require_estimators(str(folder))
        return run

    def __repr__(self) -> str:
        return self._summary.line()

    def _repr_html_(self) -> str:
        return html_table(self._summary.rows())

    @property
    def _summary(self) -> RunSummary:
        trials = sum(trial.state != "forbidden" for trial in self.trials)
        recipe = self.best_recipe if self.confirmation is not None else None
        names = tuple(self.record.data_sets)
        return RunSummary(names, trials, self.folder, self.all_findings, recipe, self.away_findings)

    @property
    def study(self) -> optuna.Study:
        """Optuna's study."""
        return self.record.study

    @property
    def trials(self) -> list[TrialRecord]:
        """All trials in the order of their numbers, with forbidden draws and failures."""
        return self.record.trials()

    @property
    def scenario(self) -> Scenario:
        """The scenario, on the first data set."""
        return self.record.scenario

    @property
    def objective(self) -> Objective:
        """The objective of the search; with several objectives the first, which is confirmed."""
        return self.record.objective

    @property
    def front(self) -> list[TrialRecord]:
        """The trials on the Pareto front; with one objective, the best trial."""
        return pareto_trials(self.trials, [objective.direction for objective in self.scenario.make_objectives()])

    @property
    def baselines(self) -> dict[str, Played]:
        """The baselines on the search blocks."""
        return self.record.baselines()

    @property
    def confirmation(self) -> Confirmation | None:
        """The confirmation on the first data set, None before :meth:`confirm`."""
        return next(iter(self.confirmations.values()), None)

    @property
    def confirmations(self) -> dict[str, Confirmation]:
        """The confirmation on each data set by name, empty before :meth:`confirm`."""
        return self.record.confirmations()

    @property
    def best_trial(self) -> TrialRecord:
        """The best trial of the search; its value is biased upwards.

        Raises
        ------
        WorkError
            If no trial succeeded.
        """
        best = best_recipes(self.trials, 1, self.record.scenario.make_objectives(), self.record.preference)
        if not best:
            raise WorkError("no trial succeeded, so there is no best recipe")
        return best[0]

    @property
    def best_recipe(self) -> Recipe:
        """The confirmed recipe; before the confirmation, that of the best trial."""
        confirmation = self.confirmation
        if confirmation is not None:
            return confirmation.recipe.recipe
        recipe = self.best_trial.recipe
        if recipe is None:
            raise WorkError("the best trial has no recipe")
        return recipe

    @property
    def findings(self) -> Findings | None:
        """The results of the confirmation on the first data set, None before :meth:`confirm`."""
        return next(iter(self.all_findings.values()), None)

    @cached_property
    def all_findings(self) -> dict[str, Findings]:
        """The results of the confirmation on each data set by name, empty before :meth:`confirm`."""
        scenarios = self.record.scenarios
        return {
            name: find(confirmation, scenarios[name].make_objective(), scenarios[name].labels, self.record.recommended)
            for name, confirmation in self.confirmations.items()
        }

    @property
    def away(self) -> dict[str, Reported]:
        """The recipe and the baselines on each data set that no trial saw by name; empty without ``confirm_on``."""
        return self.record.away.reports

    @cached_property
    def away_findings(self) -> dict[str, Findings]:
        """The results on each data set that no trial saw by name; empty without ``confirm_on``."""
        scenarios = self.record.away.scenarios
        return {
            name: find(report, scenarios[name].make_objective(), scenarios[name].labels, self.record.recommended)
            for name, report in self.away.items()
        }

    @property
    def transfer(self) -> Transfer | None:
        """The results away beside those at home, None without ``confirm_on``."""
        return Transfer(self.all_findings, self.away_findings) if self.away_findings else None

    @property
    def loops(self) -> LoopFacts | None:
        """What each loop of the confirmed recipe did on the first data set, None if it was not examined."""
        return next(iter(self.all_loops.values()), None)

    @cached_property
    def all_loops(self) -> dict[str, LoopFacts]:
        """What each loop of the confirmed recipe did on each data set by name, empty before :meth:`confirm`."""
        from altune.analysis.loops.facts import LoopFacts

        return {name: LoopFacts.from_dict(plain) for name, plain in self.record.examined().items()}

    @property
    def ablation(self) -> Ablation | None:
        """The path from vanilla to the confirmed recipe on the first data set, None if it was not played."""
        return next(iter(self.ablations.values()), None)

    @cached_property
    def ablations(self) -> dict[str, Ablation]:
        """The path from vanilla to the confirmed recipe on each data set by name, empty if it was not played."""
        from altune.analysis.ablation import ablations_of

        return ablations_of(self.record)

    @property
    def answer(self) -> str:
        """The sentences, one a line; before the confirmation, the best recipe of the search."""
        if self.findings is None:
            return (
                f"Not confirmed yet. The best recipe of {counted(len(self.trials), 'trial')}: "
                f"{self.best_recipe.describe()} Its value in the search is biased upwards, so it is not shown; "
                "run.confirm() gives an unbiased one."
            )
        return "\n".join(self.sentences)

    @property
    def sentences(self) -> list[str]:
        """The result of the confirmation in sentences, the most important first."""
        findings = self.all_findings
        several = len(findings) > 1
        if several:
            first, *rest, last = answer_of_several(findings, self.best_recipe)
        else:
            first, *rest, last = answer(next(iter(findings.values())), self.best_recipe)
        objectives = self.scenario.make_objectives()
        front = front_sentences(self.front, self.confirmation, objectives, self.record.preference)
        steps = [
            f"{name}: {ablation.sentence}" if several else ablation.sentence
            for name, ablation in self.ablations.items()
        ]
        nothing, costs = money_sentences(self.confirmations, self.record.scenarios)
        home = [first, *front, *rest, *steps, *costs, *untrained_lines(self.confirmations, several)]
        if self.transfer is None:
            return [*nothing, *home, last]
        away = [*transfer_sentences(self.transfer), *untrained_lines(self.away, True)]
        return [*nothing, *away, *home_sentences(home, list(findings)), last]

    @plain_arguments()
    def confirm(
        self,
        *,
        select_among: int | None = None,
        select_blocks: int | None = None,
        report_blocks: int | None = None,
        precision: float | None = None,
    ) -> Run:
        """Confirm the best recipes on fresh blocks; :func:`altune.tune` does it unless ``confirm=False``.

        Parameters
        ----------
        select_among, select_blocks, report_blocks, precision : sizes that differ from those of the run; a number of
            report blocks replaces a precision, and the other way round.

        Raises
        ------
        RequestError
            If the run was opened from its folder: repeat the ``tune`` command instead.
        """
        if self._later is None:
            raise RequestError("a run opened from its folder has no data; repeat the tune command to confirm it")
        sizes = {"select_among": select_among, "select_blocks": select_blocks}
        given: dict[str, Any] = {name: value for name, value in sizes.items() if value is not None}
        if report_blocks is not None or precision is not None:
            given |= {"report_blocks": report_blocks, "precision": precision}
        self._later.confirm(self, given)
        return self

    def ablate(self) -> Run:
        """Play the path from vanilla to the confirmed recipe; :func:`altune.tune` does it unless ``ablation=False``.

        Raises
        ------
        RequestError
            If the run is not confirmed, or was opened from its folder.
        """
        if self._later is None:
            raise RequestError("a run opened from its folder has no data; repeat the tune command to ablate it")
        if self.confirmation is None:
            raise RequestError("the run is not confirmed yet, so there is no recipe to ablate; call run.confirm()")
        self._later.ablate(self)
        return self

    def read_again(self) -> None:
        """Forget what was computed from the confirmation, so that it is read from the study again."""
        for name in ("all_findings", "away_findings", "ablations", "all_loops"):
            self.__dict__.pop(name, None)

    @plain_arguments()
    def importance(self, *, confidence: float = 0.95, seed: int = 0) -> KnobImportance:
        """Return how much of the objective's variance over the space each knob explains.

        Where one number explains most of a knob, the shares with this number as in :attr:`best_recipe` are returned
        beside. See :func:`altune.analysis.importance.knob_importance.knob_importance`.
        """
        from altune.analysis.importance.knob_importance import importance_of

        return importance_of(self._explained(seed), recipe=self.best_recipe, confidence=confidence, seed=seed)

    @plain_arguments()
    def effects(self, *, confidence: float = 0.95, seed: int = 0) -> Effects:
        """Return how the objective depends on a knob's method, on a number, and on two decisions at once.

        See :class:`altune.analysis.importance.effects.Effects`.
        """
        from altune.analysis.importance.effects import Effects

        return Effects(self._explained(seed), confidence=confidence, seed=seed)

    def _explained(self, seed: int) -> Explained:
        """Return the trials with their surrogate, which is fitted again only if trials or seed have changed."""
        from altune.analysis.importance.explained import prepare, space_of_run

        trials = self.trials
        key = seed, [(trial.params, trial.values) for trial in trials]
        if self._last_explained is None or self._last_explained[0] != key:
            space, capabilities = space_of_run(self.record)
            self._last_explained = key, prepare(trials, space, capabilities=capabilities, seed=seed)
        return self._last_explained[1]

    def curves(self) -> pd.DataFrame:
        """Return all learning curves of the run as one table: part, recipe, block, and a row for each point."""
        stored = stored_curves(self.record)
        several = len(self.record.data_sets) > 1 or bool(self.away)
        names = ("part", "recipe", "block", *(("data",) if several else ()))
        keys = {name: [getattr(curve, name) for curve in stored] for name in names}
        return curves_frame([curve.curve for curve in stored], keys)

    def _confirmed(self, name: str) -> dict[str, Any]:
        return confirmed_entry(self.all_findings[name], self.confirmations[name])

    def _away(self) -> dict[str, Any]:
        """Return the plain JSON values of what the recipe is worth on data sets that no trial saw."""
        if self.transfer is None:
            return {}
        data_sets = {
            name: {"confirmed": confirmed_entry(findings, self.away[name]), "baselines": against_of(findings)}
            | untrained_numbers(self.away[name])
            for name, findings in self.away_findings.items()
        }
        return {"away": {"data_sets": data_sets, "together": self.transfer.to_dict()}}

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        findings = self.findings
        scenarios = self.record.scenarios
        money = {name: money_of(confirmation, scenarios[name]) for name, confirmation in self.confirmations.items()}
        by_data = {
            name: {
                "confirmed": self._confirmed(name),
                "baselines": against_of(of_data),
                "selection": self.confirmations[name].selection(),
                "ablation": self.ablations[name].to_dict() if name in self.ablations else None,
                **money[name],
                **untrained_numbers(self.confirmations[name]),
            }
            for name, of_data in self.all_findings.items()
        }
        plain: dict[str, Any] = {
            "answer": self.answer,
            "objective": self.objective.name,
            "recipe": self.best_recipe.to_dict(),
            "confirmed": None if findings is None else self._confirmed(next(iter(self.confirmations))),
            "baselines": {} if findings is None else against_of(findings),
            "selection": [] if self.confirmation is None else self.confirmation.selection(),
            "ablation": None if self.ablation is None else self.ablation.to_dict(),
            **next(iter(money.values()), {"cost": None, "label_nothing": None}),
            "trials": [trial.to_dict() for trial in self.trials],
            "seconds": self.seconds,
            "run": None if self.folder is None else str(self.folder),
        }
        plain |= self.objective.positive_entry() | self._away()
        plain |= {} if self.confirmation is None else untrained_numbers(self.confirmation)
        plain |= {"data_sets": by_data} if len(self.record.data_sets) > 1 else {}
        if len(self.record.scenario.objective_names) > 1:
            plain |= {"objectives": list(self.record.scenario.objective_names)}
            plain |= {"front": [trial.number for trial in self.front]}
        return plain
