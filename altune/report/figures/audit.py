"""Did the audit find the wrong labels? Wrong labels before and after it, and how many of its suspects were wrong."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.loops.facts import AuditFacts, LoopFacts
from altune.analysis.loops.series import Series
from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.by_loop import (
    add_band,
    add_line,
    blocks_words,
    common_loops,
    label_ends,
    loop_ticks,
    split_panels,
    spread_words,
)
from altune.report.figures.inputs import loops_of
from altune.report.figures.style import words

ACTIONS = {
    "drop": "drops its suspects",
    "weight": "gives suspects a fifth of the weight",
    "relabel": "buys suspects again",
}


class AuditNumbers(NamedTuple):
    """Numbers of the figure, one for each loop.

    ``bought`` and ``used`` are wrong labels in per cent of the rows bought and of the rows trained on. ``right`` and
    ``alarms`` count suspects with a wrong and with a right label. ``precision`` is the share of all suspects with a
    wrong label, None without suspects.
    """

    loops: tuple[int, ...]
    bought: tuple[float, ...]
    used: tuple[float, ...]
    right: tuple[float, ...]
    alarms: tuple[float, ...]
    precision: float | None
    corrected: float


def audit_numbers(facts: LoopFacts) -> AuditNumbers:
    """Return the numbers of :func:`plot_audit`."""
    audit, count = _audit_of(facts), common_loops(facts)

    def known(values: tuple[float | None, ...], scale: float = 1.0) -> tuple[float, ...]:
        return tuple(scale * float(value or 0.0) for value in values[:count])

    suspects, right = known(audit.suspects.mean), known(audit.right.mean)
    return AuditNumbers(
        loops=facts.loops[:count],
        bought=known(audit.wrong_bought.mean, 100.0),
        used=known(audit.wrong_used.mean, 100.0),
        right=right,
        alarms=tuple(max(0.0, total - wrong) for total, wrong in zip(suspects, right, strict=True)),
        precision=sum(right) / sum(suspects) if sum(suspects) else None,
        corrected=sum(known(audit.corrected.mean)),
    )


def plot_audit(source: Run | LoopFacts) -> go.Figure:
    """Plot the share of wrong labels loop by loop, and the audit's suspects: wrong labels and false alarms.

    Parameters
    ----------
    source : a run, or the result of :func:`altune.examine`.

    Raises
    ------
    RequestError
        If the run was not examined, or nothing was audited.
    """
    facts = loops_of(source)
    audit, numbers = _audit_of(facts), audit_numbers(facts)
    lines = [
        f"{words(audit.detector)}; {ACTIONS[audit.action]}",
        f"{blocks_words(audit.blocks)}{spread_words(audit.blocks)}",
    ]
    if numbers.precision:
        lines.append(f"{100 * numbers.precision:.0f} % of its suspects have a wrong label")
    figure = style.new_figure(
        "Did the audit find the wrong labels?",
        lines,
        y="wrong labels, %",
        height=432,
        right=24 + 8 * 17,
        top=128,
    )
    split_panels(
        figure,
        0.36,
        0.14,
        ("<b>Wrong labels</b>", "<b>Suspects</b>: █ wrong label, ▨ false alarm"),
        x="loop (0: first sample)",
        y="labels",
        shared=True,
    )
    _add_shares(figure, audit, numbers)
    _add_suspects(figure, numbers)
    loop_ticks(figure, numbers.loops[-1], "xaxis2")
    return figure


def _audit_of(facts: LoopFacts) -> AuditFacts:
    if facts.audit is None:
        raise RequestError("there is no audit to plot: the recipe audits no labels, or could not be examined")
    return facts.audit


def _add_shares(figure: go.Figure, audit: AuditFacts, numbers: AuditNumbers) -> None:
    used_look, bought_look = style.SERIES[0], style.GREYS[0]
    loops = numbers.loops
    hover = [
        f"loop {loop}: {bought:.1f} % of the labels bought are wrong,<br>{used:.1f} % of the labels trained on"
        for loop, bought, used in zip(loops, numbers.bought, numbers.used, strict=True)
    ]
    high = [100.0 * value for value in audit.wrong_used.high[: len(loops)] if value is not None]
    top = 1.08 * max(*numbers.bought, *numbers.used, *high, 0.1)
    ends = [("trained on", numbers.used[-1], used_look.colour)]
    if audit.action == "drop":
        add_line(figure, loops, numbers.bought, "bought", bought_look, hover, width=2.0)
        ends.append(("bought", numbers.bought[-1], style.QUIET))
    if audit.blocks > 1:
        add_band(figure, loops, _in_per_cent(audit.wrong_used), used_look.colour)
    add_line(figure, loops, numbers.used, "trained on", used_look, hover)
    label_ends(figure, ends, top, share=0.1)
    figure.update_layout(yaxis={"range": [0, top], "ticksuffix": " %", "nticks": 6})


def _in_per_cent(series: Series) -> Series:
    parts = (series.mean, series.low, series.high)
    return Series(*(tuple(None if value is None else 100.0 * value for value in part) for part in parts))


def _add_suspects(figure: go.Figure, numbers: AuditNumbers) -> None:
    hover = [
        f"loop {loop}: {right + alarms:.3g} suspects, {right:.3g} with a wrong label"
        for loop, right, alarms in zip(numbers.loops, numbers.right, numbers.alarms, strict=True)
    ]
    looks = (("wrong label", numbers.right, style.WORSE, ""), ("false alarm", numbers.alarms, style.PAPER, "/"))
    below = {"xaxis": "x2", "yaxis": "y2", "hovertext": hover, "hoverinfo": "text", "showlegend": False}
    for name, values, colour, shape in looks:
        pattern = {"shape": shape, "fgcolor": style.WORSE, "fillmode": "replace"}
        marker = {"color": colour, "line": {"color": style.WORSE, "width": 1.25}, "pattern": pattern}
        figure.add_bar(x=numbers.loops, y=values, name=name, marker=marker, **below)
    figure.update_layout(barmode="stack", bargap=0.25, yaxis2={"rangemode": "tozero", "nticks": 5})
