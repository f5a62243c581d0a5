"""Checks of the knobs that make a model: ``retrain``, ``model_init`` and ``training``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.core.needs import Capabilities
from altune.core.pool import Pool
from altune.core.registry import Method, validate_fields
from altune.core.streams import Streams
from altune.core.types import RowNumbers
from altune.knobs.model_init import DefaultStart, ModelInit
from altune.knobs.retrain import Retrain, TrainingInput
from altune.knobs.training import LabelsSoFar, Training
from altune.models import FittedModel, Model
from altune.testing.core import (
    Check,
    ContractError,
    able_models,
    alike,
    blaming,
    check_randomness,
    instance,
    require,
)
from altune.testing.form import form_checks

N_CLASSES = 5
STREAMS = Streams(0, "contract", "search", 0)
CLASSES_OF_LOOPS = ((1,), (1,), (1, 3), (0, 1, 3, 4), (0, 1, 3, 4))
"""Classes among the rows that each loop adds: one alone, then two, then others; class 2 never comes."""
ROWS_OF_A_LOOP = 8


def check_retrain(method: Retrain | type[Retrain]) -> None:
    """Run every check of a way to retrain; the first that fails raises :class:`ContractError`."""
    for _, check in retrain_checks(instance(method)):
        check()


def check_model_init(method: ModelInit | type[ModelInit]) -> None:
    """Run every check of a start; the first that fails raises :class:`ContractError`."""
    for _, check in model_init_checks(instance(method)):
        check()


def check_training(method: Training | type[Training]) -> None:
    """Run every check of a schedule; the first that fails raises :class:`ContractError`."""
    for _, check in training_checks(instance(method)):
        check()


def retrain_checks(method: Retrain) -> list[Check]:
    """Return the checks of a way to retrain."""
    return form_checks(method) + _learning_checks(method, lambda turn: method.train(turn))


def model_init_checks(method: ModelInit) -> list[Check]:
    """Return the checks of a start."""

    def start(turn: TrainingInput) -> FittedModel:
        return method.start(
            turn.model,
            turn.X,
            turn.y,
            turn.weight,
            n_classes=N_CLASSES,
            streams=turn.streams,
            loop=turn.loop,
            pool=turn.pool,
        )

    return form_checks(method) + _learning_checks(method, start)


def training_checks(method: Training) -> list[Check]:
    """Return the checks of a schedule."""
    return [
        *form_checks(method),
        ("in range", lambda: check_schedule(method)),
        ("randomness", lambda: check_randomness(method, "adapting", lambda: _adapted(method))),
    ]


# learning loop by loop ----------------------------------------------------------------------------

Learn = Callable[[TrainingInput], FittedModel]


def _learning_checks(method: Method, learn: Learn) -> list[Check]:
    return [
        ("classes that appear", lambda: check_classes_appear(method, learn)),
        ("weights", lambda: check_weights(method, learn)),
        ("randomness", lambda: check_randomness(method, "training", lambda: _final_scores(method, learn))),
    ]


def rows_and_labels() -> tuple[NDArray[np.float64], RowNumbers]:
    """Return separable features and labels of five loops of eight rows, classes as CLASSES_OF_LOOPS has them."""
    rng = np.random.default_rng(4)
    y = np.concatenate([np.resize(classes, ROWS_OF_A_LOOP) for classes in CLASSES_OF_LOOPS]).astype(np.intp)
    centres = 3.0 * rng.normal(size=(N_CLASSES, 6))
    return centres[y] + rng.normal(size=(len(y), 6)), y


def _turn(model: Model, loop: int, previous: FittedModel | None, weighted: bool = False) -> TrainingInput:
    X, y = rows_and_labels()
    n = ROWS_OF_A_LOOP * (loop + 1)
    pool = Pool(X, N_CLASSES, budget=len(y))
    pool.close(np.arange(n))
    pool.set_labels(np.arange(n), y[:n])
    return TrainingInput(
        model=model,
        model_init=DefaultStart(),
        X=X[:n],
        y=y[:n],
        weight=np.where(np.arange(n) % 3 == 0, 0.2, 1.0) if weighted else None,
        fresh=np.arange(n) >= n - ROWS_OF_A_LOOP,
        n_classes=N_CLASSES,
        previous=previous,
        streams=STREAMS,
        loop=loop,
        pool=pool,
    )


def _models(method: Method) -> list[Model]:
    models = list(able_models(method, Capabilities(n_classes=N_CLASSES)))
    if not models:
        raise ContractError(method, "no shipped model has all it needs; check `needs`, or test it with your own model")
    return models


def check_classes_appear(method: Method, learn: Learn) -> None:
    """Check that one class first and others in loop 3 are borne by every model that the method can work with."""
    X, y = rows_and_labels()
    for model in _models(method):
        previous: FittedModel | None = None
        for loop in range(len(CLASSES_OF_LOOPS)):
            doing = f"training {model.method} in loop {loop}, with the classes {np.unique(_turn(model, loop, None).y)}"
            before = None if previous is None else previous.class_scores(X) if _scores(model) else previous.predict(X)
            with blaming(method, doing):
                fitted = learn(_turn(model, loop, previous))
            _check_fitted(method, doing, fitted, model, X)
            if previous is not None:
                after = previous.class_scores(X) if _scores(model) else previous.predict(X)
                require(method, alike(before, after), f"{doing} changed the model of the loop before; copy it first")
            previous = fitted
        right = float((fitted.predict(X) == y)[-ROWS_OF_A_LOOP:].mean())
        require(method, right > 0.4, f"{model.method} knows {right:.0%} of the rows that it was trained on last")


def _scores(model: Model) -> bool:
    return "class_scores" in model.able()


def _check_fitted(method: Method, doing: str, fitted: Any, model: Model, X: NDArray[np.float64]) -> None:
    require(method, isinstance(fitted, FittedModel), f"{doing} gave {type(fitted).__name__}, not a FittedModel")
    require(
        method, fitted.n_classes == N_CLASSES, f"{doing} gave a model of {fitted.n_classes} classes, not {N_CLASSES}"
    )
    predicted = fitted.predict(X)
    codes = np.issubdtype(predicted.dtype, np.integer) and ((predicted >= 0) & (predicted < N_CLASSES)).all()
    require(method, codes, f"{doing} gave a model whose predictions are no class codes")
    if _scores(model):
        sums = fitted.class_scores(X).sum(axis=1)
        require(method, np.allclose(sums, 1.0), f"{doing} gave a model whose class scores do not sum to 1")


def check_weights(method: Method, learn: Learn) -> None:
    """Check that weights are taken, loop by loop, wherever the model takes them."""
    for model in _models(method):
        if "sample_weight" not in model.able():
            continue
        previous: FittedModel | None = None
        for loop in range(len(CLASSES_OF_LOOPS)):
            with blaming(method, f"training {model.method} with weights in loop {loop}"):
                previous = learn(_turn(model, loop, previous, weighted=True))


def _final_scores(method: Method, learn: Learn) -> list[Any]:
    X, _ = rows_and_labels()
    found = []
    for model in _models(method)[:3]:
        previous: FittedModel | None = None
        for loop in range(len(CLASSES_OF_LOOPS)):
            previous = learn(_turn(model, loop, previous))
            found.append(previous.predict(X) if not _scores(model) else previous.class_scores(X))
    return found


# schedules ----------------------------------------------------------------------------------------

COUNTS = ((1, 1), (10, 10), (11, 10), (1000, 10), (100_000, 1), (3, 10))


def _adapted(method: Training) -> list[dict[str, Any]]:
    by_number = [method.adapt(model, n, first).to_dict() for model in _models(method) for n, first in COUNTS]
    return by_number + [tuned.to_dict() for tuned in _tuned(method, _models(method)[0])]


def _tuned(method: Training, model: Model) -> list[Model]:
    """Return the model as it is tuned in each loop, the last one handed on."""
    found: list[Model] = []
    for loop in range(len(CLASSES_OF_LOOPS)):
        turn = _turn(model, loop, None)
        so_far = LabelsSoFar(
            X=turn.X,
            y=turn.y,
            weight=turn.weight,
            n_classes=N_CLASSES,
            first_labels=ROWS_OF_A_LOOP,
            last_labels=ROWS_OF_A_LOOP * loop,
            last=found[-1] if found else None,
            streams=STREAMS,
            loop=loop,
        )
        found.append(method.tune(method.adapt(model, len(turn.y), ROWS_OF_A_LOOP), so_far))
    return found


def check_schedule(method: Training) -> None:
    """Check that the model stays the same method, with parameters inside their declared ranges."""
    for model in _models(method):
        before = model.to_dict()
        for n_labels, first in COUNTS:
            doing = f"adapting {model.method} to {n_labels} labels, {first} at first,"
            with blaming(method, doing):
                adapted = method.adapt(model, n_labels, first)
            _check_adapted(method, doing, adapted, model)
        doing = f"tuning {model.method} loop by loop"
        with blaming(method, doing):
            tuned = _tuned(method, model)
        for one in tuned:
            _check_adapted(method, doing, one, model)
        require(method, model.to_dict() == before, "adapt changed the recipe's own model; return a copy")


def _check_adapted(method: Training, doing: str, adapted: Model, model: Model) -> None:
    require(method, type(adapted) is type(model), f"{doing} gave {type(adapted).__name__}, another method")
    with blaming(method, f"{doing} left the declared ranges: reading the result back"):
        back = validate_fields(type(adapted), adapted.to_dict())
    require(method, back == adapted, f"{doing} gave values of other types than the parameters have")
