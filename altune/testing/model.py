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
from altune.testing.core import Check, ContractError, alike, blaming, check_randomness, instance, require
from altune.testing.form import form_checks
from altune.testing.training import N_CLASSES, labelled_rows


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
        ("continues", lambda: check_continues(method)),
        ("weights", lambda: check_sample_weights(method)),
        ("sparse", lambda: check_sparse(method)),
        ("seeds", lambda: check_seeds(method)),
        ("schedulable", lambda: check_schedulable(method)),
        ("randomness", lambda: check_randomness(method, "fitting", lambda: _outputs(method.fit(labelled_rows(), 3)))),
    ]


def _outputs(fitted: FittedModel) -> Any:
    X = labelled_rows().X
    return fitted.class_scores(X) if fitted.outputs else fitted.predict(X)


def _check_fitted(method: Model, doing: str, fitted: Any) -> None:
    X = labelled_rows().X
    require(method, isinstance(fitted, FittedModel), f"{doing} gave {type(fitted).__name__}, not a FittedModel")
    with blaming(method, f"predicting after {doing}"):
        fitted.predict(X)
    if "class_scores" in method.able():
        with blaming(method, f"scoring the classes after {doing}"):
            scores = fitted.class_scores(X)
        shaped = scores.shape == (len(X), N_CLASSES) and np.isfinite(scores).all() and scores.min() >= 0
        require(method, shaped, f"after {doing} class scores are not (n_rows, {N_CLASSES}) numbers of 0 or more")
        require(method, np.allclose(scores.sum(axis=1), 1.0), f"after {doing} class scores do not sum to 1")


def check_classes(method: Model) -> None:
    """Check that labels may hold any of the classes: one, two, some; and one row of each."""
    rows = labelled_rows()
    for classes in ((1,), (1, 3), (0, 1, 3, 4)):
        doing = f"fitting rows of the classes {list(classes)}"
        with blaming(method, doing):
            fitted = method.fit(rows.take(np.flatnonzero(np.isin(rows.y, classes))), 0)
        _check_fitted(method, doing, fitted)
        require(method, fitted.seen.tolist() == list(classes), f"{doing} gave a model that has seen {fitted.seen}")
    first = np.array([np.flatnonzero(rows.y == code)[0] for code in rows.seen])
    with blaming(method, "fitting one row of each class"):
        fitted = method.fit(rows.take(first), 0)
    _check_fitted(method, "fitting one row of each class", fitted)


def check_outputs(method: Model) -> None:
    """Check that a fitted model has probabilities and a decision function exactly where its abilities name them."""
    rows = labelled_rows()
    fitted = method.fit(rows, 0)
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
            before = _outputs(previous)
            if ability not in method.able():
                _check_refuses(method, ability, partial(train, previous, rows, 1))
                continue
            doing = f"continuing ({ability}) from {len(earlier.seen)} classes to {len(rows.seen)}"
            with blaming(method, doing):
                fitted = train(previous, rows if ability == "resume" else rows.take(slice(start, None)), 1)
            _check_fitted(method, doing, fitted)
            require(method, np.isin(rows.y, fitted.seen).all(), f"{doing} gave a model that has seen {fitted.seen}")
            require(method, alike(before, _outputs(previous)), f"{doing} changed the model that it started from")


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
    close = np.allclose(_outputs(of_all), _outputs(of_half), atol=1e-6)
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
    a, b = (_outputs(method.fit(labelled_rows(), seed)) for seed in (1, 2))
    require(method, np.allclose(a, b, atol=1e-3), "another seed gives another model; name 'random_start' as an ability")


def check_schedulable(method: Model) -> None:
    """Check that the hyperparameters that ``training`` may set are parameters of the model."""
    for name in method.schedulable:
        known = name in type(method).model_fields
        require(method, known, f"schedulable {name!r} is not a parameter of it")
