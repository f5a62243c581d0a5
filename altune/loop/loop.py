"""The active-learning loop: ask for labels, be told them, one record at a time.

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
from altune.core.types import RowNumbers
from altune.knobs.initial_sample.base import default_initial_size
from altune.knobs.labeling import Answers, Automatic
from altune.knobs.loop_size import Judged, LoopState
from altune.knobs.loop_size.base import UtilityOf
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.stopping import cohen_kappa
from altune.knobs.stopping.monitor import StoppingMonitor
from altune.loop.prefix_cache import PrefixCache
from altune.loop.training import NO_ROWS, LoopRecord, Trainer
from altune.models import FittedModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from altune.core.streams import Streams
    from altune.core.types import Features
    from altune.recipes.recipe import Recipe


@dataclass(frozen=True)
class LabelRequest:
    """Labels that the loop wants to buy: for each entry the pool row and the annotator who is asked.

    Attributes
    ----------
    rows : pool rows, ``(n_labels,)``; a row that several annotators label stands once for each.
    annotators : numbers of the annotators, ``(n_labels,)``.
    again : the rows among them that an audit buys again.
    """

    rows: RowNumbers
    annotators: RowNumbers
    again: RowNumbers = field(default_factory=lambda: NO_ROWS)

    def __len__(self) -> int:
        return len(self.rows)


class ActiveLearningLoop:
    """A recipe at work on one pool.

    Parameters
    ----------
    recipe : the eight decisions and the model.
    X : features of the pool, ``(n_rows, n_features)``, as the model is to get them.
    n_classes : classes of the scenario; labels are codes in ``[0, n_classes)``.
    budget : labels that may be bought in all.
    loops : the most loops after the initial sample, None for no limit.
    streams : the random streams of this trajectory.
    annotators : number of annotators that can be asked.
    initial : pool rows to be labelled first in place of the recipe's initial sample.
    shared : structures of the same features that other trajectories have built.
    prefixes : first samples and models that other trajectories of the same streams and labels have come to.
    feature_names : names of the columns of ``X``, for label functions; None where they have none.
    oracle : true class codes of all pool rows, ``(n_rows,)``, for an initial sample that is an upper bound and looks
        at them (``uses_oracle``); only a simulation has them, and nothing else in the loop reads them.
    price_per_label, price_per_loop : the scenario's prices, for a loop size that weighs them.

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
        oracle: RowNumbers | None = None,
        feature_names: tuple[str, ...] | None = None,
        price_per_label: float = 1.0,
        price_per_loop: float = 0.0,
    ) -> None:
        each = recipe.labeling.labels_per_row
        if budget < each:
            raise RequestError(f"a budget of {budget} labels buys no row: each costs {each} labels here")
        sample = recipe.initial_sample
        if sample.uses_oracle and oracle is None:
            raise RequestError(f"initial_sample {sample.method!r} looks at true labels, which only a simulation has")
        self._oracle = oracle if sample.uses_oracle else None
        self.recipe = recipe
        self.streams = streams
        self.loops = loops
        self.annotators = annotators
        self.price_per_label = price_per_label
        self.price_per_loop = price_per_loop
        self.pool = Pool(X, n_classes, budget=budget, shared=shared, feature_names=feature_names)
        self.answers = Answers()
        self.records: list[LoopRecord] = []
        self.stopped: str | None = None
        self._initial = initial
        self._request: LabelRequest | None = None
        self._bought: RowNumbers = NO_ROWS
        self._is_bought = np.zeros(self.pool.n_rows, dtype=bool)
        self._training = Trainer(recipe, self.pool, streams, prefixes)
        self._watch = StoppingMonitor(
            self.pool, streams, predicts=recipe.stopping.watching() or recipe.loop_size.watches_stop_set
        )
        self._errors: tuple[Judged, ...] = ()
        self._histories = self._training.prefixes
        self._query_seconds = 0.0

    @property
    def done(self) -> bool:
        """Whether nothing more will be asked."""
        return self.stopped is not None

    @property
    def model(self) -> FittedModel | None:
        """The model in hand, None before the first."""
        return self._training.model

    @property
    def bought(self) -> RowNumbers:
        """Pool rows in the order they were first bought, held-out ones included."""
        return self._bought

    @property
    def automatic(self) -> Automatic | None:
        """Labels that nobody gave and that the model in hand was trained on as well, None without any."""
        return self._training.automatic

    @property
    def suspects(self) -> tuple[RowNumbers, RowNumbers]:
        """Pool rows that the last audit doubts, worst first, and the labels it doubts."""
        return self._training.doubted

    def ask(self) -> LabelRequest:
        """Return the labels wanted next; asked again before they were told, the same.

        Raises
        ------
        RequestError
            When the loop is done.
        """
        if self.done:
            raise RequestError(f"the loop has ended ({self.stopped}); there is nothing to ask")
        if self._request is None:
            began = time.perf_counter()
            self._request = self._first_request() if self.pool.model is None else self._next_request()
            self._query_seconds += time.perf_counter() - began
        return self._request

    def tell(self, labels: RowNumbers) -> None:
        """Take the answers to what was asked, audit, train, and decide whether to go on.

        Parameters
        ----------
        labels : class codes in ``[0, n_classes)``, one for each entry of the request, in its order.

        Raises
        ------
        RequestError
            If nothing was asked, or the answers do not fit the request.
        """
        request = self._request
        if request is None:
            raise RequestError("tell() before ask(): nothing was asked")
        answers = np.asarray(labels)
        self._check_answers(answers, request)
        self._request = None
        pool = self.pool
        new_rows = _first_mentions(request.rows[~self._is_bought[request.rows]])
        doubted = self._combined(request.again)
        self.answers.add(request.rows, request.annotators, answers)
        self._bought = np.concatenate([self._bought, new_rows])
        self._is_bought[new_rows] = True
        pool.close(new_rows)
        pool.labels_bought += len(request)
        if pool.model is None and self._goes_on():
            return
        # The first record holds all steps of the initial sample, any other its own request.
        loop_rows = len(new_rows) if self.records else len(self._bought)
        record = LoopRecord(
            len(self.records), pool.labels_bought, query_seconds=self._query_seconds, loop_rows=loop_rows
        )
        self._query_seconds = 0.0
        if len(request.again):
            record.notes["labels_bought_again"] = float(len(request.again))
            record.notes["labels_corrected"] = float(np.count_nonzero(self._combined(request.again) != doubted))
        self._judge(new_rows)
        chooser = self.model
        began = time.perf_counter()
        rows = self._usable_rows()
        self._training.train(record, rows, self.recipe.labeling.combine(self.answers, rows, pool.n_classes))
        record.fit_seconds = time.perf_counter() - began
        self.records.append(record)
        self._decide(record, chooser, new_rows)

    def _check_answers(self, answers: RowNumbers, request: LabelRequest) -> None:
        if answers.shape != (len(request),):
            raise RequestError(f"{len(request)} labels were asked for and {answers.size} told")
        if not np.issubdtype(answers.dtype, np.integer):
            raise RequestError(f"labels must be class codes (integers), not {answers.dtype}")
        if len(answers) and (answers.min() < 0 or answers.max() >= self.pool.n_classes):
            raise RequestError(f"labels must lie in 0 to {self.pool.n_classes - 1}, as codes of the classes")

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
            # At most half the budget validates: the other half has to train something.
            # RowNumbers that a protocol labels first are there to be trained on.
            offered = pool.candidates if self._initial is None else np.setdiff1d(pool.candidates, self._initial)
            size = min(recipe.stopping.held_out_rows, self._affordable_rows() // 2, len(offered))
            held_out = np.sort(self.streams.generator("held_out").choice(offered, size=size, replace=False))
            pool.close(held_out)
            pool.held_out = held_out
        first = self._initial
        if first is None:
            size = recipe.initial_sample.size or default_initial_size(pool.budget, pool.n_classes)
            size = min(size, self._affordable_rows() - len(held_out), len(pool.candidates))
            rng, sample = self.streams.generator("initial_sample"), recipe.initial_sample
            if self._oracle is None:
                first = self._histories.sample(sample, size, held_out, lambda: sample.select(pool, max(1, size), rng))
            else:
                first = recipe.initial_sample.select_knowing(pool, max(1, size), rng, self._oracle)
        return self._people(np.concatenate([held_out, first[: self._affordable_rows() - len(held_out)]]))

    def _goes_on(self) -> bool:
        """Return whether the initial sample wants more labels before the first model; they become the request."""
        if self._initial is not None or self._affordable_rows() < 1:
            return False
        began = time.perf_counter()
        pool = self.pool
        rows = self._usable_rows()
        pool.set_labels(rows, self.recipe.labeling.combine(self.answers, rows, pool.n_classes))
        step = len(self._bought)
        more = self.recipe.initial_sample.more(pool, self.streams.generator("initial_sample", step))
        more = more[: self._affordable_rows()]
        if len(more):
            self._request = self._people(more, step)
        self._query_seconds += time.perf_counter() - began
        return len(more) > 0

    def _next_request(self) -> LabelRequest:
        pool = self.pool
        loop = len(self.records)
        again = self._training.take_to_relabel()[: max(0, self._affordable_rows() - 1)]
        affordable = self._affordable_rows(len(again) * self.recipe.labeling.labels_per_row)
        size = max(1, int(self.recipe.loop_size.next_size(self._state(affordable))))
        size = min(size, affordable, len(pool.candidates))
        rows = self.recipe.query_strategy.select(pool, size, self.streams.generator("query", loop))
        return self._people(np.concatenate([again, rows]), again=again)

    def _state(self, affordable: int) -> LoopState:
        loop, each = len(self.records), self.recipe.labeling.labels_per_row
        return LoopState(
            loop=loop,
            loops_left=None if self.loops is None else self.loops - loop + 1,
            rows_left=affordable,
            rows_labelled=len(self._bought),
            pool_rows=self.pool.n_rows,
            budget_rows=self.pool.budget // each,
            last_rows=self.records[-1].loop_rows if loop > 1 else None,
            price_per_row=each * self.price_per_label,
            price_per_loop=self.price_per_loop,
            utilities=self._utilities,
            agreement=self._agreement,
            errors=self._errors,
        )

    def _utilities(self, of: UtilityOf) -> NDArray[np.float64]:
        strategy, pool = self.recipe.query_strategy, self.pool
        if of == "strategy" and isinstance(strategy, ScoreStrategy):
            # the stream of the selection itself: the scores are those that it will rank
            return strategy.scores(pool, self.streams.generator("query", len(self.records)))
        return pool.known().least_confidence

    def _agreement(self) -> float | None:
        said = self._watch.predictions
        return cohen_kappa(said[-2], said[-1], self.pool.n_classes) if len(said) > 1 else None

    def _judge(self, new_rows: RowNumbers) -> None:
        """Note how the model in hand does on labels that were bought after it was trained."""
        model = self.pool.model
        if model is None or not len(new_rows) or not self.recipe.loop_size.judges_new_labels:
            return
        wrong = int(np.count_nonzero(model.predict(self.pool.X[new_rows]) != self._combined(new_rows)))
        self._errors += (Judged(self.records[-1].labels_used, len(new_rows), wrong),)

    def _people(self, rows: RowNumbers, *step: int, again: RowNumbers = NO_ROWS) -> LabelRequest:
        rng = self.streams.generator("labeling", len(self.records), *step)
        return LabelRequest(*self.recipe.labeling.ask(rows.astype(np.intp), self.annotators, rng), again)

    def _combined(self, rows: RowNumbers) -> RowNumbers:
        """Return the label of each of ``rows`` by all answers so far."""
        return self.recipe.labeling.combine(self.answers, rows, self.pool.n_classes) if len(rows) else NO_ROWS

    def _usable_rows(self) -> RowNumbers:
        """Return the rows bought to be trained on, sorted."""
        usable = self._is_bought.copy()
        usable[self.pool.held_out] = False
        return np.flatnonzero(usable)

    # stopping -------------------------------------------------------------------------------------------------

    def _decide(self, record: LoopRecord, chooser: FittedModel | None, new_rows: RowNumbers) -> None:
        stopping, pool = self.recipe.stopping, self.pool
        view = self._watch.look(record.loop, chooser, new_rows, self._combined)
        record.notes.update(stopping.note(view))
        if self._oracle is not None and record.loop == 0:
            record.notes["uses_oracle"] = 1.0
        if self._affordable_rows() < 1:
            self.stopped = "budget"
        elif len(pool.candidates) == 0:
            self.stopped = "pool"
        elif self.loops is not None and record.loop >= self.loops:
            self.stopped = "loops"
        elif stopping.fires([past.notes for past in self.records]):
            self.stopped = stopping.method


def _first_mentions(rows: RowNumbers) -> RowNumbers:
    """Return distinct rows in the order in which they are first mentioned."""
    _, first = np.unique(rows, return_index=True)
    mentioned: RowNumbers = rows[np.sort(first)]
    return mentioned
