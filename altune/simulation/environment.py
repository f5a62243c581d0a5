"""The environment of a simulation: a data set, a resolved scenario, and the blocks that both make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring

from altune.core.deprecations import renamed_keywords
from altune.core.errors import RequestError, ScenarioError
from altune.core.needs import Capabilities
from altune.data import Dataset, load_dataset
from altune.data.blocks import Block, BlockRole, make_blocks, pool_size, read_splits
from altune.recipes.recipe import Recipe
from altune.simulation.objectives import Objective
from altune.simulation.prepared import kept_names
from altune.simulation.scenario import Scenario
from altune.simulation.scoring import TestScorer

AnyData = Dataset | str | Path
RARE = 0.1


@dataclass(frozen=True, eq=False)
class Environment:
    """What every recipe of a study meets alike.

    Attributes
    ----------
    dataset : the data.
    scenario : resolved: its budget is filled in.
    seed : the study's seed.
    capabilities : what methods may need of it.
    explicit : blocks given by the user in place of the drawn ones, by part; empty where none were given.
    source : where the data came from, so that a worker finds them again: ``data``, a name or an absolute path, and
        ``target``; None for a data set made in Python.
    """

    dataset: Dataset
    scenario: Scenario
    seed: int
    capabilities: Capabilities
    explicit: Mapping[BlockRole, list[Block]] = field(default_factory=dict)
    source: Mapping[str, str | None] | None = None

    @property
    def objective(self) -> Objective:
        """What is maximised."""
        return self.scenario.make_objective()

    def blocks(self, part: BlockRole, count: int) -> list[Block]:
        """Return the blocks of a part: the given ones, all of them, or the first ``count`` drawn."""
        if self.explicit:
            return self.explicit.get(part, [])
        return make_blocks(self.dataset, part, count, self.seed)

    def advice(self) -> list[str]:
        """Return lines that a careful colleague would say about this environment; usually none."""
        lines = []
        counts = self.dataset.class_counts
        rarest = int(np.argmin(counts))
        share = counts[rarest] / self.dataset.n_rows
        if share < RARE and self.scenario.metric == "accuracy" and self.dataset.n_classes < 1 / RARE:
            lines.append(
                f"the rarest class, {self.dataset.classes[rarest]!r}, has {share:.1%} of the rows, which accuracy "
                "hardly sees; consider --metric balanced_accuracy"
            )
        return lines

    def require(self, recipe: Recipe, name: str = "the recipe") -> None:
        """Refuse a recipe that cannot work here.

        Raises
        ------
        RequestError
            With the first reason.
        """
        problems = recipe.problems(self.capabilities)
        if problems:
            raise RequestError(f"{name} cannot work here: {problems[0]}")


@renamed_keywords
def make_environment(
    data: Dataset | str | Path,
    *,
    target: str | None = None,
    scenario: Scenario | None = None,
    seed: int = 0,
    splits: Any = None,
    splits_file: str = "blocks",
    **overrides: Any,
) -> Environment:
    """Check that data and scenario fit each other, and return the environment they make.

    Parameters
    ----------
    data : a data set, the name of a built-in one, or a file.
    target : the label column, for tables.
    scenario : the scenario; by default every field at its default.
    seed : the study's seed, 0 or more.
    splits : explicit blocks, see :func:`altune.data.blocks.read_splits`.
    overrides : fields of the scenario that replace those of ``scenario``; None leaves a field as it is.

    Raises
    ------
    RequestError
        If something does not fit, saying what.
    """
    if seed < 0:
        raise RequestError(f"seed must be 0 or more, not {seed}")
    base = scenario.to_dict() if scenario is not None else {}
    given = {name: value for name, value in overrides.items() if value is not None}
    merged = Scenario.from_dict({**base, **given})
    dataset = data if isinstance(data, Dataset) else load_dataset(data, target=target)
    explicit = {} if splits is None else read_splits(dataset, splits, splits_file)
    drawn = make_blocks(dataset, "search", 1, seed) if not explicit else []
    pools = [len(block.pool) for part in explicit.values() for block in part] or [pool_size(dataset)]
    resolved = merged.resolve(dataset, min(pools))
    resolved.make_objective()
    first = explicit["search"][0] if explicit else drawn[0]
    check_metrics(resolved.metric_names, dataset, first)
    # Encoding keeps the columns of numbers without gaps; of others only itself can tell what becomes of them.
    kept = dataset.kind == "sparse" or (dataset.kind == "dense" and bool(np.isfinite(dataset.X).all()))
    width = int(dataset.X.shape[1]) if kept else None
    capabilities = Capabilities(
        sparse=dataset.kind == "sparse",
        n_classes=dataset.n_classes,
        annotators=len(resolved.annotators),
        metric_of_probabilities=next((name for name in resolved.metric_names if wants_probabilities(name)), None),
        price_per_label=resolved.mean_price,
        price_per_loop=resolved.price_per_loop,
        n_features=width,
        feature_names=None if width is None else kept_names(dataset, width),
    )
    return Environment(dataset, resolved, seed, capabilities, explicit, source_of(data, target))


def source_of(data: Dataset | str | Path, target: str | None) -> dict[str, str | None] | None:
    """Return where a data set came from, as another process finds it again; None for one that was made in Python.

    >>> source_of("digits", None)
    {'data': 'digits', 'target': None}
    """
    if isinstance(data, Dataset):
        return None
    path = Path(data).expanduser()
    return {"data": str(path.resolve()) if path.exists() else str(data), "target": target}


def check_metrics(metrics: tuple[str, ...], dataset: Dataset, block: Block) -> None:
    """Refuse a metric that cannot score the classes of a data set, ``f1`` of ten classes for one.

    Raises
    ------
    ScenarioError
        Naming the metric and scikit-learn's own reason.
    """
    for metric in metrics:
        examine = TestScorer((metric,), np.zeros((len(block.test), 1)), dataset.y[block.test], dataset.n_classes)
        score = examine.prior(dataset.y[block.pool])[metric]
        if not np.isfinite(score):
            raise ScenarioError(f"metric {metric!r} is not a finite number for the test rows of {dataset.name}")


class _DecidesOnly(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of two classes with a decision function and no probabilities."""

    classes_ = np.array([0, 1])

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Any:
        return (X[:, 0] > 0).astype(int)

    def decision_function(self, X: Any) -> Any:
        return X[:, 0]


