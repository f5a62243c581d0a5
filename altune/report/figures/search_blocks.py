"""Which recipe was played on which search blocks? A grid of dots, where recipes get blocks by merit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.core.text import counted
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.inputs import plays_of
from altune.report.figures.points import Confirmed, PlayedRow
from altune.report.figures.style import safe_text, words

MOST_ROWS = 40
"""Number of recipes to draw, the best ones."""
ROW = 18
SMALLEST, LARGEST = 4.0, 12.0
"""Diameters of a dot at the average recipe, and of one as far from it as nearly all are at most, in pixels."""
FAR = 0.95
"""Share of the dots that are smaller than the largest."""
GAP = 0.7
"""Space above the baselines, in rows."""
FEWEST_COLUMNS = 6
"""Number of columns for blocks, played or not, so that the dots of a row are close to each other."""
WIDE, NARROW = 0.36, 0.25
"""Share of the width that the expected values take, on a wide screen and on a phone."""
BETWEEN = 0.03
"""Share of the width between the expected values and the blocks."""
MARKS: Mapping[Confirmed, str] = {"": "", "selected": "★ ", "candidate": "◆ "}
"""Marks of the candidates of the confirmation."""


class SearchBlocksNumbers(NamedTuple):
    """Numbers of the figure: the rows to draw from the top, and how many recipes are not drawn.

    ``rows`` are the best recipes, then the baselines; ``offsets`` says by how much each play is better than the average
    recipe on its block, by the position of the block; ``far`` is the offset of the largest dot.
    """

    rows: tuple[PlayedRow, ...]
    offsets: tuple[Mapping[int, float], ...]
    n_recipes: int
    n_plays: int
    left_out: int
    far: float


def search_blocks_numbers(
    rows: Sequence[PlayedRow], block_means: Sequence[float], *, less_is_better: bool = False, most: int = MOST_ROWS
) -> SearchBlocksNumbers:
    """Return the numbers of :func:`plot_search_blocks`.

    Parameters
    ----------
    rows : all recipes and baselines, in any order.
    block_means : value of an average recipe on each block.
    less_is_better : whether a lower value is better.
    most : number of recipes to draw.

    Raises
    ------
    RequestError
        If nothing was played.
    """
    sign = -1.0 if less_is_better else 1.0
    ordered = sorted(rows, key=lambda row: -sign * row.mean)
    recipes = [row for row in ordered if not row.baseline]
    if not rows:
        raise RequestError("there is nothing to plot: no recipe was played yet")
    drawn = [*recipes[:most], *(row for row in ordered if row.baseline)]
    offsets = tuple(
        {position: sign * (value - block_means[position]) for position, value in row.plays.items()} for row in drawn
    )
    far = float(np.quantile([abs(offset) for plays in offsets for offset in plays.values()], FAR)) or 1.0
    n_plays = sum(len(row.values) for row in recipes)
    return SearchBlocksNumbers(tuple(drawn), offsets, len(recipes), n_plays, max(0, len(recipes) - most), far)


def plot_search_blocks(
    source: Run | Sequence[PlayedRow],
    block_means: Sequence[float] = (),
    *,
    value: str = "objective",
    amounts: Amounts | None = None,
) -> go.Figure:
    """Plot which recipes were played on which search blocks, the best recipe on top, and the expected value of each.

    Parameters
    ----------
    source : a run whose recipes got blocks by merit, or the rows of recipes and baselines.
    block_means : value of an average recipe on each block; a run has its own, and its own ``value`` and ``amounts``.
    value : what is measured, for the axis.
    amounts : how its numbers are written, and whether less is better; by default as a score.

    Raises
    ------
    RequestError
        If every trial of the run was played on the same blocks, or nothing was played.
    """
    if isinstance(source, Sequence):
        rows = source
    else:
        rows, block_means, value, amounts = plays_of(source)
    written = amounts or Amounts()
    numbers = search_blocks_numbers(rows, block_means, less_is_better=written.less_is_better)
    heights = _heights(numbers)
    key = _key(numbers, value, written)
    figure = style.new_figure(
        "Recipes on search blocks", key, height=int(ROW * (1.4 - heights[-1])) + 12, top=100 + 18 * len(key)
    )
    _add_means(figure, numbers, heights, written)
    _add_dots(figure, numbers, heights, written)
    _set_axes(figure, numbers, heights)
    return figure


def _heights(numbers: SearchBlocksNumbers) -> list[float]:
    """Return the height of each row; the baselines are below a gap."""
    n_drawn = numbers.n_recipes - numbers.left_out
    return [-(row + (GAP if row >= n_drawn > 0 else 0.0)) for row in range(len(numbers.rows))]


def _key(numbers: SearchBlocksNumbers, value: str, amounts: Amounts) -> list[str]:
    best = f"; the best {MOST_ROWS} are shown" if numbers.left_out else ""
    less = "; less is better" if amounts.less_is_better else ""
    confirmed = Counter(row.confirmed for row in numbers.rows)
    marks = [f"{MARKS['selected']}selected"] if confirmed["selected"] else []
    marks += [f"{MARKS['candidate']}candidates of the confirmation"] if confirmed["candidate"] else []
    return [
        f"{counted(numbers.n_recipes, 'recipe')}, {counted(numbers.n_plays, 'play')}{best}",
        f"{_coloured('●', style.BETTER)} better than average on that block, {_coloured('○', style.WORSE)} worse",
        "the larger the dot, the further from average",
        *style.wrapped(f"left: {safe_text(value, None)}{less}", style.KEY_WIDTH).split("<br>"),
        *([", ".join(marks)] if marks else []),
    ]


def _coloured(text: str, colour: str) -> str:
    return f"<span style='color:{colour}'><b>{text}</b></span>"


def _add_means(figure: go.Figure, numbers: SearchBlocksNumbers, heights: Sequence[float], amounts: Amounts) -> None:
    rows = numbers.rows
    means, errors = [row.mean for row in rows], [row.error for row in rows]
    style.add_marks(
        figure,
        means,
        heights,
        {"size": 6, "color": [style.BASELINE if row.baseline else style.INK for row in rows]},
        [_hover(row, amounts) for row in rows],
        error_x={"type": "data", "array": errors, "thickness": 1.5, "width": 0, "color": style.QUIET},
        name="expected value",
    )


def _hover(row: PlayedRow, amounts: Amounts) -> str:
    lines = [
        f"<b>{safe_text(words(row.name))}</b>",
        f"expected {amounts.exact.text(row.mean)} ± {amounts.exact.text(row.error)}",
        f"from {counted(len(row.values), 'block')}",
        *([safe_text(row.detail, 80)] if row.detail else []),
    ]
    return "<br>".join(lines)


def _add_dots(figure: go.Figure, numbers: SearchBlocksNumbers, heights: Sequence[float], amounts: Amounts) -> None:
    for better, colour, name in ((True, style.BETTER, "better"), (False, style.WORSE, "worse")):
        dots = [
            (block, height, offset, row)
            for row, plays, height in zip(numbers.rows, numbers.offsets, heights, strict=True)
            for block, offset in plays.items()
            if (offset >= 0) == better
        ]
        sizes = [SMALLEST + (LARGEST - SMALLEST) * min(1.0, abs(offset) / numbers.far) for _, _, offset, _ in dots]
        # Filled or open, so that the two differ without colour.
        marker = {"size": sizes, "color": colour if better else style.PAPER, "opacity": 1}
        style.add_marks(
            figure,
            [block + 1 for block, _, _, _ in dots],
            [height for _, height, _, _ in dots],
            marker | {"line": {"width": 1.5, "color": colour}},
            [_dot_hover(row, block, offset, amounts) for block, _, offset, row in dots],
            xaxis="x2",
            name=name,
            cliponaxis=False,
        )


def _dot_hover(row: PlayedRow, block: int, offset: float, amounts: Amounts) -> str:
    by = amounts.exact.text(abs(offset))
    side = "better" if offset >= 0 else "worse"
    lines = [
        f"<b>{safe_text(words(row.name))}</b> on block {block + 1}: {amounts.exact.text(row.plays[block])}",
        f"{by} {side} than an average recipe there",
    ]
    return "<br>".join(lines)


def _set_axes(figure: go.Figure, numbers: SearchBlocksNumbers, heights: Sequence[float]) -> None:
    rows = numbers.rows
    names = [f"{MARKS[row.confirmed]}{safe_text(words(row.name), 20)}" for row in rows]
    bold = [f"<b>{name}</b>" if row.confirmed else name for row, name in zip(rows, names, strict=True)]
    ends = (heights[-1] - 0.7, 0.7)
    figure.update_yaxes(
        tickvals=list(heights), ticktext=bold, range=ends, showgrid=False, ticks="", showline=False, tickfont_size=12
    )
    for row, height in zip(rows, heights, strict=True):
        if row.confirmed:
            box = {"xref": "paper", "x0": 0, "x1": 1, "y0": height - 0.5, "y1": height + 0.5, "layer": "below"}
            figure.add_shape(type="rect", **box, fillcolor=style.STRIP, line={"width": 0})
    most = max(FEWEST_COLUMNS, *(1 + max(row.plays) for row in rows))
    blocks = {"tickvals": list(range(1, most + 1)), "range": [0.4, most + 0.6]}
    figure.update_xaxes(side="top", nticks=3, tickangle=0)
    figure.update_layout(xaxis2=figure.layout.xaxis.to_plotly_json() | {"anchor": "y"} | blocks)
    spread = style.padded_range(end for row in rows for end in (row.mean - row.error, row.mean + row.error))
    figure.update_layout(
        xaxis={"domain": [0, WIDE], "range": spread, "title_text": "expected ± error"},
        xaxis2={"domain": [WIDE + BETWEEN, 1], "title_text": "search block"},
        meta=figure.layout.meta
        | {"narrow": _panels(NARROW, "± error", 2, 9), "wide": _panels(WIDE, "expected ± error", 3, 13)},
    )


def _panels(share: float, title: str, ticks: int, size: int) -> dict[str, Any]:
    """Return the layout of both panels: share of the width, title and ticks of the left one, size of the numbers."""
    left = {"xaxis.domain": [0, share], "xaxis.title.text": title, "xaxis.nticks": ticks}
    both = {f"{axis}.tickfont.size": size for axis in ("xaxis", "xaxis2")}
    return left | {"xaxis2.domain": [share + BETWEEN, 1]} | both
