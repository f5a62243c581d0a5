"""Differences on many data sets: a row for each, and means with intervals over families and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from altune.numerics.resampling import resampled_means_of_families
from altune.report.texts.aligned import table

Row = dict[str, Any]


def per_data(lines: Sequence[Row]) -> list[Row]:
    """Return a row for each data set, with the differences of all of its seeds.

    Parameters
    ----------
    lines : one for each data set and seed, with ``task`` (the name first), ``classes``, ``family`` and the
        ``differences`` on the blocks of that seed.
    """
    names = list(dict.fromkeys(line["task"][0] for line in lines))
    rows = []
    for name in names:
        own = [line for line in lines if line["task"][0] == name]
        blocks = [np.array(line["differences"]) for line in own]
        # One seed has one set of held-back rows, for which altune's own interval accounts.
        low, high = own[0]["interval"] if len(own) == 1 else _ends(_draws([blocks], [name]))
        rows.append(
            {
                "data": name,
                "classes": own[0]["classes"],
                "family": own[0]["family"],
                "seeds": len(own),
                "mean": float(np.mean([block.mean() for block in blocks])),
                "low": low,
                "high": high,
                "differences": [block.tolist() for block in blocks],
                "chosen": ", ".join(sorted({line["chosen"] for line in own})),
            }
        )
    return rows


def mean_of(rows: Sequence[Row]) -> Row:
    """Return the mean over data sets, each of which counts alike, with its interval over families and blocks."""
    blocks = [[np.array(seed) for seed in row["differences"]] for row in rows]
    families = [row["family"] for row in rows]
    several = len(set(families)) > 1
    low, high = _ends(_draws(blocks, families)) if several else (None, None)
    return {"data_sets": len(rows), "mean": float(np.mean([row["mean"] for row in rows])), "low": low, "high": high}


def shown(rows: Sequence[Row]) -> str:
    """Return the rows as a table."""
    return table(
        [
            {
                "data": row["data"],
                "classes": str(row["classes"]),
                "seeds": str(row["seeds"]),
                "difference": pooled(row),
                "handed out": row["chosen"],
            }
            for row in rows
        ]
    )


def pooled(row: Row) -> str:
    """Return a mean with its interval.

    >>> pooled({"mean": 0.0123, "low": None, "high": None})
    '+0.0123'
    """
    if row["low"] is None:
        return f"{row['mean']:+.4f}"
    return f"{row['mean']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]"


def _draws(blocks: Sequence[Sequence[np.ndarray[Any, Any]]], families: Sequence[str]) -> Any:
    """Return resampled means over families, and then over seeds and their blocks."""
    return resampled_means_of_families(blocks, families, np.random.default_rng(0))


def _ends(draws: Any) -> tuple[float, float]:
    low, high = (float(end) for end in np.quantile(draws, [0.025, 0.975]))
    return low, high
