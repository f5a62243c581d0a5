"""Checks of a model: any classes at any time, true abilities, one result for one seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from altune.core.errors import RequestError
from altune.core.needs import Need
from altune.models import FittedModel, Model
from altune.testing.core import Checks, ContractError, alike, blaming, check_randomness, require
from altune.testing.training import N_CLASSES, check_fitted, labelled_rows, outputs_of


def check_classes(method: Model) -> None:
    """Check that labels may hold any of the classes: one, two, some; and one row of each."""
    rows = labelled_rows()
    for classes in ((1,), (1, 3), (0, 1, 3, 4)):
        doing = f"fitting rows of the classes {list(classes)}"
        with blaming(method, doing):
            fitted = method.fit(rows.take(np.flatnonzero(np.isin(rows.y, classes))), 0)
        check_fitted(method, doing, fitted, method)
        require(method, fitted.seen.tolist() == list(classes), f"{doing} gave a model that has seen {fitted.seen}")
    first = np.array([np.flatnonzero(rows.y == code)[0] for code in rows.seen])
    with blaming(method, "fitting one row of each class"):
        fitted = method.fit(rows.take(first), 0)
    check_fitted(method, "fitting one row of each class", fitted, method)


def check_outputs(method: Model) -> None:
    """Check that a fitted model has probabilities and a decision function exactly where its abilities name them."""
    rows = labelled_rows()
    fitted = method.fit(rows, 0)
    require(method, not fitted.failure, f"{fitted.failure}, made-up ones of {N_CLASSES} classes")
    for ability, output in (("probabilities", "predict_proba"), ("decision_function", "decision_function")):
        has = hasattr(fitted, output)
        named = ability in method.able()
        require(method, has == named, f"its abilities name {ability!r}: {named}; the fitted model has it: {has}")
        if has:
            with blaming(method, f"its ability {ability!r}"):
                values = getattr(fitted, output)(rows.X)
            shaped = values.shape == (len(rows), N_CLASSES) and np.isfinite(values).all()
            require(method, shaped, f"{output} must return finite numbers, (n_rows, {N_CLASSES})")
    scored = "class_scores" in method.able()
    require(
        method,
        scored == bool({"probabilities", "decision_function"} & method.able()),
        "its abilities must name 'class_scores' exactly where they name probabilities or a decision function",
    )


def check_continues(method: Model) -> None:
    """Check that ``resume`` and ``update`` work where the abilities name them, with new classes, and on a copy."""
    ways: tuple[tuple[Need, Callable[..., FittedModel]], ...] = (
        ("resume", method.resume),
        ("partial_fit", method.update),
    )
    rows = labelled_rows()
    for ability, train in ways:
        for start in (8, 16, 24):  # one class, one class, two classes
            earlier = rows.take(slice(start))
            previous = method.fit(earlier, 0)
            before = outputs_of(previous)
            if ability not in method.able():
                _check_refuses(method, ability, partial(train, previous, rows, 1))
                continue
            doing = f"continuing ({ability}) from {len(earlier.seen)} classes to {len(rows.seen)}"
            with blaming(method, doing):
                fitted = train(previous, rows if ability == "resume" else rows.take(slice(start, None)), 1)
            check_fitted(method, doing, fitted, method)
            require(method, np.isin(rows.y, fitted.seen).all(), f"{doing} gave a model that has seen {fitted.seen}")
            require(method, alike(before, outputs_of(previous)), f"{doing} changed the model that it started from")


def _check_refuses(method: Model, ability: str, act: Callable[[], Any]) -> None:
    try:
        act()
    except RequestError:
        return
    raise ContractError(method, f"it can do {ability!r}, which its abilities do not name")


def check_sample_weights(method: Model) -> None:
    """Check that a row of weight 0 counts as no row, or that weights are refused where abilities do not name them."""
    rows = labelled_rows()
    weighted = replace(rows, weights=np.where(np.arange(len(rows)) % 2, 0.0, 1.0))
    if "sample_weight" not in method.able():
        _check_refuses(method, "sample_weight", lambda: method.fit(weighted, 0))
        return
    with blaming(method, "fitting with weights"):
        of_all, of_half = method.fit(weighted, 0), method.fit(weighted.take(np.arange(0, len(rows), 2)), 0)
    close = np.allclose(outputs_of(of_all), outputs_of(of_half), atol=1e-6)
    require(method, close, "rows of weight 0 change the fit; leave them out")


def check_sparse(method: Model) -> None:
    """Check that the model learns from CSR features, where its abilities name them."""
    if "sparse" not in method.able():
        return
    rows = labelled_rows()
    X = sparse.csr_array(rows.X)
    with blaming(method, "fitting CSR features"):
        predicted = method.fit(replace(rows, X=X), 0).predict(X)
    right = float((predicted == rows.y).mean())
    require(method, right > 0.5, f"trained on CSR features it predicts {right:.0%} of its own training rows right")


def check_seeds(method: Model) -> None:
    """Check that the seed changes nothing where abilities do not name ``random_start``."""
    if "random_start" in method.able():
        return
    a, b = (outputs_of(method.fit(labelled_rows(), seed)) for seed in (1, 2))
    require(method, np.allclose(a, b, atol=1e-3), "another seed gives another model; name 'random_start' as an ability")


def check_schedulable(method: Model) -> None:
    """Check that the hyperparameters that ``training`` may set are parameters of the model."""
    for name in method.schedulable:
        known = name in type(method).model_fields
        require(method, known, f"schedulable {name!r} is not a parameter of it")


MODEL: Checks = {
    "classes": check_classes,
    "outputs": check_outputs,
    "continues": check_continues,
    "weights": check_sample_weights,
    "sparse": check_sparse,
    "seeds": check_seeds,
    "schedulable": check_schedulable,
    "randomness": lambda method: check_randomness(
        method, "fitting", lambda: outputs_of(method.fit(labelled_rows(), 3))
    ),
}
