"""Shares drawn again and again: trials and blocks resampled, a dummy knob beside the others, functions drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.dependence import explained_by_coalitions
from altune.analysis.importance.encoding import AtomPart, KnobAtoms, Rows
from altune.analysis.importance.explained import REFIT_ITERATIONS, Explained
from altune.analysis.importance.function_draws import FunctionDraws, draw_functions
from altune.analysis.importance.surrogate import Hyperparameters, Prior, design_of, fit, fitted
from altune.analysis.importance.variance import Shares, Subset, shares_of_coalitions, shares_of_components
from altune.analysis.importance.within_knobs import parameter_variances

Array = NDArray[np.float64]

DUMMY = "dummy"
REPLICATES = 20
"""Resamples of the trials, each with a new dummy knob and :data:`DRAWS` functions; half of :data:`MANY` trials on."""
MANY = 250
DRAWS = 16
ESTIMATE_DRAWS = 64
POINTS = 6000
"""About how many pairs of recipes a replicate compares where knobs are dependent."""


@dataclass(frozen=True, eq=False)
class Replicates:
    """Shares over all draws of all replicates.

    Attributes
    ----------
    shares : of the knobs, the last axis of each ``(n_draws,)``.
    floor : share of the dummy knob, ``(n_draws,)``.
    inside : what each decision inside a knob explains alone, as a share of the variance, ``(n_draws,)`` by path.
    """

    shares: Shares
    floor: Array
    inside: dict[str, Array]


def estimate(study: Explained, seed: int = 0) -> Replicates:
    """Return shares of functions drawn from the surrogate as it was fitted: their mean is the best estimate.

    There is no dummy knob; ``floor`` is empty.
    """
    rng = np.random.default_rng([seed, 4])
    draws = draw_functions(study.fitted(), np.repeat(study.y[:, None], ESTIMATE_DRAWS, axis=1), rng)
    return _explained(study, draws, {}, rng)


def replicate(study: Explained, seed: int = 0) -> Replicates:
    """Return shares of functions drawn from surrogates of resampled trials and blocks.

    Parameters
    ----------
    study : the search.
    seed : of all draws.
    """
    found = []
    for number in range(REPLICATES if len(study.observed) <= MANY else REPLICATES // 2):
        rng = np.random.default_rng([seed, 2, number])
        draws = _draws(study, rng)
        found.append(_explained(study, draws, _block_variances(study, draws), rng))
    parts = {
        name: np.concatenate([getattr(one.shares, name) for one in found], axis=-1) for name in Shares.__annotations__
    }
    inside = {path: np.concatenate([one.inside[path] for one in found]) for path in found[0].inside}
    return Replicates(Shares(**parts), np.concatenate([one.floor for one in found]), inside)


def _explained(
    study: Explained, draws: FunctionDraws, added: dict[Subset, float], rng: np.random.Generator
) -> Replicates:
    """Return the shares of drawn functions, less what resampling the blocks added to each component's variance."""
    n_knobs = len(study.knobs)
    components = draws.component_variances()
    floor = shares_of_components(components, len(draws.surrogate.knobs)).share[n_knobs:]
    own = {
        some: np.maximum(variance - added.get(some, 0.0), 0.0)
        for some, variance in components.items()
        if max(some) < n_knobs
    }
    shares = shares_of_components(own, n_knobs)
    inside = parameter_variances(study.space, draws, study.knobs)
    whole = np.maximum(shares.variance, np.finfo(np.float64).tiny)
    return Replicates(
        shares=shares if study.allowed.everything else _dependent(study, draws, rng),
        floor=floor.ravel(),
        inside={path: variance / whole for path, variance in inside.items()},
    )


def _draws(study: Explained, rng: np.random.Generator) -> FunctionDraws:
    """Resample trials and fill a dummy knob, refit the hyperparameters, and draw functions given all trials."""
    n = len(study.observed)
    knobs = (*study.knobs, dummy_knob(study.knobs, n, rng))
    design = design_of(knobs, study.observed.noise)
    rows, counts = np.unique(rng.integers(n, size=n), return_counts=True)
    start = _with_dummy(study.hyper, design.order)
    hyper = fit(design.at(rows, design.noise[rows] / counts), study.y[rows], Prior(), start, REFIT_ITERATIONS)
    return draw_functions(fitted(knobs, study.observed.noise, hyper), study.resampled_values(DRAWS, rng), rng)


def dummy_knob(knobs: Sequence[KnobAtoms], n: int, rng: np.random.Generator) -> KnobAtoms:
    """Return a knob without effect: as many methods as the open knobs have in the middle, drawn at random."""
    levels = [len({atom.get(knob.knob) for atom in knob.atoms}) for knob in knobs]
    count = max(2, round(float(np.median(levels))))
    part = AtomPart("method", (np.eye(count) - 1 / count) / math.sqrt(1 - 1 / count))
    atoms = tuple({DUMMY: str(level)} for level in range(count))
    rows = rng.integers(count, size=n).astype(np.intp)
    return KnobAtoms(DUMMY, atoms, np.full(count, 1 / count), rows, (part,))


def _with_dummy(hyper: Hyperparameters, order: int) -> Hyperparameters:
    """Return hyperparameters with one more knob of one part, and perhaps one more order, at the prior's centre."""
    prior = Prior()
    count = sum(hyper.sizes)
    added = [prior.order[0]] * (order - hyper.order)
    logarithms = np.concatenate(
        [hyper.logarithms[:count], [prior.part[0]], hyper.logarithms[count:-1], added, hyper.logarithms[-1:]]
    )
    return Hyperparameters(logarithms, (*hyper.sizes, 1), order)


def _block_variances(study: Explained, draws: FunctionDraws) -> dict[Subset, float]:
    """Return what resampling J blocks, s²/J, adds to the variance of each component; nothing without blocks.

    The search's own blocks are a sample too, and add as much once more. Taking that off as well made the shares worse
    on the full grids: five blocks say too little of it.
    """
    blocks = study.observed.n_blocks
    if blocks < 2:
        return {}
    still = draws.means_given(study.observed.deviations / study.scale)
    return {some: float(v.sum()) / (blocks * (blocks - 1)) for some, v in still.component_variances().items()}


def _dependent(study: Explained, draws: FunctionDraws, rng: np.random.Generator) -> Shares:
    n_knobs = len(study.knobs)

    def values(atoms: Sequence[Rows]) -> Array:
        return draws.values(atoms, n_knobs)

    explained = explained_by_coalitions(values, study.knobs, study.allowed, max(32, POINTS // 2**n_knobs), rng)
    return shares_of_coalitions(explained, n_knobs)
