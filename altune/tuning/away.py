"""Confirmation away: what the recipe of a run is worth on data sets that no trial saw.

A recipe is tuned on labels that exist, such as those of last year, and is used to label other rows. The recipe is
selected at home, on the data sets of the search. Away it is only reported, on report blocks with held-back rows, beside
the same baselines. Nothing from there reaches search or selection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.errors import RequestError, WorkError
from altune.core.files import canonical_digest
from altune.data import Dataset
from altune.simulation.environment import AnyData, Environment, make_environment
from altune.simulation.execution.counting import counted
from altune.simulation.execution.player import OnDone, Player
from altune.tuning.confirmation import Confirmation
from altune.tuning.header import describe_environment
from altune.tuning.played import ConfirmationBlocks
from altune.tuning.record import StudyRecord
from altune.tuning.report_blocks import play_report
from altune.tuning.reported import Reported
from altune.tuning.settings import Settings
from altune.tuning.storage import set_attribute
from altune.tuning.stored_away import AWAY, reported_recipes

if TYPE_CHECKING:
    from altune.tuning.observer import Observer

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
    sources = [data] if isinstance(data, (Dataset, str, Path)) else list(data)
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
    name = source.name if isinstance(source, Dataset) else str(source)
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
    home: Confirmation,
    blocks: Sequence[ConfirmationBlocks],
    settings: Settings,
    on_done: OnDone = lambda index, outcome: None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Reported]:
    """Play the recipes that were reported at home on the report blocks of data sets away.

    Parameters
    ----------
    player : plays work items.
    home : confirmation at home, with the selected recipe and the baselines.
    blocks : blocks of each data set away.
    settings : its plan decides how many report blocks are played, for the data sets away on their own.
    on_done : called once for each trajectory.
    say : receives a line on the precision that was asked for.

    Raises
    ------
    WorkError
        If a recipe fails.
    """
    baselines = {name: played.recipe for name, played in home.baselines.items()}
    matched = {name: played.recipe for name, played in home.matched.items()}
    winner = home.recipe.recipe
    reported, why = play_report(player, winner, baselines, matched, blocks, settings.report_plan, on_done)
    if settings.precision is not None:
        names = ", ".join(data_set.environment.dataset.name for data_set in blocks)
        say(f"{len(reported[0][0].curves)} report blocks on {names}: {why}")
    end = 1 + len(baselines)
    return [
        Reported(
            recipe=played[0],
            baselines=dict(zip(baselines, played[1:end], strict=True)),
            matched=dict(zip(matched, played[end:], strict=True)),
            n_train=len(data_set.report[0].pool),
            n_test=len(data_set.report[0].test),
            why_blocks=why,
        )
        for data_set, played in zip(blocks, reported, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class AwayStage:
    """The stage that confirms a run away, after its confirmation at home.

    Parameters
    ----------
    away : environments of the data sets away.
    observer : receives the progress.
    """

    away: Sequence[Environment]
    observer: Observer

    def confirm(self, record: StudyRecord, player: Player, settings: Settings) -> bool:
        """Confirm the recipe of a run away, unless the study holds exactly this; return whether it was done now.

        A study keeps what was confirmed before on other data sets if none are asked for now.

        Raises
        ------
        WorkError
            If the recipe of the run does not work on one of the data sets, or fails there.
        """
        home = next(iter(record.confirmations().values()))
        if not self.away:
            self._tell_of_another_recipe(record)
            return False
        self._require(home)
        key, blocks = self._key(home, settings), away_blocks(self.away, settings)
        is_stored, n_all = record.away.key == key, trajectories_away(len(home.baselines), blocks)
        self.observer.stage(STAGE, n_all, done=n_all if is_stored else 0)
        if is_stored:
            return False
        on_done = counted(player, self.observer)
        reported = report_away(player, home, blocks, settings, on_done, self.observer.say)
        environments = [describe_environment(environment) for environment in self.away]
        names = [environment.dataset.name for environment in self.away]
        sources = {each.dataset.name: dict(each.source) for each in self.away if each.source is not None}
        stored = {
            "key": key,
            "recipes": reported_recipes(home),
            "environments": environments,
            "sources": sources,
            "reports": {name: of_data.to_dict() for name, of_data in zip(names, reported, strict=True)},
        }
        set_attribute(record.study, AWAY, stored)
        return True

    def _tell_of_another_recipe(self, record: StudyRecord) -> None:
        """Tell the observer if what is stored of other data sets is of another recipe than the confirmed one."""
        names = record.outdated_away()
        if names:
            self.observer.say(
                f"what is stored of {', '.join(names)} is of another recipe than the confirmed one and is not shown; "
                "give the data sets again to confirm this recipe there (--confirm-on)"
            )

    def _require(self, home: Confirmation) -> None:
        recipes = {"recipe of this run": home.recipe, **{f"baseline {name}": of for name, of in home.baselines.items()}}
        for environment in self.away:
            for name, played in recipes.items():
                if problems := played.recipe.problems(environment.capabilities):
                    raise WorkError(
                        f"the {name} does not work on {environment.dataset.name}: {problems[0]}; a new run with that "
                        "data set leaves out what does not work there (another --out)"
                    )

    def _key(self, home: Confirmation, settings: Settings) -> str:
        """Return a hash of what a confirmation away is made from."""
        data_sets = [[environment.scenario.to_dict(), environment.dataset.fingerprint] for environment in self.away]
        sizes = [settings.report_blocks, settings.precision, settings.seed]
        return canonical_digest({"recipes": reported_recipes(home), "data": data_sets, "sizes": sizes})
