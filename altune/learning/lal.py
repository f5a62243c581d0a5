"""Train the forest of ``lal`` on episodes: how much does the label of one candidate reduce the loss on test rows?

Round 0 is LAL-independent of the paper: the labelled sets are random. Each later round is LAL-iterative: the labelled
sets are those that the forest of the rounds before it would have bought.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from altune.core.arguments import plain_fields
from altune.core.blame import failed
from altune.core.errors import WorkError
from altune.core.files import make_private_folder, write_text
from altune.core.formats import library_versions
from altune.core.settings import usual_settings, with_usual_settings
from altune.core.streams import Streams
from altune.core.types import Array, RowNumbers, TrainingSet
from altune.data import Dataset
from altune.data.blocks import Block
from altune.knobs.query_strategy.lal import Lal
from altune.knobs.query_strategy.lal_table import LAL_TABLES, LalTable, lal_features
from altune.knobs.query_strategy.random import RandomQuery
from altune.learning.episodes import Episode, EpisodeCell, Episodes
from altune.models import Model
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.attempts import Play
from altune.simulation.execution.player import Player
from altune.simulation.execution.processes import Call, Ended, LocalPool
from altune.simulation.prepared import prepare_block
from altune.simulation.store import method_code
from altune.tuning.observer import Observer

LAL_FORMAT = 1
"""First part of the key of stored measurements. It changes when something else would be measured."""


@plain_fields
@dataclass(frozen=True)
class LalSettings:
    """How a forest is trained.

    Attributes
    ----------
    rounds : number of rounds; the first has random labelled sets.
    points : number of labelled sets of each block and round.
    candidates : number of candidates whose label is tried, of each labelled set.
    trees : number of trees.
    leaves : number of leaves of a tree, at most.
    """

    rounds: int = 3
    points: int = 5
    candidates: int = 10
    trees: int = 50
    leaves: int = 32


@dataclass(frozen=True, eq=False)
class Task:
    """The measurements on one block, as they travel to a worker.

    Attributes
    ----------
    dataset, block, model, seed, scaling : what is trained and tested on.
    order : rows of the data set in the order in which they were bought, ``(n_bought,)``.
    number : number of the round.
    points, candidates : as in :class:`LalSettings`.
    """

    dataset: Dataset
    block: Block
    model: Model
    seed: int
    scaling: Any
    order: RowNumbers
    number: int
    points: int
    candidates: int

    def key(self) -> str:
        """Return a hash of everything that the measurements depend on."""
        parts = [
            LAL_FORMAT,
            library_versions(),
            self.dataset.fingerprint,
            self.dataset.name,
            self.block.digest(),
            self.model.to_dict(),
            self.seed,
            self.scaling,
            self.order.tolist(),
            self.number,
            self.points,
            self.candidates,
            *([code] if (code := method_code(self.model)) else []),
        ]
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, eq=False)
class Measured:
    """What labels were worth.

    Attributes
    ----------
    features : features of the candidates, ``(n, 8)``.
    reductions : loss before the label minus the loss after it, ``(n,)``.
    sets : number of the labelled set of each, ``(n,)``.
    reason : why there is nothing, in one line; empty if there is something.
    """

    features: Array
    reductions: Array
    sets: RowNumbers
    reason: str = ""


@dataclass(frozen=True, eq=False)
class TrainedLal:
    """A trained forest.

    Attributes
    ----------
    table : the forest, trained on all families.
    without : the forests without one family each, by family.
    correlations : correlation of the predicted with the measured reductions on each family, by the forest without it,
        among the candidates of one labelled set.
    n_measured : number of labels whose effect was measured.
    """

    table: LalTable
    without: Mapping[str, LalTable]
    correlations: Mapping[str, float]
    n_measured: int


def train_lal(
    episodes: Episodes,
    settings: LalSettings,
    player: Player,
    observer: Observer,
    *,
    cache: Path | None = None,
    command: str = "",
) -> TrainedLal:
    """Train a forest, and one without each family.

    The labelled sets of later rounds are chosen by forests that were trained on all families, so a family that is left
    out had an influence on where the others were measured, but on nothing that was measured.

    Parameters
    ----------
    episodes : what is played on.
    settings : sizes of the training.
    player : an open player, see :func:`altune.learning.episodes.episode_player`.
    observer : receives the progress and a line for each failure.
    cache : folder of finished measurements, from which an interrupted training resumes.
    command : the command that trains the forest, for its file.

    Raises
    ------
    WorkError
        If nothing could be measured.
    """
    seed = episodes.plan.seed
    found: list[tuple[str, Measured]] = []
    table: LalTable | None = None
    for number in range(settings.rounds):
        found += _round(episodes, settings, player, observer, cache, number, table)
        if not found:
            raise WorkError("no label could be tried on any data set; nothing was learned")
        table = LalTable(_forest(found, settings, seed))
    assert table is not None
    training = {
        "command": command,
        **episodes.describe(),
        "rounds": settings.rounds,
        "points": settings.points,
        "candidates": settings.candidates,
        "measured": sum(len(measured.reductions) for _, measured in found),
    }
    families = list(dict.fromkeys(family for family, _ in found))
    without: dict[str, LalTable] = {}
    correlations: dict[str, float] = {}
    for family in families if len(families) > 1 else []:
        rest = [(other, measured) for other, measured in found if other != family]
        without[family] = LalTable(_forest(rest, settings, seed), training | {"without": family})
        correlations[family] = correlation_within(without[family], [m for other, m in found if other == family])
    facts = {"correlations": {family: round(value, 4) for family, value in correlations.items()}}
    return TrainedLal(LalTable(table.trees, training | facts), without, correlations, training["measured"])


def measure(task: Task) -> Measured:
    """Try the labels of candidates on one block; an error becomes its reason.

    Each point is a beginning of the order of a length that is drawn evenly on a logarithmic scale.
    """
    try:
        with usual_settings():
            return _measure(task)
    except BaseException as error:
        line, _ = failed(error)
        return Measured(np.empty((0, 8)), np.empty(0), np.empty(0, dtype=np.intp), line)


def _measure(task: Task) -> Measured:
    prepared = prepare_block(task.dataset, task.block, task.seed, task.scaling)
    learner = task.model.for_classes(task.dataset.classes)
    rng = Streams(task.seed, task.dataset.name, "lal", task.block.number).generator("points", task.number)
    order = np.searchsorted(task.block.pool, task.order)
    y, n_classes = prepared.y_pool, prepared.n_classes
    pool, test = prepared.inputs(task.model.takes.raw)
    longest = len(order) - 1
    lengths = np.exp(rng.uniform(np.log(min(2, longest)), np.log(longest), size=task.points)).round().astype(int)

    def fitted(rows: RowNumbers) -> Any:
        rows = np.sort(rows)
        seed = prepared.streams.integer("lal", len(rows))
        return learner.fit(TrainingSet(pool[rows], y[rows], n_classes), seed)

    def loss(model: Any) -> float:
        scores = model.class_scores(test)
        return float(1.0 - scores[np.arange(len(prepared.y_test)), prepared.y_test].mean())

    features, reductions = [], []
    for length in lengths.tolist():
        labelled = order[:length]
        model = fitted(labelled)
        before, rest = loss(model), np.setdiff1d(np.arange(len(y)), labelled)
        tried = rng.choice(len(rest), min(task.candidates, len(rest)), replace=False)
        counts = np.bincount(y[labelled], minlength=n_classes)
        features.append(lal_features(model.class_scores(pool[rest]), tried, counts))
        reductions += [before - loss(fitted(np.append(labelled, rest[position]))) for position in tried]
    sets = np.repeat(np.arange(len(features)), [len(part) for part in features])
    return Measured(np.concatenate(features), np.array(reductions), sets)


def _round(
    episodes: Episodes,
    settings: LalSettings,
    player: Player,
    observer: Observer,
    cache: Path | None,
    number: int,
    table: LalTable | None,
) -> list[tuple[str, Measured]]:
    """Play a round and measure on its labelled sets; return what was measured, with the family of each block."""
    name = "" if table is None else f"round-{table.digest()}"
    with LAL_TABLES.registered({} if table is None else {name: table}):
        recipe = Recipe(query_strategy=RandomQuery() if table is None else Lal(table=name))
        listed = [Episode(recipe, cell, block) for cell in episodes.cells for block in episodes.blocks(cell)]
        outcomes = episodes.play(listed, player, observer, stage="training", say=observer.say)
    tasks = [
        (cell, _task(cell, block, outcome, episodes, settings, number))
        for (_, cell, block), outcome in zip(listed, outcomes, strict=True)
        if isinstance(outcome, LearningCurve) and len(outcome.rows) > 2
    ]
    observer.stage("measurements", len(tasks))
    found: list[tuple[str, Measured]] = []
    for (cell, _), measured in zip(
        tasks, _measured([task for _, task in tasks], player.jobs, cache, observer), strict=True
    ):
        if measured.reason:
            observer.say(f"{cell}: not measured: {measured.reason}")
        else:
            found.append((cell.family, measured))
    return found


def _task(
    cell: EpisodeCell, block: Block, curve: LearningCurve, episodes: Episodes, settings: LalSettings, number: int
) -> Task:
    environment = cell.environment
    return Task(
        environment.dataset,
        block,
        cell.model,
        episodes.plan.seed,
        environment.scenario.scaling,
        curve.rows.astype(np.intp),
        number,
        settings.points,
        settings.candidates,
    )


def _measured(tasks: Sequence[Task], jobs: int, cache: Path | None, observer: Observer) -> list[Measured]:
    """Measure, or read what was measured before, in the order of the tasks."""
    found: dict[int, Measured] = {}
    keys = [task.key() for task in tasks]
    for index, key in enumerate(keys):
        stored = _stored(cache, key)
        if stored is not None:
            found[index] = stored
            observer.played(simulated=False)
    waiting = [index for index in range(len(tasks)) if index not in found]
    for index, measured in _run([(index, tasks[index]) for index in waiting], jobs):
        found[index] = measured
        if cache is not None and not measured.reason:
            plain = {name: getattr(measured, name).tolist() for name in ("features", "reductions", "sets")}
            path = _path(cache, keys[index])
            make_private_folder(path.parent)
            write_text(path, json.dumps(plain))
        observer.played()
    return [found[index] for index in range(len(tasks))]


def _run(calls: Sequence[tuple[int, Task]], jobs: int) -> Iterator[tuple[int, Measured]]:
    if jobs == 1:
        yield from (_numbered(*call) for call in calls)
        return
    with LocalPool(jobs) as pool:
        counted = [Call(call, Play(str(call[0]), str(call[0]))) for call in calls]
        for result in pool.run(_numbered, counted):
            if isinstance(result, Ended):
                raise WorkError(f"a measurement was given up: {result.reason}")
            yield result


def _numbered(index: int, task: Task) -> tuple[int, Measured]:
    return index, measure(task)


def _path(cache: Path, key: str) -> Path:
    return cache / "lal" / f"{key}.json"


def _stored(cache: Path | None, key: str) -> Measured | None:
    """Return what was measured before; a damaged file counts as absent."""
    if cache is None:
        return None
    try:
        plain = json.loads(_path(cache, key).read_text("utf-8"))
        features, reductions, sets = (np.array(plain[name]) for name in ("features", "reductions", "sets"))
        return Measured(features, reductions, sets)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@with_usual_settings
def _forest(found: Sequence[tuple[str, Measured]], settings: LalSettings, seed: int) -> tuple[dict[str, Any], ...]:
    """Fit a random forest and return its trees as plain lists of short numbers."""
    from sklearn.ensemble import RandomForestRegressor

    X = np.concatenate([measured.features for _, measured in found])
    y = np.concatenate([measured.reductions for _, measured in found])
    forest = RandomForestRegressor(
        settings.trees,
        max_leaf_nodes=settings.leaves,
        min_samples_leaf=max(1, min(20, len(y) // 50)),
        max_features=3,
        random_state=Streams(seed, "lal", "forest", 0).integer("forest"),
    ).fit(X, y)
    return tuple(_plain_tree(estimator.tree_) for estimator in forest.estimators_)


def _plain_tree(tree: Any) -> dict[str, Any]:
    leaf = tree.children_left < 0
    own = np.arange(tree.node_count)
    return {
        "feature": np.where(leaf, -1, tree.feature).tolist(),
        "threshold": [_short(value) for value in np.where(leaf, 0.0, tree.threshold)],
        "left": np.where(leaf, own, tree.children_left).tolist(),
        "right": np.where(leaf, own, tree.children_right).tolist(),
        "value": [_short(value) for value in np.where(leaf, tree.value[:, 0, 0], 0.0)],
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def correlation_within(table: LalTable, measured: Sequence[Measured]) -> float:
    """Return the correlation of predicted and measured reductions among the candidates of one labelled set.

    Differences between labelled sets are taken out: a strategy ranks the candidates of one set. 0 if nothing is left.
    """
    pairs = []
    for block in measured:
        predicted = table.forest.predict(block.features)
        for number in np.unique(block.sets):
            both = np.stack([predicted, block.reductions])[:, block.sets == number]
            pairs.append(both - both.mean(axis=1, keepdims=True))
    joined = np.concatenate(pairs, axis=1)
    spread = np.sqrt((joined**2).sum(axis=1))
    return float(joined[0] @ joined[1] / spread.prod()) if spread.all() else 0.0
