"""What a study stores of data sets that no trial saw: their scenarios, and the reports of the recipe there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from altune.core.files import canonical_digest
from altune.simulation.scenario import Scenario
from altune.tuning.reported import Reported, read_reported

AWAY = "away"
"""Attribute of the study."""


@dataclass(frozen=True, eq=False)
class StoredAway:
    """The confirmation of a recipe on data sets that no trial saw.

    Parameters
    ----------
    stored : the attribute of the study; empty if there is none.
    """

    stored: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str | None:
        """Hash of what it was made from, None if there is none."""
        return self.stored.get("key")

    @property
    def recipes(self) -> str | None:
        """Hash of the recipes that were reported, None if there are none."""
        return self.stored.get("recipes")

    @cached_property
    def reports(self) -> dict[str, Reported]:
        """The recipe and the baselines on each data set by its name."""
        return {name: Reported(**read_reported(plain)) for name, plain in self.stored.get("reports", {}).items()}

    @property
    def scenarios(self) -> dict[str, Scenario]:
        """Resolved scenario of each data set, by its name."""
        return scenarios_of(self.stored.get("environments", ()))

    @property
    def data_sets(self) -> dict[str, dict[str, Any]]:
        """Name, fingerprint, rows, features and classes of each data set, by its name."""
        return data_sets_of(self.stored.get("environments", ()))

    @property
    def sources(self) -> Mapping[str, Mapping[str, Any]]:
        """Source of each data set by name, without those that were made in Python."""
        return dict(self.stored.get("sources", {}))


def reported_recipes(confirmation: Reported) -> str:
    """Return a hash of the recipes that a confirmation reports, which are played away as well."""
    reported = {"": confirmation.recipe, **confirmation.baselines}
    reported |= {f"{name}, matched": played for name, played in confirmation.matched.items()}
    return canonical_digest({name: played.recipe.digest() for name, played in reported.items()})


def scenarios_of(environments: Sequence[Mapping[str, Any]]) -> dict[str, Scenario]:
    """Return the scenario of each stored environment by the name of its data set."""
    return {
        environment["data"]["name"]: Scenario.from_dict(environment["scenario"]).with_classes(
            environment["data"]["classes"]
        )
        for environment in environments
    }


def data_sets_of(environments: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what is stored of the data set of each environment, by its name."""
    return {environment["data"]["name"]: dict(environment["data"]) for environment in environments}
