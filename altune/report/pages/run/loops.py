"""What did it do? The part of a run's page that shows what each loop of the confirmed recipe bought and knew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.sentences import (
    audit_sentence,
    balance_sentence,
    size_sentence,
    stopping_sentence,
    uncertainty_sentence,
)
from altune.report.figures.audit import plot_audit
from altune.report.figures.batch_sizes import plot_batch_sizes
from altune.report.figures.class_balance import plot_class_balance
from altune.report.figures.pool_map import plot_pool_map
from altune.report.figures.stopping_rules import plot_stopping_rules
from altune.report.figures.uncertainty import plot_uncertainty
from altune.report.html.parts import FigurePart
from altune.report.words import DID

if TYPE_CHECKING:
    from altune.analysis.run import Run


def loops_parts(run: Run) -> list[FigurePart]:
    """Return what each loop of the confirmed recipe did; of several data sets, on the first.

    Nothing where the run was not examined.
    """
    facts = run.loops
    if facts is None:
        return []
    several = len(run.record.data_sets) > 1
    return parts_of_loops(facts, f"On {facts.data}, the first of the data sets: " if several else "")


def parts_of_loops(facts: LoopFacts, where: str = "") -> list[FigurePart]:
    """Return the figures that say something, each with what to see in it.

    Loops of one size need no figure, nor does an audit that there is not, nor rules of which none ends the recipe.

    Parameters
    ----------
    facts : what each loop did.
    where : what stands before the first explanation.
    """
    sizes, rest = size_sentence(facts), []
    if facts.pool_map is not None:
        rest.append(_part(_about_map(facts), plot_pool_map(facts)))
    balance = f"{balance_sentence(facts)} Bought beyond a class's share of the pool means that the strategy seeks it."
    rest.append(_part(balance, plot_class_balance(facts)))
    if not facts.steady:
        rest.append(_part(sizes, plot_batch_sizes(facts)))
    if facts.audit is not None:
        rest.append(_part(audit_sentence(facts), plot_audit(facts)))
    unsure = uncertainty_sentence(facts)
    if unsure:
        rest.append(_part(unsure, plot_uncertainty(facts)))
    if facts.stopping is not None and any(rule.fired for rule in facts.stopping.rules):
        stops = f"{stopping_sentence(facts)} Each rule has its defaults; a curve is played once and serves them all."
        rest.append(_part(stops, plot_stopping_rules(facts)))
    wrong = f" {audit_sentence(facts)}" if facts.audit is None and facts.wrong_used is not None else ""
    told = f"{where}{sizes if facts.steady else ''}{wrong}".strip()
    first = rest[0]
    return [first._replace(explanation=f"{told} {first.explanation}".strip()), *rest[1:]]


def _part(explanation: str, figure: go.Figure) -> FigurePart:
    return FigurePart(heading=DID, explanation=explanation, figure=figure)


def _about_map(facts: LoopFacts) -> str:
    projection = facts.pool_map.projection if facts.pool_map is not None else ""
    near = (
        "Rows that lie near each other are alike."
        if projection == "umap"
        else "Two dimensions show a part of the differences only: rows that lie near each other need not be alike."
    )
    return f"Each dot is a row of one pool, the same in every panel. {near}"
