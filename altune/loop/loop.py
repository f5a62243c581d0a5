"""The active-learning loop: it asks for labels, gets answers, trains, and repeats.

One piece of code for the simulator, which answers from true labels, and for a campaign, which answers from people.
A recipe therefore does in production exactly what was simulated.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from altune.core.errors import RequestError
from altune.core.pool import FeatureCache, Pool
from altune.core.types import Codes, RowNumbers
from altune.knobs.labeling import Answers, Automatic
from altune.knobs.loop_size import Judged
from altune.knobs.query_strategy.base import chosen_by
from altune.knobs.stopping.monitor import StoppingMonitor
from altune.loop.gate import Gate
from altune.loop.labels import Labels
from altune.loop.prefix_cache import PrefixCache
from altune.loop.purchases import Purchases
from altune.loop.requests import LabelRequest, Requests
from altune.loop.training import MODEL_KEPT, NO_MODEL, LoopRecord, Trainer
from altune.models import FittedModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from altune.core.streams import Streams
    from altune.core.types import Features
    from altune.recipes.recipe import Recipe


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
    groups : group of each row, ``(n_rows,)``, which folds of labelled rows do not separate; None if there are none.
    oracle : true class codes of all pool rows, ``(n_rows,)``, for an initial sample that is an upper bound and reads
        them (``uses_oracle``); only a simulation has them, and nothing else in the loop reads them.
    price_per_label, price_per_loop : the scenario's prices, for a loop size that depends on them.
    classes : names of the classes in the order of their codes, for estimators whose parameters name them, such as
        ``class_weight``; by default the codes.

    Raises
    ------
    RequestError
        If the budget does not buy a row, or if the initial sample needs the true labels and there are none.

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
        groups: Codes | None = None,
        price_per_label: float = 1.0,
        price_per_loop: float = 0.0,
        classes: Sequence[object] = (),
    ) -> None:
        recipe = recipe.for_classes(classes or range(n_classes))
        gate = Gate(0, n_classes)
        price_of_row = gate.size(recipe.labeling, recipe.labeling.labels_per_row, "labels_per_row")
        gate.size(recipe.stopping, recipe.stopping.held_out_rows, "held_out_rows", least=0)
        if budget < price_of_row:
            raise RequestError(f"a budget of {budget} labels buys no row: a row costs {price_of_row} labels here")
        sample = recipe.initial_sample
        if sample.uses_oracle and oracle is None:
            raise RequestError(f"initial_sample {sample.method!r} reads true labels, which only a simulation has")
        oracle = oracle if sample.uses_oracle else None
        self.recipe = recipe
        self.streams = streams
        self.loops = loops
        self.annotators = annotators
        self.pool = Pool(X, n_classes, budget=budget, shared=shared, feature_names=feature_names, inputs=inputs)
        self.pool.groups = groups
        self._labels = Labels(self.pool, recipe.labeling)
        self.records: list[LoopRecord] = []
        self.stopped: str | None = None
        self._request: LabelRequest | None = None
        self._trainer = Trainer(recipe, self.pool, streams, prefixes)
        self._purchases = Purchases(self.pool, recipe.query_strategy)
        self._monitor = StoppingMonitor(
            self.pool, streams, predicts=recipe.stopping.watching() or recipe.loop_size.watches_stop_set
        )
        self._requests = Requests(
            recipe,
            self.pool,
            streams,
            self._trainer,
            self._purchases,
            self._monitor,
            annotators=annotators,
            loops=loops,
            initial=initial,
            oracle=oracle,
            price_per_label=price_per_label,
            price_per_loop=price_per_loop,
        )
        self._oracle_used = oracle is not None
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
        return self._purchases.rows

    @property
    def answers(self) -> Answers:
        """All answers so far."""
        return self._labels.answers

    @property
    def labels(self) -> tuple[RowNumbers, Codes]:
        """Pool rows with a label, sorted, held-out ones included, and the label that their answers combine to."""
        rows = np.flatnonzero(self._labels.known)
        return rows, self._labels.codes[rows]

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
            requests = self._requests
            first = self.pool.model is None
            self._take(requests.first() if first else requests.next(self.records, self._errors))
            self._query_seconds += time.perf_counter() - began
        assert self._request is not None
        return self._request

    def take_up(self, request: LabelRequest) -> None:
        """Make a request of an earlier run of the same loop the current one, in place of choosing anew.

        With the answers of that run, the loop comes into the state that it had then, also where another version of a
        strategy would choose other rows.
        """
        self._trainer.take_to_relabel()
        self.stopped = None
        if len(request.held_out):
            self.pool.close(request.held_out)
            self.pool.held_out = request.held_out
        self._take(request)

    def _take(self, request: LabelRequest) -> None:
        self._purchases.chosen(request.choice)
        self._request = request

    def tell(self, labels: Codes, annotators: RowNumbers | None = None, *, trains: bool | None = None) -> None:
        """Take the answers to a request, audit, train, and decide whether to stop.

        Parameters
        ----------
        labels : class codes in ``[0, n_classes)``, one for each entry of the request, in its order; −1 where there is
            no answer, which is no label bought. A new row without any answer is not asked about again.
        annotators : numbers of those who answered, ``(n_labels,)``; None for those who were asked.
        trains : whether a model is trained now, where an earlier run of the same loop decided that; None lets the
            initial sample decide whether it wants more labels first.

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
        pool, known = self.pool, self._labels
        given = np.flatnonzero(answers >= 0)
        asked = request.annotators if annotators is None else annotators
        doubted = known.codes[request.again]
        new_rows = known.add(request.rows[given], asked[given], answers[given])
        self._purchases.bought(new_rows, len(self.records))
        pool.close(request.rows)
        pool.held_out = pool.held_out[known.known[pool.held_out]]
        pool.labels_bought += len(given)
        began = time.perf_counter()
        known.combine(len(self.records))
        self._combine_seconds += time.perf_counter() - began
        if pool.model is None and not trains and (self._asks_for_more() or trains is False):
            return
        # The first record covers all requests of the initial sample, any other its own request.
        loop_rows = len(new_rows) if self.records else len(self.bought)
        record = LoopRecord(
            len(self.records), pool.labels_bought, query_seconds=self._query_seconds, loop_rows=loop_rows
        )
        self._query_seconds = 0.0
        if len(request.again):
            record.notes["labels_bought_again"] = float(len(request.again))
            record.notes["labels_corrected"] = float(np.count_nonzero(known.codes[request.again] != doubted))
        self._judge(new_rows)
        chooser = self.model
        began = time.perf_counter()
        rows = known.usable()
        self._trainer.train(record, rows, known.codes[rows])
        record.fit_seconds = self._combine_seconds + time.perf_counter() - began
        self._combine_seconds = 0.0
        self.records.append(record)
        self._decide(record, chooser, new_rows)

    def _asks_for_more(self) -> bool:
        """Return whether more labels are wanted before the first model; they become the request."""
        began = time.perf_counter()
        rows = self._labels.usable()
        self.pool.set_labels(rows, self._labels.codes[rows])
        if len(rows):
            more = self._requests.more()
        elif len(self.pool.candidates):  # annotators could not tell any label so far
            more = self._requests.first()
        else:
            self.stopped, more = "pool", None
        if more is not None:
            self._take(more)
        self._query_seconds += time.perf_counter() - began
        return more is not None or self.done

    def _judge(self, new_rows: RowNumbers) -> None:
        """Count the errors of the current model on labels that were bought after it was trained."""
        model = self.pool.model
        if model is None or not len(new_rows) or not self.recipe.loop_size.judges_new_labels:
            return
        wrong = int(np.count_nonzero(model.predict(self.pool.inputs[new_rows]) != self._labels.codes[new_rows]))
        self._errors += (Judged(self.records[-1].labels_used, len(new_rows), wrong),)

    def give(self, rows: RowNumbers, labels: Codes, annotator: int = 0) -> None:
        """Take labels that exist before anything is asked. They count as bought, and as a part of the first sample.

        Parameters
        ----------
        rows : distinct pool rows, ``(n,)``.
        labels : their class codes, ``(n,)``.
        annotator : number of who gave them.
        """
        self._purchases.chosen(chosen_by("given", rows))
        self._labels.add(rows, np.full(len(rows), annotator, dtype=np.intp), labels)
        self._purchases.bought(rows, 0)
        self.pool.close(rows)
        self.pool.labels_bought += len(rows)
        self._labels.combine(0)

    def correct(self, row: int, annotator: int, label: int) -> None:
        """Replace the last answer of an annotator about a row that was asked about; the next training uses the new one.

        Parameters
        ----------
        row, annotator : their numbers. One who gave no answer about the row so far buys one more label.
        label : class code; −1 takes the answer back. It remains a label that was bought.

        Raises
        ------
        RequestError
            If there is no answer to take back, or if no label would remain to train on.
        """
        known, answers, place = self._labels, self.answers, np.array([row], dtype=np.intp)
        about = answers.rows == row
        if label < 0 and not (about & (answers.annotators == annotator)).any():
            raise RequestError(f"annotator {annotator} gave no label of row {row}")
        if label < 0 and np.count_nonzero(about) == 1:
            self.withdraw(place)
        if not answers.replace(row, annotator, label):
            new = known.add(place, np.array([annotator], dtype=np.intp), np.array([label], dtype=np.intp))
            self._purchases.rows = np.concatenate([self._purchases.rows, new])
            self.pool.labels_bought += 1
        known.combine(len(self.records))

    def withdraw(self, rows: RowNumbers) -> None:
        """Take rows out: they are not asked about and not trained on again.

        Raises
        ------
        RequestError
            If there is a model, and no label would remain to train on.
        """
        pool = self.pool
        self._labels.drop(rows)
        pool.close(rows)
        pool.held_out = np.setdiff1d(pool.held_out, rows)
        self._renew_metadata()

    def extend(self, X: Features, inputs: Features | None = None) -> None:
        """Add rows to the pool, after those that it has.

        Parameters
        ----------
        X : features of all rows, old and new, ``(n_rows, n_features)``.
        inputs : the same rows as the recipe's models are given them; None for ``X``.
        """
        self.pool.extend(X, inputs)
        self._trainer.extend(self._labels.extend())
        self._monitor.restart()
        self._renew_metadata()

    def _renew_metadata(self) -> None:
        pool = self.pool
        if pool.metadata is not None:
            pool.metadata = pool.metadata.renewed(pool.X, pool.candidates, pool.inputs)

    def _check_answers(self, answers: Codes, request: LabelRequest) -> None:
        if answers.shape != (len(request),):
            raise RequestError(f"{len(request)} labels were asked for, {answers.size} were given")
        if not np.issubdtype(answers.dtype, np.integer):
            raise RequestError(f"labels must be class codes (integers), not {answers.dtype}")
        if len(answers) and (answers.min() < -1 or answers.max() >= self.pool.n_classes):
            raise RequestError(f"labels must be class codes from 0 to {self.pool.n_classes - 1}, or -1 for no answer")

    # stopping -------------------------------------------------------------------------------------------------

    def _decide(self, record: LoopRecord, chooser: FittedModel | None, new_rows: RowNumbers) -> None:
        stopping, pool, gate = self.recipe.stopping, self.pool, Gate(record.loop, self.pool.n_classes)
        trained = not {NO_MODEL, MODEL_KEPT} & record.notes.keys()
        if trained:  # a rule compares models, and the same one twice says nothing
            before = None if chooser is None or chooser.failure else chooser
            view = self._monitor.observe(record.loop, before, new_rows, lambda rows: self._labels.codes[rows])
            record.notes.update(gate.notes(stopping, stopping.note(view)))
        if self._oracle_used and record.loop == 0:
            record.notes["uses_oracle"] = 1.0
        if self._requests.affordable_rows() < 1:
            self.stopped = "budget"
        elif len(pool.candidates) == 0:
            self.stopped = "pool"
        elif self.loops is not None and record.loop >= self.loops:
            self.stopped = "loops"
        elif trained and gate.decision(stopping, stopping.fires([past.notes for past in self.records])):
            self.stopped = stopping.method
