"""What the decisions inside a knob explain: the choice of its method, and each of its parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.covariance import Params, is_number, scaled
from altune.analysis.importance.encoding import KnobAtoms
from altune.analysis.importance.function_draws import FunctionDraws
from altune.recipes.space import SearchSpace
from altune.recipes.space.domains import Choices, Range
from altune.recipes.space.tree import Decision, Slot

Array = NDArray[np.float64]

DEGREE = 4
"""Degree of the polynomials that represent the effect of a numeric parameter."""


def parameter_variances(space: SearchSpace, draws: FunctionDraws, knobs: Sequence[KnobAtoms]) -> dict[str, Array]:
    """Return the variance of each drawn function that each decision inside the knobs explains, ``(n_draws,)`` by path.

    In the surrogate, the main effect of a knob is the sum of the effects of its method and of its active parameters; a
    weighted regression on the atoms of the knob separates them.
    """
    explained: dict[str, Array] = {}
    for position, knob in enumerate(knobs):
        effect = draws.main_effect(position)
        weighted = knob.weights > 0
        bases = path_bases(space.decisions[knob.knob], knob.knob, knob.atoms, knob.weights)
        root = np.sqrt(knob.weights[weighted])[:, None]
        X = np.hstack([basis[weighted] for basis in bases.values()])
        solution = np.linalg.lstsq(root * X, root * effect[weighted], rcond=1e-9)[0]
        ends = np.cumsum([basis.shape[1] for basis in bases.values()])[:-1]
        for (path, basis), coefficients in zip(bases.items(), np.split(solution, ends), strict=True):
            component = basis[weighted] @ coefficients
            explained[path] = knob.weights[weighted] @ component**2
    return explained


def path_bases(decision: Decision, knob: str, atoms: Sequence[Params], weights: Array) -> dict[str, Array]:
    """Return a basis for the effect of each open path of a knob, with mean 0 over the atoms that have the path."""
    bases = {}
    for path in decision.open_paths(knob):
        slot = decision if path == knob else decision.find(path, knob)
        values = [atom.get(path) for atom in atoms]
        active = np.array([value is not None for value in values])
        if weights[active].sum() <= 0:
            continue
        inside = _functions(slot, [value for value in values if value is not None])
        inside = inside - (weights[active] / weights[active].sum()) @ inside
        basis = np.zeros((len(atoms), inside.shape[1]))
        basis[active] = inside
        bases[path] = basis
    return bases


def _functions(slot: Slot | None, values: Sequence[object]) -> Array:
    if is_number(slot) and isinstance(slot, (Range, Choices)):
        x = scaled(slot, values)
        degree = min(DEGREE, len(np.unique(x)) - 1)
        return np.asarray(np.polynomial.legendre.legvander(2 * x - 1, degree)[:, 1:])
    codes = np.unique(np.array([str(value) for value in values]), return_inverse=True)[1]
    return np.eye(int(codes.max()) + 1)[codes]
