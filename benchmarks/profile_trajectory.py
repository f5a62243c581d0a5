"""How much of the time of one trajectory is altune's own?

Digits, a pool of 60 % of the rows, 20 rows first, then 20 loops of 20. Every repetition plays the trajectory once
and then the floor: the bare loop that anyone would write by hand, with the same fits on the same rows, predictions
and scores, and no query. One thread, processor seconds, medians over the repetitions.

    python benchmarks/profile_trajectory.py
    python benchmarks/profile_trajectory.py --strategy typiclust --model random_forest --json
    python benchmarks/profile_trajectory.py --profile                # and the 20 dearest functions
"""

from __future__ import annotations

import argparse
import copy
import cProfile
import functools
import inspect
import json
import pstats
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score
from threadpoolctl import threadpool_limits

from altune.core.errors import AltuneError
from altune.core.types import Features, RowNumbers, TrainingSet
from altune.data import load_dataset
from altune.loop.prefix_cache import PrefixCache
from altune.models import Model
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment, make_environment
from altune.simulation.prepared import PreparedBlock, prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.scoring import TestScorer
from altune.simulation.trajectory import play

POOL_SHARE, FIRST_ROWS, LOOPS, LOOP_ROWS = 0.6, 20, 20, 20
ESTIMATOR_PARTS = {
    "fit": "fit",
    "partial_fit": "fit",
    "predict": "predict",
    "predict_proba": "class scores",
    "decision_function": "class scores",
}
PARTS = ("fit", "predict", "class scores", "scorer")
clock = time.process_time


class Stopwatch:
    """Seconds by part; a part entered inside another counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def timed(self, part: str, function: Callable[..., Any], *, whole: bool) -> Callable[..., Any]:
        """Return the function, timed; a ``whole`` one keeps what it calls, an estimator's own methods for one."""

        @functools.wraps(function)
        def wrapper(*arguments: Any, **options: Any) -> Any:
            if self._inside and self._inside[-1] < 0:
                return function(*arguments, **options)
            self._inside.append(-1.0 if whole else 0.0)
            began = clock()
            try:
                return function(*arguments, **options)
            finally:
                spent = clock() - began
                nested = max(0.0, self._inside.pop())
                self.seconds[part] += spent - nested
                if self._inside:
                    self._inside[-1] += spent

        return wrapper


@contextmanager
def watching(model: Model, stopwatch: Stopwatch) -> Iterator[None]:
    """Time the methods of a model's estimator and the scorer, for as long as the context lasts."""
    estimator = type(model.build(0, FIRST_ROWS))
    with ExitStack() as undo:
        if trains_itself(model):
            _replace(type(model), "fit", stopwatch.timed("fit", type(model).fit, whole=True), undo)
        for name, part in ESTIMATOR_PARTS.items():
            method = inspect.getattr_static(estimator, name, None)
            if method is not None:
                _replace(estimator, name, _timed_method(method, part, stopwatch), undo)
        _replace(TestScorer, "__call__", stopwatch.timed("scorer", TestScorer.__call__, whole=False), undo)
        yield


def trains_itself(model: Model) -> bool:
    """Return whether a model does more than calling its estimator's ``fit``, so that its own counts as one."""
    return type(model).fit is not Model.fit


def _timed_method(method: Any, part: str, stopwatch: Stopwatch) -> Any:
    """Time a plain function, or the one inside scikit-learn's ``available_if``."""
    if inspect.isfunction(method):
        return stopwatch.timed(part, method, whole=True)
    conditional = copy.copy(method)
    conditional.fn = stopwatch.timed(part, method.fn, whole=True)
    return conditional


def _replace(owner: type, name: str, value: Any, undo: ExitStack) -> None:
    own = vars(owner).get(name)
    setattr(owner, name, value)
    undo.callback(*((delattr, owner, name) if own is None else (setattr, owner, name, own)))


@dataclass(frozen=True)
class Stage:
    """A recipe, the environment and the prepared it is played in."""

    recipe: Recipe
    environment: Environment
    prepared: PreparedBlock

    @property
    def scenario(self) -> Scenario:
        """The resolved scenario."""
        return self.environment.scenario

    def play(self) -> LearningCurve:
        """Play the trajectory, taking over no model of an earlier repetition."""
        return play(self.recipe, replace(self.prepared, prefixes=PrefixCache()), self.scenario)

    def play_bare(self, curve: LearningCurve) -> list[float]:
        """Fit, predict and score on the rows that a trajectory bought, by hand; return the accuracies."""
        prepared, scores = self.prepared, []
        place = np.argsort(prepared.block.pool)
        bought = place[np.searchsorted(prepared.block.pool, curve.rows, sorter=place)]
        for loop, size in enumerate(curve.labels.tolist()):
            rows = np.sort(bought[:size])
            X, y = prepared.X_pool[rows], prepared.y_pool[rows]
            estimator = self._fit(X, y, prepared.streams.integer("model", loop))
            scores.append(float(accuracy_score(prepared.y_test, estimator.predict(prepared.X_test))))
        return scores

    def _fit(self, X: Features, y: RowNumbers, seed: int) -> Any:
        model = self.recipe.model
        if trains_itself(model):
            return model.fit(TrainingSet(X, y, self.prepared.n_classes), seed)
        return bare(model.build(seed, len(y))).fit(X, y)


