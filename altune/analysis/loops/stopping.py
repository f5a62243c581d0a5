"""Where each stopping rule would have ended, as facts of the loops."""

from __future__ import annotations

import numpy as np

from altune.analysis.loops.facts import RuleStop, StoppingFacts
from altune.analysis.loops.series import series_of
from altune.analysis.stopping_replay import StoppingReplay, every_rule
from altune.knobs.stopping import Stopping
from altune.recipes.recipe import Recipe

OWN = "recipe"
CURVE_COUNTS = 120


def single_rules(recipe: Recipe) -> dict[str, Stopping]:
    """Return every registered rule with its defaults but those that combine others."""
    return {name: rule for name, rule in every_rule(recipe).items() if not rule.nested()}


def stopping_facts(found: StoppingReplay) -> StoppingFacts:
    """Return where rules would have stopped as plain numbers, beside the whole learning curve."""
    curves, metric = found.curves, found.objective.metric
    first, last = max(int(curve.labels[0]) for curve in curves), max(int(curve.labels[-1]) for curve in curves)
    counts = np.unique(np.concatenate([[first], *(curve.labels for curve in curves)]))
    counts = counts[counts >= first]
    if len(counts) > CURVE_COUNTS:
        counts = counts[np.unique(np.linspace(0, len(counts) - 1, CURVE_COUNTS).round().astype(int))]
    rules = [
        RuleStop(
            name=one.name,
            labels=tuple(
                None if stop is None else int(curve.labels[stop]) for stop, curve in zip(one.stops, curves, strict=True)
            ),
            saved=round(one.saved.mean, 2),
            kept=round(one.kept.mean, 5),
        )
        for one in found.rules
    ]
    return StoppingFacts(
        blocks=len(curves),
        counts=tuple(counts.tolist()),
        score=series_of([curve.at(counts, metric) for curve in curves], np.arange(len(counts))),
        last=float(last),
        rules=tuple(sorted(rules, key=lambda one: (not one.fired, -one.saved, one.name))),
        excluded=dict(found.excluded),
    )
