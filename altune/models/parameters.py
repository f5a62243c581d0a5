"""Copies of a fitted model with other parameters: shrunk and perturbed, or with another bias."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from altune.core.errors import RequestError
from altune.core.types import Array
from altune.models.fitted import FittedModel


def shrink_and_perturb(fitted: FittedModel, shrink: float, sigma: float, rng: np.random.Generator) -> FittedModel:
    """Return the model with every coefficient and intercept θ replaced by shrink·θ + ε, ε ~ N(0, sigma²).

    Parameters
    ----------
    fitted : a linear model or a network; a constant predictor has no parameters and is returned as it is.
    shrink : the factor, in [0, 1].
    sigma : standard deviation of the noise, 0 or more.
    rng : draws the noise.

    Notes
    -----
    J. Ash and R. P. Adams, *On Warm-Starting Neural Network Training*, NeurIPS 2020.
    """
    if fitted.estimator is None:
        return fitted
    estimator = copy.deepcopy(fitted.estimator)
    for name in parameter_names(estimator):
        value = getattr(estimator, name)
        layers = value if isinstance(value, list) else [value]
        moved = [_moved(layer, shrink, sigma, rng) for layer in layers]
        setattr(estimator, name, moved if isinstance(value, list) else moved[0])
    return with_estimator(fitted, estimator)


def with_output_bias(fitted: FittedModel, bias: Array) -> FittedModel:
    """Return the model with the bias of each class's output replaced.

    Parameters
    ----------
    fitted : a linear model or a network; a constant predictor is returned as it is.
    bias : bias of the output of each class, ``(n_classes,)``, such as its log prior. A single output, the log-odds
        of the second of two classes, gets the difference.
    """
    if fitted.estimator is None:
        return fitted
    estimator = copy.deepcopy(fitted.estimator)
    name = parameter_names(estimator)[-1]
    wanted = bias[fitted.codes]
    value = getattr(estimator, name)
    last = value[-1] if isinstance(value, list) else value
    if len(last) == 1:
        wanted = wanted[1:] - wanted[:1]
    wanted = wanted.astype(last.dtype)
    setattr(estimator, name, [*value[:-1], wanted] if isinstance(value, list) else wanted)
    return with_estimator(fitted, estimator)


def parameter_names(estimator: Any) -> tuple[str, str]:
    """Return the names of an estimator's coefficients and biases, as scikit-learn has them.

    Raises
    ------
    RequestError
        If it is neither a linear model nor a network.
    """
    for names in (("coef_", "intercept_"), ("coefs_", "intercepts_")):
        if all(hasattr(estimator, name) for name in names):
            return names
    raise RequestError(f"{type(estimator).__name__} has no coefficients that can be changed")


def with_estimator(fitted: FittedModel, estimator: Any) -> FittedModel:
    """Return the fitted model with another estimator of the same classes in it."""
    return FittedModel(**{**fitted.get_params(deep=False), "estimator": estimator})


def _moved(values: Array, shrink: float, sigma: float, rng: np.random.Generator) -> Array:
    noise = rng.normal(scale=sigma, size=values.shape)
    return (shrink * values + noise).astype(values.dtype)
