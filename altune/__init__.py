"""altune tunes an active-learning process as one tunes a model.

The public names and nothing else; each is imported when it is first asked for, and so is each module of the package:
``altune.report.plot_learning_curves`` works after ``import altune`` alone.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from altune.core.deprecations import new_name
from altune.core.version import __version__

if TYPE_CHECKING:
    from altune import report as report
    from altune.analysis.recommendation import Recommendation as Recommendation
    from altune.analysis.run import Run as Run
    from altune.analysis.sweep.result import Sweep as Sweep
    from altune.campaign import Campaign as Campaign
    from altune.core.errors import AltuneError as AltuneError
    from altune.core.errors import RequestError as RequestError
    from altune.core.errors import WorkError as WorkError
    from altune.core.registry import register as register
    from altune.data import Dataset as Dataset
    from altune.data import list_datasets as list_datasets
    from altune.data import load_dataset as load_dataset
    from altune.knobs.labeling import register_label_function as register_label_function
    from altune.knobs.query_strategy.lal import register_lal as register_lal
    from altune.knobs.query_strategy.learned_ranker import register_ranker as register_ranker
    from altune.loop.loop import ActiveLearningLoop as ActiveLearningLoop
    from altune.models import register_estimator as register_estimator
    from altune.recipes.recipe import Recipe as Recipe
    from altune.recipes.space import SearchSpace as SearchSpace
    from altune.recipes.space import list_spaces as list_spaces
    from altune.simulation.annotators import Annotator as Annotator
    from altune.simulation.curve import LearningCurve as LearningCurve
    from altune.simulation.environment import make_environments as make_environments
    from altune.simulation.objectives import register_objective as register_objective
    from altune.simulation.own_metrics import register_metric as register_metric
    from altune.simulation.scenario import Scenario as Scenario
    from altune.tuning.mlflow import MLflowCallback as MLflowCallback
    from altune.tuning.prepared_space import prepare_space as prepare_space
    from altune.tuning.session import Session as Session
    from altune.tuning.settings import Settings as Settings
    from altune.workflows.ablate import ablate as ablate
    from altune.workflows.compare import compare as compare
    from altune.workflows.compare_runs import compare_runs as compare_runs
    from altune.workflows.examine import examine as examine
    from altune.workflows.open_run import open_run as open_run
    from altune.workflows.recommend import recommend as recommend
    from altune.workflows.replay import replay as replay
    from altune.workflows.rescore import rescore as rescore
    from altune.workflows.simulate import simulate as simulate
    from altune.workflows.sweep.sweep import sweep as sweep
    from altune.workflows.tune import tune as tune

_HOMES = {
    "ActiveLearningLoop": "loop.loop",
    "AltuneError": "core.errors",
    "Annotator": "simulation.annotators",
    "Campaign": "campaign",
    "Dataset": "data",
    "LearningCurve": "simulation.curve",
    "MLflowCallback": "tuning.mlflow",
    "Recipe": "recipes.recipe",
    "Recommendation": "analysis.recommendation",
    "RequestError": "core.errors",
    "Run": "analysis.run",
    "Scenario": "simulation.scenario",
    "SearchSpace": "recipes.space",
    "Session": "tuning.session",
    "Settings": "tuning.settings",
    "Sweep": "analysis.sweep.result",
    "WorkError": "core.errors",
    "ablate": "workflows.ablate",
    "compare": "workflows.compare",
    "compare_runs": "workflows.compare_runs",
    "examine": "workflows.examine",
    "list_datasets": "data",
    "list_spaces": "recipes.space",
    "load_dataset": "data",
    "make_environments": "simulation.environment",
    "open_run": "workflows.open_run",
    "prepare_space": "tuning.prepared_space",
    "recommend": "workflows.recommend",
    "register": "core.registry",
    "register_estimator": "models",
    "register_label_function": "knobs.labeling",
    "register_lal": "knobs.query_strategy.lal",
    "register_metric": "simulation.own_metrics",
    "register_objective": "simulation.objectives",
    "register_ranker": "knobs.query_strategy.learned_ranker",
    "replay": "workflows.replay",
    "rescore": "workflows.rescore",
    "simulate": "workflows.simulate",
    "sweep": "workflows.sweep.sweep",
    "tune": "workflows.tune",
}

__all__ = ["__version__", "report", *_HOMES]


def __getattr__(name: str) -> Any:
    name = new_name("altune", name)
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
