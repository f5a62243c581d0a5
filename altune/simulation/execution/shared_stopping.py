"""Play recipes that differ only in their stopping rule as one trajectory.

The trajectory runs to the end of the budget and records the notes of every rule. The curve of each recipe is then cut
out of it, which gives the same curve as playing the recipe by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from altune.knobs.stopping import RecordedRules, Stopping, noted_by, notes_of, stopping_point
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import Failure, Outcome, WorkItem
from altune.simulation.trajectory import PAUSED


class SharedStopping:
    """Replaces stopping rules by a record of all of them, and cuts the curve of each rule out of the result.

    Parameters
    ----------
    rules : the rules that are recorded together; empty to play each recipe as it is.
    """

    def __init__(self, rules: Sequence[Stopping]) -> None:
        self._rules = tuple(dict.fromkeys(noted_by(rule) for rule in rules))

    def shared(self, item: WorkItem) -> WorkItem:
        """Return the item to play: ``item`` itself, or one whose trajectory serves all of the rules."""
        rule = item.recipe.stopping
        # A rule that buys hold-out rows changes the trajectory, so it is never shared.
        if not self._rules or rule.held_out_rows or (rule.method != "budget" and noted_by(rule) not in self._rules):
            return item
        return replace(item, recipe=item.recipe.replace(stopping=RecordedRules(rules=self._rules)))

    def cut(self, outcome: Outcome, item: WorkItem, played: WorkItem) -> Outcome:
        """Return the outcome of ``item``, given the outcome of the item that was played in its place."""
        if isinstance(outcome, Failure):
            return outcome
        if played is not item:
            outcome = self._stopped(outcome, item.recipe.stopping)
        return outcome if item.until is None else _paused_at(outcome, item.until)

    def _stopped(self, curve: LearningCurve, rule: Stopping) -> LearningCurve:
        if rule.method == "budget":
            return curve
        notes = notes_of(curve.notes, self._rules.index(noted_by(rule)))
        # The last point is left out: there the budget ends the trajectory whatever a rule decides.
        point = stopping_point(rule, notes[:-1])
        return curve if point is None else curve.first(point + 1, rule.method)


def _paused_at(curve: LearningCurve, until: float) -> LearningCurve:
    """Return a curve up to its first model trained on ``until`` labels."""
    points = 1 + int((curve.labels < until).sum())
    return curve if points >= len(curve) else curve.first(points, PAUSED)
