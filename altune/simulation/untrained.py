"""Loops in which the estimator of a recipe could not be trained, in numbers and in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from altune.core.text import join_words
from altune.loop.training import MODEL_KEPT, NO_MODEL
from altune.simulation.curve import LearningCurve


@dataclass(frozen=True)
class Untrained:
    """In how many of its loops a recipe had no new model.

    Attributes
    ----------
    no_model : share of the loops in which no model could be trained yet, in [0, 1].
    model_kept : share of the loops in which the last model was kept, because none could be trained again.
    labels : largest number of labels at which there was no model or no new one, 0 where that did not happen.
    """

    no_model: float
    model_kept: float
    labels: int

    @classmethod
    def of(cls, curves: Iterable[LearningCurve]) -> Untrained:
        """Return it for the curves of one recipe."""
        loops = [
            (notes, int(labels)) for curve in curves for notes, labels in zip(curve.notes, curve.labels, strict=True)
        ]
        odd = {key: [labels for notes, labels in loops if key in notes] for key in (NO_MODEL, MODEL_KEPT)}
        shares = {key: len(labels) / max(1, len(loops)) for key, labels in odd.items()}
        return cls(shares[NO_MODEL], shares[MODEL_KEPT], max([0, *odd[NO_MODEL], *odd[MODEL_KEPT]]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def untrained(curves: Mapping[str, Iterable[LearningCurve]]) -> dict[str, Untrained]:
    """Return in how many of their loops recipes had no new model, for those to which it happened, by name."""
    each = {name: Untrained.of(of_recipe) for name, of_recipe in curves.items()}
    return {name: loops for name, loops in each.items() if loops.labels}


def untrained_entry(curves: Mapping[str, Iterable[LearningCurve]]) -> dict[str, Any]:
    """Return :func:`untrained` as a field of JSON; nothing if all loops had a model."""
    return (
        {"untrained": plain} if (plain := {name: loops.to_dict() for name, loops in untrained(curves).items()}) else {}
    )


def untrained_sentences(curves: Mapping[str, Iterable[LearningCurve]]) -> list[str]:
    """Return in how many of their loops recipes had no new model, and what changes that; nothing if all had one.

    Parameters
    ----------
    curves : the curves of each recipe, by what a sentence calls it.
    """
    each = untrained(curves)
    if not each:
        return []
    parts = []
    for key, words in (
        (NO_MODEL, "No model could be trained yet in {}: there, the scores are those of the shares of the labels."),
        (MODEL_KEPT, "The model could not be trained again in {}: there, the last one was kept."),
    ):
        names: dict[str, list[str]] = {}
        for name, loops in each.items():
            if share := loops.to_dict()[key]:
                names.setdefault(_percent(share), []).append(name)
        listed = [f"{share} of the loops of {join_words(alike)}" for share, alike in names.items()]
        parts += [words.format(", ".join(listed))] if listed else []
    most = max(loops.labels for loops in each.values())
    return [
        f"{' '.join(parts)} It happened with up to {most} labels; a larger first sample changes that "
        "(initial_sample.size)."
    ]


def _percent(share: float) -> str:
    return "under 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")
