"""Plays a recipe on blocks: answers the loop from the true labels, scores each model, returns learning curves."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.metrics import check_scoring

from altune import __version__
from altune.annotators import Panel, cross_fitted
from altune.curve import LearningCurve
from altune.data import Dataset, encode
from altune.data.blocks import Block
from altune.data.encoding import Scaling
from altune.errors import ScenarioError, StorageError
from altune.histories import Histories
from altune.loop import ActiveLearningLoop
from altune.models import FittedModel
from altune.models.custom import CustomModel
from altune.pool import Features, Rows, Shared
from altune.recording import audit_facts, uncertainty_facts
from altune.registry import Method
from altune.streams import Streams

if TYPE_CHECKING:
    from altune.recipe import Recipe
    from altune.scenario import Scenario


PAUSED = "paused"
STORE_BYTES = 4 * 2**30
"""A folder of finished trajectories is kept at 4 GiB, some 500,000 of them."""


@dataclass(frozen=True, eq=False)
class Arena:
    """A block made ready to be played on: encoded features, true labels, random streams.

    The features were encoded by what the pool's features alone say; ``shared`` gathers what trajectories build of
    them, for as long as the arena lives. ``feature_names`` are the columns' names where encoding kept the columns.
    What depends on true labels is gathered in ``hidden``, which no recipe sees; what equal beginnings of trajectories
    come to, in ``histories``.
    """

    block: Block
    X_pool: Features
    X_test: Features
    y_pool: Rows
    y_test: Rows
    n_classes: int
    streams: Streams
    feature_names: tuple[str, ...] | None = None
    shared: Shared = field(default_factory=Shared)
    hidden: Shared = field(default_factory=Shared)
    histories: Histories = field(default_factory=Histories)

    def class_probabilities(self) -> NDArray[np.float64]:
        """Return what a model of all true labels says of each pool row it did not learn from, worked out once."""
        return self.hidden.get(
            "cross_fitted", lambda: cross_fitted(self.X_pool, self.y_pool, self.n_classes, self.streams)
        )

    @property
    def first_rows(self) -> Rows | None:
        """Positions in the pool of the rows that are labelled first, where the block fixes them."""
        if self.block.initial is None:
            return None
        order = np.argsort(self.block.pool)
        return order[np.searchsorted(self.block.pool, self.block.initial, sorter=order)]


def make_arena(dataset: Dataset, block: Block, seed: int, scaling: Scaling = "auto") -> Arena:
    """Encode a block's features and gather what is needed to play on it."""
    X_pool, X_test = encode(dataset, block.pool, block.test, scaling=scaling)
    return Arena(
        block=block,
        X_pool=X_pool,
        X_test=X_test,
        y_pool=dataset.y[block.pool],
        y_test=dataset.y[block.test],
        n_classes=dataset.n_classes,
        streams=block.streams(seed, dataset.name),
        feature_names=kept_names(dataset, int(X_pool.shape[1])),
    )


def kept_names(dataset: Dataset, width: int) -> tuple[str, ...] | None:
    """Return the names of encoded columns, None where nobody named them or encoding made others of them."""
    names = dataset.feature_names
    return names if dataset.kind != "table" and names is not None and len(names) == width else None


