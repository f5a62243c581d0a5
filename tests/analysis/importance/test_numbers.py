"""The number that explains most of a knob, and the shares between recipes that have it in common."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from altune.analysis.importance.knob_importance import KnobImportance, knob_importance
from altune.analysis.importance.numbers import held_values, leading_numbers, value_in
from altune.analysis.importance.observations import Observation
from altune.analysis.importance.shares import KnobShare
from altune.analysis.importance.variance import exact_shares
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from tests.helpers.importance import Params, chances, every

SIZES = (4, 8, 16)
SPACE = SearchSpace.from_dict(
    {
        "initial_sample": [{"method": name, "size": {"choices": list(SIZES)}} for name in ("random", "kmeans")],
        "query_strategy": ["random", "margin", {"method": "density_weighted", "beta": {"choices": [0.5, 2.0]}}],
        "retrain": ["reset", "warm_start"],
    }
)
RECIPE = Recipe.from_dict({"initial_sample": {"method": "kmeans", "size": 8}, "query_strategy": "margin"})


def size(params: Params) -> int:
    return int(params[f"initial_sample.{params['initial_sample']}.size"])


def worth(params: Params) -> float:
    """Mostly the size; the strategy counts more where the first sample is small."""
    strategy = {"random": 0.0, "margin": 1.0, "density_weighted": 0.4}[params["query_strategy"]]
    start = 0.3 * (params["initial_sample"] == "kmeans")
    return -2.0 * SIZES.index(size(params)) + start + strategy * (1.5 - 0.5 * SIZES.index(size(params)))


@pytest.fixture(scope="module")
def found() -> KnobImportance:
    played = [Observation(params, worth(params)) for params in every(SPACE)]
    return knob_importance(played, SPACE, recipe=RECIPE)


def test_shares_with_a_number_held_are_those_of_the_recipes_that_have_it(found: KnobImportance) -> None:
    params, weights = every(SPACE), chances(SPACE)
    values = np.array([worth(recipe) for recipe in params])
    kept = [place for place, recipe in enumerate(params) if size(recipe) == 8]
    exact = exact_shares([params[place] for place in kept], values[kept], weights[kept], list(SPACE.decisions))
    whole = exact_shares(params, values, weights, list(SPACE.decisions))
    held = found.held
    assert held is not None
    assert (held.knob, held.number, held.value) == ("initial_sample", "size", 8)
    shares = {knob.knob: knob.share for knob in held.knobs}
    assert [shares[knob] for knob in SPACE.decisions] == pytest.approx(exact.share.tolist(), abs=0.02)
    assert held.remains == pytest.approx(float(exact.variance / whole.variance), abs=0.01)
    # The sum of the deviations of the size within each method, of all the variance.
    (number,) = found.numbers
    assert number.paths == ("initial_sample.random.size", "initial_sample.kmeans.size")
    assert number.share == pytest.approx(float(whole.main[0]) - 0.3**2 / 4 / float(whole.variance), abs=0.01)


def test_the_sentence_names_the_number_and_says_what_remains(found: KnobImportance) -> None:
    first, rest, number, held, rest_held = found.sentences()[:5]
    percent = round(100 * found.numbers[0].share)
    assert first.startswith("The initial sample explains 9")
    assert number.startswith(f"Most of the share of the initial sample is one number, its size: {percent} % [")
    assert number.endswith("]; the larger it is, the later the first model.")
    assert found.held is not None
    assert held.startswith(
        f"With size 8, as in the recipe, {100 * found.held.remains:.0f} % of the variance remains: "
        f"the query strategy explains {100 * found.held.knobs[0].share:.0f} % ["
    )
    assert held.endswith(" of that.")
    assert rest == "Retraining has no clear effect."
    assert rest_held.endswith("no clear effect.")


def test_the_json_has_the_number_and_the_shares_with_it_held(found: KnobImportance) -> None:
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["numbers"][0]["number"] == "size"
    assert plain["held"]["value"] == 8
    assert plain["held"]["knobs"][0]["knob"] == "query_strategy"


def test_a_number_leads_where_it_explains_most_of_a_knob_that_matters() -> None:
    inside = {path: np.array([0.2, 0.3]) for path in ("initial_sample.random.size", "initial_sample.kmeans.size")}
    inside["query_strategy.density_weighted.beta"] = np.array([0.05, 0.15])
    start = KnobShare("initial_sample", 0.7, 0.6, 0.8, 0.7, 0.7, True)
    strategy = KnobShare("query_strategy", 0.3, 0.2, 0.4, 0.3, 0.3, True)
    (number,) = leading_numbers(SPACE, [start, strategy], inside, 0.95)
    assert (number.knob, number.number, number.share) == ("initial_sample", "size", pytest.approx(0.5))
    assert (number.low, number.high) == (pytest.approx(0.405), pytest.approx(0.595))
    assert leading_numbers(SPACE, [replace(start, matters=False)], inside, 0.95) == ()
    assert leading_numbers(SPACE, [replace(start, share=1.0)], inside, 0.95) == ()


def test_a_number_is_held_at_the_value_of_the_recipe_or_the_nearest_of_the_space(found: KnobImportance) -> None:
    (number,) = found.numbers
    assert value_in(SPACE, RECIPE, number) == 8
    outside = Recipe.from_dict({"initial_sample": {"method": "typiclust", "size": 10}})
    assert value_in(SPACE, outside, number) == 10
    assert held_values(SPACE, number, 10) == dict.fromkeys(number.paths, 8)
    unsized = Recipe.from_dict({"initial_sample": {"method": "random", "size": 5}})
    assert value_in(SPACE, unsized, replace(number, number="depth")) is None


def test_parameters_that_act_together_count_for_their_knob() -> None:
    space = SearchSpace.from_dict(
        {
            "model": {
                "method": "svm_rbf",
                "C": {"choices": [0.3, 1.0, 10.0]},
                "gamma": {"choices": [0.005, 0.03, 0.2]},
            },
            "query_strategy": ["random", "margin"],
            "retrain": ["reset", "warm_start"],
        }
    )

    def crossed(params: Params) -> float:
        return float((params["model.svm_rbf.C"] - 1.0) * (params["model.svm_rbf.gamma"] > 0.1))

    rng = np.random.default_rng(0)
    drawn = rng.choice(len(every(space)), size=24, replace=False)
    played = [Observation(every(space)[place], crossed(every(space)[place])) for place in drawn]
    result = knob_importance(played, space)
    assert result["model"].share > 0.95
    assert result.r2 > 0.8
