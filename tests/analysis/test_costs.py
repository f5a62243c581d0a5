"""What a campaign costs, and whether it is worth labelling at all, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from altune.analysis.costs import RECIPE, cost_sentences, costs_of, label_nothing, money_of, money_sentences
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.scenario import Scenario
from altune.tuning.candidates import Candidate
from altune.tuning.confirmation import Confirmation
from altune.tuning.played import Played
from tests.helpers.curves import curve


def paid(labels: list[int], scores: list[float], scenario: Scenario, more: float = 0.0) -> LearningCurve:
    """Return a curve with a round trip for each point, at the prices of a scenario and something ``more``."""
    counts, trips = np.array(labels), np.arange(1, len(labels) + 1)
    cost = counts * scenario.price_per_label + trips * scenario.price_per_loop + more
    return replace(curve(labels, scores), cost=cost, round_trips=trips, priced=counts)


def confirmation(recipe: list[LearningCurve], random: list[LearningCurve], baseline: str = "") -> Confirmation:
    """Return a confirmation with one baseline; ``baseline`` is the one that was selected, if not a trial."""
    played = {"random_sampling": Played(Recipe(), tuple(random))}
    own = Played(Recipe(), tuple(recipe))
    candidate = Candidate(None if baseline else 0, 0.0, own, baseline=baseline)
    return Confirmation(
        candidates=(candidate,),
        selected=0,
        recipe=own,
        baselines=played,
        matched=played,
        n_train=100,
        n_test=50,
        select_blocks=1,
    )


SCENARIO = Scenario(budget=20, price_per_label=2.0, price_per_loop=5.0, objective="net_value", value=100.0)
FULL = paid([5, 10, 20], [0.5, 0.7, 0.9], SCENARIO)  # 40 + 15
SHORT = paid([5, 10], [0.5, 0.7], SCENARIO)  # 20 + 10


def test_costs_are_labels_and_loops_at_their_prices_with_ranges_where_blocks_differ() -> None:
    costs = costs_of(confirmation([FULL, SHORT], [FULL, FULL]), SCENARIO)
    recipe = costs[RECIPE]
    assert (recipe.total.mean, recipe.total.low, recipe.total.high) == (42.5, 30.0, 55.0)
    assert (str(recipe.labels), str(recipe.loops), str(recipe.other)) == ("10 to 20", "2 to 3", "0")
    assert str(costs["random_sampling"].total) == "55"


def test_the_sentence_on_costs() -> None:
    assert cost_sentences(confirmation([FULL, SHORT], [FULL, FULL]), SCENARIO) == [
        "The campaign costs 42.5 on average (30 to 55) with this recipe: 10 to 20 labels at 2 and 2 to 3 loops at 5, "
        "where the first sample counts as a loop; random sampling costs 55."
    ]
    assert cost_sentences(confirmation([FULL], [FULL]), SCENARIO) == [
        "The campaign costs 55 with this recipe: 20 labels at 2 and 3 loops at 5, where the first sample counts as a "
        "loop; as much as random sampling."
    ]


def test_a_selected_baseline_is_not_compared_with_itself() -> None:
    [line] = cost_sentences(confirmation([FULL], [FULL], "random_sampling"), SCENARIO)
    assert line.endswith("where the first sample counts as a loop.")


def test_other_prices_are_named_and_without_prices_nothing_is_said() -> None:
    surcharged = paid([5, 10, 20], [0.5, 0.7, 0.9], SCENARIO, more=7.0)
    [line] = cost_sentences(confirmation([surcharged], [FULL]), SCENARIO)
    assert "costs 62 with this recipe: 20 labels at 2, 3 loops at 5 and 7 for other prices, where" in line
    free = Scenario(budget=20)
    assert cost_sentences(confirmation([FULL], [FULL]), free) == []
    assert money_of(confirmation([FULL], [FULL]), free) == {"cost": None, "label_nothing": None}


def test_labelling_nothing_is_worth_the_score_of_the_prior_predictor() -> None:
    prior = float(FULL.prior["accuracy"])
    worth = label_nothing(confirmation([FULL], [SHORT]), SCENARIO)
    assert worth is not None
    assert worth.value == pytest.approx(100 * prior)
    assert worth.worth == {RECIPE: pytest.approx(90 - 55), "random_sampling": pytest.approx(70 - 30)}
    assert not worth.advised
    assert label_nothing(confirmation([FULL], [SHORT]), Scenario(budget=20, price_per_label=2.0)) is None


def test_label_nothing_is_the_first_sentence_where_every_recipe_is_worth_less() -> None:
    recipe, random = (replace(known, prior={"accuracy": 0.6}) for known in (FULL, SHORT))
    confirmed = {"iris": confirmation([recipe], [random])}
    advice, costs = money_sentences(confirmed, {"iris": SCENARIO})
    assert advice == [
        "At these prices, label nothing: always predicting the most frequent class has accuracy 0.600 and is worth 60 "
        "without a label, while the recipe is worth 35 after its costs, random sampling 40."
    ]
    assert len(costs) == 1
    assert money_of(confirmed["iris"], SCENARIO)["label_nothing"]["advised"] is True
    # a recipe that is worth more than nothing, if only a baseline, ends the advice
    better = replace(random, prior={"accuracy": 0.39}), replace(recipe, prior={"accuracy": 0.39})
    assert money_sentences({"iris": confirmation([better[1]], [better[0]])}, {"iris": SCENARIO})[0] == []
