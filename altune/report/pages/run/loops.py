"""What did it do? The section of a run's page that shows the loops of the confirmed recipe."""

from __future__ import annotations

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.sentences import (
    audit_sentence,
    balance_sentence,
    size_sentence,
    stopping_sentence,
    uncertainty_sentence,
)
from altune.analysis.run import Run
from altune.report.figures.audit import plot_audit
from altune.report.figures.batch_sizes import plot_batch_sizes
from altune.report.figures.class_balance import plot_class_balance
from altune.report.figures.pool_map import plot_pool_map
from altune.report.figures.stopping_rules import plot_stopping_rules
from altune.report.figures.uncertainty import plot_uncertainty
from altune.report.html.blocks import FigureBlock
from altune.report.words import DID


def run_loops_section(run: Run) -> list[FigureBlock]:
    """Return what each loop of the confirmed recipe did, on the first data set.

    The section is empty if the run was not examined.
    """
    facts = run.loops
    if facts is None:
        return []
    several = len(run.record.data_sets) > 1
    return loops_section(facts, f"On {facts.data}, the first of the data sets: " if several else "")


def loops_section(facts: LoopFacts, where: str = "") -> list[FigureBlock]:
    """Return the figures that tell something about the loops, each with its explanation.

    Loops of equal size, a missing audit, and stopping rules that never end the recipe get no figure.

    Parameters
    ----------
    facts : what each loop did.
    where : the beginning of the first explanation.
    """
    figures = []
    if facts.pool_map is not None:
        figures.append((_map_explanation(facts.pool_map.projection), plot_pool_map(facts)))
    balance = f"{balance_sentence(facts)} Bought beyond a class's share of the pool means that the strategy seeks it."
    figures.append((balance, plot_class_balance(facts)))
    if not facts.steady:
        figures.append((size_sentence(facts), plot_batch_sizes(facts)))
    if facts.audit is not None:
        figures.append((audit_sentence(facts), plot_audit(facts)))
    if unsure := uncertainty_sentence(facts):
        figures.append((unsure, plot_uncertainty(facts)))
    if facts.stopping is not None and any(rule.fired for rule in facts.stopping.rules):
        stops = f"{stopping_sentence(facts)} Each rule has its defaults; a curve is played once and serves them all."
        figures.append((stops, plot_stopping_rules(facts)))
    wrong = f" {audit_sentence(facts)}" if facts.audit is None and facts.wrong_used is not None else ""
    # What has no figure of its own is written before the first figure.
    without_figure = f"{where}{size_sentence(facts) if facts.steady else ''}{wrong}"
    blocks = [FigureBlock(DID, explanation, figure) for explanation, figure in figures]
    blocks[0] = blocks[0]._replace(explanation=f"{without_figure.strip()} {blocks[0].explanation}".strip())
    return blocks


def _map_explanation(projection: str) -> str:
    near = (
        "Rows that lie near each other are alike."
        if projection == "umap"
        else "Two dimensions show a part of the differences only: rows that lie near each other need not be alike."
    )
    return f"Each dot is a row of one pool, the same in every panel. {near}"
