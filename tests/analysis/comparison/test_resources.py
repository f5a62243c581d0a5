"""What recipes take, and which are on the front."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import altune
from altune.analysis.comparison.resources import recipes_on_front, resources_that_differ, spent_by, spent_over
from altune.simulation.curve import LearningCurve
from altune.tuning.confirmation import matched_baseline
from tests.helpers.compared import curve


def test_what_recipes_take_and_who_is_on_the_front() -> None:
    def taking(labels: list[int], seconds: float, price: float) -> LearningCurve:
        own = curve(labels, [0.5] * len(labels))
        spent = np.full(len(labels), seconds)
        return replace(own, fit_seconds=spent, query_seconds=spent, evaluation_seconds=spent, cost=own.labels * price)

    cheap = [taking([10, 20], 1.0, 1.0), taking([10, 20], 1.0, 1.0), taking([10, 20], 50.0, 1.0)]
    dear = [taking([10, 20, 30], 2.0, 1.0)] * 3
    small, large = spent_by({"cheap": cheap, "dear": dear})
    assert (small.fit_seconds, small.seconds, small.labels, small.loops) == (2.0, 4.0, 20.0, 1.0), (
        "a slow run is no mean"
    )
    assert (large.evaluation_seconds, large.cost, large.blocks) == (6.0, 30.0, 3)
    assert resources_that_differ([small, large]) == ("labels", "seconds"), "money says what labels say"
    assert recipes_on_front([0.8, 0.9], [small, large], "maximize", ("labels",)) == ("cheap", "dear")
    assert recipes_on_front([0.9, 0.9], [small, large], "maximize", ("labels",)) == ("cheap",)
    assert recipes_on_front([0.9, 0.8], [small, large], "minimize", ()) == ("dear",)
    (mean, _) = spent_over([[small, large], [large, small]])
    assert (mean.labels, mean.blocks) == (25.0, 6)


@pytest.mark.slow
def test_what_a_recipe_differs_in_from_a_matched_baseline_is_named() -> None:
    sizes = {"budget": 30, "n_trials": 3, "n_blocks": 2, "select_among": 1, "select_blocks": 2, "report_blocks": 3}
    strategies = [{"method": "badge"}, {"method": "entropy"}]
    # without the recommended recipe, which would be selected here
    own = {"query_strategy": strategies, "baselines": {"recommended": {"query_strategy": "random"}}}
    alone = altune.tune("iris", altune.SearchSpace.from_dict(own), ablation=False, **sizes)
    assert {against.differs for against in alone.findings.others.values()} == {("query_strategy",)}
    space = {
        "query_strategy": strategies,
        "initial_sample": {"method": "typiclust", "size": 7},
        "stopping": {"method": "classification_change", "threshold": 0.5},
        "retrain": {"method": "warm_start"},
        "baselines": {
            "plain": {
                "initial_sample": {"method": "random"},
                "stopping": {"method": "budget"},
                "retrain": {"method": "reset"},
            }
        },
    }
    both = altune.tune("iris", altune.SearchSpace.from_dict(space), ablation=False, **sizes)
    recipe, plain = both.best_trial.recipe, both.baselines["plain"].recipe
    matched = matched_baseline(plain, recipe)
    assert (matched.initial_sample.method, matched.initial_sample.size) == ("random", 7), "sizes are matched alone"
    if both.best_recipe == recipe:
        differs = both.findings.against["plain"].differs
        assert set(differs) == {"initial_sample", "retrain", "stopping", "query_strategy"}
