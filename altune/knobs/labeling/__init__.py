"""Knob 6: who or what labels, and the audit between LABEL and TRAIN."""

from altune.knobs.labeling.audit import AUDITS, Audit, audit_ranking
from altune.knobs.labeling.base import Answers, Labeling
from altune.knobs.labeling.vote import MajorityVote, SingleAnnotator

__all__ = ["AUDITS", "Answers", "Audit", "Labeling", "MajorityVote", "SingleAnnotator", "audit_ranking"]
