"""The importance of knobs in plain text for a terminal, and as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from altune.analysis.importance.knob_importance import KnobImportance
from altune.analysis.importance.optuna import ANSWERS
from altune.report.texts.aligned import table

MOST_INSIDE = 10

Stock = Mapping[str, Mapping[str, float] | str]
"""What each of Optuna's evaluators says of each knob, or in words why it says nothing."""


def importance_text(importance: KnobImportance, stock: Stock | None = None) -> str:
    """Return shares of knobs, of pairs and of the decisions inside the knobs, and what follows from them in words."""
    parts = ["\n".join(importance.sentences()), table(_knob_rows(importance)), _pairs_text(importance)]
    inside = [
        {"decision": one.path, "share": share_text(one.share), _interval(importance): _ends(one.low, one.high)}
        for one in importance.parameters[:MOST_INSIDE]
    ]
    more = len(importance.parameters) - len(inside)
    listed = f"; {more} smaller ones are left out" if more else ""
    parts.append(f"Inside the knobs, each decision alone{listed}:\n{table(inside)}")
    if stock is not None:
        parts.append(_stock_text(importance, stock))
    return "\n\n".join(parts)


def importance_dict(importance: KnobImportance, stock: Stock | None = None) -> dict[str, Any]:
    """Return plain JSON values."""
    plain = importance.to_dict() | {"sentences": importance.sentences()}
    if stock is not None:
        plain["stock"] = {
            name: {"answers": ANSWERS[name]} | ({"problem": said} if isinstance(said, str) else {"knobs": dict(said)})
            for name, said in stock.items()
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
            "knob": one.knob,
            "share": share_text(one.share),
            _interval(importance): _ends(one.low, one.high),
            "alone": share_text(one.main),
            "with others": share_text(one.total),
            "above the noise floor": "yes" if one.matters else "no",
        }
        for one in importance.knobs
    ]
    floor = dict.fromkeys(rows[0], "") | {"knob": "(noise floor)", "share": share_text(importance.floor.share)}
    return [*rows, floor | {_interval(importance): _ends(importance.floor.low, importance.floor.high)}]


def _pairs_text(importance: KnobImportance) -> str:
    strong = [one for one in importance.interactions if one.low > importance.floor.high]
    if not strong:
        return "No pair of knobs is told apart from noise."
    rows = [
        {"pair": f"{one.a}, {one.b}", "share": share_text(one.share), _interval(importance): _ends(one.low, one.high)}
        for one in strong
    ]
    return f"Pairs of knobs above the noise floor, beyond both alone:\n{table(rows)}"


def _stock_text(importance: KnobImportance, stock: Stock) -> str:
    rows = []
    for one in importance.knobs:
        row = {"knob": one.knob, "altune": share_text(one.share)}
        for name, said in stock.items():
            row[name] = "-" if isinstance(said, str) else share_text(said.get(one.knob, 0.0))
        rows.append(row)
    lines = [f"{name}: {said if isinstance(said, str) else ANSWERS[name]}" for name, said in stock.items()]
    return f"Beside Optuna's own evaluators, which have no intervals:\n{table(rows)}\n" + "\n".join(lines)
