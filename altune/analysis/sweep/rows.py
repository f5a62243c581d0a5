"""The table of a sweep: a row for each cell and baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from altune.core.registry import FIELDS, KNOBS, Method
from altune.numerics.statistics import PairedDifference
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace

if TYPE_CHECKING:
    from altune.analysis.findings import Findings
    from altune.analysis.run import Run

COLUMNS: dict[str, str] = {
    **{"data": "string", "model": "string", "space": "string", "budget": "Int64", "seed": "Int64"},
    **{"state": "string", "reason": "string", "objective": "string", "metric": "string"},
    **{"confirmed_mean": "float64", "confirmed_low": "float64", "confirmed_high": "float64"},
    **{"baseline": "string", "baseline_mean": "float64", "verdict": "string"},
    **{"difference": "float64", "low": "float64", "high": "float64", "p": "float64"},
    **{"matched_difference": "float64", "matched_low": "float64", "matched_high": "float64"},
    **{"labels_saved": "Int64", "trials": "Int64", "failed_trials": "Int64", "recipe": "string"},
    **dict.fromkeys(KNOBS, "string"),
    **{"recipe_model": "string", "seconds": "float64", "folder": "string"},
}
"""The table's columns with their types in pandas.

``budget`` is in labels; ``seconds`` are of the call that finished the cell; ``low`` and ``high`` are the ends of the
interval of ``difference``, the confirmed recipe minus the baseline, of 95 % for all baselines of the cell together;
``verdict`` says on which side of zero it is.
``recipe`` lists the knobs that the space opens; the columns of the knobs contain the method of each.
"""


def result_rows(run: Run, seconds: float) -> list[dict[str, Any]]:
    """Return the rows of a confirmed run, one for each baseline, without coordinates and state."""
    findings = run.findings
    if findings is None:
        raise ValueError("a run without a confirmation has no result")
    recipe, confirmed = run.best_recipe, findings.recipe.to_dict()
    states = [trial.state for trial in run.trials]
    space = run.record.space
    shared: dict[str, Any] = {
        "objective": findings.objective.name,
        "metric": findings.objective.metric,
        **{f"confirmed_{name}": confirmed[name] for name in ("mean", "low", "high")},
        "trials": sum(state != "forbidden" for state in states),
        "failed_trials": states.count("failed"),
        "recipe": short_words(recipe, [knob for knob in FIELDS if space.is_open(knob)]),
        **{knob: method.method for knob, method in recipe.methods().items() if knob in KNOBS},
        "recipe_model": recipe.model.method,
        "seconds": round(seconds, 3),
    }
    rows = []
    for name, against in findings.against.items():
        plain = against.to_dict()
        rows.append(
            shared
            | {"baseline": name, "baseline_mean": plain["mean"], "verdict": _verdict(findings, against.difference)}
            | {"difference": plain["difference"], "p": plain["p"], "labels_saved": plain["labels_saved"]}
            | {end: plain[f"{end}_together"] for end in ("low", "high")}
            | {"matched_difference": plain["matched"]["difference"]}
            | {f"matched_{end}": plain["matched"][f"{end}_together"] for end in ("low", "high")}
        )
    return rows


def offered_methods(space: SearchSpace) -> dict[str, list[str]]:
    """Return the methods that a space offers for each knob with several.

    >>> offered_methods(SearchSpace.from_dict({"query_strategy": ["random", "margin"], "loop_size": "constant"}))
    {'query_strategy': ['random', 'margin']}
    """
    offered = {}
    for knob, decision in space.decisions.items():
        names = list(dict.fromkeys(alternative.method for alternative in decision.alternatives))
        if len(names) > 1:
            offered[knob] = names
    return offered


def short_words(recipe: Recipe, knobs: Sequence[str]) -> str:
    """Return the methods of some knobs of a recipe in a few words.

    >>> recipe = Recipe.from_dict({"initial_sample": {"method": "typiclust", "size": 20}, "query_strategy": "margin"})
    >>> short_words(recipe, ["initial_sample", "query_strategy"])
    'typiclust (size 20), margin'
    """
    return ", ".join(_short(method) for knob, method in recipe.methods().items() if knob in knobs)


def won_labels(row: Mapping[str, Any]) -> int | None:
    """Return the labels that the recipe of a row saves, None if it does not beat the baseline."""
    saved = row["labels_saved"] if row["verdict"] == "better" else None
    return None if saved is None else int(saved)


def interval_text(mean: float, low: float | None, high: float | None) -> str:
    """Return a difference with its interval; large numbers have no decimals.

    >>> interval_text(0.0123, -0.002, 0.03), interval_text(-42.4, -50.2, None)
    ('+0.012 [-0.002, +0.030]', '-42')
    """
    style = "+.3f" if abs(mean) < 10 else "+.0f"
    return f"{mean:{style}}" if low is None or high is None else f"{mean:{style}} [{low:{style}}, {high:{style}}]"


def to_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a table with all columns of :data:`COLUMNS`; values that a row does not have are missing."""
    table = pd.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], columns=list(COLUMNS))
    return table.astype(COLUMNS)


def _verdict(findings: Findings, difference: PairedDifference) -> str:
    if findings.beats(difference):
        return "better"
    return "worse" if findings.loses(difference) else "unclear"


def _short(method: Method) -> str:
    parameters = [f"{name} {_value(value)}" for name, value in method.to_dict().items() if name != "method"]
    return f"{method.method} ({', '.join(parameters)})" if parameters else method.method


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("method", "…"))
    if isinstance(value, list):
        return "[" + " ".join(_value(item) for item in value) + "]"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
