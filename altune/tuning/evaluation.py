"""Evaluation of recipes: playing them on the search blocks and judging them, without spending more than needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import WorkError, reason_of
from altune.core.text import counted
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import Failure, Outcome, WorkItem
from altune.simulation.execution.player import OnDone
from altune.tuning.envelope import Envelope
from altune.tuning.judging import Judge
from altune.tuning.racing import LEADERS, Racing
from altune.tuning.search_blocks import SearchBlock
from altune.tuning.trials import Verdict

Array = NDArray[np.float64]
OnVerdict = Callable[[int, Verdict], None]
ROUNDING = 1e-9


class Plays(Protocol):
    """Interface of what plays work items: a :class:`altune.simulation.execution.player.Player` or a stand-in."""

    def begin(self, items: Sequence[WorkItem]) -> None:
        """Start some items of the next call of :meth:`play`; it is allowed to do nothing."""

    def play(self, items: Sequence[WorkItem], on_done: OnDone = ...) -> list[Outcome]:
        """Play all items, call ``on_done`` with the index and outcome of each, and return the outcomes in order."""


@dataclass(eq=False)
class _Candidate:
    """A recipe in evaluation, with its curves so far."""

    recipe: Recipe
    notify: Callable[[Verdict], None]
    attempt: int = 0
    curves: list[LearningCurve] = field(default_factory=list)
    verdict: Verdict | None = None
    notified: bool = False


class Evaluator:
    """Plays recipes on the search blocks and returns a verdict for each.

    Parameters
    ----------
    player : plays work items.
    judge : turns learning curves into values.
    blocks : search blocks, in the order of the judge.
    racing_rules : when to drop a trial early, and which trials to play on leader blocks.
    limit : time limit for one trial in seconds, split evenly over its usual blocks; where recipes get blocks by merit,
        the limit of each play. None for no limit. A trajectory that pauses at rungs has this limit for each part.
    """

    def __init__(
        self,
        player: Plays,
        judge: Judge,
        blocks: Sequence[SearchBlock],
        racing_rules: Racing,
        limit: float | None = None,
    ) -> None:
        self.player = player
        self.judge = judge
        self.racing_rules = racing_rules
        self._blocks = blocks
        order = judge.blocks
        self._n_usual = order.n_usual
        self._limit = None if limit is None else limit / (1 if order.by_merit else self._n_usual)
        self._looks = racing_rules.looks(min(order.n_blocks), len(order.n_blocks))
        scenarios = [judge.scenarios[data] for data, _ in order.order[: self._n_usual]]
        self._budgets = [scenario.labels for scenario in scenarios]
        self._envelope = Envelope(
            self._budgets,
            [scenario.metric for scenario in scenarios],
            joined=judge.objectives[0].kind.joined,
        )
        self._best: Array | None = None
        self._best_curves: Sequence[LearningCurve] = ()
        # Keyed by the values: a recipe that is drawn again has the same ones, and must not count as several leaders or
        # rivals.
        self._finished: dict[tuple[float, ...], Array] = {}
        self._leaders: set[tuple[float, ...]] = set()

    @property
    def needs_curves(self) -> bool:
        """Whether :meth:`see` needs the curves of finished trials, not only their values."""
        return bool(self.racing_rules.rungs)

    def see(self, block_values: Sequence[float], curves: Sequence[LearningCurve], feasible: bool = True) -> None:
        """Add a finished trial, with which later ones are compared.

        Parameters
        ----------
        block_values : first objective on each block.
        curves : its learning curves; may be empty unless :attr:`needs_curves`.
        feasible : whether it keeps every constraint. A trial that does not is no rival, however good it is.
        """
        signed = self.judge.objectives[0].sign * np.asarray(block_values[: self._n_usual], dtype=np.float64)
        if len(block_values) > self._n_usual:
            self._leaders.add(tuple(signed.tolist()))
        curves = curves[: self._n_usual] if self.needs_curves else ()
        if curves:
            self._envelope.see(curves)
        if not feasible:
            return
        self._finished[tuple(signed.tolist())] = signed
        if self._best is None or self._mean(signed) > self._mean(self._best):
            self._best, self._best_curves = signed, curves

    def begin(self, recipe: Recipe) -> None:
        """Start a recipe on idle workers; the next call of :meth:`play` must contain it."""
        if self._rungs:
            return
        n_first = self._early_looks[0] if self._early_looks else self._n_usual
        self.player.begin([self._item(recipe, position) for position in range(n_first)])

    def play(
        self,
        recipes: Sequence[Recipe],
        on_played: OnDone = lambda index, outcome: None,
        on_verdict: OnVerdict = lambda index, verdict: None,
        attempt: int = 0,
    ) -> list[Verdict]:
        """Play recipes side by side and return the verdict of each, in their order.

        Parameters
        ----------
        recipes : recipes to play.
        on_played : called after each trajectory.
        on_verdict : called with the index of a recipe and its verdict as soon as it is known, in any order.
        attempt : how often the recipes were begun before, by workers that died.
        """
        candidates = [_Candidate(recipe, partial(on_verdict, index), attempt) for index, recipe in enumerate(recipes)]
        for share in self._rungs:
            self._climb(candidates, share)
        for look in self._early_looks:
            self._play_up_to(candidates, look, on_played)
            self._race(candidates)
        self._play_up_to(candidates, self._n_usual, on_played, last=not self.racing_rules.leader_blocks)
        if self.racing_rules.leader_blocks:
            leaders = [candidate for candidate in candidates if candidate.verdict is None and self._leads(candidate)]
            self._play_up_to(leaders, len(self._blocks), on_played)
        return [self._settle(candidate) for candidate in candidates]

    def begin_on(self, recipe: Recipe, position: int) -> None:
        """Start a recipe on one block; the next call of :meth:`play_on` must contain both."""
        self.player.begin([self._item(recipe, position)])

    def play_on(
        self,
        plays: Sequence[tuple[Recipe, int]],
        on_played: OnDone = lambda index, outcome: None,
        on_verdict: OnVerdict = lambda index, verdict: None,
    ) -> None:
        """Play recipes on one block each, side by side.

        Parameters
        ----------
        plays : recipes, each with the position of its block.
        on_played : called after each trajectory.
        on_verdict : called with the index of a play and its verdict as soon as it is known, in any order.
        """

        def on_done(index: int, outcome: Outcome) -> None:
            on_played(index, outcome)
            on_verdict(index, self._verdict_on(plays[index][1], outcome))

        self.player.play([self._item(recipe, position) for recipe, position in plays], on_done)

    def _verdict_on(self, position: int, outcome: Outcome) -> Verdict:
        if not isinstance(outcome, LearningCurve):
            return Verdict(failure=outcome)
        try:
            value = self.judge.value_on(position, outcome)
        except WorkError as error:
            return _unjudged(error)
        return Verdict([outcome], [value], (value,))

    # steps ----------------------------------------------------------------------------------------------------

    @property
    def _rungs(self) -> Sequence[float]:
        """Rungs, as shares of the budget; none until a finished trial is known to compare with."""
        return self.racing_rules.rungs if self._best is not None and self._envelope.known else ()

    @property
    def _early_looks(self) -> Sequence[int]:
        """Numbers of blocks after which a trial may lose the race; none until a finished trial is known."""
        return self._looks if self._finished else ()

    def _play_up_to(
        self, candidates: Sequence[_Candidate], n_blocks: int, on_played: OnDone, last: bool = False
    ) -> None:
        """Play candidates on their blocks up to a number of blocks.

        If these blocks are the last ones, a candidate is settled as soon as its own are played, without waiting for
        the others.
        """
        open_candidates = [candidate for candidate in candidates if candidate.verdict is None]
        wanted = [
            (candidate, position)
            for candidate in open_candidates
            for position in range(len(candidate.curves), n_blocks)
        ]
        n_left = Counter(candidate for candidate, _ in wanted)
        outcomes: dict[int, Outcome] = {}

        def on_done(index: int, outcome: Outcome) -> None:
            outcomes[index] = outcome
            on_played(index, outcome)
            candidate = wanted[index][0]
            n_left[candidate] -= 1
            if n_left[candidate]:
                return
            # Outcomes come in any order, curves are kept in the order of the blocks.
            in_order = [outcomes[number] for number, (other, _) in enumerate(wanted) if other is candidate]
            curves = [self._curve(candidate, outcome) for outcome in in_order]
            candidate.curves += [curve for curve in curves if curve is not None]
            if last:
                self._settle(candidate)

        items = [self._item(candidate.recipe, position, attempt=candidate.attempt) for candidate, position in wanted]
        self.player.play(items, on_done)

    def _climb(self, candidates: Sequence[_Candidate], share: float) -> None:
        """Play every block up to a share of the budget, and drop the candidates that cannot win any more."""
        open_candidates = [candidate for candidate in candidates if candidate.verdict is None]
        positions = range(self._n_usual)
        items = [
            self._item(candidate.recipe, position, share, candidate.attempt)
            for candidate in open_candidates
            for position in positions
        ]
        outcomes = iter(self.player.play(items))
        for candidate in open_candidates:
            curves = [self._curve(candidate, next(outcomes)) for _ in positions]
            if candidate.verdict is None:
                self._drop_below(candidate, [curve for curve in curves if curve is not None], share)

    def _drop_below(self, candidate: _Candidate, curves: Sequence[LearningCurve], share: float) -> None:
        """Drop a candidate that would not win even with the best continuation that any finished trial had."""
        if self._best is None:
            return
        try:
            most = self._mean(self._signed(self._envelope.completed(curves)))
        except WorkError as error:
            candidate.verdict = _unjudged(error)
            return
        if most < self._mean(self._best) - ROUNDING:
            likely = self._signed(self._envelope.expected(curves, self._best_curves))
            self._drop(candidate, curves, likely, f"at {share:.0%} of the budget it could not win any more")

    def _race(self, candidates: Sequence[_Candidate]) -> None:
        finished = np.array(list(self._finished.values()))
        for candidate in candidates:
            if candidate.verdict is None:
                try:
                    signed = self._signed(candidate.curves)
                except WorkError as error:
                    candidate.verdict = _unjudged(error)
                    continue
                if self.racing_rules.loses_race(signed, finished, len(self._looks)):
                    reason = f"clearly worse than the best on {counted(len(signed), 'block')}"
                    self._drop(candidate, candidate.curves, signed, reason)

    def _leads(self, candidate: _Candidate) -> bool:
        """Return whether a candidate is better than all but a few of the finished trials."""
        try:
            signed = self._signed(candidate.curves[: self._n_usual])
        except WorkError as error:
            candidate.verdict = _unjudged(error)
            return False
        if tuple(signed.tolist()) in self._leaders:
            return True
        if len(self._finished) < LEADERS:
            return False
        return self._mean(signed) > sorted(self._mean(values) for values in self._finished.values())[-LEADERS]

    def _drop(self, candidate: _Candidate, curves: Sequence[LearningCurve], signed: Array, reason: str) -> None:
        """Drop a candidate with its values so far.

        Its estimated value is that of the best trial plus its mean distance to the best on the same blocks, so that it
        does not depend on how hard these blocks are.
        """
        sign = self.judge.objectives[0].sign
        estimate = float(signed.mean())
        if self._best is not None:
            estimate = self._mean(self._best) + float((signed - self._best[: len(signed)]).mean())
        candidate.verdict = Verdict(list(curves), (sign * signed).tolist(), estimate=sign * estimate, dropped=reason)

    def _settle(self, candidate: _Candidate) -> Verdict:
        """Return the verdict on a candidate, made now unless it is known, and notify once."""
        if candidate.verdict is None:
            curves, judge = candidate.curves, self.judge
            try:
                block_values = judge.block_values(curves).tolist()
                candidate.verdict = Verdict(curves, block_values, judge.values(curves), judge.constraints(curves))
            except WorkError as error:
                candidate.verdict = _unjudged(error)
        if not candidate.notified:
            candidate.notified = True
            candidate.notify(candidate.verdict)
        return candidate.verdict

    def _curve(self, candidate: _Candidate, outcome: Outcome) -> LearningCurve | None:
        """Return the curve of an outcome; the first failure is the verdict on the candidate."""
        if isinstance(outcome, LearningCurve):
            return outcome
        if candidate.verdict is None:
            candidate.verdict = Verdict(failure=outcome)
        return None

    def _item(self, recipe: Recipe, position: int, share: float | None = None, attempt: int = 0) -> WorkItem:
        environment, block = self._blocks[position]
        until = None if share is None else float(math.ceil(share * self._budgets[position]))
        return WorkItem(recipe, block, environment, until, self._limit, attempt=attempt)

    def _signed(self, curves: Sequence[LearningCurve]) -> Array:
        return self.judge.objectives[0].sign * self.judge.block_values(curves)

    def _mean(self, signed: Array) -> float:
        """Return the mean over blocks in which every data set counts alike."""
        return self.judge.summary(signed, self.judge.objectives[0])


def _unjudged(error: WorkError) -> Verdict:
    """Return the verdict on a recipe for whose curves an objective of the user gives no number."""
    return Verdict(failure=Failure(reason_of(error)))
