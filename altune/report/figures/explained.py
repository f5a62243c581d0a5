"""What the figures of importance and effects share: where their numbers come from, and how decisions are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from altune.analysis.importance.effects import Effects
from altune.analysis.importance.knob_importance import KnobImportance
from altune.report.amounts import Amounts
from altune.report.figures.style import safe_text, words

if TYPE_CHECKING:
    from altune.analysis.run import Run

OPEN = "#ffffff"
"""Inside of a mark that is not told apart from noise."""
INSIDE = " › "
LONGEST_PATH = 36


class Marginals(NamedTuple):
    """Marginals to draw, with what their values are and how these are written."""

    effects: Effects
    value: str
    amounts: Amounts


def importance_of(source: Run | KnobImportance) -> KnobImportance:
    """Return the importance of a run's knobs; what is importance already stays it."""
    return source if isinstance(source, KnobImportance) else source.importance()


def marginals_of(source: Run | Effects, value: str | None, amounts: Amounts | None) -> Marginals:
    """Return the marginals of a run with the name of its objective; ``value`` and ``amounts`` go before its own."""
    if isinstance(source, Effects):
        return Marginals(source, value or "objective", amounts or Amounts())
    from altune.report.words import explained_value_name, search_amounts

    return Marginals(
        source.effects(), value or explained_value_name(source), search_amounts(source) if amounts is None else amounts
    )


def path_words(path: str, longest: int = LONGEST_PATH) -> str:
    """Return a decision's path as safe words; where it is long the middle is left out, and at last the knob.

    >>> path_words("initial_sample.kmeans.size"), path_words("query_strategy")
    ('initial sample › kmeans › size', 'query strategy')
    >>> path_words("query_strategy.mixture.first.density_weighted.beta")
    'query strategy › mixture › … › beta'
    >>> path_words("query_strategy.density_weighted.beta", 30)
    'density weighted › beta'
    """
    parts = [words(part) for part in path.split(".")]
    shorter = (
        [parts, [*parts[:2], "…", parts[-1]], [parts[1], "…", parts[-1]]] if len(parts) > 3 else [parts, parts[1:]]
    )
    fitting = [INSIDE.join(some) for some in shorter if len(INSIDE.join(some)) <= longest]
    return safe_text(fitting[0] if fitting else INSIDE.join(shorter[-1] or parts), longest + 8)


def value_name(value: str, amounts: Amounts) -> str:
    """Return what is measured as safe text, with its unit."""
    unit = f", {amounts.unit}" if amounts.unit and amounts.unit not in value else ""
    return safe_text(value, 44) + unit


def value_along(value: str, amounts: Amounts) -> str:
    """Return the title of a horizontal axis of values; the better side is said where less is better."""
    return value_name(value, amounts) + ("<br>← less is better" if amounts.less_is_better else "")


def value_up(value: str, amounts: Amounts) -> str:
    """Return the title of a vertical axis of values; the better side is said where less is better."""
    return value_name(value, amounts) + ("<br>less is better ↓" if amounts.less_is_better else "")


def percent(share: float) -> str:
    """Return a share as whole per cent; a small one as such.

    >>> percent(0.124), percent(0.002), percent(0.0)
    ('12 %', '<1 %', '0 %')
    """
    # Plotly reads "<" as the beginning of a tag, so callers that draw it escape it.
    # Where knobs depend on each other shares are drawn at random, and one of nothing may fall below 0.
    return "<1 %" if 0 < share < 0.005 else f"{100 * max(0.0, share):.0f} %"
