"""Where each stopping rule would have stopped, as plain numbers."""

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
    """Return every registered rule with its defaults, except those that combine other rules."""
    return {name: rule for name, rule in every_rule(recipe).items() if not rule.nested()}


def stopping_facts(replay: StoppingReplay) -> StoppingFacts:
    """Return where rules would have stopped, and the whole learning curve, as plain numbers."""
    curves, metric = replay.curves, replay.objective.metric
    first, last = max(int(curve.labels[0]) for curve in curves), max(int(curve.labels[-1]) for curve in curves)
    counts = np.unique(np.concatenate([[first], *(curve.labels for curve in curves)]))
    counts = counts[counts >= first]
    if len(counts) > CURVE_COUNTS:
        counts = counts[np.unique(np.linspace(0, len(counts) - 1, CURVE_COUNTS).round().astype(int))]
    rules = [
        RuleStop(
            name=rule.name,
            labels=tuple(
                None if stop is None else int(curve.labels[stop])
                for stop, curve in zip(rule.stops, curves, strict=True)
            ),
            saved=round(rule.saved.mean, 2),
            kept=round(rule.kept.mean, 5),
        )
        for rule in replay.rules
    ]
    return StoppingFacts(
        blocks=len(curves),
        counts=tuple(counts.tolist()),
        score=series_of([curve.at(counts, metric) for curve in curves], np.arange(len(counts))),
        last=float(last),
        rules=tuple(sorted(rules, key=lambda rule: (not rule.fired, -rule.saved, rule.name))),
        excluded=dict(replay.excluded),
    )
