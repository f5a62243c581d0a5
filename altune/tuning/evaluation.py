"""Plays recipes and judges them, as sparingly as was asked for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import Outcome, WorkItem
from altune.tuning.judging import Judge
from altune.tuning.racing import LEADERS, Envelope, Racing
from altune.tuning.trials import Verdict

Array = NDArray[np.float64]
ROUNDING = 1e-9
OnPlayed = Callable[[int, Outcome], None]
OnVerdict = Callable[[int, Verdict], None]


class Plays(Protocol):
    """Whatever plays tasks: :class:`altune.simulation.execution.player.Player`, or what reads stored curves."""

    def begin(self, tasks: Sequence[WorkItem]) -> None:
        """Begin with some of the tasks of the next call of :meth:`play`, or leave it."""

    def play(self, tasks: Sequence[WorkItem], on_done: OnPlayed = ...) -> list[Outcome]:
        """Play all tasks, calling ``on_done`` with each one's index and outcome, and return the outcomes in order."""


@dataclass(eq=False)
class _Playing:
    """A recipe that is being played."""

    recipe: Recipe
    tell: Callable[[Verdict], None]
    curves: list[LearningCurve] = field(default_factory=list)
    verdict: Verdict | None = None
    told: bool = False


class Evaluator:
    """Plays recipes on the search blocks and says what each is worth.

    Parameters
    ----------
    player : plays trajectories.
    judge : turns curves into values.
    racing_rules : what lets a trial be given up early, and which are looked at more closely.
    limit : most seconds of a trial, shared evenly by its blocks; None without a limit. A trajectory that pauses at a
        rung has its share for each part.
    """

    def __init__(self, player: Plays, judge: Judge, racing_rules: Racing, limit: float | None = None) -> None:
        self.player = player
        self.judge = judge
        self.racing_rules = racing_rules
        self._limit = None if limit is None else limit / judge.usual
        usual = judge.places[: judge.usual]
        per_data_set = Counter(place.data for place in usual)
        self._looks = racing_rules.looks(min(per_data_set.values()), len(per_data_set))
        self._budgets = [place.environment.scenario.labels for place in usual]
        metrics = [place.environment.scenario.metric for place in usual]
        self._envelope = Envelope(self._budgets, metrics, joined=judge.objectives[0].name == "aulc_trapezoid")
        self._best: Array | None = None
        self._best_curves: Sequence[LearningCurve] = ()
        # A recipe drawn again has the same values, and must not fill the places of several leaders or rivals.
        self._known: dict[tuple[float, ...], Array] = {}
        self._leaders: set[tuple[float, ...]] = set()

    @property
    def remembers_curves(self) -> bool:
        """Whether curves of finished trials are needed, not their values alone."""
        return bool(self.racing_rules.rungs)

    def see(self, on_places: Sequence[float], curves: Sequence[LearningCurve], feasible: bool = True) -> None:
        """Take note of a finished trial, to which later ones are compared.

        Parameters
        ----------
        on_places : first objective on each place.
        curves : its curves, where :attr:`remembers_curves`; else they may be left out.
        feasible : whether it keeps every constraint; one that does not is no rival, however good.
        """
        usual = self.judge.usual
        own = self.judge.objectives[0].sign * np.asarray(on_places[:usual], dtype=np.float64)
        if len(on_places) > usual:
            self._leaders.add(tuple(own.tolist()))
        curves = curves[:usual] if self.remembers_curves else ()
        if curves:
            self._envelope.see(curves)
        if not feasible:
            return
        self._known[tuple(own.tolist())] = own
        if self._best is None or self._mean(own) > self._mean(self._best):
            self._best, self._best_curves = own, curves

    def begin(self, recipe: Recipe) -> None:
        """Let workers that have nothing to do begin with a recipe, which the next call of :meth:`play` must hold."""
        if self._rungs:
            return
        first = self._early_looks[0] if self._early_looks else self.judge.usual
        one = _Playing(recipe, lambda verdict: None)
        self.player.begin([self._task(one, place) for place in range(first)])

    def play(
        self,
        recipes: Sequence[Recipe],
        on_played: OnPlayed = lambda index, outcome: None,
        on_verdict: OnVerdict = lambda index, verdict: None,
    ) -> list[Verdict]:
        """Play recipes side by side and return what came of each, in their order.

        Parameters
        ----------
        recipes : what to play.
        on_played : called after each trajectory that a trial is played on.
        on_verdict : called with the recipe's position and what came of it as soon as that is known, in any order.
        """
        playing = [_Playing(recipe, partial(on_verdict, index)) for index, recipe in enumerate(recipes)]
        for share in self._rungs:
            self._climb(playing, share, on_played)
        for look in self._early_looks:
            self._go_on(playing, look, on_played)
            self._race(playing)
        self._go_on(playing, self.judge.usual, on_played, last=not self.racing_rules.leader_blocks)
        if self.racing_rules.leader_blocks:
            leaders = [one for one in playing if one.verdict is None and self._leads(one)]
            self._go_on(leaders, len(self.judge.places), on_played)
        return [self._settled(one) for one in playing]

    # steps ----------------------------------------------------------------------------------------------------

    @property
    def _rungs(self) -> Sequence[float]:
        """Shares of the budget at which recipes are looked at first; none before a rival is known."""
        return self.racing_rules.rungs if self._best is not None and self._envelope.known else ()

    @property
    def _early_looks(self) -> Sequence[int]:
        """Numbers of places after which a race may be lost; none before a rival is known."""
        return self._looks if self._known else ()

    def _go_on(self, playing: Sequence[_Playing], look: int, on_played: OnPlayed, last: bool = False) -> None:
        """Play on up to so many places; if they are the last, settle each recipe as soon as it was played on all."""
        alive = [one for one in playing if one.verdict is None]
        wanted = [(one, place) for one in alive for place in range(len(one.curves), look)]
        left = Counter(id(one) for one, _ in wanted)
        known: dict[int, Outcome] = {}

        def take(index: int, outcome: Outcome) -> None:
            known[index] = outcome
            on_played(index, outcome)
            one = wanted[index][0]
            left[id(one)] -= 1
            if left[id(one)] == 0:
                for at, (other, _) in enumerate(wanted):
                    if other is one:
                        self._take(one, known[at])
                if last:
                    self._settled(one)

        self.player.play([self._task(one, place) for one, place in wanted], take)

    def _climb(self, playing: Sequence[_Playing], share: float, on_played: OnPlayed) -> None:
        """Play every block up to a share of the budget, and drop the recipes that could not win any more."""
        alive = [one for one in playing if one.verdict is None]
        size = self.judge.usual
        tasks = [self._task(one, place, share) for one in alive for place in range(size)]
        outcomes = iter(self.player.play(tasks))
        for one in alive:
            curves = [self._curve(one, next(outcomes)) for _ in range(size)]
            if one.verdict is None:
                self._stop_short(one, [curve for curve in curves if curve is not None], share)

    def _stop_short(self, one: _Playing, curves: Sequence[LearningCurve], share: float) -> None:
        """Drop a recipe whose curves so far could not win, even by going on with the best rest that was ever seen."""
        if self._best is None:
            return
        most = self._mean(self._signed(self._envelope.completed(curves)))
        if most < self._mean(self._best) - ROUNDING:
            likely = self._signed(self._envelope.expected(curves, self._best_curves))
            self._drop(one, curves, likely, f"at {share:.0%} of the budget it could not win any more")

    def _race(self, playing: Sequence[_Playing]) -> None:
        known = np.array(list(self._known.values()))
        for one in playing:
            if one.verdict is None:
                own = self._signed(one.curves)
                if self.racing_rules.loses_race(own, known, len(self._looks)):
                    self._drop(one, one.curves, own, f"clearly worse than the best on {len(own)} blocks")

    def _leads(self, one: _Playing) -> bool:
        """Return whether a recipe is better than all but a few of those that were finished before."""
        own = self._signed(one.curves[: self.judge.usual])
        if tuple(own.tolist()) in self._leaders:
            return True
        if len(self._known) < LEADERS:
            return False
        return self._mean(own) > sorted(self._mean(known) for known in self._known.values())[-LEADERS]

    def _drop(self, one: _Playing, curves: Sequence[LearningCurve], signed: Array, reason: str) -> None:
        """Give up a recipe, with its values so far; its distance to the best there is what it is likely worth."""
        sign = self.judge.objectives[0].sign
        estimate = float(signed.mean())
        if self._best is not None:
            estimate = self._mean(self._best) + float((signed - self._best[: len(signed)]).mean())
        one.verdict = Verdict(list(curves), (sign * signed).tolist(), estimate=sign * estimate, dropped=reason)

    def _settled(self, one: _Playing) -> Verdict:
        """Return what came of a recipe, judging it if nothing settled it before, and tell it once."""
        if one.verdict is None:
            judge = self.judge
            on_places = judge.on_places(one.curves).tolist()
            one.verdict = Verdict(one.curves, on_places, judge.values(one.curves), judge.constraints(one.curves))
        if not one.told:
            one.told = True
            one.tell(one.verdict)
        return one.verdict

    def _take(self, one: _Playing, outcome: Outcome) -> None:
        curve = self._curve(one, outcome)
        if curve is not None:
            one.curves.append(curve)

    def _curve(self, one: _Playing, outcome: Outcome) -> LearningCurve | None:
        """Return an outcome's curve; the first failure is the recipe's verdict."""
        if isinstance(outcome, LearningCurve):
            return outcome
        if one.verdict is None:
            one.verdict = Verdict(failure=outcome)
        return None

    def _task(self, one: _Playing, number: int, share: float | None = None) -> WorkItem:
        place = self.judge.places[number]
        until = None if share is None else float(math.ceil(share * self._budgets[number]))
        return WorkItem(one.recipe, place.block, place.environment, until, self._limit)

    def _signed(self, curves: Sequence[LearningCurve]) -> Array:
        return self.judge.objectives[0].sign * self.judge.on_places(curves)

    def _mean(self, signed: Array) -> float:
        """Return the mean over places in which each data set counts alike."""
        return self.judge.summary(signed, self.judge.objectives[0])
