"""What each loop of a recipe did, in numbers: what was bought, what the audit found, what the model was unsure of.

Plain numbers throughout, so that they are stored with a study and read back as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from altune.analysis.loops.class_balance import ClassBalance
from altune.analysis.loops.pool_map import PoolMap
from altune.analysis.loops.series import Series
from altune.core.errors import RequestError


@dataclass(frozen=True)
class AuditFacts:
    """What the audit found.

    Attributes
    ----------
    detector : how suspects are found.
    action : ``drop``, ``weight`` or ``relabel``.
    blocks : blocks behind these numbers.
    suspects : labels that the loop's audit doubted; 0 where none ran.
    right : those of them that are truly wrong.
    bought_again, corrected : labels bought again in the loop, and those whose answer changed.
    wrong_bought : share of wrong labels among all rows bought so far, the dropped ones included.
    wrong_used : share of wrong labels among those that the model was trained on.
    """

    detector: str
    action: str
    blocks: int
    suspects: Series
    right: Series
    bought_again: Series
    corrected: Series
    wrong_bought: Series
    wrong_used: Series


@dataclass(frozen=True)
class Measure:
    """How uncertain the model that picked a loop's rows was, in [0, 1]; the first sample has no such model.

    Attributes
    ----------
    name : ``least_confidence`` (1 − p₁), ``margin`` (p₁ − p₂, small is uncertain) or ``entropy`` (share of ln K).
    pool, picked : of all unlabelled rows, and of those picked: the mean and the 10 % and 90 % quantiles over the rows,
        each averaged over the blocks.
    """

    name: str
    pool: Series
    picked: Series


@dataclass(frozen=True)
class Uncertainty:
    """How uncertain the models were, by each measure, over so many blocks."""

    blocks: int
    measures: tuple[Measure, ...]

    def __getitem__(self, name: str) -> Measure:
        for measure in self.measures:
            if measure.name == name:
                return measure
        accepted = ", ".join(one.name for one in self.measures)
        raise RequestError(f"{name!r} is no measure of uncertainty; take {accepted}")


@dataclass(frozen=True)
class RuleStop:
    """Where one stopping rule would have ended the recipe.

    Attributes
    ----------
    name : the rule; ``recipe`` is the recipe's own.
    labels : labels bought by then on each block, None where it never fired.
    saved : mean number of labels left, over all blocks.
    kept : mean score in hand at the stop as a share of the final score, over all blocks.
    """

    name: str
    labels: tuple[int | None, ...]
    saved: float
    kept: float

    @property
    def fired(self) -> tuple[int, ...]:
        """Labels bought at the stop on the blocks on which it fired."""
        return tuple(labels for labels in self.labels if labels is not None)


@dataclass(frozen=True)
class StoppingFacts:
    """Where each stopping rule would have ended the recipe, beside its whole learning curve.

    Attributes
    ----------
    blocks : blocks behind these numbers.
    counts : label counts of the curve, increasing.
    score : the score in hand at each of them.
    last : labels of the whole curve.
    rules : the rules, the earliest stop first; those that never fired last.
    excluded : rules that cannot be told from one trajectory, with the reason.
    """

    blocks: int
    counts: tuple[int, ...]
    score: Series
    last: float
    rules: tuple[RuleStop, ...]
    excluded: Mapping[str, str]


@dataclass(frozen=True)
class LoopFacts:
    """What each loop of a recipe did on one data set.

    Attributes
    ----------
    data : the data set's name.
    recipe : the recipe in words.
    metric : what scores are of.
    blocks : blocks behind what is not said to have others.
    loops : numbers of the loops, 0 for the first sample; of more than sixty, sixty that are spread evenly.
    reached : how many blocks had each loop.
    labels : labels bought so far.
    rows : rows bought for the loop.
    used : labels that the loop's model was trained on.
    steady : whether all loops after the first sample bought equally many rows, the last one of a block aside.
    balance : of which classes the rows were.
    wrong_used : share of wrong labels among those trained on; None where no label was wrong.
    audit : what the audit found; None without one.
    uncertainty : how unsure the models were; None where a model scores no classes, or there is one loop only.
    stopping : where stopping rules would have ended it; None where none can be told.
    pool_map : where in the pool the rows lie that were bought on the first block; None for one feature or one row.
    """

    data: str
    recipe: str
    metric: str
    blocks: int
    loops: tuple[int, ...]
    reached: tuple[int, ...]
    labels: Series
    rows: Series
    used: Series
    steady: bool
    balance: ClassBalance
    wrong_used: Series | None = None
    audit: AuditFacts | None = None
    uncertainty: Uncertainty | None = None
    stopping: StoppingFacts | None = None
    pool_map: PoolMap | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> LoopFacts:
        """Read back what :meth:`to_dict` wrote, after JSON or not.

        Raises
        ------
        RequestError
            If it is something else.
        """
        try:
            return _reader().validate_python(dict(plain))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RequestError(f"facts of loops: {where}: {first['msg']}") from None

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each loop and number: ``loop, quantity, class, mean, low, high``."""
        frames = [
            pd.DataFrame(
                {
                    "loop": self.loops,
                    "quantity": name,
                    "class": of,
                    "mean": series.mean,
                    "low": series.low,
                    "high": series.high,
                }
            )
            for name, of, series in self._series()
        ]
        frame = pd.concat(frames, ignore_index=True)
        numbers = ["mean", "low", "high"]
        return frame.astype(dict.fromkeys(numbers, float)).dropna(subset=["mean"], ignore_index=True)

    def _series(self) -> Iterator[tuple[str, str, Series]]:
        for name in ("labels", "rows", "used"):
            yield name, "", getattr(self, name)
        balance = self.balance
        for name, shares in (("share", balance.bought), ("share of the loop", balance.new)):
            yield from ((name, of, series) for of, series in zip(balance.classes, shares, strict=True))
        yield "evenness", "", balance.evenness
        yield "imbalance", "", balance.imbalance
        if self.wrong_used is not None:
            yield "wrong labels used", "", self.wrong_used
        if self.audit is not None:
            for name in ("suspects", "right", "bought_again", "corrected", "wrong_bought", "wrong_used"):
                yield f"audit: {name.replace('_', ' ')}", "", getattr(self.audit, name)
        for measure in self.uncertainty.measures if self.uncertainty is not None else ():
            yield f"{measure.name.replace('_', ' ')} of the pool", "", measure.pool
            yield f"{measure.name.replace('_', ' ')} of the rows picked", "", measure.picked


@cache
def _reader() -> TypeAdapter[LoopFacts]:
    return TypeAdapter(LoopFacts)
