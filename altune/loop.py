"""The active-learning loop: ask for labels, be told them, one turn at a time.

One piece of code for the simulator, which answers from true labels, and for a campaign, which answers from people.
A recipe therefore does in production exactly what was simulated.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from altune.errors import RequestError
from altune.knobs.initial_sample.base import default_initial_size
from altune.knobs.labeling import Answers, audit_ranking
from altune.knobs.labeling.audit import SUSPECT_WEIGHT
from altune.knobs.loop_size import LoopState
from altune.knobs.retrain import TrainingTurn
from altune.knobs.stopping import STOP_SET_ROWS, StopView
from altune.metadata import Metadata
from altune.models import FittedModel
from altune.pool import Pool, Rows, Shared

if TYPE_CHECKING:
    from altune.pool import Features
    from altune.recipe import Recipe
    from altune.streams import Streams

NO_ROWS: Rows = np.empty(0, dtype=np.intp)


@dataclass(frozen=True)
class LabelRequest:
    """Labels that the loop wants to buy: for each entry the pool row and the annotator who is asked.

    Attributes
    ----------
    rows : pool rows, ``(n_labels,)``; a row that several annotators label stands once for each.
    annotators : numbers of the annotators, ``(n_labels,)``.
    """

    rows: Rows
    annotators: Rows

    def __len__(self) -> int:
        return len(self.rows)


@dataclass
class Turn:
    """What one turn of the loop did."""

    loop: int
    labels_bought: int
    labels_used: int = 0
    loop_rows: int = 0
    fit_seconds: float = 0.0
    query_seconds: float = 0.0
    notes: dict[str, float] = field(default_factory=dict)


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
    oracle : true class codes of all pool rows, ``(n_rows,)``, for an initial sample that is an upper bound and looks
        at them (``uses_oracle``); only a simulation has them, and nothing else in the loop reads them.

    Raises
    ------
    RequestError
        If the budget does not buy a single row, or if the initial sample needs the true labels and there are none.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from altune.recipe import Recipe
    >>> from altune.streams import Streams
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
        initial: Rows | None = None,
        shared: Shared | None = None,
        oracle: Rows | None = None,
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
        self.pool = Pool(X, n_classes, budget=budget, shared=shared)
        self.answers = Answers()
        self.turns: list[Turn] = []
        self.stopped: str | None = None
        self._initial = initial
        self._request: LabelRequest | None = None
        self._bought: Rows = NO_ROWS
        self._is_bought = np.zeros(self.pool.n_rows, dtype=bool)
        self._suspects: Rows = NO_ROWS
        self._to_relabel: Rows = NO_ROWS
        self._trained_label = np.full(self.pool.n_rows, -1, dtype=np.intp)
        self._first_labels = 0
        self._stop_set = self._draw_stop_set()
        self._stop_predictions: deque[Rows] = deque(maxlen=5)
        self._query_seconds = 0.0

    @property
    def done(self) -> bool:
        """Whether nothing more will be asked."""
        return self.stopped is not None

    @property
    def model(self) -> FittedModel | None:
        """The model in hand, None before the first."""
        return self.pool.model

    @property
    def bought(self) -> Rows:
        """Pool rows in the order they were first bought, held-out ones included."""
        return self._bought

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

    def tell(self, labels: Rows) -> None:
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
        self.answers.add(request.rows, request.annotators, answers)
        self._bought = np.concatenate([self._bought, new_rows])
        self._is_bought[new_rows] = True
        pool.close(new_rows)
        pool.labels_bought += len(request)
        if pool.model is None and self._goes_on():
            return
        # The first turn holds all steps of the initial sample, any other its own request.
        rows = len(new_rows) if self.turns else len(self._bought)
        turn = Turn(len(self.turns), pool.labels_bought, query_seconds=self._query_seconds, loop_rows=rows)
        self._query_seconds = 0.0
        began = time.perf_counter()
        self._train(turn)
        turn.fit_seconds = time.perf_counter() - began
        self.turns.append(turn)
        self._decide(turn)

    def _check_answers(self, answers: Rows, request: LabelRequest) -> None:
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
            # Rows that a protocol labels first are there to be trained on.
            offered = pool.candidates if self._initial is None else np.setdiff1d(pool.candidates, self._initial)
            size = min(recipe.stopping.held_out_rows, self._affordable_rows() // 2, len(offered))
            held_out = np.sort(self.streams.generator("held_out").choice(offered, size=size, replace=False))
            pool.close(held_out)
            pool.held_out = held_out
        first = self._initial
        if first is None:
            size = recipe.initial_sample.size or default_initial_size(pool.budget, pool.n_classes)
            size = min(size, self._affordable_rows() - len(held_out), len(pool.candidates))
            rng = self.streams.generator("initial_sample")
            if self._oracle is None:
                first = recipe.initial_sample.select(pool, max(1, size), rng)
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
        loop = len(self.turns)
        again = self._to_relabel[: max(0, self._affordable_rows() - 1)]
        self._to_relabel = NO_ROWS
        affordable = self._affordable_rows(len(again) * self.recipe.labeling.labels_per_row)
        state = LoopState(
            loop=loop,
            loops_left=None if self.loops is None else self.loops - loop + 1,
            rows_left=affordable,
            rows_labelled=len(self._bought),
            pool_rows=pool.n_rows,
            budget_rows=pool.budget // self.recipe.labeling.labels_per_row,
        )
        size = min(max(1, int(self.recipe.loop_size.next_size(state))), affordable, len(pool.candidates))
        rows = self.recipe.query_strategy.select(pool, size, self.streams.generator("query", loop))
        return self._people(np.concatenate([again, rows]))

    def _people(self, rows: Rows, *step: int) -> LabelRequest:
        rng = self.streams.generator("labeling", len(self.turns), *step)
        return LabelRequest(*self.recipe.labeling.ask(rows.astype(np.intp), self.annotators, rng))

    # training -------------------------------------------------------------------------------------------------

    def _usable_rows(self) -> Rows:
        """Return the rows bought to be trained on, sorted."""
        usable = self._is_bought.copy()
        usable[self.pool.held_out] = False
        return np.flatnonzero(usable)

    def _train(self, turn: Turn) -> None:
        pool, recipe = self.pool, self.recipe
        rows = self._usable_rows()
        labels = recipe.labeling.combine(self.answers, rows, pool.n_classes)
        base = recipe.training.adapt(recipe.model, len(rows), self._first_labels or len(rows))
        self._audit(turn, base, rows, labels)
        weight = None
        if len(self._suspects):
            suspect = np.isin(rows, self._suspects)
            if recipe.labeling.action == "drop":
                rows, labels = rows[~suspect], labels[~suspect]
            elif recipe.labeling.action == "weight":
                weight = np.where(suspect, SUSPECT_WEIGHT, 1.0)
        self._first_labels = self._first_labels or len(rows)
        pool.set_labels(rows, labels)
        everything = TrainingTurn(
            model=recipe.training.adapt(recipe.model, len(rows), self._first_labels),
            model_init=recipe.model_init,
            X=pool.X[rows],
            y=labels,
            weight=weight,
            fresh=self._trained_label[rows] != labels,
            n_classes=pool.n_classes,
            previous=pool.model,
            streams=self.streams,
            loop=turn.loop,
        )
        model = recipe.retrain.train(everything)
        self._trained_label[rows] = labels
        turn.labels_used = len(rows)
        earlier = () if pool.metadata is None else pool.metadata.as_history()
        pool.model = model
        pool.learner, pool.label_weights = everything.model, weight
        pool.loop = turn.loop
        pool.metadata = Metadata(pool.X, pool.candidates, model, earlier)

    def _audit(self, turn: Turn, model: object, rows: Rows, labels: Rows) -> None:
        labeling = self.recipe.labeling
        if labeling.audit == "none" or turn.loop % labeling.every:
            return
        found = audit_ranking(
            labeling.audit,
            model,  # type: ignore[arg-type]
            self.pool.X[rows],
            labels,
            self.pool.n_classes,
            share=labeling.share,
            streams=self.streams,
            loop=turn.loop,
        )
        turn.notes["audit_ran"] = float(found.ran)
        turn.notes["audit_suspects"] = float(len(found.suspects))
        if labeling.action == "relabel":
            self._to_relabel = rows[found.suspects]
        else:
            self._suspects = rows[found.suspects]

    # stopping -------------------------------------------------------------------------------------------------

    def _draw_stop_set(self) -> Rows:
        if not self.recipe.stopping.watches_stop_set:
            return NO_ROWS
        size = min(STOP_SET_ROWS, self.pool.n_rows)
        return np.sort(self.streams.generator("stop_set").choice(self.pool.n_rows, size=size, replace=False))

    def _decide(self, turn: Turn) -> None:
        stopping, pool = self.recipe.stopping, self.pool
        model = pool.model
        if model is None:
            raise RuntimeError("a turn ended without a model")
        if len(self._stop_set):
            self._stop_predictions.append(model.predict(pool.X[self._stop_set]))
        held_out = pool.held_out
        view = StopView(
            predictions=tuple(self._stop_predictions),
            held_out_labels=self.recipe.labeling.combine(self.answers, held_out, pool.n_classes)
            if len(held_out)
            else NO_ROWS,
            held_out_predictions=model.predict(pool.X[held_out]) if len(held_out) else NO_ROWS,
            labels_bought=pool.labels_bought,
            n_classes=pool.n_classes,
            rng=self.streams.generator("stopping", turn.loop),
        )
        turn.notes.update(stopping.note(view))
        if self._oracle is not None and turn.loop == 0:
            turn.notes["uses_oracle"] = 1.0
        if self._affordable_rows() < 1:
            self.stopped = "budget"
        elif len(pool.candidates) == 0:
            self.stopped = "pool"
        elif self.loops is not None and turn.loop >= self.loops:
            self.stopped = "loops"
        elif stopping.fires([past.notes for past in self.turns]):
            self.stopped = stopping.method


def _first_mentions(rows: Rows) -> Rows:
    """Return distinct rows in the order in which they are first mentioned."""
    _, first = np.unique(rows, return_index=True)
    mentioned: Rows = rows[np.sort(first)]
    return mentioned
