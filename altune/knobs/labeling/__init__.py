"""Knob 6, ``labeling``: who or what labels a row, and the audit of labels before training."""

from altune.knobs.labeling import auto  # noqa: F401  (register)
from altune.knobs.labeling.audit import AUDITS, FEATURE_AUDITS, audit_ranking
from altune.knobs.labeling.base import Answers, Automatic, Labeling
from altune.knobs.labeling.dawid_skene import dawid_skene
from altune.knobs.labeling.functions import register_label_function
from altune.knobs.labeling.vote import SingleAnnotator

__all__ = [
    "AUDITS",
    "FEATURE_AUDITS",
    "Answers",
    "Automatic",
    "Labeling",
    "SingleAnnotator",
    "audit_ranking",
    "dawid_skene",
    "register_label_function",
]