def bare(estimator: Any) -> Any:
    """Return scikit-learn's own estimator with the parameters of one that altune may have made faster."""
    own = next(cls for cls in type(estimator).__mro__ if cls.__module__.startswith("sklearn."))
    return own(**estimator.get_params())


def set_stage(strategy: str, model: str, loops: int = LOOPS) -> Stage:
    """Return the stage for a query strategy and a model, by name."""
    dataset = load_dataset("digits")
    order = np.random.default_rng(0).permutation(dataset.n_rows)
    pool, test = np.split(order, [round(POOL_SHARE * dataset.n_rows)])
    blocks = [{"pool": pool, "test": test, "initial": pool[:FIRST_ROWS]}]
    environment = make_environment(dataset, budget=FIRST_ROWS + loops * LOOP_ROWS, loops=loops, splits=blocks)
    recipe = Recipe.from_dict(
        {
            "query_strategy": {"method": strategy},
            "loop_size": {"method": "constant", "size": LOOP_ROWS},
            "model": {"method": model},
        }
    )
    environment.require(recipe)
    prepared = prepare_block(dataset, environment.explicit["search"][0], seed=0)
    return Stage(recipe, environment, prepared)


def measure(stage: Stage, repetitions: int) -> list[dict[str, float]]:
    """Return the seconds of each repetition by part, after one that only warms up."""
    measured = []
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(repetitions + 1):
            stopwatch = Stopwatch()
            with watching(stage.recipe.model, stopwatch):
                began = clock()
                curve = stage.play()
                total = clock() - began
            began = clock()
            stage.play_bare(curve)
            parts = {"total": total, "floor": clock() - began}
            measured.append(parts | {part: stopwatch.seconds[part] for part in PARTS})
    return measured[1:]


def summarise(measured: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the medians of seconds and shares.

    ``outside`` is the share of the trajectory outside the estimator and the scorer, ``ratio`` the trajectory over
    the floor; both are medians of the repetitions' own, so that a disturbed one does not count.
    """
    rest = [parts["total"] - sum(parts[name] for name in PARTS) for parts in measured]
    summary = {name: float(np.median([parts[name] for parts in measured])) for name in ("total", *PARTS)}
    summary["everything else"] = float(np.median(rest))
    summary["floor"] = float(np.median([parts["floor"] for parts in measured]))
    summary["outside"] = float(np.median([value / parts["total"] for value, parts in zip(rest, measured, strict=True)]))
    summary["ratio"] = float(np.median([parts["total"] / parts["floor"] for parts in measured]))
    return summary


def table(summary: dict[str, float]) -> str:
    """Return the summary as text."""
    names = {"scorer": "scorer, less predict", "floor": "floor: the bare loop"}
    lines = [f"{'':<22}{'ms':>9}{'share':>9}"]
    for name in ("total", *PARTS, "everything else", "floor"):
        seconds = summary[name]
        lines.append(f"{names.get(name, name):<22}{1000 * seconds:>9.1f}{seconds / summary['total']:>9.1%}")
    lines.append(f"outside the estimator and the scorer: {summary['outside']:.1%} of the trajectory")
    lines.append(f"trajectory / floor: {summary['ratio']:.3f}")
    return "\n".join(lines)


def print_profile(stage: Stage) -> None:
    """Print the 20 functions that take the most processor time, their callees included."""
    profile = cProfile.Profile(clock)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        profile.runcall(stage.play)
    pstats.Stats(profile).strip_dirs().sort_stats("cumulative").print_stats(20)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--strategy", default="margin", help="query strategy (margin)")
    parser.add_argument("--model", default="logistic_regression", help="model (logistic_regression)")
    parser.add_argument("--repetitions", type=int, default=15, help="repetitions after one to warm up (15)")
    parser.add_argument("--profile", action="store_true", help="also print cProfile's 20 dearest functions")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    if given.repetitions < 1:
        parser.error(f"--repetitions must be 1 or more, not {given.repetitions}")
    if given.json and given.profile:
        parser.error("--json prints numbers and --profile a listing; ask for one of them")
    try:
        stage = set_stage(given.strategy, given.model)
    except AltuneError as error:
        parser.error(str(error))
    summary = summarise(measure(stage, given.repetitions))
    if given.json:
        print(json.dumps({"strategy": given.strategy, "model": given.model, "seconds": summary}))
        return 0
    print(f"digits, {given.model}, {given.strategy}: {LOOPS + 1} models, {given.repetitions} repetitions")
    print(table(summary))
    if given.profile:
        print_profile(stage)
    return 0


if __name__ == "__main__":
    sys.exit(main())
