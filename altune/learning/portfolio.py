"""Build a portfolio: play candidates on many data sets, and keep what each of them lost beside the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from altune.core.errors import RequestError
from altune.core.registry import Method
from altune.core.types import Array
from altune.core.version import __version__
from altune.learning.comparisons import RecipeFor, chosen_cells, compare_recipes
from altune.learning.episodes import EpisodeCell, Episodes, Say
from altune.recipes.portfolio import Portfolio, Situation
from altune.recipes.recipe import BASELINES, RECOMMENDED, Recipe
from altune.recipes.recommended import recommended_recipe
from altune.recipes.requirements import method_problems
from altune.recipes.space import SearchSpace
from altune.simulation.execution.counting import Counter
from altune.simulation.execution.player import Player
from altune.tuning.samplers.designs import SobolPoints

KNOBS = ("initial_sample", "loop_size", "query_strategy", "training")
"""Knobs that an entry of the portfolio sets; the others are left to the space that is searched."""
LEAST_SCALE = 0.01
"""Losses are measured in units of how far the median candidate is behind the best one, at least this much: where all
candidates do alike, the choice of the recipe should count for little."""
LARGEST_LOSS = 2.0
"""Larger losses, and failures, count as this much."""

SWITCH: dict[str, Any] = {
    "initial_sample": {"method": "typiclust", "share": 0.05},
    "loop_size": {"method": "constant"},
    "query_strategy": {
        "method": "switch",
        "first": {"method": "typiclust"},
        "then": {"method": "margin"},
        "at": 0.2,
    },
}
"""TypiClust until a fifth of the budget is spent, then margin: the best switch of those that were studied."""


def _schedule(scale: float, exponent: float) -> dict[str, Any]:
    return {"training": {"method": "power", "hyperparameter": "C", "scale": scale, "exponent": exponent}}


def _growth(growth: float) -> dict[str, Any]:
    return {"loop_size": {"method": "geometric", "growth": growth}}


def _cover(cover: float, batch_cover: float) -> dict[str, Any]:
    return {"query_strategy": {"method": "margin_cover", "cover": cover, "batch_cover": batch_cover}}


CHANGES: dict[str, dict[str, Any]] = {
    "C x 3": _schedule(3.0, 0.0),
    "C x 10": _schedule(10.0, 0.0),
    "C by labels": _schedule(1.0, 1.0),
    "C x 3 by labels": _schedule(3.0, 1.0),
    "C x 0.5": _schedule(0.5, 0.0),
    "loops x 1.1": _growth(1.1),
    "loops x 1.4": _growth(1.4),
    "equal loops": {"loop_size": {"method": "constant"}},
    "more cover": _cover(1.7, 0.5),
    "less cover": _cover(0.5, 0.3),
    "no batch cover": _cover(1.0, 0.0),
    "kmeans start": {"initial_sample": {"method": "kmeans", "share": 0.05}},
    "C x 3, kmeans start": {**_schedule(3.0, 0.0), "initial_sample": {"method": "kmeans", "share": 0.05}},
    "C x 3, loops x 1.1, more cover": {**_schedule(3.0, 0.0), **_growth(1.1), **_cover(1.7, 0.5)},
    "C by labels, loops x 1.1": {**_schedule(1.0, 1.0), **_growth(1.1)},
}
"""Changes of the recommended recipe, in one knob or a few, by id."""

Entry = Mapping[str, Method]


def candidates(space: SearchSpace, n_drawn: int, seed: int) -> dict[str, Entry]:
    """Return the candidates for a portfolio, by id: recipes known to be good, and points that fill a space evenly.

    Parameters
    ----------
    space : space that the points fill.
    n_drawn : number of points, 0 or more.
    seed : seed that scrambles the points.

    Raises
    ------
    RequestError
        If ``n_drawn`` is negative.
    """
    if n_drawn < 0:
        raise RequestError(f"the number of drawn recipes must be 0 or more, not {n_drawn}")
    recommended = recommended_recipe(Recipe(), n_classes=2)
    known: dict[str, Any] = {
        RECOMMENDED: recommended,
        **{name: recommended.replace(**knobs) for name, knobs in CHANGES.items()},
        "margin": Recipe.from_dict(BASELINES["margin"]),
        "vanilla": Recipe.from_dict(BASELINES["vanilla"]),
        "switch": Recipe.from_dict(SWITCH),
    }
    points = SobolPoints(space, seed, lambda params: True)
    drawn = {f"s{number + 1:02d}": space.recipe_at(points.at(number)) for number in range(n_drawn)}
    return {name: {knob: getattr(recipe, knob) for knob in KNOBS} for name, recipe in {**known, **drawn}.items()}


def build_portfolio(
    episodes: Episodes,
    entries: Mapping[str, Entry],
    player: Player,
    counter: Counter,
    *,
    noisy_every: int = 3,
    made: Mapping[str, Any] | None = None,
    say: Say = lambda line: None,
) -> Portfolio:
    """Play entries on all cells and return the portfolio.

    Parameters
    ----------
    episodes : data sets, models, budgets, rates of label errors and blocks.
    entries : methods by knob of each candidate, by id.
    player : plays them, with a cache of finished trajectories from which an interrupted command resumes.
    counter : counts the trajectories.
    noisy_every : label errors are played on the first of each group of this many data sets.
    made : how it was made, in words by name, beside what is played on.
    say : receives a line for each candidate that failed.
    """
    cells = chosen_cells(episodes, noisy_every)
    recipes = {name: _maker(name, entry) for name, entry in entries.items()}
    compared = compare_recipes(recipes, episodes, cells, player, counter, stage="portfolio", say=say)
    situations = [Situation(cell.data, cell.family, cell.model.method, cell.budget, cell.noise) for cell in cells]
    losses = np.column_stack([losses_of(on_cell.values) for on_cell in compared])
    described = {"altune": __version__, **(made or {}), "noisy_every": noisy_every, **played_on(episodes)}
    return Portfolio(entries, situations, losses, described)


def losses_of(values: Array) -> Array:
    """Return what each recipe lost beside the best one, in units of what the median recipe lost; ``(n_recipes,)``.

    Parameters
    ----------
    values : value of each recipe on each block, ``(n_recipes, n_blocks)``, NaN where it failed.

    Examples
    --------
    >>> losses_of(np.array([[0.9, 0.9], [0.8, 0.8], [0.86, 0.86], [np.nan, 0.9]])).round(2).tolist()
    [0.0, 1.43, 0.57, 2.0]
    """
    means = values.mean(axis=1)
    works = ~np.isnan(means)
    if not works.any():
        return np.full(len(values), LARGEST_LOSS)
    behind = means[works].max() - means
    # A recipe that fails is behind all others, so it counts as the last one for the median.
    median = float(np.median(np.where(works, behind, behind[works].max())))
    scaled = np.minimum(behind / max(median, LEAST_SCALE), LARGEST_LOSS)
    return np.where(works, scaled, LARGEST_LOSS)


def recommended_on(cell: EpisodeCell) -> Recipe:
    """Return the recommended recipe for a cell; its first sample depends on the number of classes."""
    return recommended_recipe(Recipe(model=cell.model), cell.n_classes, [cell.environment.capabilities])


def _maker(name: str, entry: Entry) -> RecipeFor:
    recipe = Recipe.from_dict(dict(entry))
    usual = recipe.replace(training=Recipe().training)

    def make(cell: EpisodeCell) -> Recipe:
        # A schedule of a hyperparameter that the model lacks is left out by the spaces that are searched as well.
        refused = method_problems(recipe.training, cell.model, cell.environment.capabilities)
        return usual if refused else recipe

    return recommended_on if name == RECOMMENDED else make


def played_on(episodes: Episodes) -> dict[str, Any]:
    """Return what is played on, without the fingerprints of the data, which would fill a page."""
    described = episodes.describe()
    described["data"] = len(described.pop("data"))
    described["families"] = len(described["families"])
    described["models"] = [model["method"] for model in described["models"]]
    return described


def summary_rows(portfolio: Portfolio, count: int, without: Sequence[str] = ()) -> list[dict[str, str]]:
    """Return the first entries of a portfolio as rows of a table: id, recipe, its mean loss and that of the list."""
    ids = list(portfolio.recipes)
    best = np.full(portfolio.losses.shape[1], np.inf)
    rows = []
    for number, name in enumerate(portfolio.order(without)[:count], start=1):
        losses = portfolio.losses[ids.index(name)]
        best = np.minimum(best, losses)
        recipe = Recipe.from_dict(dict(portfolio.recipes[name]))
        rows.append(
            {
                "place": str(number),
                "id": name,
                "alone": f"{losses.mean():.3f}",
                "so far": f"{best.mean():.3f}",
                "recipe": recipe.describe().removeprefix("With logistic_regression, "),
            }
        )
    return rows
