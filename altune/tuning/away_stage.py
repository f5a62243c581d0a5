"""The stage of a run that confirms its recipe on data sets that no trial saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altune.core.errors import WorkError
from altune.core.files import canonical_digest
from altune.recipes.recipe import Recipe
from altune.simulation.environment import Environment
from altune.simulation.execution.counting import counted
from altune.simulation.execution.player import Player
from altune.tuning.away import STAGE, away_blocks, report_away, trajectories_away
from altune.tuning.confirmation import Confirmation
from altune.tuning.header import RAW_FINGERPRINT, describe_environment
from altune.tuning.observer import Observer
from altune.tuning.record import StudyRecord
from altune.tuning.settings import Settings
from altune.tuning.storage import set_attribute
from altune.tuning.stored_away import AWAY, reported_recipes
from altune.tuning.study_setup import StudySetup


@dataclass(frozen=True, eq=False)
class AwayStage:
    """The stage that confirms a run away, after its confirmation at home.

    Parameters
    ----------
    setup : what the study is made of, with the data sets away.
    observer : receives the progress.
    """

    setup: StudySetup
    observer: Observer

    def confirm(self, record: StudyRecord, player: Player, settings: Settings) -> bool:
        """Confirm the recipe of a run away, unless the study holds exactly this; return whether it was done now.

        A study keeps what was confirmed before on other data sets if none are asked for now.

        Raises
        ------
        WorkError
            If the recipe of the run does not work on one of the data sets, or fails there.
        """
        home, away = next(iter(record.confirmations().values())), self.setup.away
        if not away:
            self._tell_of_another_recipe(record)
            return False
        baselines = [self._baselines(home, environment) for environment in away]
        with_types = any(
            recipe.takes_raw for recipes in ({"": home.recipe.recipe}, *baselines) for recipe in recipes.values()
        )
        described = [describe_environment(environment, with_types) for environment in away]
        key, blocks = self._key(home, baselines, described, settings), away_blocks(away, settings)
        is_stored, n_all = record.away.key == key, trajectories_away(len(home.baselines), blocks)
        self.observer.stage(STAGE, n_all, done=n_all if is_stored else 0)
        if is_stored:
            return False
        winner, on_done, say = home.recipe.recipe, counted(player, self.observer), self.observer.say
        reported = {
            data_set.environment.dataset.name: report_away(player, winner, recipes, data_set, settings, on_done, say)
            for data_set, recipes in zip(blocks, baselines, strict=True)
        }
        stored = {
            "key": key,
            "recipes": reported_recipes(home),
            "environments": described,
            "sources": {each.dataset.name: dict(each.source) for each in away if each.source is not None},
            "reports": {name: of_data.to_dict() for name, of_data in reported.items()},
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

    def _baselines(self, home: Confirmation, environment: Environment) -> dict[str, Recipe]:
        """Return the baselines on a data set away; refuse a recipe that does not work there.

        Those that depend on the data are what they would be in a search there. A study of an earlier version keeps the
        baselines that it has.
        """
        usual, there = self.setup.baselines, self.setup.baselines_on(environment)
        baselines = {
            name: there[name] if name in there and usual.get(name) == played.recipe else played.recipe
            for name, played in home.baselines.items()
        }
        reported = {"recipe of this run": home.recipe.recipe}
        reported |= {f"baseline {name}": recipe for name, recipe in baselines.items()}
        for what, recipe in reported.items():
            if problems := recipe.problems(environment.capabilities):
                raise WorkError(
                    f"the {what} does not work on {environment.dataset.name}: {problems[0]}; a new run with that data "
                    "set leaves out what does not work there (another --out)"
                )
        return baselines

    def _key(
        self,
        home: Confirmation,
        baselines: Sequence[Mapping[str, Recipe]],
        described: Sequence[Mapping[str, Any]],
        settings: Settings,
    ) -> str:
        """Return a hash of what a confirmation away is made from."""
        data_sets = [
            [each["scenario"], each["data"].get(RAW_FINGERPRINT, each["data"]["fingerprint"])] for each in described
        ]
        recipes = [{name: recipe.digest() for name, recipe in of_data.items()} for of_data in baselines]
        sizes = [settings.report_blocks, settings.precision, settings.seed]
        plain = {"home": reported_recipes(home), "recipes": recipes, "data": data_sets, "sizes": sizes}
        return canonical_digest(plain)
