"""What the parts of a run's page say alike: how its values are written, and what they are values of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from altune.report.amounts import Amounts
from altune.simulation.objectives import Objective, Risk

if TYPE_CHECKING:
    from altune.analysis.run import Run

BETTER = "Is it better?"
SURE = "How sure is that?"
WHY = "Why?"
KNOBS = "Which knobs matter?"
DID = "What did it do?"
COST = "What does it cost?"
MEASURED = "How was it measured?"
USE = "How to use it"
"""Sections of a run's page, in the order in which a person asks."""

AREAS = ("aulc_dense", "deficiency")
OWN_NAME = ("final_score", "last_k_slope")


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def is_area(objective: Objective) -> bool:
    """Return whether an objective integrates over the budget, so that its domain is worth a word."""
    return objective.kind.prefix or objective.name in AREAS


def named(objective: Objective) -> str:
    """Return an objective with the score that it is made from, where it is made from one."""
    scored = is_area(objective) or objective.name in OWN_NAME or objective.kind.reference
    return f"{objective.kind.plain} ({objective.metric})" if scored else objective.kind.plain


def search_amounts(run: Run) -> Amounts:
    """Return how the values of trials are written: over several data sets scores are shares, whatever they were."""
    return Amounts() if normalizes(run) else Amounts.of(run.objective)


def search_value_name(run: Run) -> str:
    """Return what the value of a trial is, for an axis."""
    return f"{explained_value_name(run)}{risk_suffix(run.objective.risk)}"


def explained_value_name(run: Run) -> str:
    """Return what importance and effects are explained of, for an axis: the mean, whatever the risk."""
    return "from random sampling (0) to perfect (1)" if normalizes(run) else named(run.objective)


def normalizes(run: Run) -> bool:
    """Return whether trials' values lie on the scale from random sampling to perfect."""
    return len(run.record.data_sets) > 1 and run.objective.normalizes


def risk_suffix(risk: Risk) -> str:
    """Return the risk as it follows a name; nothing for the mean."""
    return "" if risk.kind == "mean" else f", {_short(risk)}"


def risk_words(risk: Risk, of: str = "splits") -> str:
    """Return how splits, or blocks, are summed up, in a sentence's words.

    >>> risk_words(Risk.parse("cvar:0.2"))
    'the mean over the worst 20 % of the splits'
    """
    share = f"{100 * risk.share:g} % of the {of}"
    if risk.kind == "mean":
        return f"the mean over the {of}"
    return (
        f"the mean over the worst {share}" if risk.kind == "cvar" else f"the value that the worst {share} do not reach"
    )


def risk_note(objective: Objective) -> str:
    """Return a note for means if the search optimised something else; nothing if it optimised the mean."""
    if objective.risk.kind == "mean":
        return ""
    return f" The search optimised {risk_words(objective.risk)}; these are means over all of them."


def across_note(run: Run) -> str:
    """Return how several data sets became one value; nothing for one."""
    count = len(run.record.data_sets)
    if count == 1:
        return ""
    shown = f" Values are means over the {count} data sets"
    shown += ", on a scale where 0 is random sampling and 1 a perfect model." if normalizes(run) else "."
    if run.record.settings["across"] == "ranks":
        shown += " What decided is the mean rank among all trials of the search on each data set, not this value."
    return shown


def broken_words(broken: dict[str, float]) -> str:
    """Return the bounds that are broken, each with by how much.

    >>> broken_words({"labels <= 28": 2.0, "loops <= 9": -1.0})
    'breaks labels <= 28 by 2'
    """
    return "; ".join(f"breaks {name} by {by:.3g}" for name, by in broken.items() if by > 0)


def _short(risk: Risk) -> str:
    return f"worst {100 * risk.share:g} %" if risk.kind == "cvar" else f"{100 * risk.share:g} % quantile"
