"""The asking half of a loop: which rows are labelled next, and by which annotators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.core.read_only import read_only
from altune.core.types import RowNumbers
from altune.knobs.loop_size import Judged, LoopState
from altune.knobs.query_strategy.base import Choice, chosen_by
from altune.knobs.stopping import cohen_kappa
from altune.loop.gate import Gate
from altune.loop.purchases import NO_ROWS
from altune.loop.query import Query
from altune.loop.training import LoopRecord, Trainer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from altune.core.pool import Pool
    from altune.core.streams import Streams
    from altune.core.types import Codes
    from altune.knobs.stopping.monitor import StoppingMonitor
    from altune.loop.purchases import Purchases
    from altune.recipes.recipe import Recipe


@dataclass(frozen=True, eq=False)
class LabelRequest:
    """Labels that the loop wants to buy: for each entry the pool row and the annotator who is asked.

    Attributes
    ----------
    rows : pool rows, ``(n_labels,)``; a row that several annotators label appears once for each of them.
    annotators : numbers of the annotators, ``(n_labels,)``.
    again : the rows among them that an audit buys again.
    held_out : the rows among them that are kept for validation.
    choice : who chose the rows that are new.
    """

    rows: RowNumbers
    annotators: RowNumbers
    again: RowNumbers = field(default_factory=lambda: NO_ROWS)
    held_out: RowNumbers = field(default_factory=lambda: NO_ROWS)
    choice: Choice = field(default_factory=lambda: chosen_by("", NO_ROWS))

    def __len__(self) -> int:
        return len(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        arrays = {"rows": self.rows, "annotators": self.annotators, "again": self.again, "held_out": self.held_out}
        plain: dict[str, Any] = {name: rows.tolist() for name, rows in arrays.items()}
        choice = self.choice
        chosen: dict[str, Any] = {"rows": choice.rows.tolist(), "arms": choice.arms.tolist(), "memo": choice.memo}
        if choice.propensities is not None:  # JSON has no NaN
            chosen["propensities"] = [None if np.isnan(value) else value for value in choice.propensities.tolist()]
        return {**plain, "choice": chosen}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> LabelRequest:
        """Return the request of :meth:`to_dict`."""
        chosen, names = plain["choice"], ("rows", "annotators", "again", "held_out")
        propensities = np.array(chosen["propensities"], dtype=np.float64) if "propensities" in chosen else None
        rows, arms = np.array(chosen["rows"], dtype=np.intp), np.array(chosen["arms"], dtype=np.str_)
        choice = Choice(rows, arms, propensities, chosen["memo"])
        return cls(**{name: np.array(plain[name], dtype=np.intp) for name in names}, choice=choice)


class Requests:
    """Makes the requests of one trajectory.

    Parameters
    ----------
    recipe, pool, streams : those of the trajectory.
    trainer : what an audit wants to buy again, and first samples that other trajectories have drawn.
    purchases : the rows bought so far.
    monitor : predictions of the stop set, for a loop size that depends on how they agree.
    annotators : number of annotators that can be asked.
    loops : most loops after the initial sample, None for no limit.
    initial : pool rows to be labelled first instead of the recipe's initial sample.
    oracle : true class codes of all pool rows, for an initial sample that reads them, else None.
    price_per_label, price_per_loop : the scenario's prices.
    """

    def __init__(
        self,
        recipe: Recipe,
        pool: Pool,
        streams: Streams,
        trainer: Trainer,
        purchases: Purchases,
        monitor: StoppingMonitor,
        *,
        annotators: int,
        loops: int | None,
        initial: RowNumbers | None,
        oracle: Codes | None,
        price_per_label: float,
        price_per_loop: float,
    ) -> None:
        self._recipe = recipe
        self._pool = pool
        self._streams = streams
        self._trainer = trainer
        self._purchases = purchases
        self._monitor = monitor
        self._annotators = annotators
        self._loops = loops
        self._initial = initial
        self._oracle = oracle
        self._price_per_label = price_per_label
        self._price_per_loop = price_per_loop

    def affordable_rows(self, spent: int = 0) -> int:
        """Return how many more rows the budget buys after ``spent`` further labels."""
        pool = self._pool
        return (pool.budget - pool.labels_bought - spent) // self._recipe.labeling.labels_per_row

    def first(self) -> LabelRequest:
        """Return the first request: rows held out for validation, if the stopping rule wants any, and the first sample.

        Labels that were given before count as a part of the sample.
        """
        pool, recipe, given = self._pool, self._recipe, len(self._purchases.rows)
        held_out = NO_ROWS
        if recipe.stopping.held_out_rows and not len(pool.held_out):
            # At most half of the budget goes into validation, so that the other half can train the model.
            # Rows that a protocol labels first are for training, so they are never held out.
            offered = pool.candidates if self._initial is None else np.setdiff1d(pool.candidates, self._initial)
            size = min(recipe.stopping.held_out_rows, self.affordable_rows() // 2, len(offered))
            held_out = np.sort(self._streams.generator("held_out").choice(offered, size=size, replace=False))
            pool.close(held_out)
            pool.held_out = read_only(held_out)
        first = self._first_sample(held_out, given) if self._initial is None else self._initial
        arm = "given" if self._initial is not None else f"initial_sample.{recipe.initial_sample.method}"
        rows = np.concatenate([held_out, first[: self.affordable_rows() - len(held_out)]])
        return self._request_for(0, rows, chosen_by(arm, first), held_out=held_out)

    def _first_sample(self, held_out: RowNumbers, given: int) -> RowNumbers:
        pool, sample, oracle = self._pool, self._recipe.initial_sample, self._oracle
        size = self._gate(0).size(sample, sample.n_rows(pool.budget, pool.n_classes)) - given
        size = min(size, self.affordable_rows() - len(held_out), len(pool.candidates))
        if size < 1:
            return NO_ROWS
        rng = self._streams.generator("initial_sample")
        # what reads true labels is not shared: the cache knows the method and nothing of the labels
        if oracle is not None:
            return self._sampled(0, size, rng)
        return self._trainer.prefixes.sample(sample, size, held_out, lambda: self._sampled(0, size, rng))

    def _sampled(self, loop: int, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return rows that the method of the initial sample selects among the candidates."""
        pool, sample, oracle = self._pool, self._recipe.initial_sample, self._oracle
        rows = sample.select(pool, size, rng) if oracle is None else sample.select_knowing(pool, size, rng, oracle)
        return self._gate(loop).rows(sample, rows, pool.candidates, least=1, most=size)

    def more(self) -> LabelRequest | None:
        """Return what the initial sample wants labelled before the first model, None if it has enough."""
        if self._initial is not None or self.affordable_rows() < 1:
            return None
        pool, sample, step = self._pool, self._recipe.initial_sample, len(self._purchases.rows)
        more = sample.more(pool, self._streams.generator("initial_sample", step))
        more = self._gate(0).rows(sample, more, pool.candidates)[: self.affordable_rows()]
        if not len(more):
            return None
        return self._request_for(0, more, chosen_by(f"initial_sample.{sample.method}", more), step)

    def next(self, records: Sequence[LoopRecord], errors: tuple[Judged, ...]) -> LabelRequest:
        """Return the request of the next loop.

        Parameters
        ----------
        records : the loops so far.
        errors : how earlier models judged rows before their labels came.
        """
        pool, recipe, gate = self._pool, self._recipe, self._gate(len(records))
        again = self._trainer.take_to_relabel()[: max(0, self.affordable_rows() - 1)]
        affordable = self.affordable_rows(len(again) * recipe.labeling.labels_per_row)
        query = Query(recipe.query_strategy, pool, self._streams, gate)
        size = gate.size(recipe.loop_size, recipe.loop_size.next_size(self._state(records, errors, affordable, query)))
        size = min(size, affordable, len(pool.candidates))
        if pool.model is not None and pool.model.failure:  # no model yet, whose opinion a strategy could use
            rng = self._streams.generator("query", gate.loop)
            arm = f"initial_sample.{recipe.initial_sample.method}"
            choice = chosen_by(arm, self._sampled(gate.loop, size, rng))
        else:
            choice = query.choose(size)
        return self._request_for(gate.loop, np.concatenate([again, choice.rows]), choice, again=again)

    def _state(
        self, records: Sequence[LoopRecord], errors: tuple[Judged, ...], affordable: int, query: Query
    ) -> LoopState:
        loop, labels_per_row = len(records), self._recipe.labeling.labels_per_row
        return LoopState(
            loop=loop,
            loops_left=None if self._loops is None else self._loops - loop + 1,
            rows_left=affordable,
            rows_labelled=len(self._purchases.rows),
            pool_rows=self._pool.n_rows,
            budget_rows=self._pool.budget // labels_per_row,
            last_rows=records[-1].loop_rows if loop > 1 else None,
            price_per_row=labels_per_row * self._price_per_label,
            price_per_loop=self._price_per_loop,
            utilities=query.utilities,
            agreement=self._agreement,
            errors=errors,
        )

    def _agreement(self) -> float | None:
        predictions = self._monitor.predictions
        return cohen_kappa(predictions[-2], predictions[-1], self._pool.n_classes) if len(predictions) > 1 else None

    def _request_for(
        self,
        loop: int,
        rows: RowNumbers,
        choice: Choice,
        *step: int,
        again: RowNumbers = NO_ROWS,
        held_out: RowNumbers = NO_ROWS,
    ) -> LabelRequest:
        labeling, rows = self._recipe.labeling, read_only(rows.astype(np.intp))
        asked = labeling.ask(rows, self._annotators, self._streams.generator("labeling", loop, *step))
        asked = self._gate(loop).asked(labeling, asked, rows, labeling.labels_per_row, self._annotators)
        return LabelRequest(*asked, again, held_out, choice)

    def _gate(self, loop: int) -> Gate:
        return Gate(loop, self._pool.n_classes)
