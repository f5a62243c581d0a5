"""Curves, trials and a page such as a real run gives, for the tests of the report."""

from __future__ import annotations

import numpy as np

from altune.analysis.label_counts import labels_saved
from altune.analysis.paired import compare_recipes
from altune.report import (
    CodeBlock,
    DifferenceRow,
    FactsBlock,
    FigureBlock,
    PageContent,
    TableBlock,
    TrialPoint,
    plot_differences,
    plot_learning_curves,
    plot_search_history,
)
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Objective

Curves = dict[str, list[LearningCurve]]
BUDGET = 200
BLOCKS = 20
EVIL = "<script>alert(1)</script>"
RECIPE = """version: 1
initial_sample: {method: typiclust, size: 20}
query_strategy:
  method: switch
  first: {method: typiclust}
  then: {method: margin}
  at: 60
loop_size: {method: geometric, start: 5, growth: 1.5}
"""


def simulated(rate: float, top: float, start: int, loop: int, seed: int) -> LearningCurve:
    """Return a curve of the shape that ten-class data give: a power law with noise."""
    rng = np.random.default_rng(seed)
    easy = np.random.default_rng(1000 + seed).normal(scale=0.008)  # what a block does to all recipes alike
    labels = np.arange(start, BUDGET + 1, loop)
    scores = top + easy - 0.9 * (labels / 4.0) ** -rate + rng.normal(scale=0.006, size=len(labels))
    zeros = np.zeros(len(labels))
    return LearningCurve(
        labels=labels,
        used=labels,
        cost=labels.astype(float),
        scores={"accuracy": scores},
        prior={"accuracy": 0.1},
        loop_rows=np.diff(labels, prepend=0),
        fit_seconds=zeros,
        query_seconds=zeros,
        evaluation_seconds=zeros,
        notes=({},) * len(labels),
        rows=np.arange(labels[-1]),
        stopped="budget",
    )


def played(rate: float, top: float, start: int = 10, loop: int = 10, first: int = 0) -> list[LearningCurve]:
    return [simulated(rate, top, start, loop, first + seed) for seed in range(BLOCKS)]


def example_curves() -> Curves:
    return {
        "confirmed recipe": played(0.95, 0.965, start=20, loop=9),
        "random_sampling": played(0.72, 0.955, first=100),
        "vanilla": played(0.76, 0.96, first=200),
    }


def example_matched() -> Curves:
    return {"random_sampling": played(0.84, 0.957, start=20, loop=9, first=300)}


def example_trials() -> list[TrialPoint]:
    rng = np.random.default_rng(0)
    values = 0.86 - 0.05 * rng.beta(1.2, 3 + 0.05 * np.arange(60))
    odd = {7: "forbidden", 19: "forbidden", 33: "failed"}
    return [
        TrialPoint(n, None if n in odd else float(v), odd.get(n, "complete"), "margin") for n, v in enumerate(values)
    ]


def difference_rows(curves: Curves, matched: Curves) -> list[DifferenceRow]:
    both = {**curves, **{f"{name}, matched": runs for name, runs in matched.items()}}
    comparison = compare_recipes(both, Objective(end=BUDGET), 0.36)
    pairs = [pair for pair in comparison.differences if pair.a == "confirmed recipe"]
    return [
        DifferenceRow(
            pair.b.removesuffix(", matched"),
            pair.difference.mean,
            *pair.difference.together,
            matched=pair.b.endswith("matched"),
            p=pair.difference.p_holm,
        )
        for pair in pairs
    ]


def content(
    curves: Curves,
    matched: Curves,
    trials: list[TrialPoint],
    title: str = "digits, standard space",
) -> PageContent:
    saved = labels_saved(curves["confirmed recipe"], curves["random_sampling"], "accuracy", BUDGET)
    rows = difference_rows(curves, matched)
    objective = "area under the accuracy curve"
    return PageContent(
        title=title,
        verdict="better",
        answer=[
            f"The confirmed recipe reaches the accuracy of random sampling at {BUDGET} labels with "
            f"{saved.recipe_labels} labels ({saved.low} to {saved.high}).",
            f"Over the whole budget its accuracy is {100 * rows[0].mean:.1f} points higher than that "
            "of random sampling, on rows that nothing was ever scored on before.",
        ],
        highlights=[
            (
                f"{saved.recipe_labels} / {BUDGET}",
                "labels for the accuracy of random sampling at the whole budget",
            ),
            (
                f"{100 * rows[0].mean:+.1f}",
                "points of accuracy over random sampling, averaged over the budget",
            ),
            (
                f"{100 * rows[2].mean:+.1f}",
                "of these from the selection of rows (matched start and loop sizes)",
            ),
        ],
        advice=["5 search blocks are few: the search may have missed a better recipe. Try --blocks 10."],
        parts=[
            FigureBlock(
                "Is it better?",
                f"Accuracy on held-back rows as labels are bought. At {BUDGET} labels random sampling has "
                f"{saved.target:.3f}; the recipe has it with {saved.recipe_labels}.",
                plot_learning_curves(curves, "accuracy", BUDGET, matched=matched, saved=saved),
            ),
            FigureBlock(
                "Is it better?",
                "An interval that does not cross the line at zero is a clear difference. Matched baselines "
                "use the recipe's own start and loop sizes: the rest is what the selection of rows is worth.",
                plot_differences(rows, value=objective, blocks=BLOCKS),
            ),
            FigureBlock(
                "How was it found?",
                "Each ring is one recipe, played on the search blocks. These values are biased upwards for "
                "the best and are never the result; the confirmation above is.",
                plot_search_history(trials, {"random_sampling": 0.815, "vanilla": 0.825}, value=objective),
            ),
            TableBlock(
                "How was it found?",
                ["recipe", "query strategy", "initial sample", "mean area", "95 % interval"],
                [
                    ["trial 41 (selected)", "switch", "typiclust, 20", "0.848", "0.842 to 0.854"],
                    ["trial 57", "margin", "typiclust, 24", "0.846", "0.840 to 0.852"],
                    ["random_sampling", "random", "random, 10", "0.812", "0.805 to 0.819"],
                ],
                "Mean area under the accuracy curve on the 10 fresh blocks that select among the best.",
                "Confirmed recipes",
            ),
            FactsBlock(
                "How was it measured?",
                [
                    ("Data", "digits: 1797 rows, 64 features, 10 classes"),
                    ("Budget", "200 labels, at most 20 queries after the first sample"),
                    (
                        "Objective",
                        "aulc: area under the accuracy curve over [0, 200]; each score holds until the next model",
                    ),
                    ("Test", "Nadeau–Bengio corrected t, adjusted by Holm"),
                ],
            ),
            CodeBlock("How to use it", "The recipe:", RECIPE, "the recipe"),
            CodeBlock("How to use it", "Play it again on other data:", "altune simulate wine --recipe recipe.yaml"),
        ],
    )
