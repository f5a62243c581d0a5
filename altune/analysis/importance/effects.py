"""How the objective depends on a knob's method, on a numeric parameter, and on two decisions at once.

A **marginal** is the mean of the objective over the space's own draws with one decision held, as the surrogate of
:mod:`altune.analysis.importance.knob_importance` has it, whatever the search visited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from altune.analysis.importance.encoding import KnobAtoms, Rows, encode_knob, is_number, part_of
from altune.analysis.importance.explained import Explained, check_confidence, prepare
from altune.analysis.importance.function_draws import FunctionDraws, draw_functions
from altune.analysis.importance.marginals import Curve, MethodEffect, Surface
from altune.analysis.importance.observations import ObservedTrial
from altune.core.errors import RequestError, did_you_mean
from altune.core.threads import on_one_thread
from altune.recipes.space import SearchSpace
from altune.recipes.space.domains import Choices, Range, stored_choice
from altune.recipes.space.tree import Decision, Slot

Array = NDArray[np.float64]

DRAWS = 200
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
POINTS = 25
BASES = 16
"""About how many settings of a knob's other parameters a marginal over one of them averages."""


class Effects:
    """The marginals of a search.

    They are those of the space's draws with independent knobs: a combination that the space forbids is averaged over
    like any other. Intervals hold the doubt about the function and about the blocks.

    Parameters
    ----------
    study : the search, from :func:`altune.analysis.importance.explained.prepare`.
    confidence : coverage of the intervals, in (0, 1).
    seed : of all draws.

    Raises
    ------
    RequestError
        If the confidence is none.
    """

    def __init__(self, study: Explained, *, confidence: float = 0.95, seed: int = 0) -> None:
        check_confidence(confidence)
        self._study = study
        self._ends = ((1 - confidence) / 2, (1 + confidence) / 2)
        self._seed = seed
        self.confidence = confidence

    @property
    def n_trials(self) -> int:
        """Recipes that the marginals are made from."""
        return len(self._study.observed)

    def numbers(self, knob: str) -> list[str]:
        """Return the numeric parameters that the space leaves open in a knob, by Optuna's names.

        Raises
        ------
        RequestError
            If the space leaves the knob closed, or there is none of that name.
        """
        decision = self._decision(knob)
        return [path for path in decision.open_paths(knob) if path != knob and is_number(decision.find(path, knob))]

    @on_one_thread
    def methods(self, knob: str) -> list[MethodEffect]:
        """Return what each method of a knob reaches, the largest marginal first.

        Raises
        ------
        RequestError
            If the space leaves the knob's method closed.
        """
        decision = self._decision(knob)
        if len(decision.alternatives) < 2:
            raise RequestError(f"{knob}: the space has one method, {decision.labels[0]!r}, so there is none to compare")
        place = self._place(knob)
        of_knob = self._study.knobs[place]
        drawn = self._marginal(place, of_knob)
        labels = np.array([atom.get(knob) for atom in of_knob.atoms])
        own = np.array([params.get(knob) for params in self._study.observed.params])
        found = []
        for label in decision.labels:
            weights = np.where(labels == label, of_knob.weights, 0.0)
            mean, low, high = self._interval((weights / weights.sum()) @ drawn)
            values = self._study.observed.y[own == label]
            quantiles = tuple(np.quantile(values, QUANTILES).tolist()) if len(values) else None
            reached = (float(mean), float(low), float(high), tuple(values.tolist()))
            found.append(MethodEffect(knob, label, len(values), quantiles, *reached))
        return sorted(found, key=lambda one: -one.mean)

    @on_one_thread
    def curve(self, path: str, points: int = POINTS) -> Curve:
        """Return the marginal over one numeric parameter, at values of equal chance.

        Raises
        ------
        RequestError
            If there is no such numeric parameter.
        """
        knob = path.split(".")[0]
        slot = self._slot(path)
        if not (is_number(slot) and isinstance(slot, (Range, Choices))):
            raise RequestError(f"{path} is no number; compare its alternatives instead")
        at = _values(slot, points)
        place = self._place(knob)
        encoded, weights = self._side(place, path, at)
        mean, low, high = self._interval(weights @ self._marginal(place, encoded))
        has = np.array([path in params for params in self._study.observed.params])
        there = [float(params[path]) for params in self._study.observed.params if path in params]
        log = isinstance(slot, Range) and slot.log
        return Curve(
            path, np.array(at, dtype=np.float64), mean, low, high, log, np.array(there), self._study.observed.y[has]
        )

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
        values = [_values(self._slot(path), points) for path in (a, b)]
        places = [self._place(path.split(".")[0]) for path in (a, b)]
        sides = [self._side(place, path, at) for place, path, at in zip(places, (a, b), values, strict=True)]
        draws = self._draws({place: knob for place, (knob, _) in zip(places, sides, strict=True)})
        weights = [of_side for _, of_side in sides]
        alone = [of_side @ draws.main_effect(place) for of_side, place in zip(weights, places, strict=True)]
        both = draws.pair_effect(places[0], places[1], weights[0], weights[1])
        total = draws.means + alone[0][:, None, :] + alone[1][None, :, :] + both
        mean = self._study.centre + self._study.scale * total.mean(axis=-1)
        log_a, log_b = (isinstance(slot, Range) and slot.log for slot in (self._slot(a), self._slot(b)))
        both_have = [params for params in self._study.observed.params if a in params and b in params]
        met_a, met_b = (tuple(params[path] for params in both_have) for path in (a, b))
        spread = self._study.scale * total.std(axis=-1)
        return Surface(a, b, tuple(values[0]), tuple(values[1]), mean, spread, log_a, log_b, met_a, met_b)

    # parts ------------------------------------------------------------------------------------------------------

    def _decision(self, knob: str) -> Decision:
        names = [one.knob for one in self._study.knobs]
        if knob not in names:
            raise RequestError(f"no open knob {knob!r}; {did_you_mean(knob, names)}")
        return self._study.space.decisions[knob]

    def _slot(self, path: str) -> Slot:
        knob = path.split(".")[0]
        decision = self._decision(knob)
        paths = decision.open_paths(knob)
        if path not in paths:
            raise RequestError(f"the space leaves no {path!r} open; {did_you_mean(path, paths)}")
        slot = decision.find(path, knob)
        if slot is None:
            raise RequestError(f"the space leaves no {path!r} open")
        return slot

    def _place(self, knob: str) -> int:
        return [one.knob for one in self._study.knobs].index(knob)

    @cached_property
    def _usual(self) -> FunctionDraws:
        return self._drawn(self._study)

    def _draws(self, changed: Mapping[int, KnobAtoms]) -> FunctionDraws:
        """Return drawn functions, with atoms added to some knobs."""
        knobs = tuple(changed.get(place, knob) for place, knob in enumerate(self._study.knobs))
        if all(one is other for one, other in zip(knobs, self._study.knobs, strict=True)):
            return self._usual
        return self._drawn(replace(self._study, knobs=knobs))

    def _drawn(self, study: Explained) -> FunctionDraws:
        rng = np.random.default_rng([self._seed, 3])
        return draw_functions(study.fitted(), study.resampled_values(DRAWS, rng), rng)

    def _marginal(self, place: int, knob: KnobAtoms) -> Array:
        """Return the marginal at each atom of one knob, in the objective's unit, ``(n_atoms, n_draws)``."""
        draws = self._draws({place: knob})
        return np.asarray(self._study.centre + self._study.scale * (draws.means + draws.main_effect(place)))

    def _interval(self, drawn: Array) -> tuple[Array, Array, Array]:
        low, high = np.quantile(drawn, self._ends, axis=-1)
        return drawn.mean(axis=-1), low, high

    def _encoded(self, knob: KnobAtoms, added: Sequence[Mapping[str, Any]]) -> tuple[KnobAtoms, Rows]:
        of_trials = [part_of(params, knob.knob) for params in self._study.observed.params]
        position = list(self._study.space.decisions).index(knob.knob)
        rng = np.random.default_rng([self._seed, position])
        encoded = encode_knob(knob.knob, self._study.space.decisions[knob.knob], [*of_trials, *added], rng)
        n = len(of_trials)
        return replace(encoded, rows=encoded.rows[:n]), encoded.rows[n:]

    def _side(self, place: int, path: str, at: Sequence[Any]) -> tuple[KnobAtoms, Array]:
        """Return a knob, and for each value of a decision the weights of the atoms that stand for it.

        For a range these are atoms added to the knob: some that have the parameter, with its value put in their place.
        """
        knob = self._study.knobs[place]
        slot = self._slot(path)
        if isinstance(slot, Range):
            bases = [atom for atom, weight in zip(knob.atoms, knob.weights, strict=True) if weight > 0 and path in atom]
            bases = bases[:: max(1, len(bases) // BASES)]
            encoded, rows = self._encoded(knob, [{**base, path: value} for value in at for base in bases])
            chosen = np.zeros((len(at), len(encoded.atoms)))
            np.add.at(chosen, (np.repeat(np.arange(len(at)), len(bases)), rows), 1 / len(bases))
            return encoded, chosen
        values = [atom.get(path) for atom in knob.atoms]
        weights = np.stack([np.where([value == one for value in values], knob.weights, 0.0) for one in at])
        return knob, np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _values(slot: Slot, points: int) -> list[Any]:
    """Return values of a decision: every alternative or choice, or of a range some of equal chance."""
    if isinstance(slot, Decision):
        return list(slot.labels)
    if isinstance(slot, Choices):
        stored = [stored_choice(value) for value in slot.values]
        return sorted(stored) if is_number(slot) else stored
    if isinstance(slot, Range):
        return list(dict.fromkeys(slot.at((place + 0.5) / points) for place in range(points)))
    return []


def method_effects(
    trials: Iterable[ObservedTrial], space: SearchSpace, *, confidence: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Return one row for each method of every knob with several: trials, quantiles of their values, and the marginal.

    Columns: ``knob``, ``method``, ``n_trials``, ``q10`` to ``q90``, ``mean``, ``low``, ``high``.
    """
    effects = Effects(prepare(trials, space, seed=seed), confidence=confidence, seed=seed)
    rows = []
    for knob, decision in space.decisions.items():
        for one in effects.methods(knob) if len(decision.alternatives) > 1 else ():
            quantiles = one.quantiles or (float("nan"),) * len(QUANTILES)
            named = {f"q{round(100 * q)}": value for q, value in zip(QUANTILES, quantiles, strict=True)}
            head: dict[str, Any] = {"knob": knob, "method": one.method, "n_trials": one.n_trials}
            rows.append({**head, **named, "mean": one.mean, "low": one.low, "high": one.high})
    return pd.DataFrame(rows)


def parameter_curve(trials: Iterable[ObservedTrial], space: SearchSpace, path: str, *, seed: int = 0) -> Curve:
    """Return the marginal over one numeric parameter; use :class:`Effects` for several of them."""
    return Effects(prepare(trials, space, seed=seed), seed=seed).curve(path)


def pair_surface(trials: Iterable[ObservedTrial], space: SearchSpace, a: str, b: str, *, seed: int = 0) -> Surface:
    """Return the marginal over two decisions; use :class:`Effects` for several of them."""
    return Effects(prepare(trials, space, seed=seed), seed=seed).surface(a, b)
