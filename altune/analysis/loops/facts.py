"""What each loop of a recipe did: what it bought, what the audit found, how uncertain the model was.

All values are plain numbers, so that they can be stored with a study and read back unchanged.
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
    detector : the audit's method of finding suspects.
    action : ``drop``, ``weight`` or ``relabel``.
    blocks : number of blocks.
    suspects : labels that the audit of the loop suspected; 0 without an audit.
    right : suspects with a wrong label.
    bought_again, corrected : labels bought again in the loop, and those that changed.
    wrong_bought : share of wrong labels among all labels bought so far, dropped ones included.
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
    """How uncertain the model was that picked the rows of a loop, in [0, 1]; the first sample has no such model.

    Attributes
    ----------
    name : ``least_confidence`` (1 − p₁), ``margin`` (p₁ − p₂, small is uncertain) or ``entropy`` (share of ln K).
    pool, picked : of all unlabelled rows, and of the rows picked: mean, 10 % and 90 % quantiles over the rows, each
        averaged over the blocks.
    """

    name: str
    pool: Series
    picked: Series


@dataclass(frozen=True)
class Uncertainty:
    """How uncertain the models were by each measure, over a number of blocks."""

    blocks: int
    measures: tuple[Measure, ...]

    def __getitem__(self, name: str) -> Measure:
        for measure in self.measures:
            if measure.name == name:
                return measure
        accepted = ", ".join(measure.name for measure in self.measures)
        raise RequestError(f"no measure of uncertainty {name!r}; use {accepted}")


@dataclass(frozen=True)
class RuleStop:
    """Where one stopping rule would have stopped.

    Attributes
    ----------
    name : name of the rule; ``recipe`` is the recipe's own rule.
    labels : labels bought at the stop on each block, None if the rule never fired.
    saved : labels not bought, mean over all blocks.
    kept : score at the stop as a share of the final score, mean over all blocks.
    """

    name: str
    labels: tuple[int | None, ...]
    saved: float
    kept: float

    @property
    def fired(self) -> tuple[int, ...]:
        """Labels bought at the stop on the blocks on which the rule fired."""
        return tuple(labels for labels in self.labels if labels is not None)


@dataclass(frozen=True)
class StoppingFacts:
    """Where each stopping rule would have stopped, and the whole learning curve.

    Attributes
    ----------
    blocks : number of blocks.
    counts : label counts of the curve, increasing.
    score : score of the current model at each label count.
    last : labels at the end of the curve.
    rules : the rules, those that save most first, those that never fired last.
    excluded : rules that cannot be replayed, with the reason.
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
    data : name of the data set.
    recipe : the recipe in words.
    metric : name of the score.
    blocks : number of blocks of all numbers that do not have their own.
    loops : numbers of the loops, 0 for the first sample; of more than sixty, sixty evenly spaced ones.
    reached : number of blocks that had each loop.
    labels : labels bought so far.
    rows : rows bought in the loop.
    used : labels that the model of the loop was trained on.
    steady : whether all loops have the same size, except for the first sample and the last loop of a block.
    balance : classes of the rows bought.
    wrong_used : share of wrong labels among those trained on; None if no label was wrong.
    audit : what the audit found; None without an audit.
    uncertainty : how uncertain the models were; None if the model scores no classes, or there is one loop only.
    stopping : where stopping rules would have stopped; None if no rule can be replayed.
    pool_map : positions of the rows bought on the first block; None if there is one feature or one row.
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
        """Return plain JSON values that :meth:`from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> LoopFacts:
        """Read the values of :meth:`to_dict`, from JSON or not.

        Raises
        ------
        RequestError
            If the values have another form.
        """
        try:
            return _reader().validate_python(dict(plain))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RequestError(f"stored facts of the loops: {where}: {first['msg']}") from None

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each loop and number: ``loop, quantity, class, mean, low, high``."""
        frames = [
            pd.DataFrame(
                {
                    "loop": self.loops,
                    "quantity": name,
                    "class": class_name,
                    "mean": series.mean,
                    "low": series.low,
                    "high": series.high,
                }
            )
            for name, class_name, series in self._series()
        ]
        frame = pd.concat(frames, ignore_index=True)
        numbers = ["mean", "low", "high"]
        return frame.astype(dict.fromkeys(numbers, float)).dropna(subset=["mean"], ignore_index=True)

    def _series(self) -> Iterator[tuple[str, str, Series]]:
        for name in ("labels", "rows", "used"):
            yield name, "", getattr(self, name)
        balance = self.balance
        for name, shares in (("share", balance.bought), ("share of the loop", balance.new)):
            yield from ((name, class_name, series) for class_name, series in zip(balance.classes, shares, strict=True))
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
