"""A run: its trials, its confirmation and everything that is worked out of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from altune.analysis.findings import Findings, against_of, answer, answer_of_several, find, front_sentences
from altune.core.deprecations import OldNames, renamed_keywords
from altune.core.errors import RequestError, WorkError
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve, curves_frame
from altune.simulation.scenario import Scenario
from altune.tuning.confirmation import Confirmation, Played
from altune.tuning.preference import pareto_trials
from altune.tuning.ranking import best_recipes
from altune.tuning.record import StudyRecord
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
    """What a run asks when it is confirmed or ablated after it was made; whoever has its data can do it."""

    def confirm(self, run: Run, sizes: Mapping[str, Any]) -> None:
        """Confirm the best recipes, store that with the study, and write the run's folder."""

    def ablate(self, run: Run) -> None:
        """Play the path from vanilla to the confirmed recipe, unless the study holds it, and write the run's folder."""


class Run(OldNames):
    """A search with its confirmation: a wrapper of an Optuna study, which stays reachable as ``study``.

    Attributes
    ----------
    record : everything that the study says.
    folder : the run's folder, None for a run in memory.
    seconds : wall seconds of this call; what was read back took none.
    later : confirms and ablates the run again; None for a run that was opened from its folder, which has no data.
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
            If there is no run, or its model is an estimator of the user's that is not registered here.
        """
        run = cls(stored_study(Path(folder)), Path(folder))
        run.record.require_estimators(str(folder))
        return run

    def __repr__(self) -> str:
        where = f", {str(self.folder)!r}" if self.folder is not None else ""
        return f"Run({self.record.data['name']!r}, {len(self.trials)} trials{where})"

    @property
    def study(self) -> optuna.Study:
        """Optuna's own study."""
        return self.record.study

    @property
    def trials(self) -> list[TrialRecord]:
        """Every trial, forbidden draws and failures included, in the order of numbers."""
        return self.record.trials()

    @property
    def scenario(self) -> Scenario:
        """What every recipe met."""
        return self.record.scenario

    @property
    def objective(self) -> Objective:
        """What was bettered; of several objectives the one that is confirmed."""
        return self.record.objective

    @property
    def front(self) -> list[TrialRecord]:
        """The trials that no other betters in every objective; with one objective, the best."""
        return pareto_trials(self.trials, [one.direction for one in self.record.scenario.make_objectives()])

    @property
    def baselines(self) -> dict[str, Played]:
        """The baselines on the search blocks."""
        return self.record.baselines()

    @property
    def confirmation(self) -> Confirmation | None:
        """What was confirmed on the first data set, None before :meth:`confirm`."""
        return next(iter(self.confirmations.values()), None)

    @property
    def confirmations(self) -> dict[str, Confirmation]:
        """What was confirmed on each data set, by its name; empty before :meth:`confirm`."""
        return self.record.confirmations()

    @property
    def best_trial(self) -> TrialRecord:
        """The best trial of the search, whose value flatters it.

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
        """The confirmed recipe; before the confirmation, the best of the search."""
        confirmation = self.confirmation
        if confirmation is not None:
            return confirmation.recipe.recipe
        recipe = self.best_trial.recipe
        if recipe is None:
            raise WorkError("the best trial holds no recipe")
        return recipe

    @property
    def findings(self) -> Findings | None:
        """The numbers of the confirmation on the first data set, None before :meth:`confirm`."""
        return next(iter(self.all_findings.values()), None)

    @cached_property
    def all_findings(self) -> dict[str, Findings]:
        """The numbers of the confirmation on each data set, by its name; empty before :meth:`confirm`."""
        scenarios = self.record.scenarios
        return {
            name: find(one, scenarios[name].make_objective(), scenarios[name].labels)
            for name, one in self.confirmations.items()
        }

    @property
    def loops(self) -> LoopFacts | None:
        """What each loop of the confirmed recipe did on the first data set, None where that is not known."""
        return next(iter(self.all_loops.values()), None)

    @cached_property
    def all_loops(self) -> dict[str, LoopFacts]:
        """What each loop of the confirmed recipe did on each data set, by its name; empty before :meth:`confirm`."""
        from altune.analysis.loops.facts import LoopFacts

        return {name: LoopFacts.from_dict(plain) for name, plain in self.record.examined().items()}

    @property
    def ablation(self) -> Ablation | None:
        """Which decision made the difference on the first data set, None where it was not played."""
        return next(iter(self.ablations.values()), None)

    @cached_property
    def ablations(self) -> dict[str, Ablation]:
        """The path from vanilla to the confirmed recipe on each data set, by its name; empty where there is none."""
        from altune.analysis.ablation import ablations_of

        return ablations_of(self.record)

    @property
    def answer(self) -> str:
        """What a person can act on, in sentences."""
        if self.findings is None:
            return (
                f"Not confirmed yet: the best of {len(self.trials)} trials is {self.best_recipe.describe()} "
                "Its value in the search is biased upwards and is not shown; run.confirm() gives a fair one."
            )
        return "\n".join(self.sentences)

    @property
    def sentences(self) -> list[str]:
        """The answer sentence by sentence, the most important first."""
        found = self.all_findings
        if len(found) > 1:
            said = answer_of_several(found, self.best_recipe)
        else:
            said = answer(next(iter(found.values())), self.best_recipe)
        objectives = self.record.scenario.make_objectives()
        picked = front_sentences(self.front, self.confirmation, objectives, self.record.preference)
        steps = [f"{name}: {one.sentence}" if len(found) > 1 else one.sentence for name, one in self.ablations.items()]
        return [*said[:1], *picked, *said[1:-1], *steps, said[-1]]

    @renamed_keywords
    def confirm(
        self, *, select_among: int | None = None, select_blocks: int | None = None, report_blocks: int | None = None
    ) -> Run:
        """Confirm the best recipes on fresh blocks; done by :func:`altune.tune` unless ``confirm=False``.

        Parameters
        ----------
        select_among, select_blocks, report_blocks : sizes, where they should differ from the run's.

        Raises
        ------
        RequestError
            For a run that was opened from its folder: give the same ``tune`` command again instead.
        """
        if self._later is None:
            raise RequestError("a run opened from its folder has no data; give the same tune command to confirm it")
        given = {"select_among": select_among, "select_blocks": select_blocks, "report_blocks": report_blocks}
        self._later.confirm(self, {name: value for name, value in given.items() if value is not None})
        return self

    def ablate(self) -> Run:
        """Play the path from vanilla to the confirmed recipe; done by :func:`altune.tune` unless ``ablation=False``.

        Raises
        ------
        RequestError
            If nothing is confirmed yet; for a run that was opened from its folder.
        """
        if self._later is None:
            raise RequestError("a run opened from its folder has no data; give the same tune command to ablate it")
        if self.confirmation is None:
            raise RequestError("nothing is confirmed yet, so there is no recipe to ablate; call run.confirm() first")
        self._later.ablate(self)
        return self

    def read_again(self) -> None:
        """Forget what was read of the confirmation and what follows it, which the study may hold anew."""
        for name in ("all_findings", "ablations", "all_loops"):
            self.__dict__.pop(name, None)

    def importance(self, *, confidence: float = 0.95, seed: int = 0) -> KnobImportance:
        """Return how much of what was gained or lost in the search each knob explains.

        See :func:`altune.analysis.importance.knob_importance.knob_importance`.
        """
        from altune.analysis.importance.knob_importance import importance_of

        return importance_of(self._explained(seed), confidence=confidence, seed=seed)

    def effects(self, *, confidence: float = 0.95, seed: int = 0) -> Effects:
        """Return how what was reached depends on a knob's method, on a number, and on two decisions at once.

        See :class:`altune.analysis.importance.effects.Effects`.
        """
        from altune.analysis.importance.effects import Effects

        return Effects(self._explained(seed), confidence=confidence, seed=seed)

    def _explained(self, seed: int) -> Explained:
        """Return the trials with the surrogate that explains them, fitted once for the same trials and seed."""
        from altune.analysis.importance.explained import prepare, space_of_run

        trials = self.trials
        of = seed, [(trial.params, trial.values) for trial in trials]
        if self._last_explained is None or self._last_explained[0] != of:
            space, facts = space_of_run(self.record)
            self._last_explained = of, prepare(trials, space, capabilities=facts, seed=seed)
        return self._last_explained[1]

    def curves(self) -> pd.DataFrame:
        """Return every learning curve of the run as one table: part, recipe, block, and a row for each point."""
        every = self._every_curve()
        part, data, recipe, block, curves = zip(*every, strict=True) if every else ((),) * 5
        keys = {"part": part, "recipe": recipe, "block": block}
        return curves_frame(curves, keys | ({"data": data} if len(self.record.data_sets) > 1 else {}))

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        findings = self.findings
        several = {
            name: {
                "confirmed": one.recipe.to_dict(),
                "baselines": against_of(one),
                "ablation": self.ablations[name].to_dict() if name in self.ablations else None,
            }
            for name, one in self.all_findings.items()
        }
        plain: dict[str, Any] = {
            "answer": self.answer,
            "objective": self.objective.name,
            "recipe": self.best_recipe.to_dict(),
            "confirmed": None if findings is None else findings.recipe.to_dict(),
            "baselines": {} if findings is None else against_of(findings),
            "ablation": None if self.ablation is None else self.ablation.to_dict(),
            "trials": [trial.to_dict() for trial in self.trials],
            "seconds": self.seconds,
            "run": None if self.folder is None else str(self.folder),
        }
        plain |= {"data_sets": several} if len(self.record.data_sets) > 1 else {}
        if len(self.record.scenario.objective_names) > 1:
            plain |= {"objectives": list(self.record.scenario.objective_names)}
            plain |= {"front": [trial.number for trial in self.front]}
        return plain

    def _every_curve(self) -> list[tuple[str, str, str, int, LearningCurve]]:
        """Return (part, data set, recipe, block, curve) of every curve there is."""
        names, order = list(self.record.data_sets), self.record.search_blocks.order
        found: list[tuple[str, str, str, int, LearningCurve]] = []
        searched = {name: list(played.curves) for name, played in self.baselines.items()}
        searched |= {f"trial_{trial.number}": self.record.curves(trial.number) for trial in self.trials}
        for recipe, curves in searched.items():
            for (index, block), curve in zip(order, curves, strict=False):
                found.append(("search", names[index], recipe, block, curve))
        for data, confirmation in self.confirmations.items():
            parts = [("select", f"trial_{one.trial}", one.played) for one in confirmation.candidates]
            reported = {"confirmed": confirmation.recipe, **confirmation.baselines}
            reported |= {f"{name}_matched": played for name, played in confirmation.matched.items()}
            parts += [("report", name, played) for name, played in reported.items()]
            for part, recipe, played in parts:
                found += [(part, data, recipe, block, curve) for block, curve in enumerate(played.curves)]
        return found + self._ablated_curves()

    def _ablated_curves(self) -> list[tuple[str, str, str, int, LearningCurve]]:
        """Return the same of what the ablation played beside the confirmation, on the report blocks."""
        ablated, names = self.record.ablated(), list(self.confirmations)
        found: list[tuple[str, str, str, int, LearningCurve]] = []
        for data, one in zip(names, ablated.played, strict=True) if ablated is not None else ():
            between = {f"step_{number}": played for number, played in enumerate(one.path[1:-1], start=1)}
            back = {f"without_{knob}": played for knob, played in one.without.items()}
            for recipe, played in {**between, **back}.items():
                found += [("ablation", data, recipe, block, curve) for block, curve in enumerate(played.curves)]
        return found
