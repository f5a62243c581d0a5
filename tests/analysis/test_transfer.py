"""The sentences on what a recipe is worth on data that no trial saw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from altune.analysis.findings import Findings, find
from altune.analysis.transfer import Transfer, home_sentences, transfer_sentences
from altune.recipes.recipe import Recipe
from altune.simulation.objectives import Objective
from altune.tuning.played import Played
from altune.tuning.reported import Reported
from tests.helpers.curves import curve

TUNED = Recipe.from_dict({"version": 1, "initial_sample": {"method": "typiclust"}})
BASELINES = {
    "random_sampling": Recipe.from_dict({"version": 1, "query_strategy": {"method": "random"}}),
    "margin": Recipe.from_dict({"version": 1, "query_strategy": {"method": "margin"}}),
    "recommended": Recipe.from_dict({"version": 1, "query_strategy": {"method": "margin_cover"}}),
}


def findings(gains: dict[str, float], recipe: Recipe = TUNED, budget: int = 20) -> Findings:
    """Return the results of a recipe that gains a little more or less than these differences on each of six blocks."""
    rng = np.random.default_rng(0)
    own = 0.8 + rng.normal(0, 0.01, 6)
    of_recipe = Played(recipe, tuple(curve([budget // 2, budget], [value, value]) for value in own))
    played = {
        name: Played(BASELINES[name], tuple(curve([budget // 2, budget], [value, value]) for value in values))
        for name, values in ((name, own - gain + rng.normal(0, 0.002, 6)) for name, gain in gains.items())
    }
    played |= {name: of_recipe for name in gains if BASELINES[name] == recipe}
    report = Reported(recipe=of_recipe, baselines=played, matched=played, n_train=100, n_test=20)
    return find(report, Objective("aulc", end=float(budget)), budget)


GAINS = {"random_sampling": 0.1, "margin": 0.05, "recommended": 0.02}
HOME = {"home": findings(GAINS)}


def test_a_single_data_set_is_beside_home() -> None:
    transfer = Transfer(HOME, {"away": findings({"random_sampling": 0.06, "margin": -0.05, "recommended": 0.0})})
    scores, gains, beyond = transfer_sentences(transfer)
    assert scores.startswith("On away, which no trial saw, the recipe reaches accuracy 0.8")
    better, worse, unclear = gains.split("; worse than ")[0], gains, gains.rpartition("without a clear difference")[2]
    assert "better than random sampling (+0.03" in better
    assert "; at home, on home, +0.05" in better
    assert "worse than margin (-0.02" in worse
    assert unclear.startswith(" from recommended (")
    assert beyond.startswith("It is not clear that tuning at home is worth anything on away beyond the recommendation")


@pytest.mark.parametrize(
    ("gain", "sentence"),
    [
        (0.05, "Tuning at home was worth more on away than the recommendation that needs no labels (+0.02"),
        (-0.05, "The recommendation that needs no labels is better on away than what was tuned at home (-0.02"),
    ],
)
def test_tuning_is_weighed_against_the_recommendation(gain: float, sentence: str) -> None:
    transfer = Transfer(HOME, {"away": findings(GAINS | {"recommended": gain})})
    assert transfer_sentences(transfer)[-1].startswith(sentence)


def test_a_recipe_that_is_the_recommendation_says_so() -> None:
    sides = [findings(GAINS, BASELINES["recommended"]) for _ in range(2)]
    transfer = Transfer({"home": sides[0]}, {"away": sides[1]})
    assert "recommended" not in transfer.baselines
    assert transfer_sentences(transfer)[-1] == (
        "The recipe is the recommendation that needs no labels, so tuning added nothing to it on away."
    )


def test_without_a_recommendation_no_sentence_names_it() -> None:
    few = {"random_sampling": 0.1, "margin": 0.05}
    transfer = Transfer({"home": findings(few)}, {"away": findings(few)})
    assert not any("recommendation" in sentence for sentence in transfer_sentences(transfer))


def test_several_data_sets_count_alike_and_home_is_named_once() -> None:
    away = {"a": findings(GAINS), "b": findings(GAINS | {"margin": -0.03}, budget=40)}
    first, together, *rest = transfer_sentences(Transfer(HOME, away))
    assert first == (
        "The recipe beats every baseline on 1 of the 2 data sets that no trial saw, a and b. It is worse than a "
        "baseline on b."
    )
    means = [of_data.against["margin"].difference.mean for of_data in away.values()]
    assert f"{np.mean(means):+.3f} [" in together
    assert "by mean accuracy" not in together  # the budgets differ
    assert not any("at home" in sentence for sentence in rest[:4])


def test_a_baseline_that_was_selected_is_named_and_not_compared() -> None:
    margin = findings(GAINS, BASELINES["margin"])
    transfer = Transfer({"home": margin}, {"away": margin})
    scores, gains, _ = transfer_sentences(transfer)
    assert "the recipe, which is margin, reaches" in scores
    assert "margin (" not in gains


def test_with_less_is_better_a_gain_is_below_zero() -> None:
    turned = {
        name: replace(of_data, objective=Objective("labels", end=20.0)) for name, of_data in [("x", HOME["home"])]
    }
    assert ", less is better" in transfer_sentences(Transfer(turned, turned))[1]


def test_home_is_named_where_it_is_one_data_set() -> None:
    assert home_sentences(["It is good."], ["a", "b"]) == ["At home: It is good."]
