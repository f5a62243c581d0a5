"""Episodes: what is played on which data sets to learn from, and how it is played.

An *episode* is one recipe on one block of a *cell*; a cell is one data set with one model, one budget and one rate of
label errors. Training plays on search blocks; the blocks of a final test are replay blocks, which are drawn apart from
them and scored on rows that no search block has. Data sets of one *family* have the same origin or subject; they are
left out together, because a strategy that was trained on one of them has in part seen the others.

Episodes are played by :class:`altune.simulation.execution.player.Player` with a cache of finished trajectories. An
interrupted command therefore resumes when it is repeated, and the number of processes has no effect on what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from altune.core.arguments import plain_fields
from altune.core.errors import RequestError
from altune.core.streams import Streams
from altune.core.text import counted
from altune.data import Dataset, as_dataset, family_of
from altune.data.blocks import Block, BlockRole, pool_size, stratified_part
from altune.data.reading import Reading
from altune.models import Model, as_model
from altune.simulation.annotators import Annotator
from altune.simulation.environment import AnyData, Environment, make_environment
from altune.simulation.execution.counting import Counter
from altune.simulation.execution.items import Failure, Outcome, WorkItem
from altune.simulation.execution.player import Player
from altune.simulation.scenario import Scenario, default_budget
from altune.simulation.store import TrajectoryStore
from altune.tuning.own_code import own_models, unknown_lines

if TYPE_CHECKING:
    from altune.recipes.recipe import Recipe

USUAL_ROWS = 2_000
"""Rows of a data set that are used at most, unless another number is given."""
LEAST_ROWS = 10
"""Rows for each class that a reduced data set has at least."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class EpisodeData:
    """One data set to learn from.

    Attributes
    ----------
    source : a data set, the name of a built-in one, or a file.
    target : label column of a table.
    reading : how a file is read, beside its target.
    family : name of its family; empty for that of the built-in data set of its name, or else for its name.
    budgets : budgets in labels; empty for those of the plan.
    """

    source: AnyData
    target: str | None = None
    family: str = ""
    budgets: tuple[int, ...] = ()
    reading: Reading = field(default_factory=Reading)


@plain_fields
@dataclass(frozen=True)
class EpisodePlan:
    """What is played to learn from: the product of data sets, models, budgets and rates of label errors, on blocks.

    Attributes
    ----------
    data : the data sets, each as an :class:`EpisodeData` or by itself.
    models : the models, by name or as methods.
    budgets : budgets as multiples of the default budget of a data set, which is 20 labels for each class but at least
        100 and at most half of the pool.
    noise : rates of label errors of the annotator, in [0, 1); 0 for none.
    n_blocks : number of blocks of each cell that are trained on.
    most_rows : larger data sets are reduced to a stratified part of this many rows, always the same; None keeps all.
    seed : seed of the blocks and of all random streams.
    metric : scikit-learn scorer of the learning curves.
    """

    data: tuple[Any, ...]
    models: tuple[Any, ...] = field(default_factory=lambda: (as_model("logistic_regression"),))
    budgets: tuple[float, ...] = (1.0,)
    noise: tuple[float, ...] = (0.0,)
    n_blocks: int = 8
    most_rows: int | None = USUAL_ROWS
    seed: int = 0
    metric: str = "accuracy"

    def __post_init__(self) -> None:
        data = tuple(each if isinstance(each, EpisodeData) else EpisodeData(each) for each in self.data)
        vars(self).update(data=data, models=tuple(map(as_model, self.models)))
        for what, values in (("data set", self.data), ("model", self.models), ("budget", self.budgets)):
            if not values:
                raise RequestError(f"no {what} to learn from was given")
        if min(self.budgets) <= 0:
            raise RequestError(f"a budget is a multiple of the default one above 0, not {min(self.budgets):g}")
        if not self.noise or not all(0 <= rate < 1 for rate in self.noise):
            raise RequestError(f"rates of label errors must be in [0, 1), not {', '.join(map(str, self.noise))}")
        if self.n_blocks < 1:
            raise RequestError(f"the number of blocks must be 1 or more, not {self.n_blocks}")


