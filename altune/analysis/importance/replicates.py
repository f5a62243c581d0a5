"""Replicated shares: hyperparameters drawn, a dummy knob added, and functions drawn from the surrogate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.covariance import AtomPart, Indices
from altune.analysis.importance.dependence import explained_by_coalitions
from altune.analysis.importance.encoding import KnobAtoms
from altune.analysis.importance.explained import Explained
from altune.analysis.importance.function_draws import FunctionDraws, draw_functions
from altune.analysis.importance.hyper_draws import Chain, spread_of
from altune.analysis.importance.surrogate import MOST_ORDER, Hyperparameters, Prior, design_of, fitted, prior_of
from altune.analysis.importance.variance import Shares, shares_of_coalitions, shares_of_components
from altune.analysis.importance.within_knobs import parameter_variances

Array = NDArray[np.float64]

DUMMY = "dummy"
REPLICATES = 40
"""Draws of the hyperparameters, each with a new dummy knob; a quarter from :data:`MANY` trials on, to save time."""
MANY = 250
FUNCTIONS = 320
"""Number of functions that are drawn in all."""
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


def replicate(study: Explained, seed: int = 0) -> Replicates:
    """Return shares of functions drawn from surrogates whose hyperparameters are drawn too.

    Parameters
    ----------
    study : the search.
    seed : seed of all draws.
    """
    rng = np.random.default_rng([seed, 2])
    replicates = [_explained(study, draws, rng) for draws in _draws(study, rng)]
    shares = {
        name: np.concatenate([getattr(replicate.shares, name) for replicate in replicates], axis=-1)
        for name in Shares.__annotations__
    }
    inside = {
        path: np.concatenate([replicate.inside[path] for replicate in replicates]) for path in replicates[0].inside
    }
    return Replicates(Shares(**shares), np.concatenate([replicate.floor for replicate in replicates]), inside)


def _explained(study: Explained, draws: FunctionDraws, rng: np.random.Generator) -> Replicates:
    n_knobs = len(study.knobs)
    components = draws.component_variances()
    floor = shares_of_components(components, len(draws.surrogate.knobs)).share[n_knobs:]
    without_dummy = {subset: variance for subset, variance in components.items() if max(subset) < n_knobs}
    shares = shares_of_components(without_dummy, n_knobs)
    inside = parameter_variances(study.space, draws, study.knobs)
    whole = np.maximum(shares.variance, np.finfo(np.float64).tiny)
    return Replicates(
        shares=shares if study.allowed.everything else _dependent(study, draws, rng),
        floor=floor.ravel(),
        inside={path: variance / whole for path, variance in inside.items()},
    )


def _draws(study: Explained, rng: np.random.Generator) -> Iterator[FunctionDraws]:
    """Draw hyperparameters of the noise and of the values, add a dummy knob, and draw functions given all trials."""
    of_values, noise = _chain_with_dummy(study, Prior()), _noise_draws(study, rng)
    count = REPLICATES if len(study.observed) <= MANY else REPLICATES // 4
    for _ in range(count):
        known = next(noise)
        knobs = (*study.knobs, dummy_knob(study.knobs, len(study.observed), rng))
        design = design_of(knobs, study.observed.noise, known)
        hyper = of_values.draw(design, study.y, rng)
        yield draw_functions(fitted(knobs, design, hyper), study.y, FUNCTIONS // count, rng)


def _noise_draws(study: Explained, rng: np.random.Generator) -> Iterator[Array | None]:
    """Draw the covariance of the noise by blocks; None where it is not known."""
    blocks, prior = study.blocks, Prior()
    if blocks is None:
        yield from repeat(None)
        return
    chain = Chain(blocks.hyper, spread_of(blocks.several, blocks.contrasts, blocks.hyper, prior), prior)
    while True:
        yield blocks.draw(chain.draw(blocks.several, blocks.contrasts, rng), rng)


def dummy_knob(knobs: Sequence[KnobAtoms], n: int, rng: np.random.Generator) -> KnobAtoms:
    """Return a knob without effect: its methods are random, and their number is the median of the open knobs'."""
    levels = [len({atom.get(knob.knob) for atom in knob.atoms}) for knob in knobs]
    count = max(2, round(float(np.median(levels))))
    part = AtomPart("method", (np.eye(count) - 1 / count) / math.sqrt(1 - 1 / count))
    atoms = tuple({DUMMY: str(level)} for level in range(count))
    rows = rng.integers(count, size=n).astype(np.intp)
    return KnobAtoms(DUMMY, atoms, np.full(count, 1 / count), rows, (part,))


def _chain_with_dummy(study: Explained, prior: Prior) -> Chain:
    """Return a chain for one more knob of one part, and perhaps one more order, which start as the prior has them."""
    fit = study.hyper
    parts, order = sum(fit.sizes), min(MOST_ORDER, len(fit.sizes) + 1)
    longer = Hyperparameters(np.zeros(parts + 1 + order), (*fit.sizes, 1), order)
    mean, deviation = prior_of(longer, prior)
    places = np.array([*range(parts), *range(parts + 1, parts + fit.order), parts + order])
    mean[places] = fit.logarithms
    spread = np.diag(deviation)
    spread[np.ix_(places, places)] = spread_of(study.design, study.y, fit, prior)
    return Chain(replace(longer, logarithms=mean), spread, prior)


def _dependent(study: Explained, draws: FunctionDraws, rng: np.random.Generator) -> Shares:
    n_knobs = len(study.knobs)

    def values(atoms: Sequence[Indices]) -> Array:
        return draws.values(atoms, n_knobs)

    explained = explained_by_coalitions(values, study.knobs, study.allowed, max(32, POINTS // 2**n_knobs), rng)
    return shares_of_coalitions(explained, n_knobs)
