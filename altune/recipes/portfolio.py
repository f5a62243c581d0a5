"""The portfolio: a short ordered list of recipes that together serve well over many data sets.

The file ``data/portfolio.yaml`` holds recipes and how much each of them lost in many situations, a situation being a
data set, a model, a budget and a share of wrong labels. The list is made of them by a greedy cover: each entry is the
recipe with which the best of the list so far loses least, over all situations. Nothing about the data at hand is used
(M. Feurer et al., *Auto-sklearn 2.0: Hands-free AutoML via Meta-Learning*, JMLR 23, 2022; D. Salinas and N. Erickson,
*TabRepo: A Large Scale Repository of Tabular Model Evaluations and its AutoML Applications*, AutoML 2024).

Whole families of data sets can be left out, so that a data set of the table is tuned with the list that would have been
made without it. ``altune learn portfolio`` rebuilds the file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from altune.core.errors import FormatError, reading
from altune.core.files import write_text
from altune.core.registry import Method
from altune.core.types import Array
from altune.core.yaml import read_yaml, write_yaml
from altune.recipes.recipe import read_method

FILE = Path(__file__).parent / "data" / "portfolio.yaml"
VERSION = 1
"""Version of the format of the file."""
SCALE = 1000
"""Losses are stored as integers of this many parts of 1."""
SITUATION = ("data", "family", "model", "budget", "noise")
"""Fields of a situation, in the order of the columns in the file."""


@dataclass(frozen=True)
class Situation:
    """Where recipes were compared.

    Attributes
    ----------
    data : name of the data set.
    family : family of the data set.
    model : name of the model.
    budget : budget in labels.
    noise : share of wrong labels, in [0, 1).
    """

    data: str
    family: str
    model: str
    budget: int
    noise: float = 0.0


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Recipes with what each of them lost in many situations.

    Attributes
    ----------
    recipes : methods of the knobs that each recipe sets, by its id. The model is not part of them.
    situations : where they were compared.
    losses : loss of each recipe in each situation beside the best of them, 0 or more, ``(n_recipes, n_situations)``.
    made : how it was made, in words by name.
    """

    recipes: Mapping[str, Mapping[str, Method]]
    situations: Sequence[Situation]
    losses: Array
    made: Mapping[str, Any]

    @property
    def families(self) -> tuple[str, ...]:
        """The families of the data sets, sorted."""
        return tuple(sorted({situation.family for situation in self.situations}))

    def order(self, without: Collection[str] = ()) -> list[str]:
        """Return the ids of all recipes in the order in which a search should try them.

        Parameters
        ----------
        without : families of data sets that are left out, as if they had never been played.

        Raises
        ------
        ValueError
            If no situation is left.
        """
        kept = [place for place, situation in enumerate(self.situations) if situation.family not in without]
        if not kept:
            raise ValueError("no family of data sets is left to make a portfolio of")
        families = [self.situations[place].family for place in kept]
        weights = np.array([1 / families.count(family) for family in families])  # each family counts alike
        ids = list(self.recipes)
        return [ids[row] for row in greedy_cover(self.losses[:, kept], weights)]

    def save(self, path: str | Path, comment: str = "") -> None:
        """Write the portfolio to a YAML file, with a comment at its head."""
        lines = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
        write_text(path, lines + write_yaml(self.to_dict()))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that :meth:`from_dict` reads back, with losses rounded to thousandths."""
        rows = np.rint(self.losses * SCALE).astype(int).tolist()
        return {
            "version": VERSION,
            "made": dict(self.made),
            "recipes": {
                name: {knob: method.to_dict() for knob, method in methods.items()}
                for name, methods in self.recipes.items()
            },
            "situations": [
                " ".join(str(getattr(situation, field)) for field in SITUATION) for situation in self.situations
            ],
            "losses": {name: " ".join(map(str, row)) for name, row in zip(self.recipes, rows, strict=True)},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], file: str = "") -> Portfolio:
        """Read a portfolio from plain values.

        Raises
        ------
        FormatError
            If it has another version, or losses do not fit recipes and situations.
        """
        with reading("a portfolio", file=file):
            if plain.get("version") != VERSION:
                raise FormatError(f"version must be {VERSION}", path="version", value=plain.get("version"))
            recipes = {
                str(name): {knob: read_method(knob, value, f"recipes.{name}.{knob}") for knob, value in part.items()}
                for name, part in plain["recipes"].items()
            }
            situations = [_situation(str(line)) for line in plain["situations"]]
            rows = {str(name): [int(word) for word in str(row).split()] for name, row in plain["losses"].items()}
            if rows.keys() != recipes.keys() or any(len(row) != len(situations) for row in rows.values()):
                raise FormatError("must have one number for each recipe and situation", path="losses")
            losses = np.array([rows[name] for name in recipes], dtype=float) / SCALE
            return cls(recipes, situations, losses, dict(plain.get("made", {})))


def _situation(line: str) -> Situation:
    words = line.split()
    if len(words) != len(SITUATION):
        raise FormatError(f"must be {' '.join(SITUATION)}", path="situations", value=line)
    data, family, model, budget, noise = words
    return Situation(data, family, model, int(budget), float(noise))


@cache
def shipped_portfolio() -> Portfolio:
    """Return the portfolio that altune ships."""
    return Portfolio.from_dict(read_yaml(FILE), str(FILE))


def greedy_cover(losses: Array, weights: Array) -> list[int]:
    """Return all rows in the order of a greedy cover.

    Each row is the one with which the smallest loss of the rows so far, summed over the columns, becomes least. Where
    several do alike, as all do once every column is covered, the one that loses least by itself comes first.

    Parameters
    ----------
    losses : loss of each recipe in each situation, ``(n_recipes, n_situations)``.
    weights : weight of each situation, ``(n_situations,)``.

    Examples
    --------
    >>> greedy_cover(np.array([[0.0, 0.9], [0.4, 0.4], [0.9, 0.0]]), np.ones(2))
    [1, 0, 2]
    """
    alone = losses @ weights
    best = np.full(losses.shape[1], np.inf)
    left = list(range(len(losses)))
    order: list[int] = []
    while left:
        together = {row: float(np.minimum(best, losses[row]) @ weights) for row in left}
        following = min(left, key=lambda row: (round(together[row], 9), round(float(alone[row]), 9), row))
        best = np.minimum(best, losses[following])
        left.remove(following)
        order.append(following)
    return order
