"""A trajectory: one recipe played on one block."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from altune.loop.loop import ActiveLearningLoop
from altune.simulation.annotators import Panel
from altune.simulation.curve import LearningCurve
from altune.simulation.prepared import Arena
from altune.simulation.probes import audit_facts, uncertainty_facts
from altune.simulation.scoring import Examiner

if TYPE_CHECKING:
    from altune.recipes.recipe import Recipe
    from altune.simulation.scenario import Scenario


PAUSED = "paused"


class Trajectory:
    """A recipe being played on one block; it can pause at a label count and go on later.

    Parameters
    ----------
    recipe : the eight decisions and the model.
    arena : the block, made ready by :func:`make_arena`.
    scenario : resolved, with its budget filled in.
    examined : whether to note how uncertain the model is and what the audit found (:mod:`altune.simulation.probes`).
    """

    def __init__(self, recipe: Recipe, arena: Arena, scenario: Scenario, *, examined: bool = False) -> None:
        self.arena = arena
        self._examined = examined
        self._recipe = recipe
        self._scenario = scenario
        self._panel = Panel(scenario, arena.y_pool, arena.n_classes, arena.streams, arena.class_probabilities)
        self._examine = Examiner(scenario.metric_names, arena.X_test, arena.y_test, arena.n_classes)
        self._loop = ActiveLearningLoop(
            recipe,
            arena.X_pool,
            arena.n_classes,
            budget=scenario.labels,
            loops=scenario.most_loops,
            streams=arena.streams,
            annotators=len(scenario.annotators),
            initial=arena.first_rows,
            shared=arena.shared,
            histories=arena.histories,
            feature_names=arena.feature_names,
            oracle=arena.y_pool if recipe.initial_sample.uses_oracle else None,
            price_per_label=scenario.mean_price,
            price_per_loop=scenario.price_per_loop,
        )
        self._points: list[_Point] = []
        self._paid = 0.0
        self._rounds = 0
        self._priced = 0
        self._labelled_by_none = np.zeros(len(arena.y_pool), dtype=bool)

    @property
    def done(self) -> bool:
        """Whether the trajectory has ended."""
        return self._loop.done

    def advance(self, until: float = math.inf) -> None:
        """Play on until ``until`` labels are bought and a model is trained on them, or to the end."""
        while not self.done and (not self._points or self._loop.pool.labels_bought < until):
            self._turn()

    def curve(self) -> LearningCurve:
        """Return the learning curve so far; it needs at least one model."""
        loop, points, turns = self._loop, self._points, self._loop.turns
        key = ("prior", self._scenario.metric_names)
        prior = self.arena.hidden.get(key, lambda: self._examine.prior(self.arena.y_pool))
        curve = LearningCurve(
            labels=np.array([turn.labels_bought for turn in turns], dtype=np.int64),
            used=np.array([turn.labels_used for turn in turns], dtype=np.int64),
            cost=np.array([point.cost for point in points]),
            scores={metric: np.array([point.scores[metric] for point in points]) for metric in prior},
            prior=prior,
            loop_rows=np.array([turn.loop_rows for turn in turns], dtype=np.int64),
            fit_seconds=np.array([turn.fit_seconds for turn in turns]),
            query_seconds=np.array([turn.query_seconds for turn in turns]),
            evaluation_seconds=np.array([point.seconds for point in points]),
            facts=tuple({**turn.notes, **point.hidden} for turn, point in zip(turns, points, strict=True)),
            rows=self.arena.block.pool[loop.bought].astype(np.int64),
            stopped=PAUSED if loop.stopped is None else str(loop.stopped),
            rounds=np.array([point.rounds for point in points], dtype=np.int64),
            priced=np.array([point.priced for point in points], dtype=np.int64),
        )
        return curve if loop.stopped is None or not self._scenario.dense_points else self._with_dense(curve)

    def _turn(self) -> None:
        loop, panel, scenario = self._loop, self._panel, self._scenario
        request = loop.ask()
        seen = uncertainty_facts(loop, request) if self._examined else {}
        loop.tell(panel.label(request.rows, request.annotators))
        # A step of the initial sample before the first model is a round trip to the annotators, priced like a loop.
        self._paid += panel.price(request.annotators, request.rows, request.again) + scenario.price_per_loop
        self._rounds += 1
        self._priced += panel.usual(request.annotators, request.rows, request.again)
        extra = loop.automatic
        if extra is not None:
            first = int(np.count_nonzero(~self._labelled_by_none[extra.rows]))
            self._paid += scenario.price_per_auto_label * first
            self._labelled_by_none[extra.rows] = True
        if loop.model is None:
            return
        began = time.perf_counter()
        scores = self._examine(loop.model)
        seconds = time.perf_counter() - began
        found = {**seen, **audit_facts(loop, self.arena.y_pool)} if self._examined else {}
        hidden = {**self._errors(), **found}
        self._points.append(_Point(self._paid, scores, seconds, hidden, self._rounds, self._priced))

    def _errors(self) -> dict[str, float]:
        """Return the true error rates of what was trained on, kept apart: only the simulator knows the truth."""
        loop, truth = self._loop, self.arena.y_pool
        wrong = loop.pool.labels != truth[loop.pool.labelled]
        found = {"wrong_labels_used": float(wrong.mean())} if wrong.any() else {}
        if loop.automatic is not None:
            found["wrong_auto_labels"] = float(np.mean(loop.automatic.labels != truth[loop.automatic.rows]))
        return found

    def _with_dense(self, curve: LearningCurve) -> LearningCurve:
        """Return the curve with the scores of the recipe's model refitted on a grid of label counts.

        The model has its own hyperparameters and is reset each time, so that the selected rows alone make the
        difference; labels are those of the end.
        """
        arena, loop = self.arena, self._loop
        code = np.full(len(arena.y_pool), -1, dtype=np.intp)
        code[loop.pool.labelled] = loop.pool.labels
        last = int(curve.labels[-1])
        counts = np.unique(np.linspace(1, last, self._scenario.dense_points).round().astype(np.int64))
        bought, rows_bought = (np.concatenate([[0], own]) for own in (curve.labels, np.cumsum(curve.loop_rows)))
        scores: dict[str, list[float]] = {metric: [] for metric in curve.scores}
        kept: list[int] = []
        for count in counts.tolist():
            rows = loop.bought[: int(np.interp(count, bought, rows_bought))]
            rows = np.sort(rows[code[rows] >= 0])
            if len(rows):
                seed = arena.streams.integer("dense", count)
                found = self._examine(self._recipe.model.fit(arena.X_pool[rows], code[rows], arena.n_classes, seed))
                kept.append(count)
                for metric, values in scores.items():
                    values.append(found[metric])
        dense = {metric: np.array(values) for metric, values in scores.items()}
        return replace(curve, dense_labels=np.array(kept, dtype=np.int64), dense_scores=dense)


@dataclass(frozen=True)
class _Point:
    """What the simulator knows of one trained model."""

    cost: float
    scores: dict[str, float]
    seconds: float
    hidden: dict[str, float]
    rounds: int
    priced: int


def play(recipe: Recipe, arena: Arena, scenario: Scenario) -> LearningCurve:
    """Play a recipe on one block and return its learning curve.

    Parameters
    ----------
    recipe : the eight decisions and the model.
    arena : the block, made ready by :func:`make_arena`.
    scenario : resolved, with its budget filled in.
    """
    trajectory = Trajectory(recipe, arena, scenario)
    trajectory.advance()
    return trajectory.curve()
