"""The active-learning loop: it asks for labels, gets answers, trains, and repeats.

One piece of code for the simulator, which answers from true labels, and for a campaign, which answers from people.
A recipe therefore does in production exactly what was simulated.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from altune.core.errors import RequestError
from altune.core.pool import FeatureCache, Pool
from altune.core.types import Codes, RowNumbers
from altune.knobs.labeling import Answers, Automatic
from altune.knobs.loop_size import Judged, LoopState
from altune.knobs.query_strategy.base import chosen_by
from altune.knobs.stopping import cohen_kappa
from altune.knobs.stopping.monitor import StoppingMonitor
from altune.loop.gate import Gate
from altune.loop.prefix_cache import PrefixCache
from altune.loop.purchases import Purchases
from altune.loop.query import Query
from altune.loop.training import MODEL_KEPT, NO_MODEL, NO_ROWS, LoopRecord, Trainer
from altune.models import FittedModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from altune.core.streams import Streams
    from altune.core.types import Features
    from altune.recipes.recipe import Recipe


@dataclass(frozen=True)
class LabelRequest:
    """Labels that the loop wants to buy: for each entry the pool row and the annotator who is asked.

    Attributes
    ----------
    rows : pool rows, ``(n_labels,)``; a row that several annotators label appears once for each of them.
    annotators : numbers of the annotators, ``(n_labels,)``.
    again : the rows among them that an audit buys again.
    """

    rows: RowNumbers
    annotators: RowNumbers
    again: RowNumbers = field(default_factory=lambda: NO_ROWS)

    def __len__(self) -> int:
        return len(self.rows)


class ActiveLearningLoop:
    """A recipe running on one pool.

    Parameters
    ----------
    recipe : the eight decisions and the model.
    X : features of the pool, ``(n_rows, n_features)``, encoded for the model.
    n_classes : classes of the scenario; labels are codes in ``[0, n_classes)``.
    budget : labels that may be bought in all.
    loops : most loops after the initial sample, None for no limit.
    streams : the random streams of this trajectory.
    annotators : number of annotators that can be asked.
    initial : pool rows to be labelled first instead of the recipe's initial sample.
    shared : structures of the same features that other trajectories have built.
    prefixes : first samples and models of other trajectories with the same streams and labels.
    feature_names : names of the columns of ``X``, for label functions; None if they have none.
    inputs : the same rows as the recipe's models are given them; None for ``X``.
    oracle : true class codes of all pool rows, ``(n_rows,)``, for an initial sample that is an upper bound and reads
        them (``uses_oracle``); only a simulation has them, and nothing else in the loop reads them.
    price_per_label, price_per_loop : the scenario's prices, for a loop size that depends on them.
    classes : names of the classes in the order of their codes, for estimators whose parameters name them, such as
        ``class_weight``; by default the codes.

    Raises
    ------
    RequestError
        If the budget does not buy a single row, or if the initial sample needs the true labels and there are none.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from altune.recipes.recipe import Recipe
    >>> from altune.core.streams import Streams
    >>> X, y = load_iris(return_X_y=True)
    >>> loop = ActiveLearningLoop(Recipe(), X, 3, budget=30, loops=5, streams=Streams(0, "iris", "search", 0))
    >>> while not loop.done:
    ...     loop.tell(y[loop.ask().rows])
    >>> loop.pool.labels_bought, loop.stopped
    (30, 'budget')
    """

    def __init__(
        self,
        recipe: Recipe,
        X: Features,
        n_classes: int,
        *,
        budget: int,
        loops: int | None,
        streams: Streams,
        annotators: int = 1,
        initial: RowNumbers | None = None,
        shared: FeatureCache | None = None,
        prefixes: PrefixCache | None = None,
        oracle: Codes | None = None,
        feature_names: tuple[str, ...] | None = None,
        inputs: Features | None = None,
        price_per_label: float = 1.0,
        price_per_loop: float = 0.0,
        classes: Sequence[object] = (),
    ) -> None:
        recipe = recipe.for_classes(classes or range(n_classes))
        price_of_row = recipe.labeling.labels_per_row
        if budget < price_of_row:
            raise RequestError(f"a budget of {budget} labels buys no row: a row costs {price_of_row} labels here")
        sample = recipe.initial_sample
        if sample.uses_oracle and oracle is None:
            raise RequestError(f"initial_sample {sample.method!r} reads true labels, which only a simulation has")
        self._oracle = oracle if sample.uses_oracle else None
        self.recipe = recipe
        self.streams = streams
        self.loops = loops
        self.annotators = annotators
        self.price_per_label = price_per_label
        self.price_per_loop = price_per_loop
        self.pool = Pool(X, n_classes, budget=budget, shared=shared, feature_names=feature_names, inputs=inputs)
        self.answers = Answers()
        self.records: list[LoopRecord] = []
        self.stopped: str | None = None
        self._initial = initial
        self._request: LabelRequest | None = None
        self._bought: RowNumbers = NO_ROWS
        self._is_bought = np.zeros(self.pool.n_rows, dtype=bool)
        self._combined: Codes = np.full(self.pool.n_rows, -1, dtype=np.intp)
        self._trainer = Trainer(recipe, self.pool, streams, prefixes)
        self._purchases = Purchases(self.pool, recipe.query_strategy)
        self._monitor = StoppingMonitor(
            self.pool, streams, predicts=recipe.stopping.watching() or recipe.loop_size.watches_stop_set
        )
        self._errors: tuple[Judged, ...] = ()
        self._query_seconds = 0.0
        self._combine_seconds = 0.0

    @property
    def done(self) -> bool:
        """Whether the loop has ended and asks for no more labels."""
        return self.stopped is not None

    @property
    def model(self) -> FittedModel | None:
        """The current model, None before the first."""
        return self._trainer.model

    @property
    def bought(self) -> RowNumbers:
        """Pool rows in the order they were first bought, held-out ones included."""
        return self._bought

    @property
    def automatic(self) -> Automatic | None:
        """Labels that no annotator gave and that the current model was trained on as well, None without any."""
        return self._trainer.automatic

    @property
    def suspects(self) -> tuple[RowNumbers, Codes]:
        """Pool rows with a label that the last audit doubts, worst first, and these labels."""
        return self._trainer.doubted

    def ask(self) -> LabelRequest:
        """Return the labels that the loop wants next; the same until they are answered.

        Raises
        ------
        RequestError
            If the loop has ended.
        """
        if self.done:
            raise RequestError(f"the loop has ended ({self.stopped}); there is nothing to ask")
        if self._request is None:
            began = time.perf_counter()
            self._request = self._first_request() if self.pool.model is None else self._next_request()
            self._query_seconds += time.perf_counter() - began
        return self._request

    def tell(self, labels: Codes) -> None:
        """Take the answers to a request, audit, train, and decide whether to stop.

        Parameters
        ----------
        labels : class codes in ``[0, n_classes)``, one for each entry of the request, in its order.

        Raises
        ------
        RequestError
            If nothing was asked, or if the answers do not fit the request.
        """
        request = self._request
        if request is None:
            raise RequestError("tell() before ask(): nothing was asked")
        answers = np.asarray(labels)
        self._check_answers(answers, request)
        self._request = None
        pool = self.pool
        new_rows = _first_mentions(request.rows[~self._is_bought[request.rows]])
        doubted = self._combined[request.again]
        self.answers.add(request.rows, request.annotators, answers)
        self._bought = np.concatenate([self._bought, new_rows])
        self._is_bought[new_rows] = True
        self._purchases.bought(new_rows, len(self.records))
        pool.close(new_rows)
        pool.labels_bought += len(request)
        began = time.perf_counter()
        self._combine()
        self._combine_seconds += time.perf_counter() - began
        if pool.model is None and self._asks_for_more():
            return
        # The first record covers all requests of the initial sample, any other its own request.
        loop_rows = len(new_rows) if self.records else len(self._bought)
        record = LoopRecord(
            len(self.records), pool.labels_bought, query_seconds=self._query_seconds, loop_rows=loop_rows
        )
        self._query_seconds = 0.0
        if len(request.again):
            record.notes["labels_bought_again"] = float(len(request.again))
            record.notes["labels_corrected"] = float(np.count_nonzero(self._combined[request.again] != doubted))
        self._judge(new_rows)
        chooser = self.model
        began = time.perf_counter()
        rows = self._usable_rows()
        self._trainer.train(record, rows, self._combined[rows])
        record.fit_seconds = self._combine_seconds + time.perf_counter() - began
        self._combine_seconds = 0.0
        self.records.append(record)
        self._decide(record, chooser, new_rows)

    def _check_answers(self, answers: Codes, request: LabelRequest) -> None:
        if answers.shape != (len(request),):
            raise RequestError(f"{len(request)} labels were asked for, {answers.size} were given")
        if not np.issubdtype(answers.dtype, np.integer):
            raise RequestError(f"labels must be class codes (integers), not {answers.dtype}")
        if len(answers) and (answers.min() < 0 or answers.max() >= self.pool.n_classes):
            raise RequestError(f"labels must be class codes from 0 to {self.pool.n_classes - 1}")

    def _combine(self) -> None:
        """Combine all answers so far into one label for each row that was bought."""
        labeling, rows = self.recipe.labeling, np.flatnonzero(self._is_bought)
        labels = labeling.combine(self.answers, rows, self.pool.n_classes)
        self._combined[rows] = self._gate().labels(labeling, labels, len(rows))

    def _gate(self) -> Gate:
        """Return the checks of the methods' answers in this loop."""
        return Gate(len(self.records), self.pool.n_classes)

    # asking ---------------------------------------------------------------------------------------------------

    @property
    def _labels_left(self) -> int:
        return self.pool.budget - self.pool.labels_bought

    def _affordable_rows(self, spent: int = 0) -> int:
        return (self._labels_left - spent) // self.recipe.labeling.labels_per_row

    def _first_request(self) -> LabelRequest:
        pool, recipe = self.pool, self.recipe
        held_out = NO_ROWS
        if recipe.stopping.held_out_rows:
            # At most half of the budget goes into validation, so that the other half can train the model.
            # Rows that a protocol labels first are for training, so they are never held out.
            offered = pool.candidates if self._initial is None else np.setdiff1d(pool.candidates, self._initial)
            size = min(recipe.stopping.held_out_rows, self._affordable_rows() // 2, len(offered))
            held_out = np.sort(self.streams.generator("held_out").choice(offered, size=size, replace=False))
            pool.close(held_out)
            pool.held_out = held_out
        first = self._first_sample(held_out) if self._initial is None else self._initial
        arm = "given" if self._initial is not None else f"initial_sample.{recipe.initial_sample.method}"
        self._purchases.chosen(chosen_by(arm, first))
        return self._request_for(np.concatenate([held_out, first[: self._affordable_rows() - len(held_out)]]))

    def _first_sample(self, held_out: RowNumbers) -> RowNumbers:
        pool, sample, oracle = self.pool, self.recipe.initial_sample, self._oracle
        size = sample.n_rows(pool.budget, pool.n_classes)
        size = max(1, min(size, self._affordable_rows() - len(held_out), len(pool.candidates)))
        rng = self.streams.generator("initial_sample")
        # what reads true labels is not shared: the cache knows the method and nothing of the labels
        if oracle is not None:
            return self._sampled(size, rng)
        return self._trainer.prefixes.sample(sample, size, held_out, lambda: self._sampled(size, rng))

    def _sampled(self, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return rows that the method of the initial sample selects among the candidates."""
        pool, sample, oracle = self.pool, self.recipe.initial_sample, self._oracle
        rows = sample.select(pool, size, rng) if oracle is None else sample.select_knowing(pool, size, rng, oracle)
        return self._gate().rows(sample, rows, pool.candidates, least=1, most=size)

    def _asks_for_more(self) -> bool:
        """Return whether the initial sample wants more labels before the first model; they become the request."""
        if self._initial is not None or self._affordable_rows() < 1:
            return False
        began = time.perf_counter()
        pool, sample, step = self.pool, self.recipe.initial_sample, len(self._bought)
        rows = self._usable_rows()
        pool.set_labels(rows, self._combined[rows])
        more = sample.more(pool, self.streams.generator("initial_sample", step))
        more = self._gate().rows(sample, more, pool.candidates)[: self._affordable_rows()]
        if len(more):
            self._purchases.chosen(chosen_by(f"initial_sample.{sample.method}", more))
            self._request = self._request_for(more, step)
        self._query_seconds += time.perf_counter() - began
        return len(more) > 0

    def _next_request(self) -> LabelRequest:
        pool, recipe, gate = self.pool, self.recipe, self._gate()
        again = self._trainer.take_to_relabel()[: max(0, self._affordable_rows() - 1)]
        affordable = self._affordable_rows(len(again) * recipe.labeling.labels_per_row)
        query = Query(recipe.query_strategy, pool, self.streams, gate)
        size = gate.size(recipe.loop_size, recipe.loop_size.next_size(self._state(affordable, query)))
        size = min(size, affordable, len(pool.candidates))
        if pool.model is not None and pool.model.failure:  # no model yet, whose opinion a strategy could use
            rng = self.streams.generator("query", gate.loop)
            choice = chosen_by(f"initial_sample.{recipe.initial_sample.method}", self._sampled(size, rng))
        else:
            choice = query.choose(size)
        self._purchases.chosen(choice)
        return self._request_for(np.concatenate([again, choice.rows]), again=again)

    def _state(self, affordable: int, query: Query) -> LoopState:
        loop, labels_per_row = len(self.records), self.recipe.labeling.labels_per_row
        return LoopState(
            loop=loop,
            loops_left=None if self.loops is None else self.loops - loop + 1,
            rows_left=affordable,
            rows_labelled=len(self._bought),
            pool_rows=self.pool.n_rows,
            budget_rows=self.pool.budget // labels_per_row,
            last_rows=self.records[-1].loop_rows if loop > 1 else None,
            price_per_row=labels_per_row * self.price_per_label,
            price_per_loop=self.price_per_loop,
            utilities=query.utilities,
            agreement=self._agreement,
            errors=self._errors,
        )

    def _agreement(self) -> float | None:
        predictions = self._monitor.predictions
        return cohen_kappa(predictions[-2], predictions[-1], self.pool.n_classes) if len(predictions) > 1 else None

    def _judge(self, new_rows: RowNumbers) -> None:
        """Count the errors of the current model on labels that were bought after it was trained."""
        model = self.pool.model
        if model is None or not len(new_rows) or not self.recipe.loop_size.judges_new_labels:
            return
        wrong = int(np.count_nonzero(model.predict(self.pool.inputs[new_rows]) != self._combined[new_rows]))
        self._errors += (Judged(self.records[-1].labels_used, len(new_rows), wrong),)

    def _request_for(self, rows: RowNumbers, *step: int, again: RowNumbers = NO_ROWS) -> LabelRequest:
        labeling, rows = self.recipe.labeling, rows.astype(np.intp)
        asked = labeling.ask(rows, self.annotators, self.streams.generator("labeling", len(self.records), *step))
        asked = self._gate().asked(labeling, asked, rows, labeling.labels_per_row, self.annotators)
        return LabelRequest(*asked, again)

    def _usable_rows(self) -> RowNumbers:
        """Return the bought rows that may be trained on, sorted."""
        usable = self._is_bought.copy()
        usable[self.pool.held_out] = False
        return np.flatnonzero(usable)

    # stopping -------------------------------------------------------------------------------------------------

    def _decide(self, record: LoopRecord, chooser: FittedModel | None, new_rows: RowNumbers) -> None:
        stopping, pool, gate = self.recipe.stopping, self.pool, Gate(record.loop, self.pool.n_classes)
        trained = not {NO_MODEL, MODEL_KEPT} & record.notes.keys()
        if trained:  # a rule compares models, and the same one twice says nothing
            before = None if chooser is None or chooser.failure else chooser
            view = self._monitor.observe(record.loop, before, new_rows, lambda rows: self._combined[rows])
            record.notes.update(gate.notes(stopping, stopping.note(view)))
        if self._oracle is not None and record.loop == 0:
            record.notes["uses_oracle"] = 1.0
        if self._affordable_rows() < 1:
            self.stopped = "budget"
        elif len(pool.candidates) == 0:
            self.stopped = "pool"
        elif self.loops is not None and record.loop >= self.loops:
            self.stopped = "loops"
        elif trained and gate.decision(stopping, stopping.fires([past.notes for past in self.records])):
            self.stopped = stopping.method


def _first_mentions(rows: RowNumbers) -> RowNumbers:
    """Return distinct rows in the order in which they first appear."""
    _, first = np.unique(rows, return_index=True)
    mentioned: RowNumbers = rows[np.sort(first)]
    return mentioned
