"""Checks of the knobs that train a model: ``retrain``, ``model_init`` and ``training``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np

from altune.core.needs import Capabilities
from altune.core.pool import Pool
from altune.core.registry import Method, validate_fields
from altune.core.streams import Streams
from altune.core.types import TrainingSet
from altune.knobs.model_init import DefaultStart, ModelInit
from altune.knobs.retrain import Retrain, TrainingInput
from altune.knobs.training import Training, TuningInput
from altune.models import (
    FittedModel,
    KNearestNeighbours,
    LinearSVM,
    LogisticRegressionModel,
    Model,
    MultilayerPerceptron,
    NaiveBayes,
    RandomForest,
    SoftmaxRegression,
)
from altune.recipes.requirements import method_problems
from altune.testing.core import Checks, ContractError, alike, blaming, check_randomness, require

N_CLASSES = 5
STREAMS = Streams(0, "contract", "search", 0)
CLASSES_OF_LOOPS = ((1,), (1,), (1, 3), (0, 1, 3, 4), (0, 1, 3, 4))
"""Classes among the rows that each loop adds: a single one, then two, then further ones; class 2 never appears."""
ROWS_OF_A_LOOP = 8


def _learn(method: Method, inputs: TrainingInput) -> FittedModel:
    if isinstance(method, ModelInit):
        return replace(inputs, model_init=method).start()
    return cast(Retrain, method).train(inputs)


def labelled_rows() -> TrainingSet:
    """Return separable features and labels of five loops of eight rows, with the classes of CLASSES_OF_LOOPS."""
    rng = np.random.default_rng(4)
    y = np.concatenate([np.resize(classes, ROWS_OF_A_LOOP) for classes in CLASSES_OF_LOOPS]).astype(np.intp)
    centres = 3.0 * rng.normal(size=(N_CLASSES, 6))
    return TrainingSet(centres[y] + rng.normal(size=(len(y), 6)), y, N_CLASSES)


def _inputs(model: Model, loop: int, previous: FittedModel | None, weighted: bool = False) -> TrainingInput:
    everything = labelled_rows()
    n = ROWS_OF_A_LOOP * (loop + 1)
    training = everything.take(slice(n))
    if weighted:
        training = replace(training, weights=np.where(np.arange(n) % 3 == 0, 0.2, 1.0))
    pool = Pool(everything.X, N_CLASSES, budget=len(everything))
    pool.close(np.arange(n))
    pool.set_labels(np.arange(n), training.y)
    return TrainingInput(
        model=model,
        model_init=DefaultStart(),
        training=training,
        fresh=np.arange(n) >= n - ROWS_OF_A_LOOP,
        previous=previous,
        streams=STREAMS,
        loop=loop,
        pool=pool,
    )


def _models(method: Method) -> list[Model]:
    """Return the shipped models that a method can work with, quick ones first."""
    quick: tuple[Model, ...] = (
        LogisticRegressionModel(),
        LinearSVM(),
        NaiveBayes(),
        KNearestNeighbours(),
        SoftmaxRegression(max_epochs=10),
        MultilayerPerceptron(max_epochs=40, hidden_units=10, learning_rate=0.05, batch_size=8),
        RandomForest(n_estimators=5),
    )
    models = [model for model in quick if not method_problems(method, model, Capabilities(n_classes=N_CLASSES))]
    if not models:
        raise ContractError(
            method, "no shipped model can do all that it needs; correct `needs`, or test it with your own model"
        )
    return models


def check_classes_appear(method: Method) -> None:
    """Check that every suitable model is trained with one class in the first loops and further ones in later loops."""
    rows = labelled_rows()
    for model in _models(method):
        previous: FittedModel | None = None
        for loop in range(len(CLASSES_OF_LOOPS)):
            inputs = _inputs(model, loop, previous)
            doing = f"training {model.method} in loop {loop}, with the classes {inputs.training.seen}"
            before = None if previous is None else outputs_of(previous)
            with blaming(method, doing):
                fitted = _learn(method, inputs)
            check_fitted(method, doing, fitted, model)
            if previous is not None:
                unchanged = alike(before, outputs_of(previous))
                require(method, unchanged, f"{doing} changed the model of the loop before; copy it first")
            previous = fitted
        right = float((fitted.predict(rows.X) == rows.y)[-ROWS_OF_A_LOOP:].mean())
        require(method, right > 0.4, f"{model.method} predicts {right:.0%} of the rows of its last training right")


def outputs_of(fitted: FittedModel) -> Any:
    """Return the class scores of the labelled rows, or their predicted classes from a model without scores."""
    X = labelled_rows().X
    return fitted.class_scores(X) if fitted.outputs else fitted.predict(X)


def check_fitted(method: Method, doing: str, fitted: Any, model: Model) -> None:
    """Check that a trained model predicts over all classes, and scores them if ``model`` can."""
    X = labelled_rows().X
    require(method, isinstance(fitted, FittedModel), f"{doing} gave {type(fitted).__name__}, not a FittedModel")
    n_classes = fitted.n_classes
    require(method, n_classes == N_CLASSES, f"{doing} gave a model of {n_classes} classes, not {N_CLASSES}")
    with blaming(method, f"predicting after {doing}"):
        fitted.predict(X)
    if "class_scores" in model.able():
        with blaming(method, f"scoring the classes after {doing}"):
            scores = fitted.class_scores(X)
        shaped = scores.shape == (len(X), N_CLASSES) and np.isfinite(scores).all() and scores.min() >= 0
        require(method, shaped, f"after {doing} class scores are not (n_rows, {N_CLASSES}) numbers of 0 or more")
        require(method, np.allclose(scores.sum(axis=1), 1.0), f"after {doing} class scores do not sum to 1")


def check_weights(method: Method) -> None:
    """Check that the method passes weights to every model that takes them, loop by loop."""
    for model in _models(method):
        if "sample_weight" not in model.able():
            continue
        previous: FittedModel | None = None
        for loop in range(len(CLASSES_OF_LOOPS)):
            with blaming(method, f"training {model.method} with weights in loop {loop}"):
                previous = _learn(method, _inputs(model, loop, previous, weighted=True))


def _final_scores(method: Method) -> list[Any]:
    outputs = []
    for model in _models(method)[:3]:
        previous: FittedModel | None = None
        for loop in range(len(CLASSES_OF_LOOPS)):
            previous = _learn(method, _inputs(model, loop, previous))
            outputs.append(outputs_of(previous))
    return outputs


# schedules ----------------------------------------------------------------------------------------

COUNTS = ((1, 1), (10, 10), (11, 10), (1000, 10), (100_000, 1), (3, 10))


def _adapted(method: Training) -> list[dict[str, Any]]:
    adapted = [method.adapt(model, n, first).to_dict() for model in _models(method) for n, first in COUNTS]
    return adapted + [tuned.to_dict() for tuned in _tuned(method, _models(method)[0])]


def _tuned(method: Training, model: Model) -> list[Model]:
    """Return the tuned model of each loop; each loop gets the one before."""
    tuned: list[Model] = []
    for loop in range(len(CLASSES_OF_LOOPS)):
        training = _inputs(model, loop, None).training
        inputs = TuningInput(
            training=training,
            first_labels=ROWS_OF_A_LOOP,
            last_labels=ROWS_OF_A_LOOP * loop,
            last=tuned[-1] if tuned else None,
            streams=STREAMS,
            loop=loop,
        )
        tuned.append(method.tune(method.adapt(model, len(training), ROWS_OF_A_LOOP), inputs))
    return tuned


def check_schedule(method: Training) -> None:
    """Check that the result is the same method as the model, with parameters in their declared ranges."""
    for model in _models(method):
        before = model.to_dict()
        for n_labels, first in COUNTS:
            doing = f"adapting {model.method} to {n_labels} labels, {first} at first,"
            with blaming(method, doing):
                adapted = method.adapt(model, n_labels, first)
            _check_adapted(method, doing, adapted, model)
        doing = f"tuning {model.method} loop by loop"
        with blaming(method, doing):
            models = _tuned(method, model)
        for tuned in models:
            _check_adapted(method, doing, tuned, model)
        require(method, model.to_dict() == before, "adapt changed the recipe's own model; return a copy")


def _check_adapted(method: Training, doing: str, adapted: Model, model: Model) -> None:
    require(method, type(adapted) is type(model), f"{doing} gave {type(adapted).__name__}, another method")
    with blaming(method, f"{doing} left the declared ranges: reading the result back"):
        back = validate_fields(type(adapted), adapted.to_dict())
    require(method, back == adapted, f"{doing} gave values of other types than the parameters have")


LEARNING: Checks = {
    "classes that appear": check_classes_appear,
    "weights": check_weights,
    "randomness": lambda method: check_randomness(method, "training", lambda: _final_scores(method)),
}
TRAINING: Checks = {
    "in range": check_schedule,
    "randomness": lambda method: check_randomness(method, "adapting", lambda: _adapted(method)),
}
