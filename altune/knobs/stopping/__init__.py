"""Knob 5, ``stopping``: when labelling ends before the budget is spent.

A rule is a pure function of the numbers that it notes in each loop. One full trajectory therefore evaluates every rule
afterwards, by replay (:mod:`altune.analysis.stopping_replay`). The exception is ``target``, which buys rows for
validation and so changes the trajectory.
"""

from altune.knobs.stopping.agreement import (
    ClassificationChange,
    DeltaF,
    StabilizingPredictions,
    cohen_kappa,
    f_changes,
)
from altune.knobs.stopping.base import (
    LABELS,
    STOP_SET_ROWS,
    Criterion,
    Evidence,
    GivenEvidence,
    Note,
    Stopping,
    StopView,
    latest,
)
from altune.knobs.stopping.bayes import (
    PacBayes,
    Posterior,
    divergence,
    error_bound,
    laplace_posterior,
    principal_components,
)
from altune.knobs.stopping.combined import AllRules, AnyRule, BudgetOnly, Rules, notes_of, prefix
from altune.knobs.stopping.coverage import NoNovelty
from altune.knobs.stopping.performance import (
    OracleAccuracy,
    PerformanceConvergence,
    Target,
    UncertaintyConvergence,
    balanced_hits,
    expected_f,
)
from altune.knobs.stopping.recording import RecordedRules, noted_by, stopping_point
from altune.knobs.stopping.uncertainty import (
    ContradictoryInformation,
    MaxConfidence,
    MinExpectedError,
    OverallUncertainty,
)

__all__ = [
    "LABELS",
    "STOP_SET_ROWS",
    "AllRules",
    "AnyRule",
    "BudgetOnly",
    "ClassificationChange",
    "ContradictoryInformation",
    "Criterion",
    "DeltaF",
    "Evidence",
    "GivenEvidence",
    "MaxConfidence",
    "MinExpectedError",
    "NoNovelty",
    "Note",
    "OracleAccuracy",
    "OverallUncertainty",
    "PacBayes",
    "PerformanceConvergence",
    "Posterior",
    "RecordedRules",
    "Rules",
    "StabilizingPredictions",
    "StopView",
    "Stopping",
    "Target",
    "UncertaintyConvergence",
    "balanced_hits",
    "cohen_kappa",
    "divergence",
    "error_bound",
    "expected_f",
    "f_changes",
    "laplace_posterior",
    "latest",
    "noted_by",
    "notes_of",
    "prefix",
    "principal_components",
    "stopping_point",
]
