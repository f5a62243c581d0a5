"""The numbers of :mod:`altune.analysis.loops.facts`, from learning curves and the true labels of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from altune.analysis.loops.class_balance import balance_of
from altune.analysis.loops.facts import AuditFacts, LoopFacts, Measure, Uncertainty
from altune.analysis.loops.series import Array, Counts, Series, over_blocks, plain_numbers, series_of, table_of
from altune.simulation.probes import GROUPS, MEASURES, STATISTICS, WRONG_SUSPECTS, uncertainty_key

if TYPE_CHECKING:
    from altune.data import Dataset
    from altune.data.blocks import Block
    from altune.recipes.recipe import Recipe
    from altune.simulation.curve import LearningCurve

MOST_LOOPS = 60


def loop_facts(
    recipe: Recipe,
    dataset: Dataset,
    metric: str,
    blocks: Sequence[Block],
    curves: Sequence[LearningCurve],
    recorded: Sequence[LearningCurve],
    rng: np.random.Generator,
) -> LoopFacts:
    """Return what each loop did, without the map and the stopping rules.

    Parameters
    ----------
    recipe : the recipe that was played.
    dataset : its data set, with the true labels.
    metric : name of the score.
    blocks, curves : the blocks, and the recipe's learning curves on them.
    recorded : learning curves on some of the blocks with the notes of :mod:`altune.simulation.probes`.
    rng : source of the random draws with which the class balance is compared.
    """
    lengths = np.array([len(curve) for curve in curves])
    loops = _kept(int(lengths.max()))
    wrong = [_notes(curve, "wrong_labels_used", 0.0) for curve in curves]
    return LoopFacts(
        data=dataset.name,
        recipe=recipe.describe(),
        metric=metric,
        blocks=len(curves),
        loops=tuple(loops.tolist()),
        reached=tuple((lengths[:, None] > loops).sum(axis=0).tolist()),
        labels=series_of([curve.labels for curve in curves], loops),
        rows=series_of([curve.loop_rows for curve in curves], loops),
        used=series_of([curve.used for curve in curves], loops),
        steady=_steady(curves),
        balance=balance_of(dataset, blocks, curves, loops, rng),
        wrong_used=series_of(wrong, loops) if any(shares.any() for shares in wrong) else None,
        audit=_audit(recipe, recorded, loops) if recipe.labeling.audit != "none" else None,
        uncertainty=_uncertainty(recorded, loops),
    )


def _steady(curves: Sequence[LearningCurve]) -> bool:
    """Return whether loop sizes differ by one row at most, except for the first sample and the last loop of a block."""
    sizes = [size for curve in curves for size in curve.loop_rows[1:-1].tolist()]
    return not sizes or max(sizes) - min(sizes) <= 1


def _audit(recipe: Recipe, recorded: Sequence[LearningCurve], loops: Counts) -> AuditFacts | None:
    if not recorded:
        return None

    def series(name: str) -> Series:
        return series_of([_notes(curve, name, 0.0) for curve in recorded], loops)

    dropping = recipe.labeling.action == "drop"
    return AuditFacts(
        detector=recipe.labeling.audit,
        action=recipe.labeling.action,
        blocks=len(recorded),
        suspects=series("audit_suspects"),
        right=series(WRONG_SUSPECTS),
        bought_again=series("labels_bought_again"),
        corrected=series("labels_corrected"),
        wrong_bought=series_of([_wrong_bought(curve, dropping) for curve in recorded], loops),
        wrong_used=series("wrong_labels_used"),
    )


def _wrong_bought(curve: LearningCurve, dropping: bool) -> Array:
    """Return the share of wrong labels among all labels bought, also those that are left out of training."""
    wrong = _notes(curve, "wrong_labels_used", 0.0) * curve.used
    left_out = np.zeros((2, len(curve)))
    if dropping:
        # Until the next audit the suspects of the last one are left out.
        suspects, right = _notes(curve, "audit_suspects"), _notes(curve, WRONG_SUSPECTS)
        latest = np.maximum.accumulate(np.where(np.isnan(suspects), -1, np.arange(len(curve))))
        known = latest >= 0
        left_out[:, known] = suspects[latest[known]], right[latest[known]]
    share: Array = (wrong + np.nan_to_num(left_out[1])) / np.maximum(curve.used + left_out[0], 1)
    return share


def _uncertainty(recorded: Sequence[LearningCurve], loops: Counts) -> Uncertainty | None:
    measures = []
    for name in MEASURES:
        groups = []
        for group in GROUPS:
            tables = [
                table_of([_notes(curve, uncertainty_key(group, name, statistic)) for curve in recorded], loops)
                for statistic in STATISTICS
            ]
            groups.append(Series(*(plain_numbers(over_blocks(table, np.mean, 1)[:, 0]) for table in tables)))
        measures.append(Measure(name, *groups))
    if all(value is None for measure in measures for value in measure.picked.mean):
        return None
    return Uncertainty(len(recorded), tuple(measures))


def _notes(curve: LearningCurve, name: str, absent: float = np.nan) -> Array:
    return np.array([note.get(name, absent) for note in curve.notes], dtype=np.float64)


def _kept(count: int) -> Counts:
    if count <= MOST_LOOPS:
        return np.arange(count, dtype=np.int64)
    return np.unique(np.linspace(0, count - 1, MOST_LOOPS).round().astype(np.int64))
