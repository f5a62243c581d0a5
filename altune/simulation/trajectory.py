"""A trajectory: one recipe played on one block."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.core.errors import WorkError
from altune.core.types import TrainingSet
from altune.loop.loop import ActiveLearningLoop
from altune.loop.training import NO_MODEL
from altune.simulation.curve import NOTHING, LearningCurve
from altune.simulation.panel import Panel
from altune.simulation.prepared import PreparedBlock
from altune.simulation.probes import audit_facts, uncertainty_facts
from altune.simulation.scoring import TestScorer, UnitScores

if TYPE_CHECKING:
    from altune.recipes.recipe import Recipe
    from altune.simulation.scenario import Scenario


PAUSED = "paused"


class Trajectory:
    """A recipe being played on one block. It can pause at a label count and continue later.

    Parameters
    ----------
    recipe : the eight decisions and the model.
    prepared : the block, from :func:`altune.simulation.prepared.prepare_block`.
    scenario : the resolved scenario, with its budget filled in.
    examined : whether to record how uncertain the model is and what the audit found
        (:mod:`altune.simulation.probes`).
    row_scores : whether to record the scores by test row, or by group of test rows.
    """

    def __init__(
        self,
        recipe: Recipe,
        prepared: PreparedBlock,
        scenario: Scenario,
        *,
        examined: bool = False,
        row_scores: bool = False,
    ) -> None:
        self.prepared = prepared
        self._examined = examined
        self._by_unit: list[UnitScores] | None = [] if row_scores else None
        self._scenario = scenario
        self._pool_inputs, test_inputs = prepared.inputs(recipe.takes_raw)
        self._panel = Panel(
            scenario, prepared.y_pool, prepared.n_classes, prepared.streams, prepared.class_probabilities
        )
        self._scorer = TestScorer(
            scenario.metric_names,
            test_inputs,
            prepared.y_test,
            prepared.n_classes,
            scenario.positive_code,
            prepared.test_groups,
            scenario.labels_of_classes,
            recipe.model.takes,
        )
        self._loop = ActiveLearningLoop(
            recipe,
            prepared.X_pool,
            prepared.n_classes,
            budget=scenario.labels,
            loops=scenario.most_loops,
            streams=prepared.streams,
            annotators=len(scenario.annotators),
            initial=prepared.first_rows,
            shared=prepared.shared,
            prefixes=prepared.prefixes,
            feature_names=prepared.feature_names,
            inputs=self._pool_inputs,
            groups=prepared.pool_groups,
            oracle=prepared.y_pool if recipe.initial_sample.uses_oracle else None,
            price_per_label=scenario.mean_price,
            price_per_loop=scenario.price_per_loop,
            classes=scenario.labels_of_classes,
        )
        self._points: list[_Point] = []
        self._paid = 0.0
        self._round_trips = 0
        self._priced = 0
        self._auto_labelled = np.zeros(len(prepared.y_pool), dtype=bool)

    @property
    def done(self) -> bool:
        """Whether the trajectory has ended."""
        return self._loop.done

    @property
    def loop(self) -> int:
        """Number of the current loop."""
        return len(self._loop.records)

    def advance(self, until: float = math.inf) -> None:
        """Play until ``until`` labels are bought and a model is trained on them, or to the end."""
        while not self.done and (not self._points or self._loop.pool.labels_bought < until):
            self._play_loop()

    def curve(self) -> LearningCurve:
        """Return the learning curve so far; at least one model must have been trained."""
        loop, points, records = self._loop, self._points, self._loop.records
        key = ("prior", self._scenario.metric_names, self._scenario.positive_code, self._scorer.takes)
        prior = self.prepared.hidden.get(key, lambda: self._scorer.prior(self.prepared.y_pool))
        units = {} if self._by_unit is None else self._units(self._by_unit)
        rows, groups = self.prepared.block.pool[loop.bought].astype(np.int64), self.prepared.block.groups
        curve = LearningCurve(
            labels=np.array([record.labels_bought for record in records], dtype=np.int64),
            used=np.array([record.labels_used for record in records], dtype=np.int64),
            cost=np.array([point.cost for point in points]),
            scores={metric: np.array([point.scores[metric] for point in points]) for metric in prior},
            prior=prior,
            loop_rows=np.array([record.loop_rows for record in records], dtype=np.int64),
            fit_seconds=np.array([record.fit_seconds for record in records]),
            query_seconds=np.array([record.query_seconds for record in records]),
            evaluation_seconds=np.array([point.seconds for point in points]),
            notes=tuple({**record.notes, **point.hidden} for record, point in zip(records, points, strict=True)),
            rows=rows,
            bought_groups=NOTHING if groups is None else groups[rows],
            stopped=PAUSED if loop.stopped is None else str(loop.stopped),
            round_trips=np.array([point.round_trips for point in points], dtype=np.int64),
            priced=np.array([point.priced for point in points], dtype=np.int64),
            **units,
        )
        return curve if loop.stopped is None or not self._scenario.dense_points else self._with_dense(curve)

    def _play_loop(self) -> None:
        loop, panel, scenario = self._loop, self._panel, self._scenario
        request = loop.ask()
        uncertainty = uncertainty_facts(loop, request) if self._examined else {}
        loop.tell(panel.label(request.rows, request.annotators))
        # A step of the initial sample before the first model is a round trip to the annotators, priced like a loop.
        self._paid += panel.price(request.annotators, request.rows, request.again) + scenario.price_per_loop
        self._round_trips += 1
        self._priced += panel.usual(request.annotators, request.rows, request.again)
        extra = loop.automatic
        if extra is not None:
            first = int(np.count_nonzero(~self._auto_labelled[extra.rows]))
            self._paid += scenario.price_per_auto_label * first
            self._auto_labelled[extra.rows] = True
        if loop.model is None:
            return
        began = time.perf_counter()
        if self._by_unit is None:
            scores = self._scorer(loop.model)
        else:
            scores, by_unit = self._scorer.with_units(loop.model)
            self._by_unit.append(by_unit)
        seconds = time.perf_counter() - began
        if loop.done and all(NO_MODEL in record.notes for record in loop.records):
            raise WorkError(
                f"{loop.model.failure}; nor on any labels before: if it wants more of them, give a larger "
                "initial_sample.size or budget"
            )
        probed = {**uncertainty, **audit_facts(loop, self.prepared.y_pool)} if self._examined else {}
        hidden = {**self._errors(), **probed}
        self._points.append(_Point(self._paid, scores, seconds, hidden, self._round_trips, self._priced))

    def _units(self, by_unit: list[UnitScores]) -> dict[str, Any]:
        """Return the scores by unit of the test rows as fields of the curve."""
        scorer, y_pool = self._scorer, self.prepared.y_pool
        key = ("prior units", self._scenario.metric_names, self._scenario.positive_code, scorer.takes)
        _, prior = self.prepared.hidden.get(key, lambda: scorer.with_units(scorer.prior_model(y_pool)))
        block = self.prepared.block
        of_groups = {
            metric: np.array([values, *(unit.groups[metric] for unit in by_unit)])
            for metric, values in prior.groups.items()
        }
        if block.groups is not None:
            return {"group_scores": of_groups}
        return {
            "row_scores": np.array([unit.correct for unit in by_unit]),
            "row_prior": prior.correct,
            "row_classes": self.prepared.y_test.astype(np.int64) if block.by_class else NOTHING,
            "group_scores": of_groups,
        }

    def _errors(self) -> dict[str, float]:
        """Return the true error rates of the labels in use, which only the simulator knows."""
        loop, truth = self._loop, self.prepared.y_pool
        wrong = loop.pool.labels != truth[loop.pool.labelled]
        rates = {"wrong_labels_used": float(wrong.mean())} if wrong.any() else {}
        if loop.automatic is not None:
            rates["wrong_auto_labels"] = float(np.mean(loop.automatic.labels != truth[loop.automatic.rows]))
        return rates

    def _with_dense(self, curve: LearningCurve) -> LearningCurve:
        """Return the curve with the scores of the recipe's model refitted on a grid of label counts.

        The model has its own hyperparameters and is trained from scratch each time, so that only the selected rows
        make a difference. Labels are those at the end of the trajectory.
        """
        prepared, loop = self.prepared, self._loop
        code = np.full(len(prepared.y_pool), -1, dtype=np.intp)
        code[loop.pool.labelled] = loop.pool.labels
        last = int(curve.labels[-1])
        counts = np.unique(np.linspace(1, last, self._scenario.dense_points).round().astype(np.int64))
        bought = np.concatenate([[0], curve.labels])
        rows_bought = np.concatenate([[0], np.cumsum(curve.loop_rows)])
        scores: dict[str, list[float]] = {metric: [] for metric in curve.scores}
        kept: list[int] = []
        for count in counts.tolist():
            rows = loop.bought[: int(np.interp(count, bought, rows_bought))]
            rows = np.sort(rows[code[rows] >= 0])
            if len(rows):
                seed = prepared.streams.integer("dense", count)
                training = TrainingSet(self._pool_inputs[rows], code[rows], prepared.n_classes)
                refitted = loop.recipe.model.fit(training, seed)
                score_of = self._scorer(refitted)
                kept.append(count)
                for metric, values in scores.items():
                    values.append(score_of[metric])
        dense = {metric: np.array(values) for metric, values in scores.items()}
        return replace(curve, dense_labels=np.array(kept, dtype=np.int64), dense_scores=dense)


@dataclass(frozen=True)
class _Point:
    """What the simulator records about one trained model."""

    cost: float
    scores: dict[str, float]
    seconds: float
    hidden: dict[str, float]
    round_trips: int
    priced: int


def play(recipe: Recipe, prepared: PreparedBlock, scenario: Scenario, *, row_scores: bool = False) -> LearningCurve:
    """Play a recipe on one block and return its learning curve.

    Parameters
    ----------
    recipe : the eight decisions and the model.
    prepared : the block, from :func:`altune.simulation.prepared.prepare_block`.
    scenario : the resolved scenario, with its budget filled in.
    row_scores : whether to record the scores by test row, or by group of test rows.
    """
    trajectory = Trajectory(recipe, prepared, scenario, row_scores=row_scores)
    trajectory.advance()
    return trajectory.curve()
