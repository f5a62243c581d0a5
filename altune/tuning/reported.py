"""A recipe beside the baselines on the report blocks of one data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from altune.tuning.played import Played


@dataclass(frozen=True, eq=False, kw_only=True)
class Reported:
    """The recipe of a run and the baselines on the report blocks of one data set.

    Attributes
    ----------
    recipe : recipe of the run on the report blocks.
    baselines : each baseline on the report blocks, by name.
    matched : each baseline with the sizes of start and loops of the recipe, on the report blocks.
    n_train, n_test : number of rows in the pool and the test set of a report block.
    why_blocks : why there are no more report blocks; empty if as many were played as were asked for.
    """

    recipe: Played
    baselines: Mapping[str, Played]
    matched: Mapping[str, Played]
    n_train: int
    n_test: int
    why_blocks: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "recipe": self.recipe.to_dict(),
            "baselines": {name: played.to_dict() for name, played in self.baselines.items()},
            "matched": {name: played.to_dict() for name, played in self.matched.items()},
            "n_train": self.n_train,
            "n_test": self.n_test,
            "why_blocks": self.why_blocks,
        }


def read_reported(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of :class:`Reported` from what :meth:`Reported.to_dict` wrote."""
    return {
        "recipe": Played.from_dict(plain["recipe"]),
        "baselines": {name: Played.from_dict(played) for name, played in plain["baselines"].items()},
        "matched": {name: Played.from_dict(played) for name, played in plain["matched"].items()},
        "n_train": plain["n_train"],
        "n_test": plain["n_test"],
        "why_blocks": plain.get("why_blocks", ""),
    }
