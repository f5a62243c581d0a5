"""The annotators of a scenario: their errors and their prices."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from altune.core.plain_model import PlainModel


class Annotator(PlainModel):
    """One annotator of the scenario, who makes errors in one of four ways.

    Parameters
    ----------
    error : probability of a wrong answer; all wrong classes are equally likely.
    pair : probability of answering the next class instead of the true one (the first class instead of the last).
    instance : mean probability of a wrong answer, which is more likely on difficult rows: Pr = min(.5, c·h) with
        h = 1 − p_y of a model cross-fitted on all true labels, and c such that the mean over the pool is as given. A
        wrong class is drawn from the probabilities of this model.
    confusion : confusion matrix, with a row for each true class that has the probability of each answer.
    price : price of one answer, by default the scenario's ``price_per_label``.

    Notes
    -----
    In a file::

        annotators:
          - {error: 0.1}
          - {pair: 0.2, price: 0.5}
          - {instance: 0.15}
          - {confusion: [[0.9, 0.1], [0.3, 0.7]], price: 2.0}
          - 0.2  # short for {error: 0.2}

    Examples
    --------
    >>> Annotator(pair=0.2).describe()
    '20% of labels flipped to the next class'
    """

    what: ClassVar[str] = "an annotator"

    error: float = Field(default=0.0, ge=0.0, lt=1.0, description="probability of a wrong answer")
    pair: float = Field(default=0.0, ge=0.0, lt=1.0, description="probability of answering the next class")
    instance: float = Field(
        default=0.0, ge=0.0, le=0.5, description="mean probability of an error, higher on difficult rows"
    )
    confusion: tuple[tuple[float, ...], ...] | None = Field(
        default=None, description="confusion matrix: probability of each answer, in a row for each true class"
    )
    price: float | None = Field(
        default=None, ge=0.0, description="price of one answer; the scenario's price_per_label by default"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: Any) -> Any:
        return {"error": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _errs_in_one_way(self) -> Annotator:
        if sum([self.error > 0, self.pair > 0, self.instance > 0, self.confusion is not None]) > 1:
            raise ValueError("give only one of error, pair, instance and confusion")
        for row in self.confusion or ():
            if len(row) != len(self.confusion or ()):
                raise ValueError("confusion must be a square matrix, with a row and a column for each class")
            if min(row) < 0 or abs(sum(row) - 1) > 1e-6:
                raise ValueError(f"each row of confusion must have probabilities that sum to 1, not {list(row)}")
        return self

    @property
    def faultless(self) -> bool:
        """Whether every answer is the true class."""
        return not (self.error or self.pair or self.instance or self.confusion is not None)

    def describe(self) -> str:
        """Return a short description of the errors of this annotator."""
        if self.confusion is not None:
            right = sum(row[code] for code, row in enumerate(self.confusion)) / len(self.confusion)
            return f"confuses classes, {1 - right:.0%} errors with all alike"
        if self.pair:
            return f"{self.pair:.0%} of labels flipped to the next class"
        if self.instance:
            return f"{self.instance:.0%} errors, mostly on hard rows"
        return f"{self.error:.0%} errors" if self.error else "faultless"
