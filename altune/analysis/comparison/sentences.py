"""What a comparison says in sentences: which recipe is best, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.over_data import OverData
from altune.analysis.findings import PLAIN_NAMES
from altune.analysis.paired import Comparison, Pair
from altune.core.text import join_words
from altune.simulation.objectives import Objective

LEVEL = 0.05


@dataclass(frozen=True)
class Leader:
    """The recipe with the best mean, and how it stands against each other one.

    Attributes
    ----------
    name : of the recipe.
    ahead : differences that are sure, the leader first, the largest first.
    alike : the others, the smallest first.
    """

    name: str
    ahead: tuple[Pair, ...]
    alike: tuple[Pair, ...]


def leader_of(comparison: Comparison, sign: float = 1.0) -> Leader:
    """Return the recipe with the best mean; a difference is sure that is left at 0.05 after Holm's correction.

    Parameters
    ----------
    comparison : two recipes or more.
    sign : 1 where more of the objective is better, −1 where less is.
    """
    best = max(comparison.recipes, key=lambda name: sign * comparison.recipes[name].mean)
    own = [pair if pair.a == best else turned(pair) for pair in comparison.differences if best in (pair.a, pair.b)]
    own.sort(key=lambda pair: -sign * pair.difference.mean)
    sure = [pair for pair in own if pair.p_holm <= LEVEL]
    return Leader(best, tuple(sure), tuple(pair for pair in reversed(own) if pair.p_holm > LEVEL))


def turned(pair: Pair) -> Pair:
    """Return the same pair the other way round."""
    one = pair.difference
    blocks = type(one)(-one.mean, -one.high, -one.low, one.p, one.blocks, 1 - one.better)
    return Pair(pair.b, pair.a, blocks, pair.p_holm)


def sentences_of_one(contest: Contest) -> list[str]:
    """Return what a comparison on one data set says, the most important first."""
    objective = contest.objective
    leader = leader_of(contest.comparison, objective.sign)
    name = plain_name(leader.name)
    where = f"on {contest.blocks} splits of {contest.data}"
    mean = f"{measure_of(objective, contest.budget)} {_number(contest.comparison.recipes[leader.name].mean)}"
    said = []
    if not leader.ahead:
        said.append(f"No recipe is told apart from the best {where}: {name} has the best mean ({mean}).")
    elif leader.alike:
        others = join_words([plain_name(pair.b) for pair in leader.ahead])
        said.append(f"{_upper(name)} has the best mean {where} ({mean}) and is better than {others}.")
    else:
        every = "every other recipe" if len(leader.ahead) > 1 else plain_name(leader.ahead[0].b)
        said.append(f"{_upper(name)} is better than {every} {where}: {mean}.")
    if leader.ahead:
        said.append(f"It is better than {join_words([_gain(pair) for pair in reversed(leader.ahead)])}.")
    if leader.alike:
        said.append(
            f"Not told apart from it, all pairs considered: {join_words([_gain(pair) for pair in leader.alike])}."
        )
    return [*said, *_reached(contest, leader), *_stale(contest)]


def sentences_of_several(contests: Sequence[Contest], over: OverData) -> list[str]:
    """Return what a comparison over several data sets says, the most important first."""
    ranks = over.ranks
    best, count = ranks.names[0], ranks.data_sets
    sure = [pair for pair in ranks.pairs if pair.a == best and pair.p_holm <= ranks.level]
    ranked = f"mean rank, {ranks.ranks[0]:.2f} of {len(ranks.names)}"
    place = over.wins.names.index(best)
    clear = []
    for other, name in enumerate(over.wins.names):
        won, lost = over.wins.clear[place][other], over.wins.clear[other][place]
        if won or lost:
            clear.append(f"{plain_name(name)} on {won or 'none'}{f' (and loses on {lost})' if lost else ''}")
    if sure:
        others = join_words([plain_name(pair.b) for pair in sure])
        first = f"{_upper(plain_name(best))} has the best {ranked}; over {count} data sets it is better than {others}."
    else:
        first = (
            f"Over {count} data sets no recipe is told apart from the best: {plain_name(best)} has the best {ranked}."
        )
    beaten = "no 95 % interval says that it beats any"
    if clear:
        beaten = f"its 95 % intervals say that it beats {join_words(clear)}"
    said = [first, f"Data set by data set {beaten}."]
    if ranks.least_p > ranks.level:
        said.append(
            f"With {count} data sets no difference over data sets could be shown: Wilcoxon's test of "
            f"{len(ranks.pairs)} pairs needs {ranks.enough_data_sets} data sets or more."
        )
    led: dict[str, list[str]] = {}
    for one in contests:
        led.setdefault(leader_of(one.comparison, one.objective.sign).name, []).append(one.data)
    by_recipe = [f"{plain_name(name)} on {join_words(data)}" for name, data in led.items()]
    return [*said, f"Best mean: {'; '.join(by_recipe)}."]


def plain_name(recipe: str) -> str:
    """Return a recipe's name as a sentence says it.

    >>> plain_name("typiclust_margin")
    'typiclust margin'
    """
    return PLAIN_NAMES.get(recipe, recipe.replace("_", " "))


def measure_of(objective: Objective, budget: int) -> str:
    """Return what values are values of."""
    return objective.kind.measure.format(metric=objective.metric, budget=budget)


def _reached(contest: Contest, leader: Leader) -> list[str]:
    own = next(one for one in contest.reach if one.recipe == leader.name)
    if leader.name == contest.yardstick and contest.objective.target is None:
        return []
    goal = (
        f"{own.target:.3f} {contest.objective.metric}"
        if contest.objective.target is not None
        else f"the {contest.objective.metric} that {plain_name(contest.yardstick)} has at {contest.budget} labels "
        f"({own.target:.3f})"
    )
    if own.labels is None:
        return [f"{_upper(plain_name(leader.name))} never reaches {goal} on average."]
    spread = ""
    if own.low is not None:
        spread = f" (95 % interval {own.low} to {own.high if own.high is not None else f'more than {own.budget}'})"
    return [f"{_upper(plain_name(leader.name))} reaches {goal} with {own.labels} labels{spread}."]


def _stale(contest: Contest) -> list[str]:
    stale = [f"{plain_name(one.recipe)} {one.share:.0%}" for one in contest.stale if one.stale]
    if not stale:
        return []
    return [f"Stale runs, with less than a quarter of their gain by a quarter of the budget: {', '.join(stale)}."]


def _gain(pair: Pair) -> str:
    one = pair.difference
    return f"{plain_name(pair.b)} by {_signed(one.mean)} [{_signed(one.low)}, {_signed(one.high)}]"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.0f}" if abs(value) >= 10 else f"{value:+.3f}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
