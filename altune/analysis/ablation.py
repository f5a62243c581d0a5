"""Which decision made the difference between two recipes: the numbers of a path from one to the other.

On every block the gains of the steps sum to the whole difference, since each step begins where the previous one ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from altune.analysis.answer import gain_words
from altune.analysis.paired import compared
from altune.core.registry import Method
from altune.numerics.statistics import Interval, PairedDifference
from altune.recipes.describe import change_words, changed_words
from altune.simulation.curve import LearningCurve
from altune.simulation.intervals import estimated_mean
from altune.simulation.objectives import Objective
from altune.simulation.objectives.risk import MEAN
from altune.tuning.ablation import Ablated
from altune.tuning.judging import REFERENCE
from altune.tuning.record import StudyRecord

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """A knob that is changed, with its methods before and after."""

    knob: str
    before: Method
    after: Method

    @property
    def words(self) -> str:
        """The change in words, such as ``start: random → typiclust``."""
        return change_words(self.before, self.after)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"knob": self.knob, "from": self.before.to_dict(), "to": self.after.to_dict()}


@dataclass(frozen=True)
class AblationStep:
    """One step of the path: one knob, or the smallest group of knobs that can only be changed together.

    Attributes
    ----------
    changes : what is changed.
    tried : mean objective on the select blocks after each possible change, including the one that was made.
    mean : mean objective on the report blocks after the step.
    gains : objective after the step minus the objective before, for each report block.
    difference : mean of the gains, adjusted for all steps.
    """

    changes: tuple[Change, ...]
    tried: Mapping[str, float]
    mean: float
    gains: tuple[float, ...]
    difference: PairedDifference

    @property
    def knobs(self) -> tuple[str, ...]:
        """Names of the knobs that are changed."""
        return tuple(change.knob for change in self.changes)

    @property
    def is_clear(self) -> bool:
        """Whether the difference is clear among all steps."""
        return self.difference.clear

    @property
    def words(self) -> str:
        """The changes in words."""
        return "; ".join(change.words for change in self.changes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "knobs": list(self.knobs),
            "changes": [change.to_dict() for change in self.changes],
            "words": self.words,
            "value": self.mean,
            **self.difference.to_dict(),
            "gains": list(self.gains),
            "tried": dict(self.tried),
        }


@dataclass(frozen=True)
class WithoutKnob:
    """The recipe at the end compared with itself with one knob put back.

    Attributes
    ----------
    change : the knob at the start and at the end.
    difference : the recipe minus the one with the knob put back, adjusted for all knobs; None if that cannot work.
    reason : why it cannot work; empty if it can.
    """

    change: Change
    difference: PairedDifference | None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain: dict[str, Any] = self.change.to_dict()
        if self.difference is None:
            return plain | {"reason": self.reason}
        return plain | self.difference.to_dict()


@dataclass(frozen=True)
class Ablation:
    """The path from one recipe to another on the report blocks of one data set.

    Attributes
    ----------
    objective : what is measured; values are means over the blocks, even if the search optimised a risk.
    start_name : name of the recipe at the start.
    start, end : mean objective of the two recipes.
    whole : the end minus the start.
    steps : the steps in the order in which the knobs were changed.
    without : the recipe at the end compared with itself with each knob put back.
    order_blocks : largest number of select blocks on which the order was chosen.
    """

    objective: Objective
    start_name: str
    start: Interval
    end: Interval
    whole: PairedDifference
    steps: tuple[AblationStep, ...]
    without: tuple[WithoutKnob, ...]
    order_blocks: int

    @property
    def sentence(self) -> str:
        """The steps with a clear difference, in one sentence."""
        return ablation_sentence(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        return {
            "answer": self.sentence,
            "objective": self.objective.name,
            "from": {"name": self.start_name, **self.start.to_dict()},
            "to": self.end.to_dict(),
            "whole": self.whole.to_dict(),
            "steps": [step.to_dict() for step in self.steps],
            "without": [knob.to_dict() for knob in self.without],
            "order_blocks": self.order_blocks,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each step: its knobs, their change, and its gain."""
        rows = [
            {
                "step": number,
                "knobs": "+".join(step.knobs),
                "change": step.words,
                "value": step.mean,
                "gain": step.difference.mean,
                "low": step.difference.low,
                "high": step.difference.high,
                "p": step.difference.p,
                "p_holm": step.difference.p_holm,
                "blocks": step.difference.blocks,
            }
            for number, step in enumerate(self.steps, start=1)
        ]
        return pd.DataFrame(rows)


