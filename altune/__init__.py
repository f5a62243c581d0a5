"""altune tunes an active-learning process as one tunes a model.

The public names and nothing else; each is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from altune import report as report
    from altune.curve import LearningCurve as LearningCurve
    from altune.data import Dataset as Dataset
    from altune.data import list_datasets as list_datasets
    from altune.data import load_dataset as load_dataset
    from altune.errors import AltuneError as AltuneError
    from altune.errors import RequestError as RequestError
    from altune.errors import WorkError as WorkError
    from altune.knobs.labeling import register_label_function as register_label_function
    from altune.loop import ActiveLearningLoop as ActiveLearningLoop
    from altune.models import register_estimator as register_estimator
    from altune.playing import compare as compare
    from altune.playing import simulate as simulate
    from altune.recipe import Recipe as Recipe
    from altune.registry import register as register
    from altune.run import Run as Run
    from altune.run import open_run as open_run
    from altune.run import tune as tune
    from altune.scenario import Annotator as Annotator
    from altune.scenario import Scenario as Scenario
    from altune.space import SearchSpace as SearchSpace
    from altune.space import list_spaces as list_spaces

_HOMES = {
    "ActiveLearningLoop": "loop",
    "AltuneError": "errors",
    "Annotator": "scenario",
    "Dataset": "data",
    "LearningCurve": "curve",
    "Recipe": "recipe",
    "RequestError": "errors",
    "Run": "run",
    "Scenario": "scenario",
    "SearchSpace": "space",
    "WorkError": "errors",
    "compare": "playing",
    "list_datasets": "data",
    "list_spaces": "space",
    "load_dataset": "data",
    "open_run": "run",
    "register": "registry",
    "register_estimator": "models",
    "register_label_function": "knobs.labeling",
    "simulate": "playing",
    "tune": "run",
}

__all__ = ["__version__", "report", *_HOMES]


def __getattr__(name: str) -> Any:
    if name == "report":
        return importlib.import_module("altune.report")
    if name in _HOMES:
        return getattr(importlib.import_module(f"altune.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'altune' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
