"""Label functions: conditions on columns, or functions that a user registered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from altune.core.errors import RequestError, did_you_mean
from altune.core.identity import Identity, identify, remembered
from altune.core.needs import Capabilities
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, Codes, Features, Learner
from altune.knobs.labeling.auto import AssistedLabeling
from altune.knobs.labeling.base import Automatic
from altune.knobs.labeling.label_models import ABSTAIN, given_beliefs, latent_classes, most_named

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
    """Make a function available to recipes as ``{function: name}``; it replaces an earlier one of that name.

    Parameters
    ----------
    name : name of the function in recipes.
    function : takes the features of the pool as the model gets them, ``(n_rows, n_features)``, and returns a class code
        for each row, ``(n_rows,)``, or −1 to abstain. It must depend on its argument alone.

    Examples
    --------
    >>> register_label_function("tall", lambda X: np.where(X[:, 0] > 1.0, 1, -1))
    >>> unregister_label_function("tall")
    """
    if not name or not callable(function):
        raise RequestError("a label function needs a name that is not empty and a function of the features")
    _functions[name] = function


def unregister_label_function(name: str) -> None:
    """Remove a registered label function."""
    _functions.pop(name, None)


def identify_label_function(name: str) -> Identity:
    """Return what the function that is registered under a name is made of."""
    return identify(_functions[name], f"label function {name!r}")


def label_functions_in(plain: Any) -> Iterator[str]:
    """Yield the names of registered functions in plain values, such as those of a recipe or a search space.

    >>> list(label_functions_in([{"function": "absent"}]))
    []
    """
    if isinstance(plain, Mapping):
        if isinstance(name := plain.get("function"), str) and name in _functions:
            yield name
        plain = list(plain.values())
    for item in plain if isinstance(plain, (list, tuple)) else ():
        yield from label_functions_in(item)


class LabelFunction(BaseModel):
    """A label for the rows that meet a condition, or a registered function.

    Write ``{column: 2, condition: "<", value: -1.2, label: 0}`` or ``{function: name}``. Values are those of the
    features as the model gets them: in standard deviations from the mean, unless the scenario has ``scaling: none``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    column: int | str | None = Field(default=None, description="number of a column, or its name if features have names")
    condition: Literal["<", "<=", ">", ">=", "==", "in", "between"] | None = Field(
        default=None, description="condition that the column must meet"
    )
    value: float | tuple[float, ...] | None = Field(
        default=None, description="number of the condition; a list for `in`, the two ends for `between`"
    )
    label: int | None = Field(default=None, ge=0, description="class code of rows that meet the condition")
    function: str | None = Field(default=None, description="name of a registered function")
    accuracy: float | None = Field(
        default=None, gt=0.0, lt=1.0, description="share of right votes, for `label_model: given`"
    )
    coverage: float | None = Field(
        default=None,
        gt=0.0,
        lt=1.0,
        description="share of rows with a vote, for `label_model: given`; by default the share in the pool",
    )
    _call: Call | None = PrivateAttr(default=None)
    _received: str = PrivateAttr(default="")

    @field_validator("function")
    @classmethod
    def _is_registered(cls, name: str | None) -> str | None:
        if name is not None and name not in _functions:
            raise ValueError(
                f"no label function {name!r}; {did_you_mean(name, _functions)}; see altune.register_label_function"
            )
        return name

    @model_validator(mode="after")
    def _is_complete(self) -> LabelFunction:
        declared = (self.column, self.condition, self.value, self.label)
        if self.function is not None:
            if any(value is not None for value in declared):
                raise ValueError("a registered function takes no column, condition, value or label")
            return self
        if any(value is None for value in declared):
            raise ValueError("write {column: ..., condition: ..., value: ..., label: ...} or {function: ...}")
        several = isinstance(self.value, tuple)
        if several != (self.condition in ("in", "between")):
            raise ValueError(f"{self.condition} takes {'one number' if several else 'a list of numbers'} as its value")
        if self.condition == "between" and (not isinstance(self.value, tuple) or len(self.value) != 2):
            raise ValueError("between takes two numbers, the low end and the high end")
        return self

    def model_post_init(self, context: Any, /) -> None:
        """Keep the registered function itself, so that it is sent to worker processes with the recipe."""
        if self.function is not None:
            self._call = _functions.get(self.function)

    def votes(self, X: Features, names: tuple[str, ...] | None, n_classes: int) -> Codes:
        """Return a class code for each row, ``(n_rows,)``; −1 if the function abstains."""
        if self._call is not None:
            return _checked(self._call(X), X.shape[0], n_classes, str(self.function))
        x = self._values(X, names)
        return np.where(self._meets(x), int(self.label or 0), ABSTAIN).astype(np.intp)

    def _values(self, X: Features, names: tuple[str, ...] | None) -> Array:
        problem = self.missing(X.shape[1], names)
        if problem:
            raise RequestError(problem)
        number = self.column if isinstance(self.column, int) else (names or ()).index(str(self.column))
        column = X[:, [number]]
        return np.asarray(column.toarray() if hasattr(column, "toarray") else column, dtype=np.float64).ravel()

    def missing(self, n_features: int, names: tuple[str, ...] | None) -> str | None:
        """Return why the column does not exist among the features, or None if it exists."""
        if isinstance(self.column, int) and not 0 <= self.column < n_features:
            return f"a label function uses column {self.column}; the features have columns 0 to {n_features - 1}"
        if isinstance(self.column, str) and self.column not in (names or ()):
            accepted = did_you_mean(self.column, names) if names else "the features have no names, only numbers"
            return f"a label function uses column {self.column!r}; {accepted}"
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
        """Return what a registered function is made of, which its name in the recipe does not determine."""
        if self._call is None:
            return ""
        what = f"label function {self.function!r}"
        return self._received or remembered(self._call, lambda: identify(self._call, what)).text

    def __getstate__(self) -> dict[Any, Any]:
        """Return the state for pickle, with what the function is made of, so that no worker needs to find out."""
        state = super().__getstate__()
        private = {**(state["__pydantic_private__"] or {}), "_received": self.fingerprint()}
        return {**state, "__pydantic_private__": private}


