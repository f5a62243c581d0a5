"""Labels by rules of thumb: conditions on columns, or functions that a user registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from altune.core.errors import RequestError, did_you_mean
from altune.core.needs import Capabilities
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Features, Learner, RowNumbers
from altune.knobs.labeling.auto import AssistedLabeling
from altune.knobs.labeling.base import Automatic
from altune.knobs.labeling.label_models import ABSTAIN, given_beliefs, latent_classes, most_named

Array = NDArray[np.float64]
Call = Callable[[Features], Any]

_COMPARISONS: dict[str, Callable[..., Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.isclose,
}
_functions: dict[str, Call] = {}


def register_label_function(name: str, function: Call) -> None:
    """Make a function known to recipes as ``{function: name}``; a second one of the name takes its place.

    Parameters
    ----------
    name : what a recipe calls it.
    function : from the pool's features, ``(n_rows, n_features)`` as the model gets them, to one class code for each
        row, ``(n_rows,)``, −1 where it has nothing to say. It must depend on its argument alone.

    Examples
    --------
    >>> register_label_function("tall", lambda X: np.where(X[:, 0] > 1.0, 1, -1))
    >>> unregister_label_function("tall")
    """
    if not name or not callable(function):
        raise RequestError("a label function needs a name and something that can be called with features")
    _functions[name] = function


def unregister_label_function(name: str) -> None:
    """Forget a label function."""
    _functions.pop(name, None)


class LabelFunction(BaseModel):
    """One rule of thumb: a class for the rows that meet a condition, or a registered function.

    ``{column: 2, condition: "<", value: -1.2, label: 0}`` or ``{function: name}``. A column is a number or, where the
    features have names, a name; values are those of the features as the model gets them, so in standard deviations
    from the mean unless the scenario says ``scaling: none``. ``accuracy`` (how often it is right where it speaks) and
    ``coverage`` (the share of rows of which it speaks, by default as counted on the pool) are for
    ``label_model: given``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    column: int | str | None = None
    condition: Literal["<", "<=", ">", ">=", "==", "in", "between"] | None = None
    value: float | tuple[float, ...] | None = None
    label: int | None = Field(default=None, ge=0)
    function: str | None = None
    accuracy: float | None = Field(default=None, gt=0.0, lt=1.0)
    coverage: float | None = Field(default=None, gt=0.0, lt=1.0)
    _call: Call | None = PrivateAttr(default=None)

    @field_validator("function")
    @classmethod
    def _is_registered(cls, name: str | None) -> str | None:
        if name is not None and name not in _functions:
            raise ValueError(
                f"no label function {name!r}; {did_you_mean(name, _functions)}; see altune.register_label_function"
            )
        return name

    @model_validator(mode="after")
    def _is_whole(self) -> LabelFunction:
        declared = (self.column, self.condition, self.value, self.label)
        if self.function is not None:
            if any(part is not None for part in declared):
                raise ValueError("a registered function stands alone; it has no column, condition, value or label")
            return self
        if any(part is None for part in declared):
            raise ValueError("write {column: ..., condition: ..., value: ..., label: ...} or {function: ...}")
        several = isinstance(self.value, tuple)
        if several != (self.condition in ("in", "between")):
            raise ValueError(f"{self.condition} takes {'one number' if several else 'a list of numbers'} as its value")
        if self.condition == "between" and (not isinstance(self.value, tuple) or len(self.value) != 2):
            raise ValueError("between takes two numbers, the low end and the high one")
        return self

    def model_post_init(self, context: Any, /) -> None:
        """Take the registered function along, so that it reaches worker processes with the recipe."""
        if self.function is not None:
            self._call = _functions.get(self.function)

    def votes(self, X: Features, names: tuple[str, ...] | None, n_classes: int) -> RowNumbers:
        """Return a class code for each row, −1 where the function abstains, ``(n_rows,)``."""
        if self._call is not None:
            return _checked(self._call(X), X.shape[0], n_classes, str(self.function))
        x = self._values(X, names)
        return np.where(self._meets(x), int(self.label or 0), ABSTAIN).astype(np.intp)

    def _values(self, X: Features, names: tuple[str, ...] | None) -> Array:
        problem = self.missing(X.shape[1], names)
        if problem:
            raise RequestError(problem)
        place = self.column if isinstance(self.column, int) else (names or ()).index(str(self.column))
        column = X[:, [place]]
        return np.asarray(column.toarray() if hasattr(column, "toarray") else column, dtype=np.float64).ravel()

    def missing(self, n_features: int, names: tuple[str, ...] | None) -> str | None:
        """Return why the column does not exist among the features, None where it does."""
        if isinstance(self.column, int) and not 0 <= self.column < n_features:
            return f"a label function asks for column {self.column}; the features have 0 to {n_features - 1}"
        if isinstance(self.column, str) and self.column not in (names or ()):
            known = did_you_mean(self.column, names) if names else "the features have numbers and no names"
            return f"a label function asks for column {self.column!r}; {known}"
        return None

    def _meets(self, x: Array) -> NDArray[np.bool_]:
        value = self.value
        if isinstance(value, tuple):
            if self.condition == "between":
                return (x >= value[0]) & (x <= value[1])
            return np.asarray(np.isclose(x[:, None], np.array(value)).any(axis=1))
        met: NDArray[np.bool_] = _COMPARISONS[str(self.condition)](x, value)
        return met

    def fingerprint(self) -> str:
        """Return what a registered function is made of, which its name in the recipe does not say."""
        if self._call is None:
            return ""
        code = getattr(self._call, "__code__", None)
        text = "" if code is None else f"{code.co_code.hex()} {code.co_consts!r} {code.co_names!r}"
        return hashlib.blake2b(f"{self.function} {text}".encode(), digest_size=8).hexdigest()


