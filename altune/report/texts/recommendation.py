"""The recommended recipe and the evidence on it as text for a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

from altune.analysis.recommendation import Recommendation
from altune.data import family_of
from altune.recipes.evidence import AGAINST, Gains
from altune.report.texts.aligned import table


def gains_table(groups: Sequence[Gains]) -> str:
    """Return a table with a row for each group of data sets."""
    return table([gains_row(group) for group in groups])


def gains_row(group: Gains) -> dict[str, str]:
    """Return the cells of a group by the names of their columns."""
    gains = {f"over {AGAINST[name]}": gain.words for name, gain in group.over.items()}
    return {"classes": group.group, "data sets": str(group.n_data), **gains, "below random": str(len(group.hurt))}


def recommendation_text(
    found: Recommendation, pool: str | None, file: Path | None, reading: Mapping[str, Any] | None = None
) -> str:
    """Return a recommendation for a terminal: the recipe, the evidence, and how the recipe is used from here.

    Parameters
    ----------
    found : the recommendation.
    pool : the pool as it was given, None without one.
    file : the file that the recipe was written to, None if it was not.
    reading : how the pool is read, see :class:`altune.data.Reading`; None for an option that was not given.
    """
    parts = ["\n".join(found.lines), gains_table(found.gains)]
    if file is None:
        parts.append(f"The recipe as YAML (--out FILE writes it):\n{found.recipe.to_yaml()}".rstrip())
    else:
        given = shlex.quote(str(file))
        start = f"altune campaign start {shlex.quote(pool or 'POOL')} --recipe {given} --classes NAMES"
        parts += [
            f"{file}: the recipe. This Python runs it with your annotators:",
            indent(snippet(found, pool, str(file), reading or {}), "    "),
            f"So does `{start} --budget {found.request.budget}`.",
            f"If there are labelled rows of the same kind, `altune simulate DATA --recipe {given}` plays it on them "
            "beforehand, and `altune tune DATA` shows whether another recipe does better.",
        ]
    return "\n\n".join(parts)


def snippet(found: Recommendation, pool: str | None, file: str, reading: Mapping[str, Any]) -> str:
    """Return the Python that runs a recipe with annotators; ``answers(rows)`` is the reader's own."""
    request = found.request
    source, classes = repr("pool.csv" if pool is None else pool), [f"class {k + 1}" for k in range(request.n_classes)]
    if pool is not None and family_of(pool):
        source = f"altune.load_dataset({source}).{'raw' if found.recipe.takes_raw else 'X'}"
    options = "".join(f", {name}={value!r}" for name, value in reading.items() if value is not None)
    return "\n".join(
        [
            "import altune",
            "",
            f"classes = {classes}  # the names of yours",
            f"scenario = {{'loops': {request.loops or 'unlimited'!r}}}",
            f"campaign = altune.Campaign.create('campaign', {file!r}, {source}, classes=classes, "
            f"budget={request.budget}, scenario=scenario{options})",
            "while batch := campaign.ask():",
            "    campaign.tell(batch.rows, answers(batch.rows))  # the class of each row, None if one cannot tell",
        ]
    )
