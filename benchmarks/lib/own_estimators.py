"""Estimators as users have them: 25 of scikit-learn, with wrappers and pipelines, and three boosting libraries."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.naive_bayes import ComplementNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC, LinearSVC, NuSVC

_PAIR = [("bayes", GaussianNB()), ("ridge", LogisticRegression())]

ESTIMATORS: dict[str, Callable[[], Any]] = {
    "ridge": RidgeClassifier,
    "perceptron": Perceptron,
    "sgd, hinge loss": lambda: SGDClassifier(loss="hinge"),
    "svc, pairs of classes": lambda: SVC(decision_function_shape="ovo"),
    "nu-svc": lambda: NuSVC(nu=0.1),
    "gaussian process": GaussianProcessClassifier,
    "complement bayes, pipeline": lambda: make_pipeline(MinMaxScaler(clip=True), ComplementNB()),
    "best features, pipeline": lambda: make_pipeline(SelectKBest(k=8), GaussianNB()),
    "linear discriminant": LinearDiscriminantAnalysis,
    "quadratic discriminant": lambda: QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.2),
    "15 neighbours": lambda: KNeighborsClassifier(15),
    "neighbours within a radius": lambda: RadiusNeighborsClassifier(
        8.0, weights="distance", outlier_label="most_frequent"
    ),
    "random forest": lambda: RandomForestClassifier(30),
    "extra trees": lambda: ExtraTreesClassifier(30),
    "gradient boosting": lambda: GradientBoostingClassifier(n_estimators=10),
    "histogram boosting, early stop": lambda: HistGradientBoostingClassifier(
        max_iter=20, early_stopping=True, min_samples_leaf=3
    ),
    "ada boost": lambda: AdaBoostClassifier(n_estimators=20),
    "bagged neighbours": lambda: BaggingClassifier(KNeighborsClassifier(3)),
    "network, early stop": lambda: MLPClassifier((30,), early_stopping=True, max_iter=100, learning_rate_init=0.02),
    "calibrated svm": lambda: CalibratedClassifierCV(LinearSVC(), cv=3),
    "hard vote": lambda: VotingClassifier(_PAIR),
    "stack": lambda: StackingClassifier(_PAIR, cv=3),
    "one against the rest": lambda: OneVsRestClassifier(LinearSVC()),
    "one against one": lambda: OneVsOneClassifier(LogisticRegression()),
    "grid search": lambda: GridSearchCV(SVC(), {"C": [1.0, 10.0]}, cv=3),
}
"""25 estimators of scikit-learn by a short name."""

MORE: dict[str, Callable[[], Any]] = {
    "output code": lambda: OutputCodeClassifier(LogisticRegression(), code_size=3.0),
    "tuned threshold": lambda: TunedThresholdClassifierCV(LogisticRegression(), cv=3),
}
"""Two more that one of the data sets or of the query strategies must refuse."""

BOOSTING: dict[str, tuple[str, dict[str, Any]]] = {
    "catboost": ("CatBoostClassifier", {"iterations": 30, "verbose": False, "allow_writing_files": False}),
    "xgboost": ("XGBClassifier", {"n_estimators": 30}),
    "lightgbm": ("LGBMClassifier", {"n_estimators": 30, "min_child_samples": 3, "verbose": -1}),
}
"""Class and parameters by package."""


def boosted(package: str) -> Any:
    """Return an estimator of a boosting library, None where it is not installed."""
    name, parameters = BOOSTING[package]
    try:
        return getattr(importlib.import_module(package), name)(**parameters)
    except ImportError:
        return None
