"""Learning curves as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from altune.report.texts.aligned import table
from altune.simulation.curve import LearningCurve, band

MOST_ROWS = 24


def curve_table(curves: Sequence[LearningCurve], metric: str) -> str:
    """Return the mean curve over blocks with its 10 to 90 % band, at about :data:`MOST_ROWS` label counts at most."""
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
