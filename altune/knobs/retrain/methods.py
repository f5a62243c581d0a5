"""Retraining from scratch, from the last model, or in between."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Need
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.retrain.base import Retrain, TrainingInput
from altune.models import FittedEnsemble, FittedModel, shrink_and_perturb


@register
class Reset(Retrain):
    """Train from scratch in every loop."""

    source = "Ash & Adams, On Warm-Starting Neural Network Training, NeurIPS 2020"
    method: Literal["reset"] = "reset"

    def train(self, inputs: TrainingInput) -> FittedModel:
        """Return a model trained from a fresh start."""
        return inputs.start()


class _Continued(Retrain):
    """Fields and training of all methods that continue from the last model, on all labels or on the new ones."""

    on: Literal["all", "new"] = Field(default="all", description="labels that the model continues with")
    replay: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="share of the old labels replayed with the new ones (on: new)",
    )

    def required(self) -> frozenset[Need]:
        """``on: all`` needs an estimator that resumes, ``on: new`` one with ``partial_fit``."""
        return frozenset({"resume"} if self.on == "all" else {"partial_fit"})

    def train(self, inputs: TrainingInput) -> FittedModel:
        """Return the last model after further training; a fresh one where there is none or a reset is due."""
        if inputs.previous is None or self.starts_anew(inputs.loop):
            return inputs.start()
        if self.on == "all":
            return inputs.resume(inputs.previous)
        rows = self.replayed(inputs.fresh, inputs.streams.generator("replay", inputs.loop))
        return inputs.update(inputs.previous, rows) if len(rows) else inputs.previous

    def starts_anew(self, loop: int) -> bool:
        """Return whether this loop makes a fresh start although there is a last model."""
        return False

    def replayed(self, fresh: NDArray[np.bool_], rng: np.random.Generator) -> RowNumbers:
        """Return the positions of the new labels and of a random share of the old ones, sorted."""
        old = np.flatnonzero(~fresh)
        again = rng.choice(old, size=round(self.replay * len(old)), replace=False)
        return np.sort(np.concatenate([np.flatnonzero(fresh), again]))


@register
class WarmStart(_Continued):
    """Continue from the last model's parameters, on all labels or on the new ones and a replayed share of the old.

    For a convex model, ``on: all`` ends at the optimum that ``reset`` finds, within the solver's tolerance.
    """

    source = "Ash & Adams, On Warm-Starting Neural Network Training, NeurIPS 2020"
    method: Literal["warm_start"] = "warm_start"


@register
class ResetEvery(_Continued):
    """A fresh start every m loops, warm starts in between: loops 0, m, 2m, … start from scratch."""

    source = "Nikishin et al., The Primacy Bias in Deep Reinforcement Learning, ICML 2022 (periodic resets)"
    method: Literal["reset_every"] = "reset_every"
    loops: int = Field(default=5, ge=2, le=1000, description="loops m from one fresh start to the next")

    def starts_anew(self, loop: int) -> bool:
        """Return whether m divides the loop's number."""
        return loop % self.loops == 0


@register
class ShrinkPerturb(Retrain):
    """Continue on all labels from the last parameters, shrunk and perturbed: θ ← λθ + ε, ε ~ N(0, σ²).

    λ = 1 and σ = 0 is a warm start. Every coefficient and intercept is changed, in each member of an ensemble. (The
    authors' code takes a newly drawn network, scaled, as the noise; their text, and this, has Gaussian noise.)
    """

    source = "Ash & Adams, On Warm-Starting Neural Network Training, NeurIPS 2020"
    needs = frozenset({"resume"})
    method: Literal["shrink_perturb"] = "shrink_perturb"
    shrink: float = Field(default=0.6, ge=0.0, le=1.0, description="the factor λ")
    sigma: float = Field(default=0.01, ge=0.0, le=1.0, description="standard deviation σ of the noise")

    def train(self, inputs: TrainingInput) -> FittedModel:
        """Return the last model after shrinking, perturbing and further training."""
        previous = inputs.previous
        if previous is None:
            return inputs.start()
        rng = inputs.streams.generator("perturb", inputs.loop)

        def perturbed(model: FittedModel, number: int = 0) -> FittedModel:
            return shrink_and_perturb(model, self.shrink, self.sigma, rng)

        start = previous.each(perturbed) if isinstance(previous, FittedEnsemble) else perturbed(previous)
        return inputs.resume(start)