def wants_probabilities(metric: str) -> bool:
    """Return whether a scorer needs probabilities, such as ``neg_log_loss``; a decision function does not do.

    >>> wants_probabilities("neg_log_loss"), wants_probabilities("roc_auc"), wants_probabilities("accuracy")
    (True, False, False)
    """
    if metric.endswith(("_ovr", "_ovo", "_ovr_weighted", "_ovo_weighted")):
        return True
    scorer = check_scoring(scoring=[metric], raise_exc=True)
    try:
        scorer(_DecidesOnly(), np.array([[-1.0], [-0.5], [0.5], [1.0]]), np.array([0, 1, 0, 1]))
    except AttributeError:
        return True
    except ValueError:
        return False
    return False


@renamed_keywords
def make_environments(
    data: AnyData | Sequence[AnyData], *, target: str | None = None, **given: Any
) -> list[Environment]:
    """Return the environment of each data set; ``given`` is what :func:`altune.simulation.environment.make_environment` takes.

    Raises
    ------
    RequestError
        If something does not fit, saying what.
    """
    listed = [data] if isinstance(data, (Dataset, str, Path)) else list(data)
    if not listed:
        raise RequestError("no data set was given")
    if len(listed) > 1 and given.get("blocks") is not None:
        raise RequestError("explicit blocks go with one data set")
    return [make_environment(one, target=target, **given) for one in listed]
