"""Names of decisions and of values in the figures of importance and effects."""

from __future__ import annotations

from altune.report.amounts import Amounts
from altune.report.figures.style import safe_text, words

OPEN = "#ffffff"
"""Fill of a mark that does not differ from noise."""
INSIDE = " › "


def path_words(path: str, longest: int | None = None) -> str:
    """Return the path of a decision as safe words; of one that is too long first the middle is left out, then the knob.

    >>> path_words("initial_sample.kmeans.size"), path_words("query_strategy")
    ('initial sample › kmeans › size', 'query strategy')
    >>> path_words("query_strategy.mixture.first.density_weighted.beta", 36)
    'query strategy › mixture › … › beta'
    >>> path_words("query_strategy.density_weighted.beta", 30)
    'density weighted › beta'
    """
    parts = [words(part) for part in path.split(".")]
    if longest is None:
        return safe_text(INSIDE.join(parts), None)
    shorter = (
        [parts, [*parts[:2], "…", parts[-1]], [parts[1], "…", parts[-1]]] if len(parts) > 3 else [parts, parts[1:]]
    )
    fitting = [text for text in map(INSIDE.join, shorter) if len(text) <= longest]
    return safe_text(fitting[0] if fitting else INSIDE.join(shorter[-1] or parts), longest + 8)


def value_name(value: str, amounts: Amounts) -> str:
    """Return the name of the objective as safe text, with its unit."""
    unit = f", {amounts.unit}" if amounts.unit and amounts.unit not in value else ""
    return safe_text(value, None) + unit


def value_title(value: str, amounts: Amounts, less: str) -> str:
    """Return the title of an axis of values; where less is better it ends with ``less``."""
    return value_name(value, amounts) + (f"<br>{less}" if amounts.less_is_better else "")


def percent(share: float) -> str:
    """Return a share in whole per cent as safe text; a small share as less than 1.

    >>> percent(0.124), percent(0.002), percent(0.0)
    ('12 %', '&lt;1 %', '0 %')
    """
    # Shares of dependent knobs are Monte Carlo estimates, and that of a knob without effect may be slightly below 0.
    return "&lt;1 %" if 0 < share < 0.005 else f"{100 * max(0.0, share):.0f} %"
