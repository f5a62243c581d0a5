"""Plain text for a terminal: tables of curves, comparisons, knobs and data sets; plans are in ``plan.py``."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

import altune.knobs
import altune.models  # noqa: F401  (both register every method that altune ships)
from altune.analysis.comparison import Comparison
from altune.curve import LearningCurve, band
from altune.data import DatasetFacts
from altune.models import Model
from altune.registry import FIELDS, Method, describe_parameters, find_method, methods
from altune.report.plan import plan_text
from altune.report.text import table

__all__ = [
    "comparison_table",
    "curve_table",
    "dataset_rows",
    "dataset_table",
    "knob_table",
    "knobs_as_dict",
    "method_page",
    "plan_text",
    "table",
]

MOST_ROWS = 24


def curve_table(curves: Sequence[LearningCurve], metric: str) -> str:
    """Return the mean curve over blocks with its 10 to 90 % band, at some two dozen label counts at most."""
    end = int(max(curve.labels[-1] for curve in curves))
    mean = band(tuple(curves), metric, end)
    trained = np.flatnonzero(mean.counts >= min(curve.labels[0] for curve in curves))
    step = max(1, -(-len(trained) // MOST_ROWS))
    shown = sorted({*trained[::step].tolist(), int(trained[-1])})
    rows = [
        {
            "labels": int(mean.counts[index]),
            metric: float(mean.mean[index]),
            "10 %": float(mean.low[index]),
            "90 %": float(mean.high[index]),
        }
        for index in shown
    ]
    return table(rows)


def comparison_table(comparison: Comparison) -> str:
    """Return means with intervals, and each pair's difference with its interval and corrected p value."""
    means = [
        {"recipe": name, "mean": one.mean, "95 % interval": f"{one.low:.4f} to {one.high:.4f}", "blocks": one.blocks}
        for name, one in comparison.recipes.items()
    ]
    pairs = [
        {
            "difference": f"{pair.a} - {pair.b}",
            "mean": f"{pair.difference.mean:+.4f}",
            "95 % interval": f"{pair.difference.low:+.4f} to {pair.difference.high:+.4f}",
            "p": pair.difference.p,
            "p (Holm)": pair.p_holm,
        }
        for pair in comparison.differences
    ]
    return f"{table(means)}\n\n{table(pairs)}"


def knobs_as_dict(knob: str | None = None, method: str | None = None) -> dict[str, Any]:
    """Return ``{knob: {method: {parameters, needs, source, summary}}}``."""
    fields = FIELDS if knob is None else (knob,)
    return {
        field: {name: _facts_of(cls) for name, cls in methods(field).items() if method is None or name == method}
        for field in fields
        if methods(field) is not None
    }


def knob_table(knob: str | None = None) -> str:
    """Return the methods of one knob, or of all, with their parameters and ranges."""
    parts = []
    for field, listed in knobs_as_dict(knob).items():
        rows = [
            {
                "method": name,
                "parameters": "; ".join(
                    f"{parameter} {_range(entry)}" for parameter, entry in facts["parameters"].items()
                ),
                "needs": ", ".join(facts["needs"]),
            }
            for name, facts in listed.items()
        ]
        parts.append(f"{field}\n{textwrap.indent(table(rows, wide='parameters'), '  ')}")
    return "\n\n".join(parts)


def method_page(knob: str, method: str) -> str:
    """Return one method in full: what it does, its parameters, what it needs, and its source."""
    cls = find_method(knob, method)
    facts = _facts_of(cls)
    rows = [
        {
            "parameter": name,
            "type": entry["type"],
            "default": "-" if entry["default"] is None else str(entry["default"]),
            "range": _range(entry),
            "what it is": entry["description"],
        }
        for name, entry in facts["parameters"].items()
    ]
    parts = [f"{knob}: {method}", inspect.cleandoc(cls.__doc__ or "")]
    parts += [table(rows, wide="what it is")] if rows else []
    parts += [f"needs: {', '.join(facts['needs'])}"] if facts["needs"] else []
    parts += [f"source: {facts['source']}"] if facts["source"] else []
    return "\n\n".join(parts)


def dataset_rows(listed: Sequence[DatasetFacts]) -> list[dict[str, Any]]:
    """Return the declared facts of data sets as plain rows."""
    return [asdict(facts) for facts in listed]


def dataset_table(listed: Sequence[DatasetFacts]) -> str:
    """Return data sets as a table for a terminal; the full facts are in :func:`dataset_rows`."""
    rows = [
        {
            "name": facts.name,
            "rows": facts.n_rows,
            "features": facts.n_features,
            "classes": facts.n_classes,
            "rarest": f"{facts.rarest_share:.1%}",
            "kind": facts.kind,
            "extra": facts.extra or "",
            "licence": facts.licence,
            "what and whence": f"{facts.task}; {facts.source}",
        }
        for facts in listed
    ]
    return table(rows, wide="what and whence")


def _facts_of(cls: type[Method]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "summary": inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " "),
        "parameters": describe_parameters(cls),
        "needs": sorted(cls.needs),
        "source": cls.source,
    }
    if issubclass(cls, Model):
        facts["abilities"] = sorted(cls.abilities)
        facts["schedulable"] = list(cls.schedulable)
    return facts


def _range(entry: Mapping[str, Any]) -> str:
    if "choices" in entry:
        return "|".join(str(choice) for choice in entry["choices"])
    if "low" in entry or "high" in entry:
        return f"{entry.get('low', '-∞'):g}..{entry['high']:g}" if "high" in entry else f"≥ {entry['low']:g}"
    return f"({entry['type']})"