@dataclass(frozen=True, eq=False)
class EpisodeCell:
    """A data set with a model, a budget and a rate of label errors.

    Attributes
    ----------
    environment : the data and their scenario.
    model : the model, which replaces that of every recipe.
    family : family of the data set.
    noise : rate of label errors.
    """

    environment: Environment
    model: Model
    family: str
    noise: float = 0.0

    @property
    def data(self) -> str:
        """Name of the data set."""
        return self.environment.dataset.name

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.environment.dataset.n_classes

    @property
    def budget(self) -> int:
        """Budget in labels."""
        return self.environment.scenario.labels

    def __str__(self) -> str:
        errors = f", {self.noise:.0%} label errors" if self.noise else ""
        return f"{self.data}, {self.model.method}, {self.budget} labels{errors}"


class Episode(NamedTuple):
    """One recipe to play on one block of a cell; the model of the cell replaces that of the recipe."""

    recipe: Recipe
    cell: EpisodeCell
    block: Block


class Episodes:
    """The cells of a plan, their blocks, and a way to play on them.

    Parameters
    ----------
    plan : what to play on; its data sets are read here.

    Attributes
    ----------
    cells : the cells in the order of the plan; the rate of label errors changes fastest.

    Raises
    ------
    RequestError
        If a data set cannot be read or is listed twice, or a budget does not fit it.
    """

    def __init__(self, plan: EpisodePlan) -> None:
        self.plan = plan
        self._blocks: dict[tuple[str, BlockRole], list[Block]] = {}
        datasets = [(entry, _loaded(entry, plan.most_rows)) for entry in plan.data]
        names = [dataset.name for _, dataset in datasets]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise RequestError(f"two data sets are named {twice[0]!r}; give each data set once")
        self.cells = tuple(cell for entry, dataset in datasets for cell in _cells_of(plan, entry, dataset))

    @property
    def families(self) -> dict[str, list[str]]:
        """The names of the data sets of each family, both in the order of the plan."""
        found: dict[str, list[str]] = {}
        for cell in self.cells:
            names = found.setdefault(cell.family, [])
            if cell.data not in names:
                names.append(cell.data)
        return found

    def blocks(self, cell: EpisodeCell, role: BlockRole = "search", count: int | None = None) -> Sequence[Block]:
        """Return the first blocks of a cell; cells of one data set share them, so that each is prepared once.

        Parameters
        ----------
        cell : the cell.
        role : ``search`` for training, ``replay`` for a final test.
        count : number of blocks; None for that of the plan.
        """
        wanted = self.plan.n_blocks if count is None else count
        known = self._blocks.setdefault((cell.data, role), [])
        if len(known) < wanted:
            known += cell.environment.blocks(role, wanted)[len(known) :]
        return known[:wanted]

    def play(
        self, episodes: Sequence[Episode], player: Player, counter: Counter, *, stage: str, say: Say
    ) -> list[Outcome]:
        """Play episodes and return their outcomes in the same order.

        Parameters
        ----------
        episodes : what to play; they are played block by block, so that a prepared block serves all of its recipes.
        player : an open player, such as :func:`episode_player` returns.
        counter : counts the trajectories of the stage.
        stage : name of the stage.
        say : receives one line for each recipe that failed on a cell, with the first reason, and for each model of a
            user of which changes are not noticed when finished trajectories are read back.
        """
        order = sorted(range(len(episodes)), key=self._by_block(episodes))
        items = [self._item(episodes[index]) for index in order]
        playable = [position for position, item in enumerate(items) if isinstance(item, WorkItem)]
        counter.stage(stage, len(playable))
        for line in unknown_lines(own_models(self.plan.models)) if player.store is not None else ():
            say(line)

        def count(position: int, outcome: Outcome) -> None:
            counter.played(player.simulated > count_of["simulated"])
            count_of["simulated"] = player.simulated

        count_of = {"simulated": player.simulated}
        played = iter(player.play([item for item in items if isinstance(item, WorkItem)], count))
        outcomes: dict[int, Outcome] = {}
        for index, item in zip(order, items, strict=True):
            outcomes[index] = next(played) if isinstance(item, WorkItem) else item
        _report_failures(episodes, outcomes, say)
        return [outcomes[index] for index in range(len(episodes))]

    def describe(self) -> dict[str, Any]:
        """Return what was played on, as plain values for the file of what was learned."""
        plan, datasets = self.plan, {cell.data: cell.environment.dataset for cell in self.cells}
        return {
            "data": {name: dataset.fingerprint for name, dataset in datasets.items()},
            "families": self.families,
            "models": [model.to_dict() for model in plan.models],
            "budgets": list(plan.budgets),
            "noise": list(plan.noise),
            "blocks": plan.n_blocks,
            "most_rows": plan.most_rows,
            "metric": plan.metric,
            "seed": plan.seed,
        }

    def _item(self, episode: Episode) -> WorkItem | Failure:
        recipe = episode.recipe.replace(model=episode.cell.model)
        if problems := recipe.problems(episode.cell.environment.capabilities):
            return Failure(problems[0])
        # Scores by test row serve intervals of one comparison; learning from many cells has no use for them.
        return WorkItem(recipe, episode.block, episode.cell.environment, row_scores=False)

    def _by_block(self, episodes: Sequence[Episode]) -> Callable[[int], tuple[int, str, int]]:
        position = {name: number for number, name in enumerate(dict.fromkeys(cell.data for cell in self.cells))}

        def key(index: int) -> tuple[int, str, int]:
            _, cell, block = episodes[index]
            return position[cell.data], block.role, block.number

        return key


