"""Old names that still work for one release, each with a warning that gives the new name.

All of them are listed here, so that they can be deleted in one step.
"""

from __future__ import annotations

import functools
import importlib
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

KEYWORDS = {
    "seeds": "n_blocks",
    "select_seeds": "select_blocks",
    "report_seeds": "report_blocks",
    "blocks": "splits",
    "blocks_file": "splits_file",
    "separator": "sep",
}
"""Keywords of public functions, and settings of a sweep."""

NAMES = {
    "altune": {"make_worlds": "make_environments"},
    "altune.report": {
        "CodePart": "CodeBlock",
        "FactsPart": "FactsBlock",
        "FigurePart": "FigureBlock",
        "TablePart": "TableBlock",
        "TextPart": "TextBlock",
    },
}
"""Public names by module."""

METHODS = {
    "Run.write": "altune.report.write_run",
    "RecipeComparison.write": "altune.report.write_comparison",
    "Sweep.write": "altune.report.write_sweep",
}
"""Methods of results that have become functions."""

ATTRIBUTES = {
    "LearningCurve.facts": "notes",
    "LearningCurve.rounds": "round_trips",
    "Asked.places": "blocks",
    "RankedTrial.broken": "violations",
    "Sweep.standings": "verdicts",
    "TrialRecord.broken": "violations",
}
"""Attributes of results."""

OPTIONS = {"--seeds": "--blocks", "--select-seeds": "--select-blocks", "--report-seeds": "--report-blocks"}
"""Command-line options."""


def new_keywords(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return keyword arguments under their new names, with a warning for each old one.

    >>> new_keywords({"n_blocks": 5, "seed": 0})
    {'n_blocks': 5, 'seed': 0}
    """
    for old in given.keys() & KEYWORDS.keys():
        _warn(f"the keyword {old!r}", f"{KEYWORDS[old]!r}")
    return {KEYWORDS.get(name, name): value for name, value in given.items()}


def new_name(module: str, name: str) -> str:
    """Return the new name of a public name of a module, with a warning if it has changed."""
    names = NAMES[module]
    if name in names:
        _warn(f"{module}.{name}", f"{module}.{names[name]}")
    return names.get(name, name)


class OldNames:
    """Base of results that also have their attributes and methods by their old names."""

    def __getattr__(self, name: str) -> Any:
        """Return the renamed attribute, or the function with this result as its first argument.

        Raises
        ------
        AttributeError
            If no attribute ever had this name.
        """
        cls = type(self).__name__
        if f"{cls}.{name}" in ATTRIBUTES:
            new = ATTRIBUTES[f"{cls}.{name}"]
            _warn(f"{cls}.{name}", f"{cls}.{new}")
            return getattr(self, new)
        where = METHODS.get(f"{cls}.{name}")
        if where is None:
            raise AttributeError(f"{cls!r} object has no attribute {name!r}")
        _warn(f"{cls}.{name}", where)
        module, _, function = where.rpartition(".")
        return functools.partial(getattr(importlib.import_module(module), function), self)


def new_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments of a command line by their new names, and a line for each that was renamed.

    >>> new_arguments(["tune", "iris", "--seeds=3"])
    (['tune', 'iris', '--blocks=3'], ['--seeds is now called --blocks; the old name works for one more release'])
    >>> new_arguments(["compare", "iris", "a.yaml", "--blocks", "splits.json"])[0]
    ['compare', 'iris', 'a.yaml', '--splits', 'splits.json']
    >>> new_arguments(["compare", "--runs", "a", "b"])[0]
    ['compare-runs', 'a', 'b']
    """
    words, changed = list(arguments), {}
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        following = value if equals else "".join(words[index + 1 : index + 2])
        if option in OPTIONS:
            changed[option] = OPTIONS[option]
        elif option == "--blocks" and (following.endswith(".json") or os.path.isfile(following)):
            changed["--blocks FILE"] = "--splits"
            words[index] = f"--splits{equals}{value}"
            continue
        words[index] = f"{OPTIONS.get(option, option)}{equals}{value}"
    if words[:1] == ["compare"] and "--runs" in words:
        words.remove("--runs")
        words[0] = changed["compare --runs"] = "compare-runs"
    return words, [
        f"{old} is now called {new}; the old name works for one more release" for old, new in changed.items()
    ]


def _warn(old: str, new: str) -> None:
    warnings.warn(f"{old} is now {new}; the old name works for one more release", FutureWarning, stacklevel=4)
