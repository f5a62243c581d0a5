"""How groups and times split a data set, in words, and what is odd about it."""

from __future__ import annotations

import numpy as np

from altune.core.text import join_words
from altune.data.blocks import HELD_BACK, Block
from altune.data.dataset import Dataset

FEW_GROUPS = 5
"""Groups held back below which intervals are called wide."""
LARGE_GROUP = 2 * HELD_BACK
"""Share of the rows from which a group is never held back or tested on."""
_MOST_NAMED = 5


def split_words(dataset: Dataset, search: Block, report: Block) -> str:
    """Return how pools and test rows are separated; empty without groups and time.

    Parameters
    ----------
    dataset : the data.
    search, report : the first block of each of these roles.
    """
    if dataset.groups is not None:
        kept = len(np.unique(dataset.groups.codes[report.test]))
        return (
            f"{len(dataset.groups.names)} groups by {dataset.groups.name}, none of which is in both pool and test; "
            f"{kept} are held back, and intervals count groups"
        )
    if dataset.time is not None:
        tested, held = (dataset.time.values[block.test].min() for block in (search, report))
        return (
            f"by {dataset.time.name}: the search is tested on rows from {dataset.time.words(tested)}, the "
            f"{len(report.test)} rows from {dataset.time.words(held)} are held back, and pools are drawn from earlier "
            "rows"
        )
    return ""


def split_advice(dataset: Dataset, report: Block) -> list[str]:
    """Return what is odd about groups or times, one line each; usually nothing."""
    lines = []
    if dataset.groups is not None:
        name, share = dataset.groups.largest()
        kept = len(np.unique(dataset.groups.codes[report.test]))
        if share > LARGE_GROUP:
            lines.append(
                f"group {name!r} of {dataset.groups.name!r} has {share:.0%} of the rows, so it is always in the pool "
                "and never tested on"
            )
        if kept < FEW_GROUPS:
            lines.append(
                f"{kept} of {len(dataset.groups.names)} groups of {dataset.groups.name!r} are held back, so intervals "
                f"are wide; {round(FEW_GROUPS / HELD_BACK)} groups or more make them useful"
            )
    if dataset.time is not None:
        first = dataset.time.values[report.test].min()
        late = np.setdiff1d(dataset.y[report.test], dataset.y[dataset.time.values < first])
        if len(late):
            names = [repr(dataset.classes[code]) for code in late[:_MOST_NAMED]]
            more = " and more" if len(late) > _MOST_NAMED else ""
            lines.append(
                f"{'class' if len(names) == 1 else 'classes'} {join_words(names)}{more} "
                f"occur only from {dataset.time.words(first)} on, in the rows held back, so that "
                "no pool has them"
            )
        share = len(report.test) / dataset.n_rows
        if abs(share - HELD_BACK) > HELD_BACK / 2:
            lines.append(
                f"rows of one {dataset.time.name!r} stay together, so {share:.0%} of the rows are held back, not "
                f"{HELD_BACK:.0%}"
            )
    return lines
