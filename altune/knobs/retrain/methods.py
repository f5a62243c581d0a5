"""Retraining from scratch, from the last model, or in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Need
from altune.core.registry import register
from altune.knobs.retrain.base import Retrain, TrainingInput
from altune.models import FittedEnsemble, FittedModel, shrink_and_perturb

if TYPE_CHECKING:
    from altune.core.types import RowNumbers


@register
class Reset(Retrain):
    """Train from scratch in every loop."""

    source: ClassVar[str] = "Ash & Adams, On Warm-Starting Neural Network Training, NeurIPS 2020"
    method: Literal["reset"] = "reset"

    def train(self, turn: TrainingInput) -> FittedModel:
        """Return a model trained from a fresh start."""
        return turn.start()


class _GoingOn(Retrain):
    """Fields and training that all ways to go on with all labels or with the new ones share."""

    on: Literal["all", "new"] = Field(default="all", description="labels that the model goes on with")
    replay: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="share of the old labels replayed with the new ones (on: new)",
    )

    def required(self) -> frozenset[Need]:
        """``on: all`` needs an estimator that resumes, ``on: new`` one with ``partial_fit``."""
        return frozenset({"resume"} if self.on == "all" else {"partial_fit"})

    def train(self, turn: TrainingInput) -> FittedModel:
        """Return the last model, trained on; a fresh one where there is none or it is due."""
        if turn.previous is None or self.starts_anew(turn.loop):
            return turn.start()
        if self.on == "all":
            return turn.resume(turn.previous)
        rows = self.replayed(turn.fresh, turn.streams.generator("replay", turn.loop))
        return turn.update(turn.previous, rows) if len(rows) else turn.previous

    def starts_anew(self, loop: int) -> bool:
        """Return whether this loop trains from a fresh start although there is a last model."""
        return False

    def replayed(self, fresh: NDArray[np.bool_], rng: np.random.Generator) -> RowNumbers:
        """Return the positions of the new labels and of a random share of the old ones, sorted."""
        old = np.flatnonzero(~fresh)
        again = rng.choice(old, size=round(self.replay * len(old)), replace=False)
        return np.sort(np.concatenate([np.flatnonzero(fresh), again]))


@register
class WarmStart(_GoingOn):
    """Go on from the last model's parameters, on all labels or on the new ones and a replayed share of the old.

    For a convex model, ``on: all`` ends at the optimum that ``reset`` finds, within the solver's tolerance.
    """

    source: ClassVar[str] = "Ash & Adams, On Warm-Starting Neural Network Training, NeurIPS 2020"
    method: Literal["warm_start"] = "warm_start"


@register
class ResetEvery(_GoingOn):
    """A fresh start every m loops, warm starts in between: loops 0, m, 2m, … begin anew."""

    source: ClassVar[str] = (
        "Nikishin et al., The Primacy Bias in Deep Reinforcement Learning, ICML 2022 (periodic resets)"
    )
    method: Literal["reset_every"] = "reset_every"
    loops: int = Field(default=5, ge=2, le=1000, description="loops m from one fresh start to the next")

    def starts_anew(self, loop: int) -> bool:
        """Return whether m divides the loop's number."""
        return loop % self.loops == 0


@register
class ShrinkPerturb(Retrain):
    """Go on with all labels from the last parameters, shrunk and perturbed: θ ← λθ + ε, ε ~ N(0, σ²).

    λ = 1 and σ = 0 is a warm start. Every coefficient and intercept is moved, in each member of an ensemble. (The
    authors' code scales a freshly drawn network for the noise; their text, and this, has Gaussian noise.)
    """

    source: ClassVar[str] = "Ash & Adams, On Warm-Starting Neural Network Training, NeurIPS 2020"
    needs: ClassVar[frozenset[Need]] = frozenset({"resume"})
    method: Literal["shrink_perturb"] = "shrink_perturb"
    shrink: float = Field(default=0.6, ge=0.0, le=1.0, description="the factor λ")
    sigma: float = Field(default=0.01, ge=0.0, le=1.0, description="standard deviation σ of the noise")

    def train(self, turn: TrainingInput) -> FittedModel:
        """Return the last model, moved and trained on."""
        if turn.previous is None:
            return turn.start()
        rng = turn.streams.generator("perturb", turn.loop)

        def moved(one: FittedModel, member: int) -> FittedModel:
            return shrink_and_perturb(one, self.shrink, self.sigma, rng)

        previous = turn.previous
        start = previous.each(moved) if isinstance(previous, FittedEnsemble) else moved(previous, 0)
        return turn.resume(start)