def episode_player(cache: Path | None, jobs: int) -> Player:
    """Return a player for episodes, to be used as a context manager.

    Parameters
    ----------
    cache : folder of finished trajectories, from which an interrupted command resumes; None keeps them in memory.
    jobs : number of processes.
    """
    return Player(store=None if cache is None else TrajectoryStore(cache), jobs=jobs)


def stratified_rows(dataset: Dataset, most_rows: int | None) -> Dataset:
    """Return a data set reduced to a stratified part of its rows, the same each time; unchanged if it has no more.

    Raises
    ------
    RequestError
        For fewer than 10 rows for each class.

    >>> from altune.data import load_dataset
    >>> stratified_rows(load_dataset("digits"), 500).n_rows
    500
    """
    if most_rows is None or dataset.n_rows <= most_rows:
        return dataset
    if most_rows < (least := LEAST_ROWS * dataset.n_classes):
        raise RequestError(
            f"{dataset.name}: {most_rows} rows are too few for {dataset.n_classes} classes; keep {least} or more"
        )
    rng = Streams(0, dataset.name, "learning", 0).generator("rows")
    return dataset.of_rows(stratified_part(dataset, np.arange(dataset.n_rows), most_rows, rng))


def _loaded(entry: EpisodeData, most_rows: int | None) -> Dataset:
    return stratified_rows(as_dataset(entry.source, replace(entry.reading, target=entry.target)), most_rows)


def _cells_of(plan: EpisodePlan, entry: EpisodeData, dataset: Dataset) -> list[EpisodeCell]:
    family = entry.family or family_of(dataset.name) or dataset.name
    usual = default_budget(dataset.n_classes, pool_size(dataset, plan.seed))
    budgets = entry.budgets or tuple(max(2, round(factor * usual)) for factor in plan.budgets)
    cells = []
    for model in plan.models:
        for budget in budgets:
            for rate in plan.noise:
                scenario = Scenario(metric=plan.metric, budget=budget, annotators=(Annotator(error=rate),))
                environment = make_environment(dataset, scenario=scenario, seed=plan.seed)
                cells.append(EpisodeCell(environment, model, family, rate))
    return cells


def _report_failures(episodes: Sequence[Episode], outcomes: Mapping[int, Outcome], say: Say) -> None:
    """Report the failures, one line for each reason on a cell."""
    reasons: dict[tuple[str, str], int] = {}
    for index, outcome in sorted(outcomes.items()):
        if isinstance(outcome, Failure):
            key = str(episodes[index].cell), outcome.reason
            reasons[key] = reasons.get(key, 0) + 1
    for (cell, reason), count in reasons.items():
        say(f"{cell}: {counted(count, 'episode')} failed: {reason}")
