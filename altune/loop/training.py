"""The training half of the loop's record: audit, train, and put the model into the pool's hands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.types import RowNumbers
from altune.knobs.labeling import Automatic, audit_ranking
from altune.knobs.labeling.audit import SUSPECT_WEIGHT
from altune.knobs.retrain import TrainingInput
from altune.knobs.training import LabelsSoFar
from altune.loop.prefix_cache import PrefixCache, PrefixKey
from altune.models import FittedModel, Model

if TYPE_CHECKING:
    from altune.core.streams import Streams
    from altune.recipes.recipe import Recipe

NO_ROWS: RowNumbers = np.empty(0, dtype=np.intp)


@dataclass
class LoopRecord:
    """What one record of the loop did."""

    loop: int
    labels_bought: int
    labels_used: int = 0
    loop_rows: int = 0
    fit_seconds: float = 0.0
    query_seconds: float = 0.0
    notes: dict[str, float] = field(default_factory=dict)


class Trainer:
    """What a loop remembers of its labels and models from one training to the next.

    Parameters
    ----------
    recipe : the eight decisions and the model.
    pool : what the loop works on; its model and labels are set here.
    streams : the random streams of this trajectory.
    prefixes : what trajectories of one block share; None for a loop that stands alone.

    Attributes
    ----------
    prefixes : the same.
    model, learner : the current model, and what it was trained by; None before the first.
    automatic : labels that nobody gave and that the model in hand was trained on as well, None without any.
    doubted : pool rows that the last audit doubts, worst first, and the labels it doubts.
    """

    def __init__(self, recipe: Recipe, pool: Pool, streams: Streams, prefixes: PrefixCache | None) -> None:
        self._recipe = recipe
        self._pool = pool
        self._streams = streams
        self.prefixes = prefixes if prefixes is not None else PrefixCache(sharing=False)
        self.model: FittedModel | None = None
        self.learner: Model | None = None
        self.automatic: Automatic | None = None
        self.doubted: tuple[RowNumbers, RowNumbers] = (NO_ROWS, NO_ROWS)
        self._prefix = PrefixKey.of((recipe.model, recipe.model_init, recipe.retrain, recipe.training))
        self._suspects: RowNumbers = NO_ROWS
        self._to_relabel: RowNumbers = NO_ROWS
        self._trained_label = np.full(pool.n_rows, -1, dtype=np.intp)
        self._first_labels = 0
        self._last_labels = 0

    def take_to_relabel(self) -> RowNumbers:
        """Return the rows that are to be bought again, once."""
        rows, self._to_relabel = self._to_relabel, NO_ROWS
        return rows

    def train(self, record: LoopRecord, rows: RowNumbers, labels: RowNumbers) -> None:
        """Audit the labels, train the next model and put it into the pool's hands; ``record`` is told what was done.

        Parameters
        ----------
        record : the record that this is.
        rows : pool rows that were bought to be trained on, sorted.
        labels : the label of each, by all answers so far.
        """
        pool, recipe = self._pool, self._recipe
        base = recipe.training.adapt(recipe.model, len(rows), self._first_labels or len(rows))
        self._audit(record, base, rows, labels)
        weight = None
        if len(self._suspects):
            suspect = np.isin(rows, self._suspects)
            if recipe.labeling.action == "drop":
                rows, labels = rows[~suspect], labels[~suspect]
            elif recipe.labeling.action == "weight":
                weight = np.where(suspect, SUSPECT_WEIGHT, 1.0)
        self._first_labels = self._first_labels or len(rows)
        pool.set_labels(rows, labels)
        adapted = recipe.training.adapt(recipe.model, len(rows), self._first_labels)
        so_far = LabelsSoFar(
            X=pool.X[rows],
            y=labels,
            weight=weight,
            n_classes=pool.n_classes,
            first_labels=self._first_labels,
            last_labels=self._last_labels,
            last=self.learner,
            streams=self._streams,
            loop=record.loop,
        )
        extra = recipe.labeling.automatic(pool, self.automatic)
        used = rows, labels, weight
        if extra is not None:
            used = extra.joined(rows, labels, weight)
            record.notes["auto_labels"] = float(len(extra.rows))
        fresh = self._trained_label[used[0]] != used[1]

        def train() -> tuple[Model, FittedModel]:
            everything = TrainingInput(
                model=recipe.training.tune(adapted, so_far),
                model_init=recipe.model_init,
                X=so_far.X if extra is None else pool.X[used[0]],
                y=used[1],
                weight=used[2],
                fresh=fresh,
                n_classes=pool.n_classes,
                previous=self.model,
                streams=self._streams,
                loop=record.loop,
                pool=pool,
            )
            return everything.model, recipe.retrain.train(everything)

        self._prefix = self._prefix.then(rows, labels, weight, *used, fresh)
        learner, model = self.prefixes.model(self._prefix, record.loop == 0, train)
        if self.automatic is not None:
            self._trained_label[self.automatic.rows] = -1
        self._trained_label[used[0]] = used[1]
        self.automatic = extra
        record.labels_used = self._last_labels = len(rows)
        record.notes.update(recipe.training.note(learner))
        earlier = () if pool.metadata is None else pool.metadata.as_history()
        self.learner, self.model = learner, model
        pool.learner, pool.model, pool.label_weights = learner, model, weight
        pool.loop = record.loop
        pool.metadata = Metadata(pool.X, pool.candidates, model, earlier)

    def _audit(self, record: LoopRecord, model: object, rows: RowNumbers, labels: RowNumbers) -> None:
        labeling = self._recipe.labeling
        if labeling.audit == "none" or record.loop % labeling.every:
            return
        found = audit_ranking(
            labeling.audit,
            model,  # type: ignore[arg-type]
            self._pool.X[rows],
            labels,
            self._pool.n_classes,
            share=labeling.share,
            streams=self._streams,
            loop=record.loop,
        )
        record.notes["audit_ran"] = float(found.ran)
        record.notes["audit_suspects"] = float(len(found.suspects))
        self.doubted = rows[found.suspects], labels[found.suspects]
        if labeling.action == "relabel":
            self._to_relabel = rows[found.suspects]
        else:
            self._suspects = rows[found.suspects]
