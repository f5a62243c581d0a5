"""What a method may need of the model and of the environment, and what the environment offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from altune.core.raw_rows import RawOffer

Need = Literal[
    "class_scores",  # probabilities, or a decision function to take the softmax of
    "probabilities",
    "decision_function",
    "resume",  # the estimator continues from its last parameters on all labels
    "partial_fit",  # the estimator continues from its last parameters on some labels
    "random_start",  # the start of the estimator's parameters depends on a seed
    "sample_weight",
    "sparse",
    "dense_features",
    "encoded_features",  # the model is given encoded features, so that a strategy may change them
    "three_classes",
    "several_annotators",
]
"""What a method may need of the model or of the environment, and what a model can do."""


@dataclass(frozen=True)
class Capabilities:
    """What the environment offers to a recipe.

    Attributes
    ----------
    sparse : whether the features are a sparse matrix.
    n_classes : classes of the scenario, 2 or more.
    annotators : annotators of the scenario, 1 or more.
    metric_of_probabilities : a metric of the scenario that scores probabilities only, None without one.
    price_per_label : mean price of one answer.
    price_per_loop : price of a loop beside its labels.
    sparse_words : what sparse features are called in messages.
    n_features : columns of the features as the model gets them, None where only encoding tells.
    feature_names : their names, None where they have none.
    classes : names of the classes in the order of their codes, empty where they are not known.
    positive : name of the positive class if the scenario chooses one, else None.
    raw : the raw rows, for models that take them; None where the rows are not at hand.
    """

    sparse: bool = False
    n_classes: int = 2
    annotators: int = 1
    metric_of_probabilities: str | None = None
    price_per_label: float = 1.0
    price_per_loop: float = 0.0
    sparse_words: str = "sparse data"
    n_features: int | None = None
    feature_names: tuple[str, ...] | None = None
    classes: tuple[object, ...] = ()
    positive: str | None = None
    raw: RawOffer | None = field(default=None, compare=False, repr=False)
