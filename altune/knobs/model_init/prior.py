"""A start at the frequencies of the classes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.streams import Streams
from altune.core.types import Array, TrainingSet
from altune.knobs.model_init.base import ModelInit
from altune.models import FittedModel, Model, with_output_bias


@register
class ClassPriorStart(ModelInit):
    """Training starts with the bias of each class at its log prior among the labels: b_k = ln π_k.

    π_k = (n_k + a)/(n + a·K) over all K classes of the scenario, n_k the weight of the labels of class k. A network
    then need not spend its first passes on learning how frequent the classes are. A convex model reaches the same
    solution from any start.
    """

    source = "Lin et al., Focal Loss for Dense Object Detection, ICCV 2017 (initialisation by the prior)"
    needs = frozenset({"resume"})
    method: Literal["class_prior"] = "class_prior"
    smoothing: float = Field(default=1.0, ge=0.001, le=1000.0, description="labels a added to each class")

    def start(
        self, model: Model, training: TrainingSet, *, streams: Streams, loop: int, pool: Pool | None = None
    ) -> FittedModel:
        """Train from the estimator's own start with other biases."""
        seed = streams.integer("model", loop)
        biases = log_class_priors(training, self.smoothing)
        return model.resume(with_output_bias(model.untrained(training, seed), biases), training, seed)


def log_class_priors(training: TrainingSet, smoothing: float) -> Array:
    """Return ln((n_k + a)/(n + a·K)) for each class, ``(n_classes,)``.

    >>> from altune.core.types import TrainingSet
    >>> np.exp(log_class_priors(TrainingSet(np.zeros((4, 1)), np.array([0, 0, 0, 2]), 3), 1.0)).round(3).tolist()
    [0.571, 0.143, 0.286]
    """
    counts = np.bincount(training.y, weights=training.weights, minlength=training.n_classes) + smoothing
    logs: Array = np.log(counts / counts.sum())
    return logs
