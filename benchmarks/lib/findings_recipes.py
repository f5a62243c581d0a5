"""The recipes that the findings are measured with, and how they are played: two parts, each with its data sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import altune
from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.types import RowNumbers, TrainingSet
from altune.core.uncertainty import entropy
from altune.data.blocks import make_blocks
from altune.knobs.query_strategy.base import QueryStrategy, ScoreStrategy
from altune.simulation.prepared import PreparedBlock, prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.trajectory import play

FIRST = 20


@dataclass(frozen=True)
class Part:
    """Where a group of findings is measured.

    Attributes
    ----------
    data : data sets played unless others are named.
    budget, loop : labels and rows of a loop; ``special`` has (budget, loop) of data sets that need others.
    early : label count where the early part of the curve ends, from the budget.
    """

    data: tuple[str, ...]
    budget: int
    loop: int
    special: dict[str, tuple[int, int]]
    early: Callable[[int], float]

    def size(self, name: str) -> tuple[int, int]:
        """Return budget and loop size on a data set."""
        return self.special.get(name, (self.budget, self.loop))


PARTS = {
    "main": Part(
        ("digits", "breast_cancer", "wine", "phishing", "image_segments"),
        budget=120,
        loop=5,
        special={"wine": (60, 5)},
        early=lambda budget: FIRST + 0.4 * (budget - FIRST),
    ),
    "late": Part(
        ("digits", "image_segments", "mnist_5k"),
        budget=600,
        loop=20,
        special={"mnist_5k": (1000, 40)},
        early=lambda budget: 100,
    ),
}


class PeekingOracle(QueryStrategy):
    """Greedy with open eyes: of 12 random batches and margin's own, the one after which the test score is best.

    It sees true labels and test rows, so it is a yardstick and not a strategy of altune.
    """

    source: ClassVar[str] = "Huang et al., ALPBench / Lu & Lin, re-benchmark: the beam search oracle, made greedy"
    method: Literal["peeking_oracle"] = "peeking_oracle"
    prepared: ClassVar[PreparedBlock | None] = None

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the batch that would help most."""
        prepared = type(self).prepared
        learner = pool.learner
        if prepared is None or learner is None:
            raise RuntimeError("the oracle was not shown the prepared")
        margin = altune.Recipe().query_strategy.select(pool, size, rng)
        batches = [margin, *(rng.choice(pool.candidates, size=len(margin), replace=False) for _ in range(12))]

        def score(batch: RowNumbers) -> float:
            rows = np.sort(np.concatenate([pool.labelled, batch]))
            model = learner.fit(TrainingSet(prepared.X_pool[rows], prepared.y_pool[rows], prepared.n_classes), 0)
            return float(np.mean(model.predict(prepared.X_test) == prepared.y_test))

        return batches[int(np.argmax([score(batch) for batch in batches]))]


class PartialEntropy(ScoreStrategy):
    """Entropy without its tail: of the likeliest classes alone, or of probabilities raised to a power.

    It asks why entropy starts badly, in a model that is left as it is; it is no strategy to be used.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "after Joshi, Porikli, Papanikolopoulos, Multi-Class Active Learning, CVPR 2009"
    method: Literal["partial_entropy"] = "partial_entropy"
    likeliest: int | None = None
    power: float = 1.0

    def scores(self, pool: Pool, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the entropy of what is kept for each candidate."""
        return partial_entropy(pool.known().probabilities, self.likeliest, self.power)


def partial_entropy(probabilities: NDArray[np.float64], likeliest: int | None, power: float) -> NDArray[np.float64]:
    """Return the entropy of each row's largest entries (None: of all), raised to a power and renormalised."""
    ranked = np.sort(probabilities, axis=1)
    kept = ranked if likeliest is None else ranked[:, -likeliest:]
    sharpened = (kept / kept[:, -1:]) ** power
    return entropy(sharpened / sharpened.sum(axis=1, keepdims=True))


Recipes = dict[str, tuple[dict[str, Any], dict[str, Any]]]
"""What is played: (recipe, changes of the scenario) by name."""


def late_recipes(loop: int, model: dict[str, Any] | None) -> Recipes:
    """Return the strategies whose whole curves are compared, and entropies that lack a part of the tail."""
    strategies: dict[str, Any] = {
        name: {"method": name} for name in ("random", "margin", "least_confidence", "entropy")
    } | {
        "entropy_of_2": PartialEntropy(likeliest=2),
        "entropy_sharpened": PartialEntropy(power=16.0),
    }
    environment = {
        "initial_sample": {"method": "random", "size": FIRST},
        "loop_size": {"method": "constant", "size": loop},
    } | ({} if model is None else {"model": model})
    return {name: ({**environment, "query_strategy": one}, {"loops": "unlimited"}) for name, one in strategies.items()}


def main_recipes(loop: int) -> Recipes:
    """Return a recipe for each side of each of the main findings."""
    first = {"initial_sample": {"method": "random", "size": FIRST}, "loop_size": {"method": "constant", "size": loop}}
    unlimited = {"loops": "unlimited"}
    rbf = {"method": "svm_rbf"}

    def margin(**changes: Any) -> dict[str, Any]:
        return {**first, "query_strategy": {"method": "margin"}, **changes}

    def strategy(name: str) -> dict[str, Any]:
        return {**first, "query_strategy": {"method": name}}

    asked_by = {"method": "margin", "query_model": {"method": "logistic_regression"}}
    return {
        **{name: (strategy(name), unlimited) for name in ("random", "margin", "least_confidence", "entropy")},
        "typiclust": (strategy("typiclust"), unlimited),
        "smart_start": (margin(initial_sample={"method": "kmeans", "size": FIRST}), unlimited),
        "large_loops": (margin(loop_size={"method": "constant", "size": 20}), unlimited),
        "warm": (margin(retrain={"method": "warm_start"}), unlimited),
        "noise_10": (margin(), {**unlimited, "annotators": [{"error": 0.1}]}),
        "noise_20": (margin(), {**unlimited, "annotators": [{"error": 0.2}]}),
        "oracle": ({**first, "query_strategy": PeekingOracle()}, unlimited),
        "rbf": (margin(model=rbf), unlimited),
        "rbf_asked_by_linear": (margin(model=rbf, query_strategy=asked_by), unlimited),
    }


def play_block(part: str, name: str, number: int, model: dict[str, Any] | None) -> dict[str, Any]:
    """Play every recipe of a part on one block of one data set."""
    with threadpool_limits(limits=1):
        data = altune.load_dataset(name)
        block = make_blocks(data, "search", number + 1, 0)[number]
        prepared = prepare_block(data, block, 0)
        PeekingOracle.prepared = prepared
        budget, loop = PARTS[part].size(name)
        budget = min(budget, len(block.pool))
        curves = {}
        for recipe, (parts, changes) in (late_recipes(loop, model) if part == "late" else main_recipes(loop)).items():
            scenario = Scenario.from_dict({"budget": budget, **changes}).resolve(data, len(block.pool))
            curves[recipe] = play(altune.Recipe(**parts), prepared, scenario)
    sizes = (len(block.pool), len(block.test))
    return {"curves": curves, "sizes": sizes, "budget": budget, "early": PARTS[part].early(budget)}
