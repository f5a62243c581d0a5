"""Train the table of ``learned_ranker`` on simulations of many data sets.

One shot of an evolution strategy: random steps from the weights of the rule ``margin_cover`` are played beside the rule
on the same blocks (common random numbers), and a linear response of the area under the learning curve to the step is
fitted. All plays are kept, so the table without a family of data sets is fitted by leaving its rows out. Each such
table is then played on fresh blocks of the family that it has not seen, beside the rule and beside ``margin``; that is
the evidence. See Mania, Guy and Recht, Simple Random Search of Static Linear Policies, NeurIPS 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from altune.core.arguments import plain_fields
from altune.core.errors import WorkError
from altune.core.types import Array
from altune.data.blocks import Block
from altune.knobs.query_strategy import QueryStrategy
from altune.knobs.query_strategy.margin_coverage import MarginCover
from altune.knobs.query_strategy.ranker_table import GROUPS, RANKERS, STATES, Evidence, RankerTable, group_of
from altune.knobs.query_strategy.uncertainty import Margin
from altune.learning.episodes import Episode, EpisodeCell, Episodes
from altune.learning.policies import Policies, played_as_usual, registered_tables
from altune.learning.response import Responses, Step, StepFinder
from altune.numerics.resampling import resampled_means
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import Outcome
from altune.simulation.execution.player import Player
from altune.tuning.observer import Observer

LEAST_DATA_SETS = 5
"""Number of data sets of a group below which its evidence has no interval."""
RANKED_BY = (
    *("u", "cov", "bcov", "entropy", "second", "smoothed"),
    *("covered", "distance", "similarity", "typicality", "hubness"),
    *("disagreement", "labelled_share", "label_conflict"),
    *("rarity", "predicted_share", "class_gap"),
    *("change", "discrepancy", "flips", "variance", "mean_u"),
)
"""Columns of a table: those of :data:`altune.knobs.columns.COLUMNS` without near copies of others and without the three
whose computation takes as long as a query by margin."""


@plain_fields
@dataclass(frozen=True)
class RankerSettings:
    """How a table is trained.

    Attributes
    ----------
    columns : columns of metadata; those of the rule are always among them.
    n_pairs : number of pairs of opposite steps.
    per_block : number of pairs that each block plays.
    radius : standard deviation of the change of a weight.
    test_blocks : number of fresh blocks of each data set on which the table without its family is tested.
    recipe : the recipe whose query strategy the policies replace.
    """

    columns: tuple[str, ...] = RANKED_BY
    n_pairs: int = 200
    per_block: int = 20
    radius: float = 0.1
    test_blocks: int = 8
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True, eq=False)
class LeftOut:
    """A data set on which the table without its family was tested.

    Attributes
    ----------
    data, family : name of the data set and of its family.
    n_classes : number of classes.
    over_rule, over_margin : area of the table minus that of ``margin_cover`` and of ``margin``, on each block,
        ``(n_blocks,)``.
    """

    data: str
    family: str
    n_classes: int
    over_rule: Array
    over_margin: Array


@dataclass(frozen=True, eq=False)
class TrainedRanker:
    """A trained table and what it gained where it was not trained.

    Attributes
    ----------
    table : the table, trained on all families, with its evidence.
    step : the step from the rule that makes the table.
    without : the tables without one family each, by family; their evidence is that of the other families.
    left_out : the tests, one for each data set.
    """

    table: RankerTable
    step: Step
    without: Mapping[str, RankerTable]
    left_out: tuple[LeftOut, ...]


def train_ranker(
    episodes: Episodes, settings: RankerSettings, player: Player, observer: Observer, *, command: str = ""
) -> TrainedRanker:
    """Train a table, and test the tables without one family each on the data sets of that family.

    Parameters
    ----------
    episodes : what is played on.
    settings : sizes of the training.
    player : an open player, see :func:`altune.learning.episodes.episode_player`.
    observer : receives the progress and a line for each failure.
    command : the command that trains the table, for its file.

    Raises
    ------
    WorkError
        If nothing could be played.
    """
    seed = episodes.plan.seed
    columns = RankerTable.rule(settings.columns).columns
    policies = Policies(columns, settings.n_pairs, settings.per_block, settings.radius, seed)
    with RANKERS.registered(policies.tables):
        responses = _responses(episodes, policies, settings.recipe, player, observer)
    finder = StepFinder(responses, np.repeat(np.arange(len(columns)), len(STATES)))
    if not finder.families:
        raise WorkError("no policy could be played on any data set; nothing was learned")
    step = finder.step()
    steps = {family: finder.step(family) for family in finder.families}
    tables = {family: policies.learned(left.vector) for family, left in steps.items()}
    left_out = _tests(episodes, tables, settings, player, observer)
    training = {
        "command": command,
        **episodes.describe(),
        "recipe": settings.recipe.to_dict(),
        "pairs": settings.n_pairs,
        "pairs_per_block": settings.per_block,
        "radius": settings.radius,
        "test_blocks": settings.test_blocks,
    }
    return TrainedRanker(
        _completed(policies.learned(step.vector), training | _step_facts(step), left_out, seed),
        step,
        {
            family: _completed(
                tables[family],
                training | {"without": family} | _step_facts(steps[family]),
                [test for test in left_out if test.family != family],
                seed,
            )
            for family in tables
        },
        tuple(left_out),
    )


def evidence_of(left_out: Sequence[LeftOut], seed: int = 0) -> tuple[Evidence, ...]:
    """Return the evidence of tests by number of classes: a bootstrap over data sets and then their blocks.

    A group of fewer than 5 data sets has no interval.
    """
    found = []
    for name in GROUPS:
        tests = [test for test in left_out if group_of(test.n_classes) == name]
        if not tests:
            continue
        low, high = mean_ends([test.over_rule for test in tests], seed)
        found.append(
            Evidence(
                classes=name,
                data_sets=len(tests),
                families=len({test.family for test in tests}),
                blocks=max(len(test.over_rule) for test in tests),
                mean=float(np.mean([test.over_rule.mean() for test in tests])),
                low=low,
                high=high,
            )
        )
    return tuple(found)


def mean_ends(differences: Sequence[Array], seed: int) -> tuple[float | None, float | None]:
    """Return the ends of the 95 % interval of a mean over data sets; None for fewer than 5 of them.

    Parameters
    ----------
    differences : differences on each block, for each data set.
    seed : seed of the bootstrap.
    """
    if len(differences) < LEAST_DATA_SETS:
        return None, None
    tables = [values[None, :, None] for values in differences]
    drawn = resampled_means(tables, np.random.default_rng(seed))[:, 0]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _step_facts(step: Step) -> dict[str, Any]:
    return {
        "step": step.length,
        "slope": step.slope,
        "slope_error": step.slope_error,
        "curvature": step.curvature,
    }


def _completed(table: RankerTable, training: Mapping[str, Any], left_out: Sequence[LeftOut], seed: int) -> RankerTable:
    return replace(table, training=training, evidence=evidence_of(left_out, seed))


def _responses(
    episodes: Episodes, policies: Policies, recipe: Recipe, player: Player, observer: Observer
) -> list[Responses]:
    """Play each block's policies and the rule, and return the responses of each data set."""
    rule = _with(recipe, MarginCover())
    listed: list[Episode] = []
    plays: list[tuple[EpisodeCell, Block, list[int]]] = []
    made = {pair: [_with(recipe, policy) for policy in policies.strategies(pair)] for pair in range(policies.n_pairs)}
    for cell in episodes.cells:
        for block in episodes.blocks(cell):
            pairs = policies.pairs_of(cell.data, block.number)
            plays.append((cell, block, pairs))
            listed.append(Episode(rule, cell, block))
            listed += [Episode(policy, cell, block) for pair in pairs for policy in made[pair]]
    outcomes = iter(episodes.play(listed, player, observer, stage="training", say=observer.say))
    found: dict[str, list[tuple[int, float, float]]] = {cell.data: [] for cell in episodes.cells}
    for cell, _, pairs in plays:
        base = _area(cell, next(outcomes))
        for pair in pairs:
            plus, minus = _area(cell, next(outcomes)) - base, _area(cell, next(outcomes)) - base
            if np.isfinite(plus + minus):
                found[cell.data].append((pair, plus, minus))
    return [_gathered(name, cell.family, found[name], policies) for name, cell in _by_data(episodes).items()]


