"""altune tunes an active-learning process as one tunes a model.

The public names and nothing else; each is imported when it is first asked for, and so is each module of the package:
``altune.report.plot_learning_curves`` works after ``import altune`` alone.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from altune import report as report
    from altune.ablating import ablate as ablate
    from altune.comparing import compare as compare
    from altune.comparing import compare_runs as compare_runs
    from altune.curve import LearningCurve as LearningCurve
    from altune.data import Dataset as Dataset
    from altune.data import list_datasets as list_datasets
    from altune.data import load_dataset as load_dataset
    from altune.errors import AltuneError as AltuneError
    from altune.errors import RequestError as RequestError
    from altune.errors import WorkError as WorkError
    from altune.examining import examine as examine
    from altune.knobs.labeling import register_label_function as register_label_function
    from altune.loop import ActiveLearningLoop as ActiveLearningLoop
    from altune.models import register_estimator as register_estimator
    from altune.playing import simulate as simulate
    from altune.recipe import Recipe as Recipe
    from altune.registry import register as register
    from altune.replaying import replay as replay
    from altune.rescoring import rescore as rescore
    from altune.run import Run as Run
    from altune.run import open_run as open_run
    from altune.scenario import Annotator as Annotator
    from altune.scenario import Scenario as Scenario
    from altune.searching import make_worlds as make_worlds
    from altune.searching import prepare_space as prepare_space
    from altune.searching import tune as tune
    from altune.space import SearchSpace as SearchSpace
    from altune.space import list_spaces as list_spaces
    from altune.sweeping.sweep import Sweep as Sweep
    from altune.sweeping.sweep import sweep as sweep
    from altune.tuning.asking import Session as Session
    from altune.tuning.mlflow import MLflowCallback as MLflowCallback
    from altune.tuning.settings import Settings as Settings

_HOMES = {
    "ActiveLearningLoop": "loop",
    "AltuneError": "errors",
    "Annotator": "scenario",
    "Dataset": "data",
    "LearningCurve": "curve",
    "MLflowCallback": "tuning.mlflow",
    "Recipe": "recipe",
    "RequestError": "errors",
    "Run": "run",
    "Scenario": "scenario",
    "SearchSpace": "space",
    "Session": "tuning.asking",
    "Settings": "tuning.settings",
    "Sweep": "sweeping.sweep",
    "WorkError": "errors",
    "ablate": "ablating",
    "compare": "comparing",
    "compare_runs": "comparing",
    "examine": "examining",
    "list_datasets": "data",
    "list_spaces": "space",
    "load_dataset": "data",
    "make_worlds": "searching",
    "open_run": "run",
    "prepare_space": "searching",
    "register": "registry",
    "register_estimator": "models",
    "register_label_function": "knobs.labeling",
    "replay": "replaying",
    "rescore": "rescoring",
    "simulate": "playing",
    "sweep": "sweeping.sweep",
    "tune": "searching",
}

__all__ = ["__version__", "report", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        found = getattr(importlib.import_module(f"altune.{_HOMES[name]}"), name)
    elif name.startswith("_") or importlib.util.find_spec(f"altune.{name}") is None:
        raise AttributeError(f"module 'altune' has no attribute {name!r}")
    else:
        found = importlib.import_module(f"altune.{name}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
