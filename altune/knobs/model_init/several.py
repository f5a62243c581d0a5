"""Starts that train several models and use the best of them or all of them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.streams import Streams
from altune.core.types import Array, Codes, TrainingSet
from altune.knobs.model_init.base import ModelInit
from altune.models import FittedEnsemble, FittedModel, Model

HELD_OUT = 0.2


@register
class BestOfStarts(ModelInit):
    """The best of k random starts, judged on labels that were paid for.

    Each start is trained on four fifths of the labels and judged by its mean log-probability of the true class on
    the remaining fifth; then a model is trained on all labels with the best seed. With fewer than ten labels, too
    few to split, the starts are judged on the labels that they were trained on.
    """

    source = "Dodge et al., Fine-Tuning Pretrained Language Models: Weight Initializations, 2020"
    needs = frozenset({"random_start", "class_scores"})
    method: Literal["best_of"] = "best_of"
    starts: int = Field(default=3, ge=2, le=20, description="number of starts k")

    def start(
        self, model: Model, training: TrainingSet, *, streams: Streams, loop: int, pool: Pool | None = None
    ) -> FittedModel:
        """Fit k starts on a part of the labels, and the best start on all of them."""
        seeds = [streams.integer("model", loop, start) for start in range(self.starts)]
        if len(training) < 10:
            fitted = [model.fit(training, seed) for seed in seeds]
            return max(fitted, key=lambda start: mean_log_probability(start.class_scores(training.X), training.y))
        order = streams.generator("model_init", loop).permutation(len(training))
        held_out, kept = np.split(order, [max(1, round(HELD_OUT * len(training)))])
        most, rest = training.take(kept), training.take(held_out)
        quality = [mean_log_probability(model.fit(most, seed).class_scores(rest.X), rest.y) for seed in seeds]
        return model.fit(training, seeds[int(np.argmax(quality))])


@register
class EnsembleOfStarts(ModelInit):
    """Several models from different random starts, each trained on all labels; their class scores are averaged.

    p = (1/M)·Σ p_m. Warm starts continue from each member.
    """

    source = "Lakshminarayanan, Pritzel & Blundell, Deep Ensembles, NeurIPS 2017"
    needs = frozenset({"random_start", "class_scores"})
    method: Literal["ensemble"] = "ensemble"
    members: int = Field(default=3, ge=2, le=20, description="number of starts M")

    def start(
        self, model: Model, training: TrainingSet, *, streams: Streams, loop: int, pool: Pool | None = None
    ) -> FittedModel:
        """Fit each member on all labels."""
        seeds = [streams.integer("model", loop, member) for member in range(self.members)]
        return FittedEnsemble([model.fit(training, seed) for seed in seeds])


def mean_log_probability(probabilities: Array, labels: Codes) -> float:
    """Return the mean natural logarithm of the true classes' probabilities, each at least 1e-12.

    >>> round(mean_log_probability(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([0, 1])), 4)
    -0.3466
    """
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(np.log(np.maximum(chosen, 1e-12)).mean())
