"""The recipe that altune recommends where there is no label yet.

It starts with TypiClust, selects by the margin and by how much of the pool a row covers, and lets its loops grow. It
depends on the number of classes and on what can work, so it has no file: it is made for each environment. What is known
of it is in :mod:`altune.recipes.evidence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from altune.core.needs import Capabilities
from altune.core.registry import parse_method
from altune.recipes.recipe import RECOMMENDED, Recipe
from altune.recipes.requirements import method_problems

LEAST_START = 5
"""Smallest number of rows of the first sample; it has a row for each class if there are more classes."""
GROWTH = 1.2
"""Factor by which each loop is larger than the one before."""


def recommended_recipe(base: Recipe, n_classes: int, capabilities: Sequence[Capabilities] = ()) -> Recipe:
    """Return the recommended recipe on top of a base recipe, which gives the model and the knobs that it leaves open.

    Parameters
    ----------
    base : recipe of the model and of the knobs other than initial sample, loop size and query strategy.
    n_classes : number of classes of the task, 2 or more.
    capabilities : what the environment of each data set offers. What cannot work there gives way to what can, see
        :func:`recommended_for`.

    Examples
    --------
    >>> recipe = recommended_recipe(Recipe(), n_classes=10)
    >>> recipe.initial_sample.size, recipe.query_strategy.method, recipe.loop_size.growth
    (10, 'margin_cover', 1.2)
    """
    return _recommended(base, n_classes, capabilities)[0]


def recommended_for(base: Recipe, capabilities: Sequence[Capabilities]) -> tuple[Recipe, list[str]]:
    """Return the recommended recipe for the environments of one or more data sets, and what gave way to what.

    Data sets with different numbers of classes share a recipe, which has rows for the largest number.

    Parameters
    ----------
    base : as for :func:`recommended_recipe`.
    capabilities : what the environment of each data set offers, one or more.

    Returns
    -------
    The recipe, and one line for each knob whose usual method cannot work.
    """
    return _recommended(base, max(offered.n_classes for offered in capabilities), capabilities)


def _recommended(base: Recipe, n_classes: int, capabilities: Sequence[Capabilities]) -> tuple[Recipe, list[str]]:
    start = max(LEAST_START, n_classes)
    in_order: dict[str, list[dict[str, Any]]] = {
        "initial_sample": [{"method": "typiclust", "size": start}, {"method": "random", "size": start}],
        "loop_size": [{"method": "geometric", "growth": GROWTH}],
        "query_strategy": [{"method": "margin_cover"}, {"method": "margin"}, {"method": "random"}],
    }
    chosen, lines = {}, []
    for knob, alternatives in in_order.items():
        refused = [problem for plain in alternatives if (problem := _problem(knob, plain, base, capabilities))]
        # Without an alternative that works the first one is kept; the check of the baselines then says why.
        place = len(refused) if len(refused) < len(alternatives) else 0
        chosen[knob] = alternatives[place]
        if place:
            methods = [plain["method"] for plain in alternatives]
            lines.append(f"the recommended recipe has {methods[place]} in place of {methods[0]}: {refused[0]}")
    return base.replace(name=RECOMMENDED, **chosen), lines


def _problem(knob: str, plain: dict[str, Any], base: Recipe, capabilities: Sequence[Capabilities]) -> str:
    """Return why a method cannot work in one of the environments, empty if it can; asked in order until one can."""
    method = parse_method(knob, plain)
    problems = [line for offered in capabilities for line in method_problems(method, base.model, offered)]
    return problems[0] if problems else ""
