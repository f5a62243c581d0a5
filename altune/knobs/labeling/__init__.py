"""Knob 6, ``labeling``: who or what labels a row, and the audit of labels before training."""

from altune.knobs.labeling.audit import AUDITS, FEATURE_AUDITS, Audit, audit_ranking
from altune.knobs.labeling.auto import AssistedLabeling, AutoLabels
from altune.knobs.labeling.base import Answers, Automatic, Labeling
from altune.knobs.labeling.dawid_skene import Consensus, DawidSkene, dawid_skene
from altune.knobs.labeling.functions import (
    LabelFunction,
    LabelFunctions,
    register_label_function,
    unregister_label_function,
)
from altune.knobs.labeling.vote import MajorityVote, SingleAnnotator

__all__ = [
    "AUDITS",
    "FEATURE_AUDITS",
    "Answers",
    "AssistedLabeling",
    "Audit",
    "AutoLabels",
    "Automatic",
    "Consensus",
    "DawidSkene",
    "LabelFunction",
    "LabelFunctions",
    "Labeling",
    "MajorityVote",
    "SingleAnnotator",
    "audit_ranking",
    "dawid_skene",
    "register_label_function",
    "unregister_label_function",
]
