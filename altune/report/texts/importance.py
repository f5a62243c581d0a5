"""The importance of knobs as text for a terminal, and as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from altune.analysis.importance.knob_importance import KnobImportance
from altune.analysis.importance.optuna import ANSWERS
from altune.analysis.importance.shares import HeldNumber
from altune.report.texts.aligned import table

MOST_INSIDE = 10

Stock = Mapping[str, Mapping[str, float] | str]
"""The importance of each knob by each of Optuna's evaluators, or the reason why there is none."""


def importance_text(importance: KnobImportance, stock: Stock | None = None) -> str:
    """Return the answer in sentences, and the shares of knobs, of pairs, and of the decisions inside the knobs."""
    parts = ["\n".join(importance.sentences()), table(_knob_rows(importance)), _pairs_text(importance)]
    inside = [
        {
            "decision": decision.path,
            "share": share_text(decision.share),
            _interval(importance): _ends(decision.low, decision.high),
        }
        for decision in importance.parameters[:MOST_INSIDE]
    ]
    more = len(importance.parameters) - len(inside)
    listed = f"; {more} smaller ones are left out" if more else ""
    if importance.held is not None:
        parts.append(_held_text(importance.held, _interval(importance)))
    parts.append(f"Inside the knobs, each decision alone{listed}:\n{table(inside)}")
    if stock is not None:
        parts.append(_stock_text(importance, stock))
    return "\n\n".join(parts)


def importance_dict(importance: KnobImportance, stock: Stock | None = None) -> dict[str, Any]:
    """Return plain JSON values."""
    plain = importance.to_dict() | {"sentences": importance.sentences()}
    if stock is not None:
        plain["stock"] = {
            name: {"answers": ANSWERS[name]}
            | ({"problem": shares} if isinstance(shares, str) else {"knobs": dict(shares)})
            for name, shares in stock.items()
        }
    return plain


def share_text(share: float) -> str:
    """Return a share in per cent with one decimal.

    >>> share_text(0.1234)
    '12.3 %'
    """
    return f"{100 * max(0.0, share):.1f} %"


def _interval(importance: KnobImportance) -> str:
    return f"{100 * importance.confidence:g} % interval"


def _ends(low: float, high: float) -> str:
    return f"{100 * max(0.0, low):.1f} to {100 * high:.1f}"


def _knob_rows(importance: KnobImportance) -> list[dict[str, str]]:
    rows = [
        {
            "knob": knob.knob,
            "share": share_text(knob.share),
            _interval(importance): _ends(knob.low, knob.high),
            "alone": share_text(knob.main),
            "with others": share_text(knob.total),
            "above the noise floor": "yes" if knob.matters else "no",
        }
        for knob in importance.knobs
    ]
    floor = dict.fromkeys(rows[0], "") | {"knob": "(noise floor)", "share": share_text(importance.floor.share)}
    return [*rows, floor | {_interval(importance): _ends(importance.floor.low, importance.floor.high)}]


def _held_text(held: HeldNumber, interval: str) -> str:
    rows = [
        {
            "knob": knob.knob,
            "share": share_text(knob.share),
            interval: _ends(knob.low, knob.high),
            "above the noise floor": "yes" if knob.matters else "no",
        }
        for knob in held.knobs
    ]
    return f"Between recipes with {held.text}, {share_text(held.remains)} of the variance:\n{table(rows)}"


def _pairs_text(importance: KnobImportance) -> str:
    clear = [pair for pair in importance.interactions if pair.low > importance.floor.high]
    if not clear:
        return "No pair of knobs is above the noise floor."
    rows = [
        {
            "pair": f"{pair.a}, {pair.b}",
            "share": share_text(pair.share),
            _interval(importance): _ends(pair.low, pair.high),
        }
        for pair in clear
    ]
    return f"Pairs of knobs above the noise floor, beyond both alone:\n{table(rows)}"


def _stock_text(importance: KnobImportance, stock: Stock) -> str:
    rows = []
    for knob in importance.knobs:
        row = {"knob": knob.knob, "altune": share_text(knob.share)}
        for name, shares in stock.items():
            row[name] = "-" if isinstance(shares, str) else share_text(shares.get(knob.knob, 0.0))
        rows.append(row)
    lines = [f"{name}: {shares if isinstance(shares, str) else ANSWERS[name]}" for name, shares in stock.items()]
    return f"Beside Optuna's evaluators, which have no intervals:\n{table(rows)}\n" + "\n".join(lines)
