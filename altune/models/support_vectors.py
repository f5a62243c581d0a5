"""Support vector machines: a decision function and no probabilities."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WrapValidator
from sklearn.svm import SVC, LinearSVC

from altune.core.registry import register
from altune.models.base import Model
from altune.models.declared import number_or_word


@register
class LinearSVM(Model):
    """Linear support vector machine, one class against the rest, squared hinge loss and L2 penalty.

    It has a decision function only; uncertainty uses its softmax (sigmoid for two classes).
    """

    abilities = frozenset({"class_scores", "decision_function", "sample_weight", "sparse"})
    schedulable = ("C",)

    method: Literal["linear_svm"] = "linear_svm"
    C: float = Field(default=1.0, ge=1e-6, le=1e6, description="inverse strength of the L2 penalty")
    max_iter: int = Field(default=1000, ge=1, le=100_000, description="most iterations of liblinear")

    def build(self, seed: int, n_labelled: int) -> LinearSVC:
        """Return the estimator; the seed orders liblinear's steps, not its solution."""
        return LinearSVC(C=self.C, max_iter=self.max_iter, random_state=seed)


@register
class RadialSVM(Model):
    """Support vector machine with the kernel exp(−γ‖x − x'‖²).

    It has a decision function only (one class against the rest for three or more classes; the predicted class
    is its largest); uncertainty uses its softmax (sigmoid for two classes).
    """

    abilities = frozenset({"class_scores", "decision_function", "sample_weight", "sparse"})
    schedulable = ("C",)

    method: Literal["svm_rbf"] = "svm_rbf"
    C: float = Field(default=1.0, ge=1e-6, le=1e6, description="inverse strength of the penalty")
    gamma: Annotated[
        Annotated[float, Field(ge=1e-9, le=1e6)] | Literal["scale", "auto"], WrapValidator(number_or_word)
    ] = Field(
        default="scale",
        description="width of the kernel: a number, scale = 1/(d · Var X), or auto = 1/d for d features",
    )

    def build(self, seed: int, n_labelled: int) -> SVC:
        """Return the estimator; nothing in it is random."""
        # Without a seed, SVC draws one from NumPy's global state and so changes it.
        return SVC(C=self.C, gamma=self.gamma, break_ties=True, random_state=seed)
