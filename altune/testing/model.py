"""Checks of a model: any classes at any time, honest abilities, one answer for one seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from altune.core.errors import RequestError
from altune.core.needs import Need
from altune.models import FittedModel, Model
from altune.testing.core import Check, ContractError, alike, blaming, check_randomness, instance, require
from altune.testing.form import form_checks
from altune.testing.training import N_CLASSES, rows_and_labels

SMALL = 16


def check_model(method: Model | type[Model]) -> None:
    """Run every check of a model; the first that fails raises :class:`ContractError`."""
    for _, check in model_checks(instance(method)):
        check()


def model_checks(method: Model) -> list[Check]:
    """Return the checks of a model."""
    return [
        *form_checks(method),
        ("classes", lambda: check_classes(method)),
        ("outputs", lambda: check_outputs(method)),
        ("goes on", lambda: check_goes_on(method)),
        ("weights", lambda: check_sample_weights(method)),
        ("sparse", lambda: check_sparse(method)),
        ("seeds", lambda: check_seeds(method)),
        ("schedulable", lambda: check_schedulable(method)),
        ("randomness", lambda: check_randomness(method, "fitting", lambda: _answers(method.fit(*_rows(), 5, 3)))),
    ]


def _rows() -> tuple[Any, Any]:
    return rows_and_labels()


def _answers(fitted: FittedModel, X: Any = None) -> Any:
    X = rows_and_labels()[0] if X is None else X
    return fitted.class_scores(X) if fitted.outputs else fitted.predict(X)


def _check_fitted(method: Model, doing: str, fitted: Any) -> None:
    X, _ = rows_and_labels()
    require(method, isinstance(fitted, FittedModel), f"{doing} gave {type(fitted).__name__}, not a FittedModel")
    with blaming(method, f"predicting after {doing}"):
        predicted = fitted.predict(X)
    codes = predicted.shape == (len(X),) and np.issubdtype(predicted.dtype, np.integer)
    require(method, codes, f"after {doing} predictions are no class codes, one for each row")
    inside = ((predicted >= 0) & (predicted < N_CLASSES)).all()
    require(method, inside, f"after {doing} predictions lie outside of 0 to {N_CLASSES - 1}")
    if "class_scores" in method.able():
        with blaming(method, f"scoring the classes after {doing}"):
            scores = fitted.class_scores(X)
        shaped = scores.shape == (len(X), N_CLASSES) and np.isfinite(scores).all() and scores.min() >= 0
        require(method, shaped, f"after {doing} class scores are not (n_rows, {N_CLASSES}) numbers of 0 or more")
        require(method, np.allclose(scores.sum(axis=1), 1.0), f"after {doing} class scores do not sum to 1")


def check_classes(method: Model) -> None:
    """Check that labels may hold any of the classes: one, two, some; and one row of each."""
    X, y = rows_and_labels()
    for classes in ((1,), (1, 3), (0, 1, 3, 4)):
        rows = np.flatnonzero(np.isin(y, classes))
        doing = f"fitting rows of the classes {list(classes)}"
        with blaming(method, doing):
            fitted = method.fit(X[rows], y[rows], N_CLASSES, 0)
        _check_fitted(method, doing, fitted)
        require(method, fitted.seen.tolist() == list(classes), f"{doing} gave a model that has seen {fitted.seen}")
    first = np.array([np.flatnonzero(y == code)[0] for code in np.unique(y)])
    with blaming(method, "fitting one row of each class"):
        fitted = method.fit(X[first], y[first], N_CLASSES, 0)
    _check_fitted(method, "fitting one row of each class", fitted)


def check_outputs(method: Model) -> None:
    """Check that probabilities and decision function are there when, and only when, the model says so."""
    X, y = rows_and_labels()
    fitted = method.fit(X, y, N_CLASSES, 0)
    for ability, output in (("probabilities", "predict_proba"), ("decision_function", "decision_function")):
        has = hasattr(fitted, output)
        says = ability in method.able()
        require(method, has == says, f"its abilities say {ability!r}: {says}, and the fitted model has it: {has}")
        if has:
            with blaming(method, f"its ability {ability!r}"):
                values = getattr(fitted, output)(X)
            shaped = values.shape == (len(X), N_CLASSES) and np.isfinite(values).all()
            require(method, shaped, f"{output} must give finite numbers, (n_rows, {N_CLASSES})")
    scored = "class_scores" in method.able()
    require(
        method,
        scored == bool({"probabilities", "decision_function"} & method.able()),
        "'class_scores' belongs to its abilities exactly where probabilities or a decision function do",
    )


def check_goes_on(method: Model) -> None:
    """Check that ``resume`` and ``update`` do what the abilities say, with classes that appear, on a copy."""
    ways: tuple[tuple[Need, Callable[..., FittedModel]], ...] = (
        ("resume", method.resume),
        ("partial_fit", method.update),
    )
    X, y = rows_and_labels()
    for ability, go_on in ways:
        for start in (SMALL // 2, SMALL, 24):  # one class so far, one, two
            previous = method.fit(X[:start], y[:start], N_CLASSES, 0)
            before = _answers(previous)
            rows = slice(0, 40) if ability == "resume" else slice(start, 40)
            if ability not in method.able():
                _check_refuses(method, ability, lambda go=go_on, was=previous: go(was, X, y, N_CLASSES, 1))  # type: ignore[misc]
                continue
            doing = f"going on ({ability}) from {len(np.unique(y[:start]))} classes to {len(np.unique(y))}"
            with blaming(method, doing):
                fitted = go_on(previous, X[rows], y[rows], N_CLASSES, 1)
            _check_fitted(method, doing, fitted)
            require(method, np.isin(y, fitted.seen).all(), f"{doing} gave a model that has seen {fitted.seen}")
            require(method, alike(before, _answers(previous)), f"{doing} changed the model that it went on from")


def _check_refuses(method: Model, ability: str, act: Callable[[], Any]) -> None:
    try:
        act()
    except RequestError:
        return
    raise ContractError(method, f"it does {ability!r}, which its abilities do not name")


def check_sample_weights(method: Model) -> None:
    """Check that weights are taken and that a weight of 0 is as good as no row, or refused where not offered."""
    X, y = rows_and_labels()
    weight = np.ones(len(y))
    weight[1::2] = 0.0
    if "sample_weight" not in method.able():
        _check_refuses(method, "sample_weight", lambda: method.fit(X, y, N_CLASSES, 0, weight))
        return
    with blaming(method, "fitting with weights"):
        weighted = method.fit(X, y, N_CLASSES, 0, weight)
        chosen = method.fit(X[::2], y[::2], N_CLASSES, 0, np.ones(len(y[::2])))
    close = np.allclose(_answers(weighted), _answers(chosen), atol=1e-6)
    require(method, close, "rows of weight 0 move the fit; leave them out")


def check_sparse(method: Model) -> None:
    """Check that CSR features are learned from alike, where the model says that it takes them."""
    if "sparse" not in method.able():
        return
    X, y = rows_and_labels()
    with blaming(method, "fitting CSR features"):
        fitted = method.fit(sparse.csr_array(X), y, N_CLASSES, 0)
        found = fitted.predict(sparse.csr_array(X))
    right = float((found == y).mean())
    require(method, right > 0.5, f"from CSR features it knows {right:.0%} of the very rows that it was trained on")


def check_seeds(method: Model) -> None:
    """Check that a seed changes nothing where the model says that its start is not random."""
    if "random_start" in method.able():
        return
    X, y = rows_and_labels()
    a, b = (_answers(method.fit(X, y, N_CLASSES, seed)) for seed in (1, 2))
    require(method, np.allclose(a, b, atol=1e-3), "another seed gives another model; name 'random_start' as an ability")


def check_schedulable(method: Model) -> None:
    """Check that the hyperparameters that ``training`` may set are parameters of the model."""
    for name in method.schedulable:
        known = name in type(method).model_fields
        require(method, known, f"schedulable {name!r} is no parameter of it")