class Examiner:
    """Scores models on the test rows by scikit-learn's own scorers; each prediction is made once for all metrics."""

    def __init__(self, metrics: tuple[str, ...], X: Features, y: Rows, n_classes: int) -> None:
        self._metrics = metrics
        self._X = X
        self._y = y
        self._n_classes = n_classes
        self._scorer: Callable[..., Any] = check_scoring(scoring=list(metrics), raise_exc=True)

    def __call__(self, model: FittedModel) -> dict[str, float]:
        """Return the score of each metric."""
        if self._metrics == ("accuracy",):
            # The same number as scikit-learn's scorer, whose checks took a tenth of a trajectory on digits.
            return {"accuracy": float(np.mean(model.predict(self._X) == self._y))}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = self._scorer(model, self._X, self._y)
        return {metric: float(scores[metric]) for metric in self._metrics}

    def prior(self, y_pool: Rows) -> dict[str, float]:
        """Return the scores of the predictor that knows the pool's class shares and nothing else.

        Raises
        ------
        ScenarioError
            If a metric cannot score this data set's classes.
        """
        seen, positions = np.unique(y_pool, return_inverse=True)
        dummy = DummyClassifier(strategy="prior").fit(np.zeros((len(y_pool), 1)), positions)
        try:
            return self(FittedModel(dummy, self._n_classes, seen, seen, ("predict_proba",)))
        except ValueError as error:
            reason = str(error).split("\n")[0]
            raise ScenarioError(
                f"metric {', '.join(self._metrics)} cannot score {self._n_classes} classes: {reason}"
            ) from None


class Trajectory:
    """A recipe being played on one block; it can pause at a label count and go on later.

    Parameters
    ----------
    recipe : the eight decisions and the model.
    arena : the block, made ready by :func:`make_arena`.
    scenario : resolved, with its budget filled in.
    examined : whether to note how uncertain the model is and what the audit found (:mod:`altune.recording`).
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


def trajectory_key(
    recipe: Recipe,
    block: Block,
    scenario: Scenario,
    fingerprint: str,
    data: str,
    seed: int,
    *,
    examined: bool = False,
) -> str:
    """Return the hash of everything that a trajectory depends on, and of what is noted of it."""
    parts = [
        __version__,
        recipe.digest(),
        estimator_text(type(recipe.model)) + recipe.labeling.fingerprint(),
        scenario.played_digest(),
        fingerprint,
        data,
        block.digest(),
        seed,
        *(["examined"] if examined else []),
    ]
    text = json.dumps(parts)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def estimator_text(model: type[Method]) -> str:
    """Return what a user's own estimator is made of, which its name in a recipe does not say; else nothing."""
    if not issubclass(model, CustomModel):
        return ""
    estimator = model.spec.estimator
    return f"{type(estimator).__module__}.{type(estimator).__qualname__} {sorted(estimator.get_params().items())}"


class TrajectoryStore:
    """Finished trajectories in a folder, one JSON file each, written whole or not at all.

    A trajectory that was finished before a kill is read back, not replayed. A torn or foreign file counts as absent.

    Parameters
    ----------
    folder : made when the first trajectory is stored.
    most_bytes : what :meth:`prune` leaves at most; runs may share the folder.
    """

    def __init__(self, folder: Path, most_bytes: int = STORE_BYTES) -> None:
        self.folder = folder
        self.most_bytes = most_bytes

    def load(self, key: str) -> LearningCurve | None:
        """Return a stored curve, None where there is none."""
        path = self._path(key)
        try:
            curve = LearningCurve.from_dict(json.loads(path.read_text("utf-8")))
            with contextlib.suppress(OSError):  # read last, pruned last
                os.utime(path)
            return curve
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def save(self, key: str, curve: LearningCurve) -> None:
        """Store a curve.

        Raises
        ------
        StorageError
            If the folder cannot be written, a full disk for one.
        """
        path = self._path(key)
        partial = path.with_suffix(f".{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(curve.to_dict()), "utf-8")
            os.replace(partial, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise StorageError(f"{path.parent}: cannot write: {error.strerror}; the same command goes on") from None

    def prune(self) -> int:
        """Remove the trajectories that were longest not read or written, down to ``most_bytes``; return how many."""
        found = []
        for path in self.folder.glob("*/*.json"):
            with contextlib.suppress(OSError):  # another run may be pruning as well
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        size, removed = sum(size for _, size, _ in found), 0
        for _, own, path in sorted(found):
            if size <= self.most_bytes:
                break
            path.unlink(missing_ok=True)
            size, removed = size - own, removed + 1
        return removed

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
