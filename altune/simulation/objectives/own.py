"""Objectives of the user: functions of a learning curve, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from altune.core.errors import RequestError
from altune.core.identity import identify, remembered
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives.formulas import FORMULAS, Terms
from altune.simulation.objectives.kinds import KINDS, OBJECTIVES, Direction, ObjectiveKind
from altune.simulation.own import check_name, load_own, one_number

GROUP = "altune.objectives"
Function = Callable[[Any, LearningCurve, LearningCurve], float]


@dataclass(frozen=True, eq=False)
class OwnObjective:
    """An objective of the user.

    Attributes
    ----------
    name : name of the objective in scenarios.
    function : its formula.
    kind : its texts, its direction and its bounds.
    """

    name: str
    function: Function
    kind: ObjectiveKind

    def __call__(self, terms: Terms, curve: LearningCurve, reference: LearningCurve) -> float:
        """Return the objective of a curve, as a finite number."""
        return one_number(f"objective {self.name!r}", lambda: self.function(terms, curve, reference))

    def forget(self) -> None:
        """Remove the objective; for tests and notebooks."""
        KINDS.pop(self.name, None)
        FORMULAS.pop(self.name, None)

    def fingerprint(self) -> str:
        """Return a hash of the function and of all that is declared with it."""
        made = (self.kind, self.function)
        return remembered(self.function, lambda: identify(made, f"objective {self.name!r}")).digest


def register_objective(
    name: str,
    function: Function,
    *,
    direction: Direction = "maximize",
    text: str = "",
    reference: bool = False,
    saves: bool = False,
    by_row: bool = False,
    low: float = -np.inf,
    high: float = np.inf,
) -> OwnObjective:
    """Register a function of a learning curve as an objective.

    A scenario then names it like any other objective, alone, beside others or in a constraint.

    Parameters
    ----------
    name : name of the objective. Registering a name again replaces the objective; names of altune's objectives are
        refused.
    function : ``function(terms, curve, reference)`` that returns one number. ``terms`` has what the scenario says:
        ``metric``, ``end`` (the budget in labels), ``target``, ``value``. ``curve`` is the learning curve;
        ``curve.scores[terms.metric]`` are its scores, ``(n_points,)``. ``reference`` is the curve of random sampling on
        the same block if ``reference=True``, else the curve itself.
    direction : ``maximize`` or ``minimize``.
    text : explanation in one line; by default the first line of the function's docstring.
    reference : whether it needs the curve of random sampling.
    saves : whether it can be improved by stopping before the budget is used up.
    by_row : whether it reads scores, label counts and money alone, for any scores. Its intervals then take the test
        rows into account, else the blocks alone.
    low, high : lowest and highest possible value.

    Returns
    -------
    The objective. An installed package offers it through the entry point group ``altune.objectives``.

    Raises
    ------
    RequestError
        If the name is taken or is no name, or if it is not a function of three arguments.

    Examples
    --------
    >>> def last_half(terms, curve, reference):
    ...     "Mean score over the second half of the budget."
    ...     return curve.at(np.linspace(terms.end / 2, terms.end, 50), terms.metric).mean()
    >>> objective = register_objective("last_half", last_half)
    >>> objective.kind.text
    'Mean score over the second half of the budget.'
    >>> import altune
    >>> altune.simulate("vanilla", "iris", objective="last_half", budget=20, n_blocks=1).objective.name
    'last_half'
    >>> objective.forget()
    """
    check_name(name, "objective", OBJECTIVES)
    if not callable(function) or isinstance(function, type):
        raise RequestError(f"{name}: {function!r} is not a function of terms, curve and reference")
    try:
        inspect.signature(function).bind(None, None, None)
    except TypeError as error:
        raise RequestError(f"{name}: call it as function(terms, curve, reference): {error}") from None
    if direction not in get_args(Direction):
        raise RequestError(f"{name}: direction is maximize or minimize, not {direction!r}")
    if not low < high:
        raise RequestError(f"{name}: low must be less than high, not {low:g} and {high:g}")
    plain = name.replace("_", " ")
    documented = (inspect.getdoc(function) or "").partition("\n")[0]
    kind = ObjectiveKind(
        text or documented or plain,
        plain,
        plain,
        direction=direction,
        reference=reference,
        saves=saves,
        linear=False,
        by_row=by_row,
        least=float(low),
        most=float(high),
    )
    own = OwnObjective(name, function, kind)
    KINDS[name], FORMULAS[name] = kind, own
    return own


def load_objectives() -> None:
    """Register the objectives of installed packages."""
    load_own(GROUP, OwnObjective, "register_objective")


def own_objective(name: str) -> OwnObjective | None:
    """Return an objective of the user, None if the name is one of altune's."""
    formula = FORMULAS.get(name)
    return formula if isinstance(formula, OwnObjective) else None


def example_curve(metrics: Sequence[str], budget: int) -> LearningCurve:
    """Return a curve of three points with scores between 0 and 1, on which an objective can be tried."""
    labels = np.unique(np.linspace(1, budget, 3).astype(np.int64))
    zeros, size = np.zeros(len(labels)), len(labels)
    return LearningCurve(
        labels=labels,
        used=labels,
        cost=labels.astype(np.float64),
        scores={metric: np.linspace(0.5, 0.9, size) for metric in metrics},
        prior=dict.fromkeys(metrics, 0.4),
        loop_rows=np.diff(labels, prepend=0),
        fit_seconds=zeros,
        query_seconds=zeros,
        evaluation_seconds=zeros,
        notes=({},) * size,
        rows=np.arange(budget),
        stopped="budget",
        round_trips=np.arange(1, size + 1),
        priced=labels,
    )