def path_gains(values: Sequence[ArrayLike]) -> Array:
    """Return the gain of each step on each block, ``(n_steps, n_blocks)``.

    Parameters
    ----------
    values : objective on each block of the recipe at the start, then after each step.

    >>> path_gains([[1.0, 2.0], [1.5, 2.0], [1.0, 4.0]]).tolist()
    [[0.5, 0.0], [-0.5, 2.0]]
    """
    return np.diff(np.asarray(values, dtype=np.float64), axis=0)


def find_ablation(
    ablated: Ablated,
    data: int,
    objective: Objective,
    *,
    overlap: float,
    references: Sequence[LearningCurve] | None = None,
    start_name: str = "vanilla",
) -> Ablation:
    """Return the numbers of a path on one data set.

    Parameters
    ----------
    ablated : the path with its curves.
    data : position of the data set.
    objective : what is measured on the data set.
    overlap : n_test / n_train of a report block, for intervals by blocks alone.
    references : curves of random sampling on the report blocks, if the objective is measured against them.
    start_name : name of the recipe at the start.
    """
    # The gains of the steps must add up to the whole, which only means over the blocks do.
    mean = replace(objective, risk=MEAN)
    played = ablated.played[data]
    values = [objective.each(recipe.curves, references) for recipe in played.path]
    ends = played.path[0].curves, played.path[-1].curves
    given: Any = {"overlap": overlap, "references": references}
    steps_played = [(after.curves, before.curves) for before, after in pairwise(played.path)]
    differences = compared(mean, steps_played, **given)
    start, end = played.path[0].recipe, played.path[-1].recipe
    changes = {
        knob: Change(knob, getattr(start, knob), getattr(end, knob)) for step in ablated.steps for knob in step.knobs
    }
    steps = tuple(
        AblationStep(
            tuple(changes[knob] for knob in step.knobs),
            step.tried,
            float(after.mean()),
            tuple(gains.tolist()),
            difference,
        )
        for step, after, gains, difference in zip(
            ablated.steps, values[1:], path_gains(values), differences, strict=True
        )
    )
    losses = dict(
        zip(
            played.without,
            compared(mean, [(ends[1], recipe.curves) for recipe in played.without.values()], **given),
            strict=True,
        )
    )
    without = tuple(
        WithoutKnob(change, losses.get(knob), ablated.impossible.get(knob, "")) for knob, change in changes.items()
    )
    return Ablation(
        objective=objective,
        start_name=start_name,
        start=estimated_mean(mean, ends[0], references, overlap),
        end=estimated_mean(mean, ends[1], references, overlap),
        whole=compared(mean, [(ends[1], ends[0])], **given)[0],
        steps=steps,
        without=without,
        order_blocks=ablated.order_blocks,
    )


def ablations_of(record: StudyRecord) -> dict[str, Ablation]:
    """Return the path from vanilla to the confirmed recipe on each data set by name, empty if it was not played."""
    ablated = record.ablated()
    if ablated is None:
        return {}
    scenarios = record.scenarios
    return {
        name: find_ablation(
            ablated,
            data,
            scenarios[name].make_objective(),
            overlap=confirmation.n_test / confirmation.n_train,
            references=confirmation.baselines[REFERENCE].curves,
        )
        for data, (name, confirmation) in enumerate(record.confirmations().items())
    }


def ablation_sentence(ablation: Ablation) -> str:
    """Return the clear steps with their gains, in the order of the path."""
    clear = [step for step in ablation.steps if step.is_clear]
    less = ", less is better" if ablation.objective.sign < 0 else ""
    way = f"From {ablation.start_name.replace('_', ' ')} to the recipe ({gain_words(ablation.whole)} in all{less})"
    if not clear:
        return f"{way}: no {'single change' if len(ablation.steps) > 1 else 'change'} made a clear difference."
    gains = ", ".join(f"{_changed(step)} {gain_words(step.difference)}" for step in clear)
    rest = len(ablation.steps) - len(clear)
    return f"{way}: {gains}" + ("; no other change made a clear difference by itself." if rest else ".")


def _changed(step: AblationStep) -> str:
    return " with ".join(changed_words(change.before, change.after) for change in step.changes)
