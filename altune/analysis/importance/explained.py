"""The trials of a search with the surrogate fitted to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.block_noise import BlockNoise, block_noise
from altune.analysis.importance.dependence import Playable, playable
from altune.analysis.importance.encoding import KnobAtoms, encode_knobs
from altune.analysis.importance.observations import Observed, ObservedTrial, observe
from altune.analysis.importance.surrogate import (
    Design,
    Fitted,
    Hyperparameters,
    Prior,
    design_of,
    fit,
    fitted,
    predict,
)
from altune.core.errors import RequestError
from altune.core.needs import Capabilities
from altune.core.threads import on_one_thread
from altune.recipes.space import SearchSpace
from altune.simulation.computable import wants_probabilities
from altune.tuning.narrowed_space import narrow_space
from altune.tuning.record import StudyRecord

Array = NDArray[np.float64]

FOLDS = 10
REFIT_ITERATIONS = 8
"""Steps of L-BFGS when hyperparameters are refitted to a part of the trials, from those of all trials."""


@dataclass(frozen=True, eq=False)
class Explained:
    """The trials of a search with the surrogate fitted to them.

    Attributes
    ----------
    space : the space of the trials.
    observed : the recipes and their values.
    knobs : the encoded knobs.
    design : the trials as the surrogate sees them.
    allowed : the combinations that are allowed.
    hyper : the fitted hyperparameters.
    blocks : the noise by blocks; None if only means are known.
    centre, scale : mean and standard deviation of the observed values.
    capabilities : what each environment offers.
    """

    space: SearchSpace
    observed: Observed
    knobs: tuple[KnobAtoms, ...]
    design: Design
    allowed: Playable
    hyper: Hyperparameters
    blocks: BlockNoise | None
    centre: float
    scale: float
    capabilities: tuple[Capabilities, ...] = ()

    @property
    def y(self) -> Array:
        """The standardised values, ``(n, 1)``."""
        return ((self.observed.y - self.centre) / self.scale)[:, None]

    def fitted(self) -> Fitted:
        """Return the surrogate at its fitted hyperparameters."""
        return fitted(self.knobs, self.design, self.hyper)


def check_confidence(confidence: float) -> None:
    """Raise an error if the coverage of intervals is not valid.

    Raises
    ------
    RequestError
        If it is not between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise RequestError(f"confidence must be between 0 and 1, not {confidence}")


@on_one_thread
def prepare(
    trials: Iterable[ObservedTrial], space: SearchSpace, *, capabilities: Sequence[Capabilities] = (), seed: int = 0
) -> Explained:
    """Fit the surrogate to the trials of a search.

    Parameters
    ----------
    trials : the trials in the order of their numbers.
    space : the space of the trials.
    capabilities : what each environment offers.
    seed : seed of all draws.

    Raises
    ------
    RequestError
        If nothing in the space is open.
    WorkError
        If fewer than five recipes were played, or all have the same value.
    """
    if space.n_open == 0:
        raise RequestError("nothing in the space is open, so there is nothing to explain")
    return _explained(space, observe(trials, seed), capabilities, {}, seed)


@on_one_thread
def held(study: Explained, values: Mapping[str, Any], seed: int = 0) -> Explained:
    """Return the same trials, explained as a search whose draws have given values of some parameters.

    The trials with other values are used too: the surrogate knows how alike they are.

    Parameters
    ----------
    study : the trials.
    values : the values by Optuna's names of the parameters.
    seed : seed of all draws.
    """
    return _explained(study.space, study.observed, study.capabilities, values, seed)


def _explained(
    space: SearchSpace, observed: Observed, capabilities: Sequence[Capabilities], values: Mapping[str, Any], seed: int
) -> Explained:
    knobs = tuple(knob for knob in encode_knobs(space, observed.params, seed, values) if knob.parts)
    centre, scale = float(observed.y.mean()), float(observed.y.std())
    blocks = block_noise(observed, knobs, scale)
    design = design_of(knobs, observed.noise, blocks.covariance(blocks.hyper) if blocks else None)
    hyper = fit(design, ((observed.y - centre) / scale)[:, None], Prior())
    allowed = playable(space, knobs, capabilities)
    return Explained(space, observed, knobs, design, allowed, hyper, blocks, centre, scale, tuple(capabilities))


def space_of_run(record: StudyRecord) -> tuple[SearchSpace, tuple[Capabilities, ...]]:
    """Return the space of a run without alternatives that can never work, and what each environment offers."""
    space = record.space
    offered = []
    for name, data in record.data_sets.items():
        scenario = record.scenarios[name]
        capabilities = Capabilities(
            sparse=data["kind"] == "sparse",
            n_classes=len(data["classes"]),
            annotators=len(scenario.annotators),
            metric_of_probabilities=next((name for name in scenario.metric_names if wants_probabilities(name)), None),
            price_per_label=scenario.mean_price,
            price_per_loop=scenario.price_per_loop,
            n_features=None if data["kind"] == "table" else int(data["features"]),
        )
        offered.append(capabilities)
    also = record.also_for
    return narrow_space(space, offered, also)[0], (*offered, *(other.capabilities for other in also))


def cross_validated(study: Explained, seed: int = 0) -> float:
    """Return R² of the predictions for recipes that were left out of the fit, in ten folds."""
    n = len(study.observed)
    order = np.random.default_rng([seed, 1]).permutation(n)
    predicted = np.zeros((n, 1))
    for fold in np.array_split(order, min(FOLDS, n)):
        kept = np.setdiff1d(order, fold)
        hyper = fit(study.design.at(kept), study.y[kept], Prior(), study.hyper, REFIT_ITERATIONS)
        predicted[fold] = predict(study.design, hyper, study.y, kept, fold)
    return float(1.0 - np.sum((study.y - predicted) ** 2) / np.sum(study.y**2))
