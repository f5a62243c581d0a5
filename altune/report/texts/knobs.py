"""The methods of each knob as text for a terminal, and as plain JSON values."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

import altune.knobs
import altune.models  # noqa: F401  (both register every method that altune ships)
from altune.core.registry import FIELDS, Method, describe_parameters, find_method, methods
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
    return "\n\n".join(parts)


def method_page(knob: str, method: str) -> str:
    """Return the full description of one method: what it does, its parameters, what it needs, and its source."""
    cls = find_method(knob, method)
    described = _described(cls)
    rows = [
        {
            "parameter": name,
            "type": entry["type"],
            "default": "-" if entry["default"] is None else str(entry["default"]),
            "range": _range(entry),
            "description": entry["description"],
        }
        for name, entry in described["parameters"].items()
    ]
    parts = [f"{knob}: {method}", inspect.cleandoc(cls.__doc__ or "")]
    parts += [table(rows, wide="description")] if rows else []
    parts += [f"needs: {', '.join(described['needs'])}"] if described["needs"] else []
    parts += [f"advice: {described['advice']}"] if described["advice"] else []
    parts += [f"source: {described['source']}"] if described["source"] else []
    return "\n\n".join(parts)


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
