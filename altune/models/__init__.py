"""Estimators by name: unseen classes, training that continues from earlier parameters, probabilities.

A :class:`Model` is an estimator's name and hyperparameters, read from a recipe like every other method. It
trains a :class:`FittedModel`, which predicts over all classes of the scenario whichever of them were in the
labels. Any scikit-learn classifier becomes a model through :func:`register_estimator` or :func:`as_model`.
"""

from altune.models.base import Model
from altune.models.bayes import NaiveBayes
from altune.models.custom import as_model, register_estimator
from altune.models.ensemble import FittedEnsemble, continue_training
from altune.models.fitted import FittedModel
from altune.models.linear import LogisticRegressionModel
from altune.models.neighbours import KNearestNeighbours
from altune.models.neural import MultilayerPerceptron, SoftmaxRegression
from altune.models.parameters import shrink_and_perturb, with_output_bias
from altune.models.support_vectors import LinearSVM, RadialSVM
from altune.models.trees import ExtraTrees, HistGradientBoosting, RandomForest

__all__ = [
    "ExtraTrees",
    "FittedEnsemble",
    "FittedModel",
    "HistGradientBoosting",
    "KNearestNeighbours",
    "LinearSVM",
    "LogisticRegressionModel",
    "Model",
    "MultilayerPerceptron",
    "NaiveBayes",
    "RadialSVM",
    "RandomForest",
    "SoftmaxRegression",
    "as_model",
    "continue_training",
    "register_estimator",
    "shrink_and_perturb",
    "with_output_bias",
]
