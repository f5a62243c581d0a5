"""The result of a comparison in sentences: which recipe is best, by how much, and how clearly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from altune.analysis.answer import gain_words, plain_name
from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.over_data import OverData
from altune.analysis.comparison.win_matrix import WinMatrix
from altune.analysis.paired import Comparison, Pair
from altune.core.text import capitalized, counted, join_words
from altune.numerics.statistics import LEAST_BLOCKS
from altune.simulation.untrained import untrained_sentences


@dataclass(frozen=True)
class Leader:
    """The recipe with the best result, and its differences from the others.

    Attributes
    ----------
    name : name of the recipe.
    ahead : clear differences, the leader minus another recipe, the largest first.
    alike : the other differences, the smallest first.
    """

    name: str
    ahead: tuple[Pair, ...]
    alike: tuple[Pair, ...]


def leader_of(comparison: Comparison, sign: float = 1.0) -> Leader:
    """Return the recipe with the best result, and which of its differences are clear.

    Parameters
    ----------
    comparison : two recipes or more.
    sign : 1 if more of the objective is better, −1 if less is.
    """
    best = max(comparison.recipes, key=lambda name: sign * comparison.recipes[name].mean)
    pairs = [pair if pair.a == best else pair.turned() for pair in comparison.differences if best in (pair.a, pair.b)]
    pairs.sort(key=lambda pair: -sign * pair.difference.mean)
    clear = [pair for pair in pairs if pair.difference.clear]
    return Leader(best, tuple(clear), tuple(pair for pair in reversed(pairs) if not pair.difference.clear))


def sentences_of_one(contest: Contest) -> list[str]:
    """Return the result of a comparison on one data set, the most important sentence first."""
    objective = contest.objective
    leader = leader_of(contest.comparison, objective.sign)
    name = plain_name(leader.name)
    where = f"on {counted(contest.blocks, 'block')} of {contest.data}"
    mean = f"{objective.measure(contest.budget)} {_number(contest.comparison.recipes[leader.name].mean)}"
    if contest.blocks < LEAST_BLOCKS:
        few = f"Below {LEAST_BLOCKS} blocks there is no interval, so no recipe can be called better"
        sentences = [f"{few}; {where}, {name} has the best result ({mean})."]
    elif not leader.ahead:
        sentences = [f"No recipe is clearly worse than the best {where}: {name} has the best result ({mean})."]
    elif leader.alike:
        others = join_words([plain_name(pair.b) for pair in leader.ahead])
        sentences = [f"{capitalized(name)} has the best result {where} ({mean}) and is better than {others}."]
    else:
        others = "every other recipe" if len(leader.ahead) > 1 else plain_name(leader.ahead[0].b)
        sentences = [f"{capitalized(name)} is better than {others} {where}: {mean}."]
    sentences.append(_scores(contest, leader.name))
    if leader.ahead:
        gains = join_words([_gain(pair) for pair in reversed(leader.ahead)])
        sentences.append(f"Clear differences, with intervals for all pairs together: {gains}.")
    if leader.alike:
        gains = join_words([_gain(pair) for pair in leader.alike])
        words = "No clear difference, with intervals for all pairs together"
        sentences.append(f"{words if contest.blocks >= LEAST_BLOCKS else 'Differences'}: {gains}.")
    return [*sentences, *_reached(contest, leader), *_stale(contest), *_untrained(contest)]


def sentences_of_several(contests: Sequence[Contest], over: OverData) -> list[str]:
    """Return the result of a comparison over several data sets, the most important sentence first."""
    ranks = over.ranks
    best, count = ranks.names[0], ranks.data_sets
    name = plain_name(best)
    ranked = f"mean rank, {ranks.ranks[0]:.2f} of {len(ranks.names)}"
    beaten = [plain_name(pair.b) for pair in ranks.pairs if pair.a == best and pair.p_holm <= ranks.level]
    if beaten:
        first = (
            f"{capitalized(name)} has the best {ranked}; over {count} data sets it is better than {join_words(beaten)}."
        )
    else:
        first = f"Over {count} data sets no recipe is clearly worse than the best: {name} has the best {ranked}."
    wins = _wins(over.wins, best)
    sentences = [first, f"By the 95 % interval of each data set it beats {join_words(wins) or 'no other recipe'}."]
    if ranks.least_p > ranks.level:
        sentences.append(
            f"{count} data sets cannot show a difference over data sets: Wilcoxon's test of {len(ranks.pairs)} pairs "
            f"needs {ranks.enough_data_sets} or more."
        )
    led: dict[str, list[str]] = {}
    for contest in contests:
        led.setdefault(leader_of(contest.comparison, contest.objective.sign).name, []).append(contest.data)
    by_recipe = [f"{plain_name(leader)} on {join_words(data)}" for leader, data in led.items()]
    untrained = [f"{contest.data}: {line}" for contest in contests for line in _untrained(contest)]
    return [*sentences, f"Best mean: {'; '.join(by_recipe)}.", *untrained]


def _wins(wins: WinMatrix, best: str) -> list[str]:
    winner = wins.names.index(best)
    parts = []
    for other, name in enumerate(wins.names):
        won, lost = wins.clear[winner][other], wins.clear[other][winner]
        if won or lost:
            parts.append(f"{plain_name(name)} on {won or 'none'}{f' (and loses on {lost})' if lost else ''}")
    return parts


def _scores(contest: Contest, first: str) -> str:
    """Return the mean score of each recipe at the end of its trajectories, that of the best recipe first."""
    metric = contest.objective.metric
    scores = {
        name: sum(float(curve.scores[metric][-1]) for curve in curves) / len(curves)
        for name, curves in contest.curves.items()
    }
    rest = [f"{plain_name(name)} {score:.3f}" for name, score in scores.items() if name != first]
    words = f"{plain_name(first)} reaches {contest.objective.metric_text} {scores[first]:.3f}"
    return f"With {contest.budget} labels {words}; {', '.join(rest)}."


def _reached(contest: Contest, leader: Leader) -> list[str]:
    reach = next(reach for reach in contest.reach if reach.recipe == leader.name)
    if leader.name == contest.yardstick and contest.objective.target is None:
        return []
    metric = contest.objective.metric_text
    goal = (
        f"{reach.target:.3f} {metric}"
        if contest.objective.target is not None
        else f"the {metric} that {plain_name(contest.yardstick)} has at {contest.budget} labels ({reach.target:.3f})"
    )
    if reach.labels is None:
        return [f"{capitalized(plain_name(leader.name))} never reaches {goal} on average."]
    interval = ""
    if reach.low is not None:
        high = reach.high if reach.high is not None else f"more than {reach.budget}"
        interval = f" (95 % interval {reach.low} to {high})"
    return [f"{capitalized(plain_name(leader.name))} reaches {goal} with {reach.reached.words} labels{interval}."]


def _stale(contest: Contest) -> list[str]:
    stale = [f"{plain_name(starts.recipe)} {starts.share:.0%}" for starts in contest.stale if starts.stale]
    if not stale:
        return []
    return [
        f"Stale trajectories, with less than a quarter of their gain by a quarter of the budget: {', '.join(stale)}."
    ]


def _untrained(contest: Contest) -> list[str]:
    return untrained_sentences({plain_name(name): curves for name, curves in contest.curves.items()})


def _gain(pair: Pair) -> str:
    return f"{gain_words(pair.difference)} over {plain_name(pair.b)}"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.3f}"
