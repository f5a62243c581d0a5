"""Plain text for a terminal: tables of curves, comparisons, knobs and data sets; plans are in ``plan.py``."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

import altune.knobs
import altune.models  # noqa: F401  (both register every method that altune ships)
from altune.analysis.paired import Comparison
from altune.core.registry import FIELDS, Method, describe_parameters, find_method, methods
from altune.data import DatasetInfo
from altune.models import Model
from altune.report.texts.aligned import table
from altune.report.texts.plan import plan_text
from altune.simulation.curve import LearningCurve, band

__all__ = [
    "compared_text",
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

if TYPE_CHECKING:
    from altune.analysis.comparison.contest import Contest
    from altune.analysis.comparison.labels_to_reach import LabelsToReach
    from altune.analysis.comparison.over_data import OverData
    from altune.analysis.comparison.result import RecipeComparison

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


def compared_text(found: RecipeComparison) -> str:
    """Return the answer of a comparison, its tables for each data set and over them, and its notes."""
    parts = [found.answer]
    for contest in found.contests:
        title = [contest.data] if found.over_data is not None else []
        parts.append("\n".join([*title, comparison_table(contest.comparison), "", _reach_table(contest)]))
    if found.over_data is not None:
        parts += [f"over {len(found.contests)} data sets\n{_rank_table(found.over_data)}"]
    parts += ["\n".join(f"note: {note}" for note in found.notes)] if found.notes else []
    return "\n\n".join(parts)


def _reach_table(contest: Contest) -> str:
    return table(
        [
            {
                "recipe": own.recipe,
                f"labels to {own.target:.4f}": "never" if own.labels is None else str(own.labels),
                "95 % interval": _ends(own),
                "never": f"{own.never:.0%}",
                "10 % quantile": spread.unlucky,
                "worst": spread.worst,
                "stale": f"{stale.share:.0%}",
                "seconds": spent.seconds,
            }
            for own, spread, stale, spent in zip(
                contest.reach, contest.spread, contest.stale, contest.spent, strict=True
            )
        ]
    )


def _ends(own: LabelsToReach) -> str:
    if len(own.on_blocks) == 1:
        return "-"
    if own.low is None:
        return f"> {own.budget}"
    low, high = (f"> {own.budget}" if end is None else str(end) for end in (own.low, own.high))
    return f"{low} to {high}"


def _rank_table(over: OverData) -> str:
    wins, ranks = over.wins, over.ranks
    places = {name: place for place, name in enumerate(wins.names)}
    rows = [
        {"recipe": name, "mean rank": rank}
        | {
            f"against {other}": "-"
            if other == name
            else f"{wins.clear[places[name]][places[other]]} won, {wins.clear[places[other]][places[name]]} lost"
            for other in ranks.names
        }
        for name, rank in zip(ranks.names, ranks.ranks, strict=True)
    ]
    pairs = [{"pair": f"{one.a} - {one.b}", "p": one.p, "p (Holm)": one.p_holm} for one in ranks.pairs]
    p = "< 0.0001" if ranks.p < 0.0001 else f"= {ranks.p:.4f}"
    friedman = f"any difference of ranks ({ranks.test}): p {p}"
    nemenyi = f"critical difference of mean ranks (Nemenyi): {ranks.critical_difference:.2f}"
    return f"{table(rows)}\n\n{friedman}\n{nemenyi}\nWilcoxon's signed-rank test over data sets\n{table(pairs)}"


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


def dataset_rows(listed: Sequence[DatasetInfo]) -> list[dict[str, Any]]:
    """Return the declared facts of data sets as plain rows."""
    return [asdict(facts) for facts in listed]


def dataset_table(listed: Sequence[DatasetInfo]) -> str:
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
