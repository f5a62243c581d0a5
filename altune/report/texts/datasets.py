"""Data sets as text for a terminal, and as plain JSON values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from altune.data import DatasetInfo
from altune.report.texts.aligned import table


def dataset_rows(listed: Sequence[DatasetInfo]) -> list[dict[str, Any]]:
    """Return what is known of data sets as plain rows."""
    return [asdict(info) for info in listed]


def dataset_table(listed: Sequence[DatasetInfo]) -> str:
    """Return data sets as a table for a terminal; :func:`dataset_rows` has more.

    A family is named where more than one of the data sets belongs to it.
    """
    members = Counter(info.family for info in listed)
    rows = [
        {
            "name": info.name,
            "rows": info.n_rows,
            "features": info.n_features,
            "classes": info.n_classes,
            "rarest": f"{info.rarest_share:.1%}",
            "kind": info.kind,
            "extra": info.extra or "",
            "licence": info.licence,
            "task and source": f"{info.task}; {info.source}"
            + (f"; family {info.family}" if members[info.family] > 1 else ""),
        }
        for info in listed
    ]
    return table(rows, wide="task and source")
