"""What a user's estimator can do, asked of it and, where asking is not enough, found by training it on a few rows.

An estimator that is not fitted often misjudges itself: a wrapper has every method of what it may wrap, a signature
takes weights that ``fit`` refuses or ignores, a tag was never set. A fit on some 70 made-up rows tells. Where an
estimator cannot be trained on them, because it wants columns of its own, what it says of itself counts.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from altune.core.blame import pass_on
from altune.core.errors import EstimatorError, WorkError
from altune.core.needs import Need
from altune.core.settings import no_warnings, with_usual_settings
from altune.core.types import Array, Codes
from altune.models.class_parameters import class_parameters, copy_of
from altune.models.outputs import OutputMethod, estimator_output, votes_of_pairs

T = TypeVar("T")

ROWS_OF_A_CLASS, DISPUTED_ROWS, FEATURES = 15, 12, 6


@dataclass(frozen=True)
class Abilities:
    """What an estimator can do.

    Attributes
    ----------
    needs : its abilities by name.
    pairs : whether its decision function has a column for each pair of classes, as
        :func:`altune.models.outputs.estimator_output` takes it.
    binary : whether it can be trained on two classes and on no more.
    """

    needs: frozenset[Need]
    pairs: int = 0
    binary: bool = False


class _Rows(NamedTuple):
    """Rows to try an estimator on, some of them with two labels, and weights that make one of the two likelier."""

    X: Array
    y: Codes
    weights: Array


def asked_abilities(estimator: Any) -> Abilities:
    """Return what an estimator can do as its methods, parameters and tags say before it is fitted."""
    parameters = estimator.get_params()
    named: dict[Need, bool] = {
        "probabilities": _offers(estimator, "predict_proba"),
        "decision_function": _offers(estimator, "decision_function"),
        "partial_fit": _offers(estimator, "partial_fit"),
        "random_start": any(name.rpartition("__")[2] == "random_state" for name in parameters),
        "sample_weight": "sample_weight" in _arguments_of_fit(_last_step(estimator)),
        "sparse": bool(get_tags(estimator).input_tags.sparse),
    }
    by_pairs = any(name.endswith("decision_function_shape") and value == "ovo" for name, value in parameters.items())
    return Abilities(_needs(named), pairs=int(by_pairs))


@with_usual_settings
def found_abilities(estimator: Any) -> Abilities:
    """Return what an estimator can do, found by training clones of it on a few rows.

    Parameters
    ----------
    estimator : an estimator that is not fitted, with its seeds set.
    """
    asked = asked_abilities(estimator)
    with no_warnings():
        for n_classes in (4, 3, 2):
            rows = _rows(n_classes)
            fitted = _tried(partial(_trained, estimator, rows.X, rows.y))
            if fitted is not None:
                return _of_fitted(estimator, fitted, rows, n_classes, asked)
    return asked


def without_classes(estimator: Any) -> Any:
    """Return a copy of an estimator whose parameters name no class of the data, to be trained on made-up rows."""
    parameters = estimator.get_params()
    usual: dict[str, Any] = {}
    for name in class_parameters(parameters):
        owner, _, last = name.rpartition("__")
        argument = inspect.signature(type(parameters.get(owner, estimator))).parameters.get(last)
        if argument is not None and argument.default is not inspect.Parameter.empty:
            usual[name] = argument.default
    return copy_of(estimator).set_params(**usual) if usual else estimator


def weight_argument(estimator: Any) -> str | None:
    """Return the name of the argument of ``fit`` that takes row weights, None where there is none."""
    arguments = _arguments_of_fit(_last_step(estimator))
    if "sample_weight" not in arguments and inspect.Parameter.VAR_KEYWORD not in arguments.values():
        return None
    return f"{estimator.steps[-1][0]}__sample_weight" if isinstance(estimator, Pipeline) else "sample_weight"


def _of_fitted(estimator: Any, fitted: Any, rows: _Rows, n_classes: int, asked: Abilities) -> Abilities:
    X, y = rows.X, rows.y
    named: dict[Need, bool] = {
        "probabilities": _answers(fitted, "predict_proba", X, n_classes),
        "decision_function": _answers(fitted, "decision_function", X, n_classes),
        "partial_fit": bool(_tried(lambda: _continues(fitted, rows, n_classes))),
        "random_start": "random_start" in asked.needs,
        "sample_weight": bool(_tried(lambda: _weighs(estimator, fitted, rows))),
        "sparse": bool(_tried(partial(_takes_sparse, estimator, X[y < 2], y[y < 2]))),
    }
    pairs = _tried(lambda: _pairs(fitted, X, n_classes)) if named["decision_function"] else 0
    return Abilities(_needs(named), pairs or 0, binary=n_classes == 2)


def _needs(named: dict[Need, bool]) -> frozenset[Need]:
    named["class_scores"] = named["probabilities"] or named["decision_function"]
    return frozenset(ability for ability, present in named.items() if present)


def _offers(estimator: Any, method: str) -> bool:
    try:
        return hasattr(estimator, method)
    except Exception:  # a property that fails before the fit says nothing about what comes after it
        return True


def _last_step(estimator: Any) -> Any:
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def _arguments_of_fit(estimator: Any) -> dict[str, Any]:
    try:
        return {name: argument.kind for name, argument in inspect.signature(estimator.fit).parameters.items()}
    except (AttributeError, TypeError, ValueError):  # a final step "passthrough", or a method without a signature
        return {}


def _tried(act: Callable[[], T]) -> T | None:
    """Return what a trial returns, None where it fails; nothing can be known about how strange estimators fail."""
    try:
        return act()
    except BaseException as error:
        pass_on(error)
        return None


def _trained(estimator: Any, X: Any, y: Codes, **weights: Array) -> Any:
    trained = copy_of(estimator)
    trained.fit(X.copy(), y, **weights)
    return trained


def _answers(fitted: Any, method: OutputMethod, X: Array, n_classes: int) -> bool:
    try:
        estimator_output(fitted, method, X, n_classes)
    except EstimatorError:
        return False
    except WorkError:  # it answers wrongly, which the first model will report
        return True
    except BaseException as error:
        pass_on(error)
        return False
    return True


def _continues(fitted: Any, rows: _Rows, n_classes: int) -> bool:
    """Return whether further rows of one class leave the others known."""
    continued = copy.deepcopy(fitted)
    new = rows.y == 1
    continued.partial_fit(rows.X[new], rows.y[new])
    before, after = (
        set(estimator_output(model, "predict", rows.X, n_classes).tolist()) for model in (fitted, continued)
    )
    return len(after) > 1 or len(before) == 1


def _takes_sparse(estimator: Any, X: Array, y: Codes) -> bool:
    thin = sparse.csr_array(X)
    return len(estimator_output(_trained(estimator, thin, y), "predict", thin, 2)) == len(y)


def _weighs(estimator: Any, fitted: Any, rows: _Rows) -> bool:
    """Return whether weights change what is learned."""
    argument = weight_argument(estimator)
    if argument is None:
        return False
    weighted = _trained(estimator, rows.X, rows.y, **{argument: rows.weights})
    for method in ("predict_proba", "decision_function", "predict"):
        if _offers(fitted, method) and (same := _tried(partial(_alike, fitted, weighted, method, rows.X))) is not None:
            return not same
    return False


def _alike(one: Any, other: Any, method: str, X: Array) -> bool:
    before, after = (np.asarray(getattr(model, method)(X.copy()), np.float64) for model in (one, other))
    return bool(np.allclose(before, after))


def _pairs(fitted: Any, X: Array, n_classes: int) -> int:
    """Return how the columns of the decision function agree best with what is predicted."""
    values = np.asarray(fitted.decision_function(X.copy()), dtype=np.float64)
    if n_classes < 3 or values.ndim != 2:
        return 0
    scores = {0: values} if values.shape[1] == n_classes else {}
    if values.shape[1] == n_classes * (n_classes - 1) // 2:
        scores |= {pairs: votes_of_pairs(pairs * values, n_classes) for pairs in (1, -1)}
    predicted = estimator_output(fitted, "predict", X, n_classes)
    return max(scores, key=lambda pairs: float(np.mean(scores[pairs].argmax(axis=1) == predicted)), default=0)


@cache
def _rows(n_classes: int) -> _Rows:
    """Return rows of separate classes with features of 0 or more; some of class 0 are there once more, as class 1."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(n_classes), ROWS_OF_A_CLASS)
    X = np.abs(2.0 * np.eye(FEATURES)[y] + rng.normal(scale=0.3, size=(len(y), FEATURES)))
    order = rng.permutation(len(y) + DISPUTED_ROWS)
    return _Rows(
        np.concatenate([X, X[:DISPUTED_ROWS]])[order],
        np.concatenate([y, np.ones(DISPUTED_ROWS, dtype=y.dtype)])[order],
        np.repeat([0.6, 1.0], [len(y), DISPUTED_ROWS])[order],
    )
