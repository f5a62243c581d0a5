"""Replicated shares: with trials and blocks resampled, a dummy knob added, and functions drawn from the surrogate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.covariance import AtomPart, Indices
from altune.analysis.importance.dependence import explained_by_coalitions
from altune.analysis.importance.encoding import KnobAtoms
from altune.analysis.importance.explained import REFIT_ITERATIONS, Explained
from altune.analysis.importance.function_draws import FunctionDraws, draw_functions
from altune.analysis.importance.surrogate import Hyperparameters, Prior, design_of, fit, fitted
from altune.analysis.importance.variance import Shares, Subset, shares_of_coalitions, shares_of_components
from altune.analysis.importance.within_knobs import parameter_variances

Array = NDArray[np.float64]

DUMMY = "dummy"
REPLICATES = 20
"""Resamples of the trials, each with a new dummy knob and :data:`DRAWS` functions; half from :data:`MANY` trials on."""
MANY = 250
DRAWS = 16
ESTIMATE_DRAWS = 64
POINTS = 6000
"""Approximate number of pairs of recipes that a replicate compares if knobs are dependent."""


@dataclass(frozen=True, eq=False)
class Replicates:
    """Shares over all draws of all replicates.

    Attributes
    ----------
    shares : shares of the knobs; their last axis is ``(n_draws,)``.
    floor : share of the dummy knob, ``(n_draws,)``.
    inside : what each decision inside a knob explains alone, as a share of the variance, ``(n_draws,)`` by path.
    """

    shares: Shares
    floor: Array
    inside: dict[str, Array]


def estimate(study: Explained, seed: int = 0) -> Replicates:
    """Return shares of functions drawn from the surrogate of all trials; their mean is the best estimate.

    There is no dummy knob, so ``floor`` is empty.
    """
    rng = np.random.default_rng([seed, 4])
    draws = draw_functions(study.fitted(), np.repeat(study.y[:, None], ESTIMATE_DRAWS, axis=1), rng)
    return _explained(study, draws, {}, rng)


def replicate(study: Explained, seed: int = 0) -> Replicates:
    """Return shares of functions drawn from surrogates of resampled trials and blocks.

    Parameters
    ----------
    study : the search.
    seed : seed of all draws.
    """
    replicates = []
    for number in range(REPLICATES if len(study.observed) <= MANY else REPLICATES // 2):
        rng = np.random.default_rng([seed, 2, number])
        draws = _draws(study, rng)
        replicates.append(_explained(study, draws, _block_variances(study, draws), rng))
    shares = {
        name: np.concatenate([getattr(replicate.shares, name) for replicate in replicates], axis=-1)
        for name in Shares.__annotations__
    }
    inside = {
        path: np.concatenate([replicate.inside[path] for replicate in replicates]) for path in replicates[0].inside
    }
    return Replicates(Shares(**shares), np.concatenate([replicate.floor for replicate in replicates]), inside)


def _explained(
    study: Explained, draws: FunctionDraws, added: dict[Subset, float], rng: np.random.Generator
) -> Replicates:
    """Return the shares of drawn functions, without the variance that resampling the blocks ``added``."""
    n_knobs = len(study.knobs)
    components = draws.component_variances()
    floor = shares_of_components(components, len(draws.surrogate.knobs)).share[n_knobs:]
    without_dummy = {
        subset: np.maximum(variance - added.get(subset, 0.0), 0.0)
        for subset, variance in components.items()
        if max(subset) < n_knobs
    }
    shares = shares_of_components(without_dummy, n_knobs)
    inside = parameter_variances(study.space, draws, study.knobs)
    whole = np.maximum(shares.variance, np.finfo(np.float64).tiny)
    return Replicates(
        shares=shares if study.allowed.everything else _dependent(study, draws, rng),
        floor=floor.ravel(),
        inside={path: variance / whole for path, variance in inside.items()},
    )


def _draws(study: Explained, rng: np.random.Generator) -> FunctionDraws:
    """Add a dummy knob, refit the hyperparameters to resampled trials, and draw functions given all trials."""
    n = len(study.observed)
    knobs = (*study.knobs, dummy_knob(study.knobs, n, rng))
    design = design_of(knobs, study.observed.noise)
    # A trial drawn m times is equivalent to one trial with 1/m of the noise, which keeps the matrices small. Only the
    # hyperparameters depend on the resample: the functions are drawn given all trials.
    rows, counts = np.unique(rng.integers(n, size=n), return_counts=True)
    start = _with_dummy(study.hyper, design.order)
    hyper = fit(design.at(rows, design.noise[rows] / counts), study.y[rows], Prior(), start, REFIT_ITERATIONS)
    return draw_functions(fitted(knobs, study.observed.noise, hyper), study.resampled_values(DRAWS, rng), rng)


def dummy_knob(knobs: Sequence[KnobAtoms], n: int, rng: np.random.Generator) -> KnobAtoms:
    """Return a knob without effect: its methods are random, and their number is the median of the open knobs'."""
    levels = [len({atom.get(knob.knob) for atom in knob.atoms}) for knob in knobs]
    count = max(2, round(float(np.median(levels))))
    part = AtomPart("method", (np.eye(count) - 1 / count) / math.sqrt(1 - 1 / count))
    atoms = tuple({DUMMY: str(level)} for level in range(count))
    rows = rng.integers(count, size=n).astype(np.intp)
    return KnobAtoms(DUMMY, atoms, np.full(count, 1 / count), rows, (part,))


def _with_dummy(hyper: Hyperparameters, order: int) -> Hyperparameters:
    """Return hyperparameters with one more knob of one part, and perhaps one more order, at the means of the prior."""
    prior = Prior()
    count = sum(hyper.sizes)
    added = [prior.order[0]] * (order - hyper.order)
    logarithms = np.concatenate(
        [hyper.logarithms[:count], [prior.part[0]], hyper.logarithms[count:-1], added, hyper.logarithms[-1:]]
    )
    return Hyperparameters(logarithms, (*hyper.sizes, 1), order)


def _block_variances(study: Explained, draws: FunctionDraws) -> dict[Subset, float]:
    """Return what resampling J blocks adds to the variance of each component, s²/J; nothing without blocks.

    The blocks of the search are a sample too and add the same amount again. Subtracting that as well made the shares
    worse on full grids: five blocks are too few to estimate it.
    """
    blocks = study.observed.n_blocks
    if blocks < 2:
        return {}
    # The deviations on each block as if they were the values: the surrogate is linear in the values of the trials.
    by_block = draws.means_given(study.observed.deviations / study.scale)
    return {subset: float(v.sum()) / (blocks * (blocks - 1)) for subset, v in by_block.component_variances().items()}


def _dependent(study: Explained, draws: FunctionDraws, rng: np.random.Generator) -> Shares:
    n_knobs = len(study.knobs)

    def values(atoms: Sequence[Indices]) -> Array:
        return draws.values(atoms, n_knobs)

    explained = explained_by_coalitions(values, study.knobs, study.allowed, max(32, POINTS // 2**n_knobs), rng)
    return shares_of_coalitions(explained, n_knobs)
