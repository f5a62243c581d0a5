"""A recipe that is recommended without any label, with the evidence in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altune.core.html import html_table
from altune.core.text import counted, join_words
from altune.recipes.evidence import AGAINST, GROUPS, HURT, Evidence, Gains
from altune.recipes.recipe import Recipe


@dataclass(frozen=True)
class Request:
    """What a recipe is recommended for.

    Attributes
    ----------
    n_classes : number of classes, 2 or more.
    budget : budget in labels.
    loops : largest number of loops after the first sample; None for no limit.
    model : name of the model.
    pool : name of the pool, empty if none was given.
    rows, features : its size; None if none was given.
    unusual : what its features are, if no data of their kind were studied: ``sparse data`` or ``text``; else empty.
    """

    n_classes: int
    budget: int
    loops: int | None
    model: str
    pool: str = ""
    rows: int | None = None
    features: int | None = None
    unusual: str = ""


@dataclass(frozen=True, eq=False)
class Recommendation:
    """A recipe that is recommended without any label.

    Attributes
    ----------
    recipe : the recipe.
    request : what it is recommended for.
    gains : what it gained on other data: on all data sets, and by their number of classes.
    with_errors : what it gained where a share of the labels was wrong, None if that was not studied.
    notes : what was checked on the pool, and what gave way to what can work there.
    doubts : when to doubt it.
    """

    recipe: Recipe
    request: Request
    gains: Sequence[Gains]
    with_errors: Gains | None
    notes: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def evidence(self) -> list[str]:
        """What is known of the recipe, in sentences."""
        group = group_of(self.request.n_classes)
        own = next((gains for gains in self.gains if gains.group == group), None)
        overall = next((gains for gains in self.gains if gains.group == "all"), None)
        sentences = [_gain_sentence(gains, f" with {gains.group} classes") for gains in [own] if gains is not None]
        sentences += [_gain_sentence(overall, "")] if overall is not None else []
        if self.with_errors is not None:
            sentences.append(_gain_sentence(self.with_errors, " with wrong labels"))
        return sentences

    @property
    def lines(self) -> list[str]:
        """The recommendation in sentences: the recipe, the evidence, what was checked, and when to doubt it."""
        request = self.request
        first = f"For {request.n_classes} classes and {request.budget} labels: {self.recipe.describe()}"
        return [first, *self.evidence, *self.notes, *(f"Reason to doubt it: {line}." for line in self.doubts)]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __repr__(self) -> str:
        return f"Recommendation({self.recipe!r}, {self.request.n_classes} classes, {self.request.budget} labels)"

    def _repr_html_(self) -> str:
        heads = ("classes", "data sets", *(f"over {name}" for name in AGAINST.values()), "below random")
        rows = [
            (gains.group, gains.n_data, *(gain.words for gain in gains.over.values()), len(gains.hurt))
            for gains in self.gains
        ]
        return html_table([("recommended", line) for line in self.lines]) + html_table(rows, heads)

    def save(self, path: str | Path) -> None:
        """Write the recipe to a YAML file."""
        self.recipe.save(path)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        return {
            "recipe": self.recipe.to_dict(),
            "request": dict(vars(self.request)),
            "evidence": self.evidence,
            "gains": [gains.to_dict() for gains in self.gains],
            "with_errors": None if self.with_errors is None else self.with_errors.to_dict(),
            "notes": list(self.notes),
            "doubts": list(self.doubts),
        }


def group_of(n_classes: int) -> str:
    """Return the group of data sets with a number of classes.

    >>> group_of(2), group_of(4), group_of(26)
    ('2', '3 to 5', '6 or more')
    """
    return next(name for name, (least, most) in GROUPS.items() if least <= n_classes <= most)


def relevant(evidence: Evidence, model: str) -> Evidence:
    """Return the cases of a model, or all cases if it was not studied."""
    return evidence.where(lambda case: case.model == model) if model in evidence.models else evidence


def doubts_of(request: Request, evidence: Evidence) -> tuple[str, ...]:
    """Return when to doubt the recommended recipe, beginning with what holds for the request.

    Parameters
    ----------
    request : what it is recommended for.
    evidence : the cases that were studied, without the family of the data at hand.
    """
    clean = evidence.where(lambda case: not case.noise)
    of_group = {gains.group: gains for gains in relevant(clean, request.model).by_classes()}
    own = of_group.get(group_of(request.n_classes))
    budgets = sorted({case.budget for case in clean.cases})
    rows = min((case.rows for case in clean.cases), default=0)
    noise = max((case.noise for case in evidence.cases), default=0.0)
    doubts = []
    if own is None:
        doubts.append(f"no data set with {group_of(request.n_classes)} classes was studied")
    elif request.n_classes == 2:
        gain = own.over["margin"].words
        doubts.append(f"with two classes it gained {gain} over margin; margin with a random start is simpler")
    if request.model not in evidence.models:
        doubts.append(
            f"the model {request.model} was not studied; the figures are those of {join_words(list(evidence.models))}"
        )
    if budgets and not budgets[0] <= request.budget <= budgets[-1]:
        doubts.append(
            f"{request.budget} labels are outside of the budgets that were studied, {budgets[0]} to {budgets[-1]}"
        )
    if request.rows is not None and request.rows < rows:
        doubts.append(f"{request.rows} rows are fewer than those of any data set that was studied, which had {rows}")
    if request.unusual:
        doubts.append(f"no {request.unusual} was studied")
    errors = f"more than {noise:.0%} of wrong labels".replace("%", " %") if noise else "wrong labels"
    doubts.append(f"{errors}, and classes that are much rarer than the others, were hardly studied")
    return tuple(doubts)


def _gain_sentence(gains: Gains, where: str) -> str:
    over = join_words([f"{gain.words} over {AGAINST[name]}" for name, gain in gains.over.items()])
    hurt = f"on {len(gains.hurt)} of them ({join_words(list(gains.hurt))})" if gains.hurt else "on none of them"
    return (
        f"On {counted(gains.n_data, 'other data set')}{where}, in mean accuracy over the labels bought, it gained "
        f"{over}; {hurt} it was below random sampling by more than {HURT}."
    )


def pool_notes(request: Request, encoded: str) -> list[str]:
    """Return what was checked on a pool, one line each; ``encoded`` says how its features become numbers."""
    notes = [f"It can be played on {request.pool}: {request.rows} rows; {encoded}."]
    if request.rows is not None and request.budget > request.rows // 2:
        notes.append(
            f"The budget is more than half of the {request.rows} rows. Beyond that it matters little what is selected."
        )
    return notes
