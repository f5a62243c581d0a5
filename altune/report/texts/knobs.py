"""The methods of each knob as text for a terminal, and as plain JSON values."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

import altune.knobs
import altune.models  # noqa: F401  (both register every method that altune ships)
from altune.core.plugins import broken_plugins
from altune.core.registry import FIELDS, GROUP, Method, describe_parameters, find_method, methods
from altune.knobs.columns import COLUMNS, MOST_BACK
from altune.knobs.query_strategy import QueryStrategy
from altune.models import Model
from altune.report.texts.aligned import table


def knobs_as_dict(knob: str | None = None, method: str | None = None) -> dict[str, Any]:
    """Return ``{knob: {method: {parameters, needs, source, summary, advice}}}``, advised methods first."""
    fields = FIELDS if knob is None else (knob,)
    return {
        field: {
            name: _described(cls)
            for name, cls in sorted(methods(field).items(), key=lambda item: not item[1].advice)
            if method is None or name == method
        }
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
                    f"{parameter} {_range(entry)}" for parameter, entry in described["parameters"].items()
                ),
                "needs": ", ".join(described["needs"]),
            }
            for name, described in listed.items()
        ]
        advice = [f"{name}: {described['advice']}" for name, described in listed.items() if described["advice"]]
        text = "\n".join([table(rows, wide="parameters"), *advice])
        parts.append(f"{field}\n{textwrap.indent(text, '  ')}")
    if broken := broken_methods():
        lines = [f"  {entry['plugin']} of {entry['package']}: {entry['reason']}" for entry in broken]
        parts.append("\n".join(["broken plugins, which are left out", *lines]))
    return "\n\n".join(parts)


def broken_methods() -> list[dict[str, str]]:
    """Return the plugins of methods that cannot be used, as ``{plugin, target, package, reason}``."""
    return [
        {"plugin": plugin.name, "target": plugin.target, "package": plugin.package, "reason": plugin.reason}
        for plugin in broken_plugins(GROUP)
    ]


def method_page(knob: str, method: str) -> str:
    """Return the full description of one method: what it does, its parameters, what it needs, and its source."""
    cls = find_method(knob, method)
    described = _described(cls)
    rows = [
        {
            "parameter": name,
            "type": entry["type"],
            "default": "-" if entry["default"] is None else default_words(entry["default"]),
            "range": _range(entry),
            "description": entry["description"],
        }
        for name, entry in described["parameters"].items()
    ]
    parts = [f"{knob}: {method}", inspect.cleandoc(cls.__doc__ or "")]
    parts += [table(rows, wide="description")] if rows else []
    parts += [f"needs: {', '.join(described['needs'])}"] if described["needs"] else []
    parts += [f"advice: {described['advice']}"] if described["advice"] else []
    parts += ["\n".join(lines)] if issubclass(cls, QueryStrategy) and (lines := cls.table_lines()) else []
    parts += [f"source: {described['source']}"] if described["source"] else []
    return "\n\n".join(parts)


def default_words(value: Any) -> str:
    """Return a default as text; a method, or a list of methods, by name.

    >>> default_words([{"method": "margin"}, {"method": "density_weighted", "beta": 1.0}])
    'margin, density_weighted'
    """
    if isinstance(value, Mapping) and "method" in value:
        return str(value["method"])
    if isinstance(value, list) and any(isinstance(item, Mapping) and "method" in item for item in value):
        return ", ".join(map(default_words, value))
    return str(value)


def columns_as_dict() -> dict[str, Any]:
    """Return ``{"metadata": {column: {version, meaning, form}}}``."""
    return {
        "metadata": {
            name: {"version": info.version, "meaning": info.meaning, "form": info.carried}
            for name, info in COLUMNS.items()
        }
    }


def columns_table() -> str:
    """Return the columns of metadata with version and meaning, and the form in which each carries over."""
    listed = columns_as_dict()["metadata"]
    rows = [
        {"column": name, **{key: entry[key] for key in ("version", "form", "meaning")}}
        for name, entry in listed.items()
    ]
    notes = (
        "z: z-score within the candidates, within ±6; rank: rank within the candidates, from −1 to 1.\n"
        f"Each can be read as it was up to {MOST_BACK} loops ago, if it was read in that loop too."
    )
    return f"{table(rows, wide='meaning')}\n\n{notes}"


def _described(cls: type[Method]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " "),
        "parameters": describe_parameters(cls),
        "needs": sorted(cls.needs),
        "source": cls.source,
        "advice": cls.advice,
    }
    if issubclass(cls, Model):
        described["abilities"] = sorted(cls.abilities)
        described["schedulable"] = list(cls.schedulable)
    return described


def _range(entry: Mapping[str, Any]) -> str:
    if "choices" in entry:
        return "|".join(str(choice) for choice in entry["choices"])
    if "low" in entry or "high" in entry:
        return f"{entry.get('low', '-∞'):g}..{entry['high']:g}" if "high" in entry else f"≥ {entry['low']:g}"
    return f"({entry['type']})"
