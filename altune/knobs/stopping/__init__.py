"""Knob 5, ``stopping``: when labelling ends before the budget is spent.

A rule is a pure function of the numbers that it notes in each loop. One full trajectory therefore evaluates every rule
afterwards, by replay (:mod:`altune.analysis.stopping_replay`). The exception is ``target``, which buys rows for
validation and so changes the trajectory.
"""

# The order in which rules are registered is part of the key of trajectories that record all of them.
from altune.knobs.stopping import agreement, bayes, combined, coverage, performance, uncertainty  # noqa: F401  (register)
from altune.knobs.stopping.agreement import cohen_kappa
from altune.knobs.stopping.base import Criterion, GivenEvidence, Note, Stopping, StopView
from altune.knobs.stopping.combined import notes_of
from altune.knobs.stopping.recording import RecordedRules, noted_by, stopping_point

__all__ = [
    "Criterion",
    "GivenEvidence",
    "Note",
    "RecordedRules",
    "StopView",
    "Stopping",
    "cohen_kappa",
    "noted_by",
    "notes_of",
    "stopping_point",
]
