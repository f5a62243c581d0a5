"""Which classes were bought? Their shares beside those of the pool, and the distance from the pool loop by loop."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.series import Series
from altune.analysis.run import Run
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
from altune.report.figures.style import safe_text

ROW = 30
LOWER = 190
GAP = 84


class ClassRow(NamedTuple):
    """One class in per cent of the pool, of the first sample, and of all rows bought with 10 and 90 % quantiles."""

    name: str
    pool: float
    first: float
    bought: float
    low: float
    high: float


class ClassBalanceNumbers(NamedTuple):
    """Numbers of the figure: a row for each class, the imbalance of each loop, and that of random draws of its size.

    ``others`` sums up the rare classes of a data set with many; in the figure their large share would compress the
    other rows.
    """

    rows: tuple[ClassRow, ...]
    others: ClassRow | None
    loops: tuple[int, ...]
    imbalance: tuple[float | None, ...]
    by_chance: tuple[float, ...]


def class_balance_numbers(facts: LoopFacts) -> ClassBalanceNumbers:
    """Return the numbers of :func:`plot_class_balance`."""
    balance, count = facts.balance, common_loops(facts)
    rows = [
        ClassRow(name, *(100.0 * float(value or 0.0) for value in (pool, series.mean[0], *_last(series, count))))
        for name, pool, series in zip(balance.classes, balance.pool, balance.bought, strict=True)
    ]
    others = rows.pop() if balance.others else None
    return ClassBalanceNumbers(
        tuple(rows), others, facts.loops[:count], balance.imbalance.mean[:count], balance.by_chance[:count]
    )


def plot_class_balance(source: Run | LoopFacts) -> go.Figure:
    """Plot each class's share of the rows bought beside its share of the pool, and the imbalance loop by loop.

    Parameters
    ----------
    source : a run, or the result of :func:`altune.examine`.

    Raises
    ------
    RequestError
        If the run was not examined.
    """
    facts = loops_of(source)
    numbers = class_balance_numbers(facts)
    rare, others = numbers.others, list[str]()
    if rare is not None:
        others = [f"{safe_text(rare.name)}: {rare.pool:.0f} % of the pool, {rare.bought:.0f} % bought"]
    upper = ROW * len(numbers.rows) + 20
    height = upper + GAP + LOWER
    figure = style.new_figure(
        "Which classes were bought?",
        [
            f"{blocks_words(facts.blocks)}{spread_words(facts.blocks)}",
            "◇ in the pool, □ first sample, ● all bought",
            *others,
        ],
        x="share of the rows, %",
        height=height + 24,
        right=24 + 8 * 16,
        top=106 if rare is None else 126,
    )
    split_panels(
        figure,
        LOWER / height,
        GAP / height,
        ("<b>Share of each class</b>", "<b>Distance from the pool</b>"),
        x="loop (0: first sample)",
        y="KL, nats (0: equal)",
    )
    _add_rows(figure, numbers)
    _add_imbalance(figure, facts, numbers)
    return figure


def _last(series: Series, count: int) -> tuple[float | None, ...]:
    return series.mean[count - 1], series.low[count - 1], series.high[count - 1]


def _add_rows(figure: go.Figure, numbers: ClassBalanceNumbers) -> None:
    rows = numbers.rows[::-1]
    heights = list(range(len(rows)))
    names = [safe_text(row.name, 18) for row in rows]
    hover = [
        f"<b>{name}</b><br>pool: {row.pool:.1f} %<br>first sample: {row.first:.1f} %<br>all bought: {row.bought:.1f} %"
        for name, row in zip(names, rows, strict=True)
    ]
    for height, row in zip(heights, rows, strict=True):
        link = {"x0": row.pool, "x1": row.bought, "y0": height, "y1": height}
        figure.add_shape(type="line", **link, line={"color": style.BASELINE, "width": 1.5})
    bought = [row.bought for row in rows]
    low, high = [row.low for row in rows], [row.high for row in rows]
    marks = (
        ("in the pool", [row.pool for row in rows], "diamond-open", style.INK, 11, None),
        ("first sample", [row.first for row in rows], "square-open", style.SERIES[1].colour, 9, None),
        ("all bought", bought, "circle", style.BETTER, 10, style.error_bars(bought, low, high, style.BETTER, 1.5, 3)),
    )
    for name, values, symbol, colour, size, bars in marks:
        marker = {"symbol": symbol, "size": size, "color": colour, "line": {"width": 2, "color": colour}}
        style.add_marks(figure, values, heights, marker, hover, name=name, error_x=bars, showlegend=False)
    figure.update_layout(
        xaxis={"rangemode": "tozero", "ticksuffix": " %"},
        yaxis={"tickvals": heights, "ticktext": names, "range": [-0.6, len(rows) - 0.4]},
    )


def _add_imbalance(figure: go.Figure, facts: LoopFacts, numbers: ClassBalanceNumbers) -> None:
    loops, look, chance_look = numbers.loops, style.SERIES[0], style.GREYS[0]
    add_band(figure, loops, facts.balance.imbalance, look.colour, axis="2")
    pairs = list(zip(loops, numbers.imbalance, numbers.by_chance, strict=True))
    hover = [f"loop {loop}: {value:.3f}, at random {chance:.3f}" for loop, value, chance in pairs]
    add_line(figure, loops, numbers.by_chance, "random sampling", chance_look, hover, axis="2", width=1.75)
    add_line(figure, loops, numbers.imbalance, "this recipe", look, hover, axis="2")
    shown = [value for value in (*numbers.imbalance, *numbers.by_chance) if value is not None]
    top = 1.08 * max(shown, default=1.0) or 1.0
    ends = [("this recipe", float(numbers.imbalance[-1] or 0.0), look.colour)]
    label_ends(figure, [*ends, ("random sampling", numbers.by_chance[-1], style.QUIET)], top, axis="2", share=0.14)
    figure.update_layout(yaxis2={"range": [0, top], "nticks": 5})
    loop_ticks(figure, loops[-1], "xaxis2")
