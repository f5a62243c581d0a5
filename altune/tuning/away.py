"""Confirmation away: what the recipe of a run is worth on data sets that no trial saw.

A recipe is tuned on labels that exist, such as those of last year, and is used to label other rows. The recipe is
selected at home, on the data sets of the search. Away it is only reported, on report blocks with held-back rows, beside
the same baselines. Nothing from there reaches search or selection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from altune.core.errors import RequestError
from altune.core.text import counted
from altune.data import Dataset, as_sources
from altune.recipes.recipe import Recipe
from altune.simulation.environment import AnyData, Environment, make_environment
from altune.simulation.execution.player import OnDone, Player
from altune.tuning.confirmation import matched_baseline
from altune.tuning.played import ConfirmationBlocks
from altune.tuning.report_blocks import play_report
from altune.tuning.reported import Reported
from altune.tuning.settings import Settings

STAGE = "transfer"
"""Name of the stage for observers."""


def make_away(
    data: AnyData | Sequence[AnyData], home: Sequence[Environment], *, target: str | None = None, **given: Any
) -> list[Environment]:
    """Make the environment of each data set on which a recipe is confirmed without being searched there.

    Parameters
    ----------
    data : a data set, the name of a built-in one, a file, or a list of these; an empty list gives no environment.
    home : environments of the search.
    target : label column of tables.
    given : what else ``make_environment`` takes. What is not given has its default
        on each data set, such as the budget, which depends on its classes and rows.

    Raises
    ------
    RequestError
        If a data set does not fit the scenario, is one of the search, or shares its name with another one.
    """
    sources = as_sources(data)
    away = [_make_one(source, target, given) for source in sources]
    known = {environment.dataset.fingerprint: environment.dataset.name for environment in home}
    names = [environment.dataset.name for environment in home]
    for environment in away:
        dataset = environment.dataset
        if dataset.fingerprint in known:
            raise RequestError(
                f"{dataset.name} has the rows of {known[dataset.fingerprint]}; confirm on rows that are not searched, "
                "and give each data set once"
            )
        if dataset.name in names:
            raise RequestError(
                f"two data sets are called {dataset.name}; rename one, so that the answer can tell them apart"
            )
        known[dataset.fingerprint] = dataset.name
        names.append(dataset.name)
    return away


def _make_one(source: AnyData, target: str | None, given: Mapping[str, Any]) -> Environment:
    """Make one environment; an error names the data set."""
    name = source.name if isinstance(source, Dataset) else str(source) if isinstance(source, (str, Path)) else "data"
    try:
        return make_environment(source, target=target, **given)
    except RequestError as error:
        raise RequestError(str(error) if name in str(error) else f"{name}, to confirm on: {error}") from None


def away_blocks(away: Sequence[Environment], sizes: Settings) -> list[ConfirmationBlocks]:
    """Return the report blocks of each data set away."""
    return [
        ConfirmationBlocks(environment, (), environment.blocks("report", sizes.most_report_blocks))
        for environment in away
    ]


def trajectories_away(n_baselines: int, blocks: Sequence[ConfirmationBlocks]) -> int:
    """Return the largest number of trajectories of a confirmation away."""
    return sum((1 + 2 * n_baselines) * len(data_set.report) for data_set in blocks)


def report_away(
    player: Player,
    winner: Recipe,
    baselines: Mapping[str, Recipe],
    data_set: ConfirmationBlocks,
    settings: Settings,
    on_done: OnDone = lambda index, outcome: None,
    say: Callable[[str], None] = lambda line: None,
) -> Reported:
    """Play a recipe and the baselines on the report blocks of a data set away.

    Parameters
    ----------
    player : plays work items.
    winner : recipe that was selected at home.
    baselines : recipes of the baselines by name, random sampling among them.
    data_set : blocks of the data set.
    settings : its plan decides how many report blocks are played, by the intervals on this data set.
    on_done : called once for each trajectory.
    say : receives a line on the precision that was asked for.

    Raises
    ------
    WorkError
        If a recipe fails.
    """
    matched = {name: matched_baseline(baseline, winner) for name, baseline in baselines.items()}
    reported, why = play_report(player, winner, baselines, matched, [data_set], settings.report_plan, on_done)
    (played,) = reported
    if settings.precision is not None:
        say(f"{counted(len(played[0].curves), 'report block')} on {data_set.environment.dataset.name}: {why}")
    end = 1 + len(baselines)
    return Reported(
        recipe=played[0],
        baselines=dict(zip(baselines, played[1:end], strict=True)),
        matched=dict(zip(matched, played[end:], strict=True)),
        n_train=len(data_set.report[0].pool),
        n_test=len(data_set.report[0].test),
        why_blocks=why,
    )
