"""How the objective depends on the method of a knob, on a numeric parameter, and on two decisions at once.

A **marginal** is the mean of the objective over the draws of the space with one decision fixed. It is computed from the
surrogate of :mod:`altune.analysis.importance.knob_importance`, so it does not depend on where the search went.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from altune.analysis.importance.covariance import Indices, is_number
from altune.analysis.importance.encoding import KnobAtoms, encode_knob, part_of
from altune.analysis.importance.explained import Explained, check_confidence
from altune.analysis.importance.function_draws import FunctionDraws, draw_functions
from altune.analysis.importance.marginals import Curve, MethodEffect, Surface
from altune.core.errors import RequestError, did_you_mean
from altune.core.threads import on_one_thread
from altune.recipes.space.domains import Choices, Range, stored_choice
from altune.recipes.space.tree import Decision, Slot

Array = NDArray[np.float64]

DRAWS = 200
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
POINTS = 25
BASES = 16
"""Approximate number of settings of the other parameters of a knob over which a marginal is a mean."""


class Effects:
    """The marginals of a search.

    They are means over draws with independent knobs: forbidden combinations count like any other. Intervals contain the
    uncertainty about the function and about the blocks.

    Parameters
    ----------
    study : the search, from :func:`altune.analysis.importance.explained.prepare`.
    confidence : coverage of the intervals, in (0, 1).
    seed : seed of all draws.

    Raises
    ------
    RequestError
        If the confidence is not between 0 and 1.
    """

    def __init__(self, study: Explained, *, confidence: float = 0.95, seed: int = 0) -> None:
        check_confidence(confidence)
        self._study = study
        self._ends = ((1 - confidence) / 2, (1 + confidence) / 2)
        self._seed = seed
        self.confidence = confidence

    @property
    def n_trials(self) -> int:
        """Number of recipes from which the marginals are computed."""
        return len(self._study.observed)

    def numbers(self, knob: str) -> list[str]:
        """Return the open numeric parameters of a knob by Optuna's names.

        Raises
        ------
        RequestError
            If there is no open knob of that name.
        """
        decision = self._decision(knob)
        return [path for path in decision.open_paths(knob) if path != knob and is_number(decision.find(path, knob))]

    @on_one_thread
    def methods(self, knob: str) -> list[MethodEffect]:
        """Return the marginal of each method of a knob, the largest first.

        Raises
        ------
        RequestError
            If the method of the knob is not open.
        """
        decision = self._decision(knob)
        if len(decision.alternatives) < 2:
            raise RequestError(
                f"{knob} has one method in the space, {decision.labels[0]!r}, so there is nothing to compare"
            )
        position = self._position(knob)
        atoms = self._study.knobs[position]
        drawn = self._marginal(position, atoms)
        of_atoms = np.array([atom.get(knob) for atom in atoms.atoms])
        of_trials = np.array([params.get(knob) for params in self._study.observed.params])
        effects = []
        for label in decision.labels:
            weights = np.where(of_atoms == label, atoms.weights, 0.0)
            mean, low, high = self._interval((weights / weights.sum()) @ drawn)
            values = self._study.observed.y[of_trials == label]
            quantiles = tuple(np.quantile(values, QUANTILES).tolist()) if len(values) else None
            numbers = (float(mean), float(low), float(high), tuple(values.tolist()))
            effects.append(MethodEffect(knob, label, len(values), quantiles, *numbers))
        return sorted(effects, key=lambda effect: -effect.mean)

    @on_one_thread
    def curve(self, path: str, points: int = POINTS) -> Curve:
        """Return the marginal over one numeric parameter, at values of equal probability.

        Raises
        ------
        RequestError
            If there is no such numeric parameter.
        """
        knob = path.split(".")[0]
        slot = self._slot(path)
        if not (is_number(slot) and isinstance(slot, (Range, Choices))):
            raise RequestError(f"{path} is not a number; compare its alternatives instead")
        at = _values(slot, points)
        position = self._position(knob)
        atoms, weights = self._fixed(position, path, at)
        mean, low, high = self._interval(weights @ self._marginal(position, atoms))
        observed = self._study.observed
        has = np.array([path in params for params in observed.params])
        trial_at = np.array([float(params[path]) for params in observed.params if path in params])
        log = isinstance(slot, Range) and slot.log
        return Curve(path, np.array(at, dtype=np.float64), mean, low, high, log, trial_at, observed.y[has])

    @on_one_thread
    def surface(self, a: str, b: str, points: int = 12) -> Surface:
        """Return the marginal over two decisions of different knobs: methods, choices or numbers.

        Raises
        ------
        RequestError
            If there are no such decisions, or both belong to one knob.
        """
        if a.split(".")[0] == b.split(".")[0]:
            raise RequestError(f"{a} and {b} belong to one knob; give decisions of two knobs")
        slots = [self._slot(path) for path in (a, b)]
        values = [_values(slot, points) for slot in slots]
        i, j = (self._position(path.split(".")[0]) for path in (a, b))
        (atoms_a, weights_a), (atoms_b, weights_b) = self._fixed(i, a, values[0]), self._fixed(j, b, values[1])
        draws = self._draws({i: atoms_a, j: atoms_b})
        main_a, main_b = weights_a @ draws.main_effect(i), weights_b @ draws.main_effect(j)
        interaction = draws.pair_effect(i, j, weights_a, weights_b)
        # All other components have mean 0 over the draws of the space.
        total = draws.means + main_a[:, None, :] + main_b[None, :, :] + interaction
        mean = self._study.centre + self._study.scale * total.mean(axis=-1)
        spread = self._study.scale * total.std(axis=-1)
        log_a, log_b = (isinstance(slot, Range) and slot.log for slot in slots)
        both = [params for params in self._study.observed.params if a in params and b in params]
        trial_a, trial_b = (tuple(params[path] for params in both) for path in (a, b))
        return Surface(a, b, tuple(values[0]), tuple(values[1]), mean, spread, log_a, log_b, trial_a, trial_b)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each method of every knob with several: trials, quantiles of their values, the marginal.

        Columns: ``knob``, ``method``, ``n_trials``, ``q10`` to ``q90``, ``mean``, ``low``, ``high``.
        """
        rows = []
        for knob, decision in self._study.space.decisions.items():
            for effect in self.methods(knob) if len(decision.alternatives) > 1 else ():
                quantiles = effect.quantiles or (float("nan"),) * len(QUANTILES)
                named = {f"q{round(100 * q)}": value for q, value in zip(QUANTILES, quantiles, strict=True)}
                head: dict[str, Any] = {"knob": knob, "method": effect.method, "n_trials": effect.n_trials}
                rows.append({**head, **named, "mean": effect.mean, "low": effect.low, "high": effect.high})
        return pd.DataFrame(rows)

    def _decision(self, knob: str) -> Decision:
        names = [knob.knob for knob in self._study.knobs]
        if knob not in names:
            raise RequestError(f"no open knob {knob!r}; {did_you_mean(knob, names)}")
        return self._study.space.decisions[knob]

    def _slot(self, path: str) -> Slot:
        knob = path.split(".")[0]
        decision = self._decision(knob)
        paths = decision.open_paths(knob)
        if path not in paths:
            raise RequestError(f"no open decision {path!r}; {did_you_mean(path, paths)}")
        slot = decision.find(path, knob)
        if slot is None:
            raise RequestError(f"no open decision {path!r}")
        return slot

    def _position(self, knob: str) -> int:
        return [atoms.knob for atoms in self._study.knobs].index(knob)

    @cached_property
    def _unchanged(self) -> FunctionDraws:
        return self._drawn(self._study)

    def _draws(self, changed: Mapping[int, KnobAtoms]) -> FunctionDraws:
        """Return drawn functions, with atoms added to some knobs."""
        knobs = tuple(changed.get(position, knob) for position, knob in enumerate(self._study.knobs))
        if all(new is old for new, old in zip(knobs, self._study.knobs, strict=True)):
            return self._unchanged
        return self._drawn(replace(self._study, knobs=knobs))

    def _drawn(self, study: Explained) -> FunctionDraws:
        rng = np.random.default_rng([self._seed, 3])
        return draw_functions(study.fitted(), study.y, DRAWS, rng)

    def _marginal(self, position: int, knob: KnobAtoms) -> Array:
        """Return the marginal at each atom of one knob, in the objective's unit, ``(n_atoms, n_draws)``."""
        draws = self._draws({position: knob})
        return np.asarray(self._study.centre + self._study.scale * (draws.means + draws.main_effect(position)))

    def _interval(self, drawn: Array) -> tuple[Array, Array, Array]:
        low, high = np.quantile(drawn, self._ends, axis=-1)
        return drawn.mean(axis=-1), low, high

    def _encoded(self, knob: KnobAtoms, added: Sequence[Mapping[str, Any]]) -> tuple[KnobAtoms, Indices]:
        of_trials = [part_of(params, knob.knob) for params in self._study.observed.params]
        position = list(self._study.space.decisions).index(knob.knob)
        rng = np.random.default_rng([self._seed, position])
        encoded = encode_knob(knob.knob, self._study.space.decisions[knob.knob], [*of_trials, *added], rng)
        n = len(of_trials)
        return replace(encoded, rows=encoded.rows[:n]), encoded.rows[n:]

    def _fixed(self, position: int, path: str, at: Sequence[Any]) -> tuple[KnobAtoms, Array]:
        """Return a knob, and for each value of a decision the weights of the atoms with that value.

        For a range, atoms are added to the knob: some of those that have the parameter, with its value replaced.
        """
        knob = self._study.knobs[position]
        slot = self._slot(path)
        if isinstance(slot, Range):
            bases = [atom for atom, weight in zip(knob.atoms, knob.weights, strict=True) if weight > 0 and path in atom]
            bases = bases[:: max(1, len(bases) // BASES)]
            encoded, rows = self._encoded(knob, [{**base, path: value} for value in at for base in bases])
            chosen = np.zeros((len(at), len(encoded.atoms)))
            np.add.at(chosen, (np.repeat(np.arange(len(at)), len(bases)), rows), 1 / len(bases))
            return encoded, chosen
        of_atoms = [atom.get(path) for atom in knob.atoms]
        weights = np.stack([np.where([label == value for label in of_atoms], knob.weights, 0.0) for value in at])
        return knob, np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _values(slot: Slot, points: int) -> list[Any]:
    """Return values of a decision: all its alternatives or choices, or some of equal probability from its range."""
    if isinstance(slot, Decision):
        return list(slot.labels)
    if isinstance(slot, Choices):
        stored = [stored_choice(value) for value in slot.values]
        return sorted(stored) if is_number(slot) else stored
    if isinstance(slot, Range):
        return list(dict.fromkeys(slot.at((point + 0.5) / points) for point in range(points)))
    return []
