"""A start that knows how frequent the classes are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Need
from altune.core.registry import register
from altune.core.streams import Streams
from altune.knobs.model_init.base import ModelInit, Weight
from altune.models import FittedModel, Model, with_output_bias

if TYPE_CHECKING:
    from altune.core.pool import Pool
    from altune.core.types import Features, RowNumbers


@register
class ClassPriorStart(ModelInit):
    """Training starts with the bias of each class at its log prior among the labels: b_k = ln π_k.

    π_k = (n_k + a)/(n + a·K) over all K classes of the scenario, n_k the weight of the labels of class k. A network
    then need not spend its first passes on learning how frequent the classes are. A convex model ends where it would
    have ended anyway.
    """

    source: ClassVar[str] = "Lin et al., Focal Loss for Dense Object Detection, ICCV 2017 (initialisation by the prior)"
    needs: ClassVar[frozenset[Need]] = frozenset({"resume"})
    method: Literal["class_prior"] = "class_prior"
    smoothing: float = Field(
        default=1.0, ge=0.001, le=1000.0, description="labels a that each class is given beforehand"
    )

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
        """Train from the parameters that the estimator starts with, but for the biases."""
        seed = streams.integer("model", loop)
        blank = model.untrained(X, y, n_classes, seed, weight)
        biased = with_output_bias(blank, log_class_priors(y, weight, n_classes, self.smoothing))
        return model.resume(biased, X, y, n_classes, seed, weight)


def log_class_priors(labels: RowNumbers, weight: Weight, n_classes: int, smoothing: float) -> NDArray[np.float64]:
    """Return ln((n_k + a)/(n + a·K)) for each class, ``(n_classes,)``.

    >>> np.exp(log_class_priors(np.array([0, 0, 0, 2]), None, 3, 1.0)).round(3).tolist()
    [0.571, 0.143, 0.286]
    """
    counts = np.bincount(labels, weights=weight, minlength=n_classes) + smoothing
    logs: NDArray[np.float64] = np.log(counts / counts.sum())
    return logs