@register
class LabelFunctions(AssistedLabeling):
    """Label functions: rules of thumb label the rows that nobody was asked about.

    Where several speak of a row, ``label_model`` joins them: ``vote`` takes the class that most name, and none where
    they are even; ``given`` is Bayes' rule from each function's stated accuracy and its coverage, silence counting too,
    with the class shares of the labels that were bought; ``em`` estimates how each function speaks of each class from
    their agreement (latent classes with abstaining as an answer). RowNumbers of which no function speaks get no label.
    """

    source: ClassVar[str] = "Ratner et al., Snorkel, VLDB 2017; Dawid & Skene 1979 (em)"
    method: Literal["label_functions"] = "label_functions"
    functions: tuple[LabelFunction, ...] = Field(
        default=(), max_length=200, description="conditions on columns, or names of registered functions"
    )
    label_model: Literal["vote", "given", "em"] = Field(default="vote", description="how functions are joined")

    @model_validator(mode="after")
    def _accuracies_are_given(self) -> LabelFunctions:
        if self.label_model == "given" and any(one.accuracy is None for one in self.functions):
            raise ValueError("label_model 'given' needs the `accuracy` of each function, between 0 and 1")
        return self

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Say so where a function names a class or a column that the data do not have."""
        found = super().objections(model, capabilities)
        for one in self.functions:
            if one.label is not None and one.label >= capabilities.n_classes:
                found.append(
                    f"labeling 'label_functions': the data have classes 0 to {capabilities.n_classes - 1}, no {one.label}"
                )
            missing = (
                None
                if capabilities.n_features is None
                else one.missing(capabilities.n_features, capabilities.feature_names)
            )
            if missing is not None:
                found.append(f"labeling 'label_functions': {missing}")
        return found

    def fingerprint(self) -> str:
        """Return what the registered functions are made of."""
        return "".join(one.fingerprint() for one in self.functions)

    def automatic(self, pool: Pool, earlier: Automatic | None) -> Automatic | None:
        """Return a label for each candidate of which a function speaks."""
        if not self.functions:
            return None
        votes = pool.shared.get(
            ("label_functions", json.dumps(self.to_dict()), self.fingerprint()),
            lambda: np.column_stack([one.votes(pool.X, pool.feature_names, pool.n_classes) for one in self.functions]),
        )
        labels = self.joined_votes(votes, pool.labels, pool.n_classes)
        rows = pool.candidates[labels[pool.candidates] != ABSTAIN]
        return Automatic(rows, labels[rows], self.weight) if len(rows) else None

    def joined_votes(self, votes: RowNumbers, bought: RowNumbers, n_classes: int) -> RowNumbers:
        """Return one label for each row, −1 for none, ``(n_rows,)``.

        Parameters
        ----------
        votes : class codes, −1 for silence, ``(n_rows, n_functions)``.
        bought : labels that were bought, whose shares are the prior of ``given``.
        n_classes : classes of the scenario.
        """
        if self.label_model == "vote":
            return most_named(votes, n_classes)
        if self.label_model == "em":
            belief = latent_classes(votes, n_classes)
        else:
            prior = (np.bincount(bought, minlength=n_classes) + 1.0) / (len(bought) + n_classes)
            accuracy = np.array([one.accuracy or 0.5 for one in self.functions])
            belief = given_beliefs(votes, prior, accuracy, [one.coverage for one in self.functions])
        speaks = (votes != ABSTAIN).any(axis=1)
        return np.where(speaks, np.argmax(belief, axis=1), ABSTAIN).astype(np.intp)


def _checked(codes: Any, n_rows: int, n_classes: int, name: str) -> RowNumbers:
    votes = np.asarray(codes)
    if votes.shape != (n_rows,) or not np.issubdtype(votes.dtype, np.integer):
        raise RequestError(f"label function {name!r} must give one whole number for each of {n_rows} rows")
    if len(votes) and (votes.min() < ABSTAIN or votes.max() >= n_classes):
        raise RequestError(f"label function {name!r} must give class codes from 0 to {n_classes - 1}, or -1 for none")
    return votes.astype(np.intp)
