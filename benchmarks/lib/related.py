"""Related tables: one to tune on, and others on which the recipe that was found there is played.

Eleven tables are cut by a column into parts that differ as the tables of two places, groups or ages do:

=================  ===================  ======================================  ===========================
name               column               home                                    away
=================  ===================  ======================================  ===========================
abalone            sex                  males                                   females; infants
contraceptive      Standard-of-living   4, the highest                          3; 1 and 2
german_credit      purpose              furniture, radio and television         new and used cars
kr_vs_k            White_king_col       d                                       c
fars               CASE_STATE           Texas                                   Florida; California
vowel              Sex                  0                                       1
hypothyroid        sex                  women                                   men
pima               Age                  up to 29 years                          above 29 years
mammographic       Age                  up to 55 years                          above 55 years
skillcraft         Age                  up to 20 years                          above 20 years
maternal_health    Age                  up to 26 years                          above 26 years
=================  ===================  ======================================  ===========================

A column of groups is left out of the parts, an age is kept. Four more are siblings, tables of their own about the same
subject: the quality of red and white wine, defects in the software of three projects of NASA, tumours of the breast in
images and in scores, and handwritten digits of two sizes. Siblings may have other features, since a recipe does not
depend on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from altune.data import Dataset, family_of, load_dataset
from altune.data.labels import ClassName
from lib.data_sets import at_most, part_of

FEWEST_OF_A_CLASS = 10
"""Rows of a class in each table; the rows of a rarer class are left out of all of them."""


class RelatedTables(NamedTuple):
    """Tables about the same subject, with the same classes in the same order.

    Attributes
    ----------
    name : name of the group.
    home : the tables to tune on, one or more.
    away : the tables to confirm on, one or more.
    family : family of the built-in data sets that they come from, which nothing tested on them may be learned from.
    """

    name: str
    home: tuple[Dataset, ...]
    away: tuple[Dataset, ...]
    family: str


Chosen = Callable[[NDArray[Any]], NDArray[np.bool_]]


class _Cut(NamedTuple):
    """A column of a data set, and the values of the part at home and of each part away."""

    data: str
    column: str
    home: tuple[str, Chosen]
    away: tuple[tuple[str, Chosen], ...]
    keep: bool = False


def _one_of(*values: Any) -> Chosen:
    return lambda column: np.isin(column, values)


def _up_to(most: float) -> Chosen:
    return lambda column: column <= most


def _above(least: float) -> Chosen:
    return lambda column: column > least


def _by_age(data: str, years: float) -> _Cut:
    return _Cut(data, "Age", ("younger", _up_to(years)), (("older", _above(years)),), keep=True)


_CUTS = (
    _Cut("abalone", "sex", ("males", _one_of("M")), (("females", _one_of("F")), ("infants", _one_of("I")))),
    _Cut("contraceptive", "Standard-of-living", ("4", _one_of(4)), (("3", _one_of(3)), ("1_2", _one_of(1, 2)))),
    _Cut("german_credit", "purpose", ("household", _one_of("A42", "A43")), (("cars", _one_of("A40", "A41")),)),
    _Cut("kr_vs_k", "White_king_col", ("d", _one_of("d")), (("c", _one_of("c")),)),
    _Cut(
        *("fars", "CASE_STATE", ("texas", _one_of("Texas"))),
        (("florida", _one_of("Florida")), ("california", _one_of("California"))),
    ),
    _Cut("vowel", "Sex", ("0", _one_of(0)), (("1", _one_of(1)),)),
    _Cut("hypothyroid", "sex", ("women", _one_of("F")), (("men", _one_of("M")),)),
    _by_age("pima", 29),
    _by_age("mammographic", 55),
    _by_age("skillcraft", 20),
    _by_age("maternal_health", 26),
)
_SIBLINGS = (
    ("wine_quality", ("wine_red",), ("wine_white",)),
    ("software_defects", ("kc1",), ("pc1", "cm1")),
    ("breast_tumours", ("breast_cancer",), ("wisconsin",)),
    ("handwritten_digits", ("digits",), ("mnist_5k",)),
)


def related_pairs(most_rows: int | None = 3000) -> list[RelatedTables]:
    """Return groups of related tables in a fixed order, those cut by a column first.

    Parameters
    ----------
    most_rows : rows of a table, above which it is reduced to a random part that is always the same; None keeps all.
    """
    return [_cut(cut, most_rows) for cut in _CUTS] + [
        _related(name, [load_dataset(data) for data in home], [load_dataset(data) for data in away], home[0], most_rows)
        for name, home, away in _SIBLINGS
    ]


def _cut(cut: _Cut, most_rows: int | None) -> RelatedTables:
    data = load_dataset(cut.data)
    column = _column(data, cut.column)
    drop = () if cut.keep else (cut.column,)
    home, *away = [
        part_of(data, np.flatnonzero(chosen(column)), f"{cut.data}_{label}", drop=drop)
        for label, chosen in (cut.home, *cut.away)
    ]
    return _related(cut.data, [home], away, cut.data, most_rows)


def _column(data: Dataset, name: str) -> NDArray[Any]:
    if data.kind == "table":
        return np.asarray(data.X[name].to_numpy())
    if data.feature_names is None or name not in data.feature_names:
        raise ValueError(f"{data.name} has no column {name!r}")
    return np.asarray(data.X[:, data.feature_names.index(name)])


def _related(name: str, home: list[Dataset], away: list[Dataset], source: str, most_rows: int | None) -> RelatedTables:
    """Return the tables with the classes that are frequent in all; the built-in ``source`` has the family."""
    tables = [*home, *away]
    frequent = [
        {label for label, count in zip(data.classes, data.class_counts, strict=True) if count >= FEWEST_OF_A_CLASS}
        for data in tables
    ]
    shared = set.intersection(*frequent)
    reduced = [at_most(_only(data, shared), most_rows) for data in tables]
    return RelatedTables(name, tuple(reduced[: len(home)]), tuple(reduced[len(home) :]), str(family_of(source)))


def _only(data: Dataset, classes: set[ClassName]) -> Dataset:
    """Return the rows of some classes, in the order that these have in the data set."""
    order = [label for label in data.classes if label in classes]
    codes = [data.classes.index(label) for label in order]
    return part_of(data, np.flatnonzero(np.isin(data.y, codes)), classes=order)
