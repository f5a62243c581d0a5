"""What the audit found: wrong labels before and after it, and how often its suspicion was right."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from altune.analysis.loops.facts import AuditFacts, LoopFacts
from altune.analysis.loops.series import Series
from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.by_loop import (
    add_band,
    add_line,
    blocks_words,
    common_loops,
    label_ends,
    loop_ticks,
    loops_of,
    split_panels,
    spread_words,
)
from altune.report.figures.style import words

if TYPE_CHECKING:
    from altune.analysis.run import Run

ACTIONS = {"drop": "suspects are dropped", "weight": "suspects weigh a fifth", "relabel": "suspects are bought again"}


class AuditNumbers(NamedTuple):
    """What the figure shows, loop by loop.

    Wrong labels are in per cent, of the rows bought and of those trained on. Suspects are counted: truly wrong ones and
    false alarms. ``precision`` is the share of all suspects that were truly wrong, None where there were none.
    """

    loops: tuple[int, ...]
    bought: tuple[float, ...]
    used: tuple[float, ...]
    right: tuple[float, ...]
    alarms: tuple[float, ...]
    precision: float | None
    corrected: float


def audit_numbers(source: LoopFacts | Run) -> AuditNumbers:
    """Return what :func:`plot_audit` shows.

    Raises
    ------
    RequestError
        If nothing was audited.
    """
    facts = loops_of(source)
    audit, count = _audit_of(facts), common_loops(facts)

    def known(values: tuple[float | None, ...], scale: float = 1.0) -> tuple[float, ...]:
        return tuple(scale * float(value or 0.0) for value in values[:count])

    suspects, right = known(audit.suspects.mean), known(audit.right.mean)
    return AuditNumbers(
        loops=facts.loops[:count],
        bought=known(audit.wrong_bought.mean, 100.0),
        used=known(audit.wrong_used.mean, 100.0),
        right=right,
        alarms=tuple(max(0.0, all_ - own) for all_, own in zip(suspects, right, strict=True)),
        precision=sum(right) / sum(suspects) if sum(suspects) else None,
        corrected=sum(known(audit.corrected.mean)),
    )


def plot_audit(source: LoopFacts | Run) -> go.Figure:
    """Plot the share of wrong labels with the audit at work, and its suspects, right ones and false alarms.

    Parameters
    ----------
    source : what :func:`altune.examine` found, or a run.

    Raises
    ------
    RequestError
        If the run was not examined, or nothing was audited.
    """
    facts = loops_of(source)
    audit, numbers = _audit_of(facts), audit_numbers(facts)
    precise = f"<br>{100 * numbers.precision:.0f} % of its suspects are truly wrong" if numbers.precision else ""
    figure = style.new_figure(
        "Did the audit find the wrong labels?",
        f"{words(audit.detector)}; {ACTIONS[audit.action]}<br>"
        f"{blocks_words(audit.blocks)}{spread_words(audit.blocks)}{precise}",
        x="",
        y="wrong labels, %",
        height=560,
        right=24 + 8 * 17,
        top=128,
    )
    split_panels(
        figure,
        0.36,
        0.14,
        ("<b>Wrong labels</b>", "<b>Suspects</b>: █ truly wrong, ▨ false alarms"),
        x="loop (0 is the first sample)",
        y="labels",
        shared=True,
    )
    _add_shares(figure, audit, numbers)
    _add_suspects(figure, numbers)
    loop_ticks(figure, numbers.loops[-1], "xaxis2")
    return figure


def _audit_of(facts: LoopFacts) -> AuditFacts:
    if facts.audit is None:
        raise RequestError("the recipe audits no labels, or it could not be examined; there is no audit to plot")
    return facts.audit


def _add_shares(figure: go.Figure, audit: AuditFacts, numbers: AuditNumbers) -> None:
    own, other = style.SERIES[0], style.GREYS[0]
    loops = numbers.loops
    hover = [
        f"loop {loop}: {bought:.1f} % of the rows bought are wrong,<br>{used:.1f} % of those trained on"
        for loop, bought, used in zip(loops, numbers.bought, numbers.used, strict=True)
    ]
    high = [100.0 * value for value in audit.wrong_used.high[: len(loops)] if value is not None]
    top = 1.08 * max(*numbers.bought, *numbers.used, *high, 0.1)
    ends = [("trained on", numbers.used[-1], own.colour)]
    if audit.action == "drop":
        add_line(figure, loops, numbers.bought, "bought", other, hover, width=2.0)
        ends.append(("bought", numbers.bought[-1], style.QUIET))
    if audit.blocks > 1:
        add_band(figure, loops, _in_per_cent(audit.wrong_used), own.colour)
    add_line(figure, loops, numbers.used, "trained on", own, hover)
    label_ends(figure, ends, top, share=0.1)
    figure.update_layout(yaxis={"range": [0, top], "ticksuffix": " %", "nticks": 6})


def _in_per_cent(series: Series) -> Series:
    parts = (series.mean, series.low, series.high)
    return Series(*(tuple(None if value is None else 100.0 * value for value in part) for part in parts))


def _add_suspects(figure: go.Figure, numbers: AuditNumbers) -> None:
    hover = [
        f"loop {loop}: {right + alarms:.3g} suspects, {right:.3g} of them truly wrong"
        for loop, right, alarms in zip(numbers.loops, numbers.right, numbers.alarms, strict=True)
    ]
    looks = (
        ("truly wrong", numbers.right, style.WORSE, ""),
        ("false alarms", numbers.alarms, "#ffffff", "/"),
    )
    for name, values, colour, shape in looks:
        figure.add_bar(
            x=numbers.loops,
            y=values,
            name=name,
            xaxis="x2",
            yaxis="y2",
            marker={
                "color": colour,
                "line": {"color": style.WORSE, "width": 1.25},
                "pattern": {"shape": shape, "fgcolor": style.WORSE, "fillmode": "replace"},
            },
            hovertext=hover,
            hoverinfo="text",
            showlegend=False,
        )
    figure.update_layout(barmode="stack", bargap=0.25, yaxis2={"rangemode": "tozero", "nticks": 5})