@register
class LabelFunctions(AssistedLabeling):
    """Label functions: rules label candidates that no annotator has labelled.

    ``label_model`` combines the votes of several functions for a row. ``vote`` is the class that most of them name, and
    no label if classes are tied. ``given`` is Bayes' rule with the stated accuracy and coverage of each function and
    the class shares of the bought labels. ``em`` estimates the confusion of each function from their agreement, with
    abstaining as an answer. Rows for which all functions abstain get no label.
    """

    source = "Ratner et al., Snorkel, VLDB 2017; Dawid and Skene 1979 (em)"
    method: Literal["label_functions"] = "label_functions"
    functions: tuple[LabelFunction, ...] = Field(
        default=(), max_length=200, description="conditions on columns, or names of registered functions"
    )
    label_model: Literal["vote", "given", "em"] = Field(
        default="vote", description="how the votes of the functions are combined"
    )

    @model_validator(mode="after")
    def _accuracies_are_given(self) -> LabelFunctions:
        if self.label_model == "given" and any(function.accuracy is None for function in self.functions):
            raise ValueError("label_model 'given' needs the `accuracy` of each function, between 0 and 1")
        return self

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return a line for each class or column of a function that the data do not have."""
        problems = super().objections(model, capabilities)
        n_classes, n_features = capabilities.n_classes, capabilities.n_features
        for function in self.functions:
            if function.label is not None and function.label >= n_classes:
                problems.append(
                    f"labeling 'label_functions': the data have classes 0 to {n_classes - 1}, not {function.label}"
                )
            missing = None if n_features is None else function.missing(n_features, capabilities.feature_names)
            if missing is not None:
                problems.append(f"labeling 'label_functions': {missing}")
        return problems

    def fingerprint(self) -> str:
        """Return a hash of the code of the registered functions."""
        return "".join(function.fingerprint() for function in self.functions)

    def automatic(self, pool: Pool, earlier: Automatic | None) -> Automatic | None:
        """Return a label for each candidate for which a function votes."""
        if not self.functions:
            return None
        names, n_classes = pool.feature_names, pool.n_classes
        votes = pool.shared.get(
            ("label_functions", json.dumps(self.to_dict()), self.fingerprint()),
            lambda: np.column_stack([function.votes(pool.X, names, n_classes) for function in self.functions]),
        )
        labels = self.joined_votes(votes, pool.labels, n_classes)
        rows = pool.candidates[labels[pool.candidates] != ABSTAIN]
        return Automatic(rows, labels[rows], self.weight) if len(rows) else None

    def joined_votes(self, votes: Codes, bought: Codes, n_classes: int) -> Codes:
        """Return a label for each row, ``(n_rows,)``; −1 for no label.

        Parameters
        ----------
        votes : class codes, or −1 if a function abstains, ``(n_rows, n_functions)``.
        bought : bought labels, whose class shares are the prior of ``given``.
        n_classes : number of classes of the scenario.
        """
        if self.label_model == "vote":
            return most_named(votes, n_classes)
        if self.label_model == "em":
            belief = latent_classes(votes, n_classes)
        else:
            prior = (np.bincount(bought, minlength=n_classes) + 1.0) / (len(bought) + n_classes)
            accuracy = np.array([function.accuracy or 0.5 for function in self.functions])
            belief = given_beliefs(votes, prior, accuracy, [function.coverage for function in self.functions])
        voted = (votes != ABSTAIN).any(axis=1)
        return np.where(voted, np.argmax(belief, axis=1), ABSTAIN).astype(np.intp)


def _checked(codes: Any, n_rows: int, n_classes: int, name: str) -> Codes:
    votes = np.asarray(codes)
    if votes.shape != (n_rows,) or not np.issubdtype(votes.dtype, np.integer):
        raise RequestError(f"label function {name!r} must return one integer for each of {n_rows} rows")
    if len(votes) and (votes.min() < ABSTAIN or votes.max() >= n_classes):
        raise RequestError(
            f"label function {name!r} must return class codes from 0 to {n_classes - 1}, or -1 to abstain"
        )
    return votes.astype(np.intp)
