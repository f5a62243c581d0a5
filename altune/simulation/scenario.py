"""The scenario: what is given and cannot be changed by a search.

It holds the budget, the maximum number of loops, the metrics, the annotators with their errors, and the prices. The
data set is separate. A recipe decides how to act in a scenario: that annotators make 10 % errors belongs to the
scenario, and that three of them label each row is a decision.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from altune.core.errors import FormatError, ScenarioError
from altune.core.plain import home_path
from altune.core.plain_model import as_fields
from altune.core.yaml import MAX_INTEGER, read_yaml
from altune.data import Dataset
from altune.data.encoding import read_text_features
from altune.simulation.annotators import Annotator
from altune.simulation.metrics import check_positive, has_positive
from altune.simulation.objectives import (
    KINDS,
    Constraint,
    Objective,
    Risk,
    perfect,
)
from altune.simulation.scored_by import ScoredBy

DEFAULT_LOOPS = 20
DENSE_POINTS = 20
UNLIMITED = "unlimited"
_SCORED_AFTERWARDS = ("objective", "risk", "target_score", "constraints", "over", "value", "price_per_hour")
"""Fields that do not change a trajectory, only how it is scored."""
_LATER = {"text_features": "lsa"}
"""Fields that older versions did not have, with their defaults, which are not stored."""


class Scenario(ScoredBy):
    """What is the same for every recipe of a study.

    :meth:`resolve` fills in the budget if it is not given, and notes the classes of the data.

    Examples
    --------
    >>> Scenario(budget=200, metric="balanced_accuracy").metric_names
    ('balanced_accuracy',)
    """

    what: ClassVar[str] = "a scenario"

    version: Literal[1] = 1
    budget: int | None = Field(default=None, ge=2, description="number of labels that may be bought")
    loops: int | Literal["unlimited"] = Field(
        default=DEFAULT_LOOPS, description="maximum number of loops after the initial sample, or 'unlimited'"
    )
    metric: str = Field(default="accuracy", description="name of the scikit-learn scorer that the objective uses")
    also: tuple[str, ...] = Field(default=(), description="further scorers to record in every learning curve")
    positive: str | None = Field(
        default=None, description="positive class of two, for metrics such as f1 and recall; by default the last one"
    )
    objective: str | tuple[str, ...] = Field(
        default="aulc", description="objective to optimise; several objectives give a Pareto front"
    )
    risk: str = Field(default="mean", description="how the blocks are summarised: mean, quantile:SHARE or cvar:SHARE")
    target_score: float | None = Field(default=None, description="score to reach, for the objective labels_to_target")
    constraints: tuple[str, ...] = Field(
        default=(), description="bounds that a recipe must keep, such as 'labels <= 300'"
    )
    over: Literal["labels", "cost"] = Field(
        default="labels",
        description="unit over which an area is integrated; cost if prices are given and `over` is not",
    )
    value: float = Field(default=0.0, ge=0.0, description="value of a score of 1, for the objective net_value")
    annotators: tuple[Annotator, ...] = Field(
        default=(Annotator(),),
        min_length=1,
        max_length=1000,
        description="the annotators, each with errors and a price",
    )
    price_per_label: float = Field(default=1.0, ge=0.0, description="price of one label")
    price_per_loop: float = Field(default=0.0, ge=0.0, description="price of one loop")
    price_per_review: float | None = Field(
        default=None, ge=0.0, description="price of a label that an audit buys again; that of any label by default"
    )
    price_of_class: tuple[Annotated[float, Field(ge=0.0)], ...] = Field(
        default=(), description="surcharge for a label by the true class of its row, in the order of the classes"
    )
    price_of_difficulty: float = Field(
        default=0.0,
        ge=0.0,
        description="surcharge for a label of a row of mean difficulty; proportional to the difficulty for other rows",
    )
    price_per_hour: float = Field(
        default=0.0, ge=0.0, description="price of an hour of computing, for the objective net_value"
    )
    price_per_auto_label: float = Field(
        default=0.0, ge=0.0, description="price of the first label of a row by the model or by label functions"
    )
    dense: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description="number of label counts at which models are refitted; the objective aulc_dense sets it to 20",
    )
    scaling: Literal["auto", "standard", "none"] = Field(
        default="auto",
        description="scaling of features; auto is standard for dense and by the largest magnitude for sparse features",
    )
    text_features: int | Literal["lsa", "tfidf"] = Field(
        default="lsa",
        description="what a column of text becomes: lsa (30 numbers), a number for that many, or tfidf (its words)",
    )
    _valid_text_features = field_validator("text_features", mode="before")(read_text_features)
    _labels: tuple[object, ...] = PrivateAttr(())

    @field_validator("positive", mode="before")
    @classmethod
    def _class_as_text(cls, value: object) -> object:
        # A class of the data 1.0 is the number 1 in a data set, and is written as 1.
        number = int(value) if isinstance(value, float) and value.is_integer() else value
        return str(number) if isinstance(number, (int, float)) else number

    @field_validator("loops", mode="before")
    @classmethod
    def _some_loops(cls, loops: object) -> object:
        number = isinstance(loops, (int, float)) and not isinstance(loops, bool)
        if loops != UNLIMITED and not (number and 1 <= loops <= MAX_INTEGER and loops == int(loops)):  # type: ignore[call-overload,operator]
            raise ValueError(f"loops must be 1 or more, or {UNLIMITED!r}, not {loops!r}")
        return loops

    @field_validator("risk")
    @classmethod
    def _known_risk(cls, value: str) -> str:
        _checked(Risk.parse, value)
        return value

    @field_validator("constraints")
    @classmethod
    def _known_constraints(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(_checked(Constraint.parse, text)) for text in value)

    @model_validator(mode="after")
    def _net_value_has_a_value(self) -> Scenario:
        if "net_value" in self.objective_names and self.value <= 0:
            raise ValueError("the objective net_value needs `value` (of a score of 1) above 0")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of the data as text; empty before :meth:`resolve`."""
        return tuple(map(str, self._labels))

    def with_classes(self, classes: Iterable[object]) -> Scenario:
        """Return the scenario with the class names of its data, in their order, which :meth:`resolve` checks."""
        scenario = self.model_copy()
        scenario._labels = tuple(classes)
        return scenario

    @property
    def labels_of_classes(self) -> tuple[object, ...]:
        """The classes as the labels of the data, text or numbers; empty before :meth:`resolve`."""
        return self._labels

    @property
    def positive_code(self) -> int | None:
        """Code of the positive class, 0 or 1; None unless the data have two classes.

        Raises
        ------
        ScenarioError
            If ``positive`` is given and the scenario is not resolved.
        """
        if self.positive is not None and self.positive not in self.classes:
            raise ScenarioError("the scenario does not know the classes yet; resolve it for a data set first")
        if len(self.classes) != 2:
            return None
        return 1 if self.positive is None else self.classes.index(self.positive)

    @property
    def positive_class(self) -> str | None:
        """Name of the positive class; None if no metric has one, or if :attr:`positive_code` is None."""
        code = self.positive_code if any(map(has_positive, self.metric_names)) else None
        return None if code is None else self.classes[code]

    @property
    def dense_points(self) -> int:
        """Number of label counts at which models are refitted; 0 if no objective needs it."""
        return self.dense or (DENSE_POINTS if "aulc_dense" in self.objective_names else 0)

    @property
    def most_loops(self) -> int | None:
        """Maximum number of loops after the initial sample, None if there is no limit."""
        return None if isinstance(self.loops, str) else self.loops

    @property
    def labels(self) -> int:
        """Budget in labels.

        Raises
        ------
        ScenarioError
            If the scenario is not resolved.
        """
        if self.budget is None:
            raise ScenarioError("the scenario has no budget yet; resolve it for a data set first")
        return self.budget

    def price(self, annotator: int) -> float:
        """Return the price of one answer of an annotator."""
        price = self.annotators[annotator].price
        return self.price_per_label if price is None else price

    @property
    def mean_price(self) -> float:
        """Mean price of one answer over the annotators."""
        return sum(self.price(number) for number in range(len(self.annotators))) / len(self.annotators)

    def resolve(self, dataset: Dataset, pool_rows: int) -> Scenario:
        """Return the scenario for a data set, with its budget filled in and checked.

        Parameters
        ----------
        dataset : the data.
        pool_rows : number of rows of the smallest pool.

        Raises
        ------
        ScenarioError
            If the budget is larger than the pool, or the positive class, a confusion matrix or the prices do not fit
            the classes.
        """
        self._check_classes(dataset)
        budget = self.budget if self.budget is not None else default_budget(dataset.n_classes, pool_rows)
        most = pool_rows * len(self.annotators)
        if budget > most:
            annotators = f" times {len(self.annotators)} annotators" if len(self.annotators) > 1 else ""
            raise ScenarioError(
                f"budget {budget} is larger than the pool of {pool_rows} rows of {dataset.name}{annotators}; "
                f"give at most {most}"
            )
        return self.model_copy(update={"budget": budget}).with_classes(dataset.classes)

    def _check_classes(self, dataset: Dataset) -> None:
        """Refuse a positive class, a confusion matrix or prices that do not fit the classes."""
        if self.positive is not None:
            check_positive(self.positive, self.metric_names, [str(name) for name in dataset.classes], dataset.name)
        classes = f"{dataset.name} has {dataset.n_classes} classes"
        for number, person in enumerate(self.annotators):
            if person.confusion is not None and len(person.confusion) != dataset.n_classes:
                rows = len(person.confusion)
                raise ScenarioError(f"the confusion of annotator {number} is {rows} by {rows}, but {classes}")
        if self.price_of_class and len(self.price_of_class) != dataset.n_classes:
            raise ScenarioError(f"price_of_class has {len(self.price_of_class)} prices, but {classes}")

    def make_objective(self, name: str | None = None) -> Objective:
        """Return an objective as a function of a learning curve, by default the first one.

        The scenario must be resolved.

        Raises
        ------
        ScenarioError
            If the domain of an area is empty.
        """
        name = self.objective_names[0] if name is None else name
        over = self.over if KINDS[name].area else "labels"
        end = float(self.labels) if over == "labels" else self._highest_cost()
        if end <= 0:
            raise ScenarioError("an area over cost needs a price per label or per loop above 0")
        if name in ("aulc_log", "alc_normalized") and end <= 1:
            raise ScenarioError(f"{name} needs a domain that ends above 1, but at most {end:g} can be spent")
        if name == "alc_normalized" and not math.isfinite(perfect(self.metric)):
            raise ScenarioError(
                f"{name} needs a highest value of the metric, and {self.metric} has none; give aulc_log"
            )
        return Objective(
            name,
            self.metric,
            over,
            end,
            value=self.value,
            target=self.target_score,
            risk=Risk.parse(self.risk),
            price_per_hour=self.price_per_hour,
            positive=self.positive_class if has_positive(self.metric) else None,
        )

    def make_objectives(self) -> tuple[Objective, ...]:
        """Return every objective; the first is the one that is confirmed."""
        return tuple(self.make_objective(name) for name in self.objective_names)

    def _highest_cost(self) -> float:
        """Return the highest cost of a trajectory.

        Difficulty counts with its mean, and automatic labels do not count. A costlier trajectory is cut off here.
        """
        label = max([*(self.price(index) for index in range(len(self.annotators))), self.price_per_review or 0.0])
        label += max(self.price_of_class, default=0.0) + self.price_of_difficulty
        loops = self.labels if self.most_loops is None else self.most_loops
        return self.labels * label + (loops + 1) * self.price_per_loop

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back.

        A positive class that is the last one, and later fields with their default, are left out, so that the hash is
        the one of earlier versions.
        """
        plain = self.model_dump(mode="json")
        if self.positive is None or self.positive in self.classes[-1:]:
            del plain["positive"]
        return {name: value for name, value in plain.items() if name not in _LATER or value != _LATER[name]}

    def digest(self) -> str:
        """Return a stable hash of all fields."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def played_digest(self) -> str:
        """Return a stable hash of the fields that a trajectory depends on, without those that only score it."""
        plain = {name: value for name, value in self.to_dict().items() if name not in _SCORED_AFTERWARDS}
        plain |= {name: text for name, text in self.definitions().items() if name.startswith("metric ")}
        # altune 0.1.0 drew fewer errors that depend on the row, so what it stored with them is not read back.
        redrawn = {"errors": "stated mean"} if any(person.instance for person in self.annotators) else {}
        text = json.dumps({**plain, **redrawn, "dense": self.dense_points}, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], file: str = "") -> Scenario:
        """Read a scenario from a plain mapping.

        Raises
        ------
        FormatError
            With file, path, value and what is accepted.
        """
        try:
            return cls(**as_fields(plain, cls.what))
        except FormatError as error:
            raise error.within(file=file) from None

    @classmethod
    def load(cls, path: str | Path) -> Scenario:
        """Read a scenario from a YAML file."""
        path = home_path(path, "scenario")
        return cls.from_dict(read_yaml(path), file=str(path))


def all_fields(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a stored scenario, with those that are not stored if they have their default."""
    return {**_LATER, **plain}


def default_budget(n_classes: int, pool_rows: int) -> int:
    """Return a budget of 20 labels for each class, but at least 100 and at most half of the pool.

    >>> default_budget(10, 1000), default_budget(2, 1000), default_budget(10, 300)
    (200, 100, 150)
    """
    return max(2, min(max(100, 20 * n_classes), pool_rows // 2))


def _checked(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ScenarioError as error:
        raise ValueError(str(error)) from None
