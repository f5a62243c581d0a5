"""Words that figures, pages and texts of a run share: the names of its values, and notes on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from altune.numerics.statistics import Basis
from altune.report.amounts import Amounts
from altune.simulation.objectives import Objective, Risk

if TYPE_CHECKING:
    from altune.analysis.run import Run

BETTER = "Is it better?"
SURE = "How sure is that?"
ELSEWHERE = "Does it hold elsewhere?"
WHY = "Why?"
KNOBS = "Which knobs matter?"
DID = "What did it do?"
COST = "What does it cost?"
MEASURED = "How was it measured?"
USE = "How to use it"
"""Headings of a run's page, in their order."""

AREAS = ("aulc_dense", "deficiency")
OWN_NAME = ("final_score", "last_k_slope")


def is_area(objective: Objective) -> bool:
    """Return whether an objective is an area over the budget."""
    return objective.kind.prefix or objective.name in AREAS


def named(objective: Objective) -> str:
    """Return the name of an objective in words, with its score if it has one."""
    scored = is_area(objective) or objective.name in OWN_NAME or objective.kind.reference
    return f"{objective.kind.plain} ({objective.metric_text})" if scored else objective.kind.plain


def search_amounts(run: Run) -> Amounts:
    """Return how the values of trials are written; over several data sets they may be normalised scores."""
    return Amounts() if normalizes(run) else Amounts.of(run.objective)


def search_value_name(run: Run) -> str:
    """Return the name of the value of a trial, for an axis."""
    expected = ", expected mean over blocks" if run.record.search_blocks.by_merit else ""
    return f"{explained_value_name(run)}{risk_suffix(run.objective.risk)}{expected}"


def explained_value_name(run: Run) -> str:
    """Return the name of what importance and effects explain, for an axis: the mean, whatever the risk."""
    return "from random sampling (0) to perfect (1)" if normalizes(run) else named(run.objective)


def normalizes(run: Run) -> bool:
    """Return whether the values of trials are on the scale from random sampling (0) to perfect (1)."""
    return len(run.record.data_sets) > 1 and run.objective.normalizes


def risk_suffix(risk: Risk) -> str:
    """Return the risk as it follows a name; nothing for the mean."""
    return "" if risk.kind == "mean" else f", {_short(risk)}"


def risk_note(objective: Objective) -> str:
    """Return a note for means if the search optimised something else; nothing if it optimised the mean."""
    if objective.risk.kind == "mean":
        return ""
    return f" The search optimised {objective.risk.words}; these are means over all of them."


def result_note(objective: Objective) -> str:
    """Return how the values of blocks become a result; nothing for their mean."""
    return "" if objective.risk.kind == "mean" else f" Results are {objective.risk.words}."


def across_note(run: Run) -> str:
    """Return a note on how the values of several data sets become one; nothing for one data set."""
    count = len(run.record.data_sets)
    if count == 1:
        return ""
    note = f" Values are means over the {count} data sets"
    note += ", on a scale where 0 is random sampling and 1 a perfect model." if normalizes(run) else "."
    if run.record.settings["across"] == "ranks":
        note += " The search ranks trials by their mean rank over the data sets, not by this value."
    return note


def interval_words(basis: Basis) -> str:
    """Return what an interval takes into account, for a sentence."""
    return {
        "blocks and rows": "intervals by blocks and test rows (two-way variance components, since all blocks are "
        "scored on the same rows)",
        "blocks and rows, resampled": "intervals of resampled blocks and test rows (Owen's pigeonhole bootstrap)",
        "data sets, blocks and rows, resampled": "intervals of resampled data sets, then blocks and test rows",
        "blocks alone": "intervals by blocks alone (Nadeau & Bengio's correction for pools that share rows)",
    }[basis]


def violation_words(violations: Mapping[str, float]) -> str:
    """Return the constraints that are violated, and by how much.

    >>> violation_words({"labels <= 28": 2.0, "loops <= 9": -1.0})
    'violates labels <= 28 by 2'
    """
    return "; ".join(f"violates {name} by {by:.3g}" for name, by in violations.items() if by > 0)


def _short(risk: Risk) -> str:
    return f"worst {100 * risk.share:g} %" if risk.kind == "cvar" else f"{100 * risk.share:g} % quantile"
