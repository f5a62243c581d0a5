"""Columns of metadata: numbers about each candidate that a strategy may rank by, each with a version and a meaning.

A column has *raw* values, and a form that *carries over* between data sets, whose units differ: z-scores or ranks
within the candidates of a loop. A method that was trained on other data sets names the columns that it reads and their
versions. Where a formula changes, the version of the column grows.

A column can be read as it was up to four loops ago. An earlier generation exists if the column was read in that loop,
so a strategy that wants one reads the column in every loop. Columns of the class scores alone exist in every loop in
which anything asked for class scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from altune.core.errors import RequestError, did_you_mean
from altune.core.pool import Pool
from altune.core.types import Array
from altune.knobs import column_formulas as formulas
from altune.knobs.column_formulas import View
from altune.numerics.geometry.coverage import z_scores

MOST_BACK = 4
"""How many loops ago a column can be read, at most."""

Form = Literal["z", "rank"]


@dataclass(frozen=True)
class ColumnInfo:
    """What a column is.

    Attributes
    ----------
    name : its name.
    version : version of its formula, 1 or more.
    meaning : its formula in one sentence.
    carried : the form that carries over between data sets: ``z``, the z-score within ±6, or ``rank``, the rank between
        −1 and 1.
    """

    name: str
    version: int
    meaning: str
    carried: Form


COLUMNS: dict[str, ColumnInfo] = {}
"""The columns by name, in the order of the documentation."""

_OF_POOL: dict[str, Callable[[View], Array | None]] = {}
_OF_SCORES: dict[str, Callable[[Array], Array]] = {}


def column(pool: Pool, name: str, back: int = 0) -> Array | None:
    """Return the raw values of a column for ``pool.candidates``, ``(n_candidates,)``, read-only.

    Parameters
    ----------
    pool : a pool with a model.
    name : a name in :data:`COLUMNS`.
    back : number of loops ago, from 0 for the current one to 4.

    Returns
    -------
    The values, NaN for candidates for which the column is not known; None if it is known for none of them, because
    there was no such loop, or because the column was not read in it.

    Raises
    ------
    RequestError
        If there is no such column or ``back`` is out of range.

    Examples
    --------
    >>> from altune.testing.pools import POOLS
    >>> pool = POOLS[0].make(labelled=True)
    >>> column(pool, "u").shape == pool.candidates.shape, column(pool, "u", back=1)
    (True, None)
    """
    values = _values(pool, name, back)
    return None if values is None or np.isnan(values).all() else values


def carried(pool: Pool, name: str, back: int = 0) -> Array:
    """Return a column in the form that carries over between data sets, ``(n_candidates,)``; 0 where it is not known.

    Parameters
    ----------
    pool, name, back : see :func:`column`.

    Returns
    -------
    For the form ``z``, (value − mean) / standard deviation over the candidates, within ±6. For the form ``rank``,
    average ranks scaled to lie between −1 and 1. Both are 0 for all candidates if all values are equal.

    Examples
    --------
    >>> from altune.testing.pools import POOLS
    >>> pool = POOLS[0].make(labelled=True)
    >>> bool(abs(carried(pool, "u").mean()) < 1e-9), bool(carried(pool, "u", back=1).any())
    (True, False)
    """
    values = _values(pool, name, back)
    if values is None:
        return np.zeros(len(pool.candidates))
    inside = np.isfinite(values)
    if inside.all() and COLUMNS[name].carried == "z":
        return z_scores(values)
    within, result = values[inside], np.zeros(len(values))
    result[inside] = z_scores(within)
    if COLUMNS[name].carried == "rank" and result.any():  # equal values, but for rounding, have no ranks
        result[inside] = (2.0 * rankdata(within) - 1.0) / len(within) - 1.0
    return result


def _values(pool: Pool, name: str, back: int) -> Array | None:
    """Return the values of a column, which may all be NaN; None if there was no such loop or it was not read in it."""
    if name not in COLUMNS:
        raise RequestError(f"no column {name!r}; {did_you_mean(name, COLUMNS)}")
    if not 0 <= back <= MOST_BACK:
        raise RequestError(f"back must be from 0 to {MOST_BACK}, not {back}")
    known = pool.known()
    if back == 0:
        return known.keep(f"column.{name}", lambda: _now(pool, name))
    then = known.earlier(back, f"column.{name}")
    if then is None and name in _OF_SCORES:
        scores = known.earlier(back, "probabilities")
        then = None if scores is None else _OF_SCORES[name](scores)
    if then is not None:
        then.flags.writeable = False
    return then


def _now(pool: Pool, name: str) -> Array:
    if name in _OF_SCORES:
        return _OF_SCORES[name](pool.known().probabilities)
    values = _OF_POOL[name](View.of(pool))
    return np.full(len(pool.candidates), np.nan) if values is None else values


def _declare(name: str, meaning: str, form: Form = "z", version: int = 1) -> None:
    COLUMNS[name] = ColumnInfo(name, version, meaning, form)


def _of_scores(name: str, formula: Callable[[Array], Array], meaning: str, form: Form = "z") -> None:
    _declare(name, meaning, form)
    _OF_SCORES[name] = formula


def _of_pool(name: str, formula: Callable[[View], Array | None], meaning: str, form: Form = "z") -> None:
    _declare(name, meaning, form)
    _OF_POOL[name] = formula


_of_scores("u", formulas.closeness, "1 − (p₁ − p₂), p₁ and p₂ the two largest class probabilities")
_of_scores("least_confidence", formulas.least_confidence, "1 − p₁")
_of_scores("entropy", formulas.entropy, "entropy of the class probabilities")
_of_scores("second", formulas.second, "p₂, the probability of the second most probable class")
_of_scores("log_odds", formulas.log_odds, "ln p₂ − ln p₁, probabilities clipped at 1e-7", "rank")
_of_pool(
    "gradient", formulas.gradient, "expected length of the gradient, ‖g‖ Σ_k p_k ‖p − e_k‖, as in the strategy egl"
)
_of_pool("smoothed", formulas.smoothed, "mean of u over the row, with weight 1, and its neighbours j, with weight s_ij")

_of_pool("cov", formulas.cov, "what the row adds to the coverage by bought rows, as in the strategy margin_cover")
_of_pool("bcov", formulas.bcov, "what the row covers of the uncertainty u at the start of a batch, as in margin_cover")
_of_pool("covered", formulas.covered, "coverage c of the row by the rows that were bought, in [0, 1]")
_of_pool("distance", formulas.distance, "Euclidean distance to the nearest row that was bought")
_of_pool("similarity", formulas.similarity, "mean over all pool rows of (1 + cosine) / 2, as in density_weighted")
_of_pool("typicality", formulas.typicality, "mean of s_ij over the neighbours j")
_of_pool("hubness", formulas.hubness, "number of rows among whose neighbours the row is", "rank")

_of_pool(
    "disagreement", formulas.disagreement, "share of the neighbours, weighted by s_ij, in another class than predicted"
)
_of_pool(
    "divergence", formulas.divergence, "mean over the neighbours j of KL(p_j ‖ p_i), as in the strategy contrastive"
)
_of_pool("labelled_share", formulas.labelled_share, "share of the neighbours, weighted by s_ij, that have a label")
_of_pool(
    "label_conflict", formulas.label_conflict, "share of the labels around, weighted by s_ij, other than predicted"
)

_of_pool("rarity", formulas.rarity, "Σ_k p_k / max(1, n_k), n_k the number of labels of class k")
_of_pool("predicted_share", formulas.predicted_share, "share of the predicted class among the labels")
_of_pool(
    "class_gap", formulas.class_gap, "share of the predicted class among the predictions, minus that among the labels"
)

_of_pool("change", formulas.change, "u now minus u one loop ago")
_of_pool("discrepancy", formulas.discrepancy, "‖p now − p one loop ago‖, as in the strategy temporal_discrepancy")
_of_pool("flips", formulas.flips, "number of changes of the predicted class over up to four loops")
_of_pool(
    "variance", formulas.variance, "variance of u over this loop and up to four before, as in the strategy fluctuation"
)
_of_pool(
    "mean_u",
    formulas.mean_u,
    "mean of u over this loop and up to four before with weights ½ⁱ, as in the strategy history",
)
