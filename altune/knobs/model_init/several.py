"""Starts that train several models: the best of them, or all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Need
from altune.core.registry import register
from altune.core.streams import Streams
from altune.knobs.model_init.base import ModelInit, Weight
from altune.models import FittedEnsemble, FittedModel, Model

if TYPE_CHECKING:
    from altune.core.pool import Pool
    from altune.core.types import Features, RowNumbers

HELD_OUT = 0.2


@register
class BestOfStarts(ModelInit):
    """The best of k random starts, judged on labels that were paid for.

    Each start is trained on four fifths of the labels and judged by its mean log-probability of the true class on
    the remaining fifth; the best seed is then trained on all labels. While there are too few labels for that
    (fewer than ten), the starts are judged on the labels that they were trained on.
    """

    source: ClassVar[str] = "Dodge et al., Fine-Tuning Pretrained Language Models: Weight Initializations, 2020"
    needs: ClassVar[frozenset[Need]] = frozenset({"random_start", "class_scores"})
    method: Literal["best_of"] = "best_of"
    starts: int = Field(default=3, ge=2, le=20, description="number of starts k")

    def start(
        self,
        model: Model,
        X: Features,
        y: RowNumbers,
        weight: Weight,
        *,
        n_classes: int,
        streams: Streams,
        loop: int,
        pool: Pool | None = None,
    ) -> FittedModel:
        """Fit k starts on a part of the labels, and the best one on all."""
        seeds = [streams.integer("model", loop, start) for start in range(self.starts)]
        if len(y) < 10:
            fitted = [model.fit(X, y, n_classes, seed, weight) for seed in seeds]
            return max(fitted, key=lambda candidate: mean_log_probability(candidate.class_scores(X), y))
        order = streams.generator("model_init", loop).permutation(len(y))
        judged, trained = np.split(order, [max(1, round(HELD_OUT * len(y)))])
        part = None if weight is None else weight[trained]
        quality = [
            mean_log_probability(
                model.fit(X[trained], y[trained], n_classes, seed, part).class_scores(X[judged]), y[judged]
            )
            for seed in seeds
        ]
        return model.fit(X, y, n_classes, seeds[int(np.argmax(quality))], weight)


@register
class EnsembleOfStarts(ModelInit):
    """Several models from different random starts, each trained on all labels; their class scores are averaged.

    p = (1/M)·Σ p_m. Warm starts go on from each member.
    """

    source: ClassVar[str] = "Lakshminarayanan, Pritzel & Blundell, Deep Ensembles, NeurIPS 2017"
    needs: ClassVar[frozenset[Need]] = frozenset({"random_start", "class_scores"})
    method: Literal["ensemble"] = "ensemble"
    members: int = Field(default=3, ge=2, le=20, description="number of starts M")

    def start(
        self,
        model: Model,
        X: Features,
        y: RowNumbers,
        weight: Weight,
        *,
        n_classes: int,
        streams: Streams,
        loop: int,
        pool: Pool | None = None,
    ) -> FittedModel:
        """Fit each member on all labels."""
        seeds = [streams.integer("model", loop, member) for member in range(self.members)]
        return FittedEnsemble([model.fit(X, y, n_classes, seed, weight) for seed in seeds])


def mean_log_probability(probabilities: NDArray[np.float64], labels: RowNumbers) -> float:
    """Return the mean natural logarithm of the true classes' probabilities, each at least 1e-12.

    >>> round(mean_log_probability(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([0, 1])), 4)
    -0.3466
    """
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(np.log(np.maximum(chosen, 1e-12)).mean())