def _gathered(data: str, family: str, found: Sequence[tuple[int, float, float]], policies: Policies) -> Responses:
    pairs = [pair for pair, _, _ in found]
    areas = np.array([(plus, minus) for _, plus, minus in found]).reshape(len(found), 2)
    return Responses(data, family, policies.steps[pairs], areas[:, 0], areas[:, 1])


def _tests(
    episodes: Episodes,
    tables: Mapping[str, RankerTable],
    settings: RankerSettings,
    player: Player,
    observer: Observer,
) -> list[LeftOut]:
    """Play the table without each family on fresh blocks of its data sets, beside the rule and margin."""
    with RANKERS.registered(registered_tables(list(tables.values()))):
        listed = [
            Episode(_with(settings.recipe, strategy), cell, block)
            for cell in episodes.cells
            if cell.family in tables
            for block in episodes.blocks(cell, "replay", settings.test_blocks)
            for strategy in (played_as_usual(tables[cell.family]), MarginCover(), Margin())
        ]
        outcomes = iter(episodes.play(listed, player, observer, stage="left-out test", say=observer.say))
    areas: dict[str, list[list[float]]] = {}
    for episode in listed[::3]:
        of_block = [_area(episode.cell, next(outcomes)) for _ in range(3)]
        areas.setdefault(episode.cell.data, []).append(of_block)
    return [
        test
        for name, cell in _by_data(episodes).items()
        if name in areas and (test := _left_out(cell, np.array(areas[name]), settings.test_blocks)) is not None
    ]


def _left_out(cell: EpisodeCell, areas: Array, n_blocks: int) -> LeftOut | None:
    """Return the test of a data set from the areas of its cells, ``(n_cells · n_blocks, 3)``; None if all failed."""
    by_block = areas.reshape(-1, n_blocks, 3)
    differences = by_block[..., :1] - by_block[..., 1:]
    known = np.isfinite(differences).all(axis=(0, 2))
    if not known.any():
        return None
    over_rule, over_margin = differences.mean(axis=0)[known].T
    return LeftOut(cell.data, cell.family, cell.n_classes, over_rule, over_margin)


def _by_data(episodes: Episodes) -> dict[str, EpisodeCell]:
    """Return the first cell of each data set."""
    first: dict[str, EpisodeCell] = {}
    for cell in episodes.cells:
        first.setdefault(cell.data, cell)
    return first


def _with(recipe: Recipe, strategy: QueryStrategy) -> Recipe:
    return recipe.replace(query_strategy=strategy)


def _area(cell: EpisodeCell, outcome: Outcome) -> float:
    """Return the area under a learning curve, NaN for a failure."""
    return float(cell.environment.objective(outcome)) if isinstance(outcome, LearningCurve) else float("nan")
