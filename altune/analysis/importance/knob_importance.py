"""How much of the objective's variance each knob explains.

The variance is over the draws of the space, whatever trials the search played. A surrogate
(:mod:`altune.analysis.importance.surrogate`) is fitted to the trials. Each function drawn from it is a sum of main
effects and interactions; an interaction is split evenly among its knobs (Shapley effects), and conditional parameters
count inside their knob. Intervals contain three kinds of uncertainty: about the function where no trial was played,
about the hyperparameters of the surrogate, and about the blocks, whose noise is as structured as the values are, and
larger for recipes with fewer blocks (:mod:`altune.analysis.importance.block_noise`). All three are drawn from their
posterior. The noise floor is the share of a dummy knob, which has random methods in each draw of the hyperparameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from altune.analysis.importance.explained import Explained, check_confidence, cross_validated, held, prepare
from altune.analysis.importance.numbers import held_values, leading_numbers, value_in
from altune.analysis.importance.observations import ObservedTrial
from altune.analysis.importance.replicates import Replicates, replicate
from altune.analysis.importance.sentences import held_sentences, number_sentences, pair_sentences, share_sentences
from altune.analysis.importance.shares import (
    Floor,
    HeldNumber,
    Interaction,
    KnobShare,
    NumberShare,
    ParameterShare,
)
from altune.core.errors import RequestError, did_you_mean
from altune.core.needs import Capabilities
from altune.core.threads import on_one_thread
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace

Array = NDArray[np.float64]

LOW_R2 = 0.3
"""Below this cross-validated R² there is a warning."""
WORTH_ASKING = 15
"""Fewest recipes for which a page or ``altune watch`` shows the importance."""


@dataclass(frozen=True)
class KnobImportance:
    """How much of the objective's variance over the draws of the space each open knob explains.

    Attributes
    ----------
    knobs : each open knob, the largest share first.
    parameters : the decisions inside the knobs, the largest share first.
    interactions : every pair of knobs, the largest share first.
    floor : the noise floor.
    spread : standard deviation of the objective over the draws of the space, in its own unit.
    r2 : cross-validated R² of the surrogate, on recipes that it was not fitted to.
    warning : why the shares are unreliable; empty if they are not.
    dependent : whether forbidden combinations make the knobs dependent, so that ``main`` and ``interactions`` overlap;
        the shares still sum to 1.
    n_trials : number of recipes from which the shares are computed.
    left_out : number of trials that failed or were forbidden.
    repeated : number of trials that drew a recipe again.
    aside : number of recipes that are not used, because there are too many.
    numbers : the numbers that explain most of the share of their knob, where that is above the noise floor.
    held : the shares with the largest of these numbers at the value of the recipe; None if there is no such number, or
        the recipe does not have it.
    n_blocks : largest number of blocks of a recipe, 0 if only means are known.
    confidence : coverage of each interval.
    fewest_blocks : smallest number of blocks of a recipe.
    """

    knobs: tuple[KnobShare, ...]
    parameters: tuple[ParameterShare, ...]
    interactions: tuple[Interaction, ...]
    floor: Floor
    spread: float
    r2: float
    warning: str
    dependent: bool
    n_trials: int
    left_out: int
    repeated: int
    n_blocks: int
    confidence: float
    fewest_blocks: int = 0
    aside: int = 0
    numbers: tuple[NumberShare, ...] = ()
    held: HeldNumber | None = None

    def __getitem__(self, knob: str) -> KnobShare:
        """Return what one knob explains.

        Raises
        ------
        RequestError
            If there is no open knob of that name.
        """
        shares = {share.knob: share for share in self.knobs}
        if knob not in shares:
            raise RequestError(f"no open knob {knob!r}; {did_you_mean(knob, list(shares))}")
        return shares[knob]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        lists = ("knobs", "parameters", "interactions", "numbers")
        return asdict(self) | {name: [asdict(share) for share in getattr(self, name)] for name in lists}

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each knob: ``knob``, ``share``, ``low``, ``high``, ``main``, ``total``, ``matters``."""
        return pd.DataFrame([asdict(share) for share in self.knobs])

    def interaction_frame(self) -> pd.DataFrame:
        """Return the shares of pairs as a symmetric table, with what each knob explains alone on the diagonal."""
        names = [share.knob for share in self.knobs]
        frame = pd.DataFrame(np.diag([share.main for share in self.knobs]), index=names, columns=names)
        for pair in self.interactions:
            frame.loc[pair.a, pair.b] = frame.loc[pair.b, pair.a] = pair.share
        return frame

    def sentences(self) -> list[str]:
        """Return the result in sentences, the most important first."""
        sentences = [self.warning] if self.warning else []
        sentences += [*share_sentences(self.knobs), *number_sentences(self.numbers)]
        sentences += held_sentences(self.held) if self.held else []
        sentences += [] if self.dependent else pair_sentences(self.interactions, self.floor)
        of = f" of {self.n_trials + self.aside:,}" if self.aside else ""
        sentences.append(
            f"From {self.n_trials}{of} recipes; the surrogate explains {100 * max(0.0, self.r2):.0f} % of the "
            f"differences between recipes that it was not fitted to (R² = {self.r2:.2f})."
        )
        return sentences


def knob_importance(
    trials: Iterable[ObservedTrial],
    space: SearchSpace,
    *,
    capabilities: Sequence[Capabilities] = (),
    recipe: Recipe | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> KnobImportance:
    """Return how much of the objective's variance each open knob of a space explains.

    Parameters
    ----------
    trials : trials of a run, or :class:`altune.analysis.importance.observations.Observation`.
    space : the space of the trials.
    capabilities : what each environment offers, if the space has combinations that cannot work there.
    recipe : the recipe at whose value a number is held that explains most of its knob; by default none is held.
    confidence : coverage of the intervals, in (0, 1).
    seed : seed of all draws; the same seed gives the same numbers.

    Raises
    ------
    RequestError
        If the confidence is not between 0 and 1, or nothing in the space is open.
    WorkError
        As :func:`altune.analysis.importance.explained.prepare`.
    """
    check_confidence(confidence)
    study = prepare(trials, space, capabilities=capabilities, seed=seed)
    return importance_of(study, recipe=recipe, confidence=confidence, seed=seed)


@on_one_thread
def importance_of(
    study: Explained, *, recipe: Recipe | None = None, confidence: float = 0.95, seed: int = 0
) -> KnobImportance:
    """Return the importance of the knobs from a fitted surrogate."""
    check_confidence(confidence)
    drawn = replicate(study, seed)
    importance = _summary(study, drawn, cross_validated(study, seed), confidence)
    numbers = leading_numbers(study.space, importance.knobs, drawn.inside, confidence)
    value = value_in(study.space, recipe, numbers[0]) if numbers and recipe is not None else None
    if value is None:
        return replace(importance, numbers=numbers)
    again = replicate(held(study, held_values(study.space, numbers[0], value), seed), seed)
    remains = float(again.shares.variance.mean() / drawn.shares.variance.mean())
    knobs = _knob_shares(study, again, confidence)
    return replace(
        importance, numbers=numbers, held=HeldNumber(numbers[0].knob, numbers[0].number, value, remains, knobs)
    )


def _interval(draws: Array, confidence: float) -> tuple[float, float, float]:
    """Return the mean of draws, and the interval that holds the middle of them."""
    mean = float(draws.mean())
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return mean, min(float(low), mean), max(float(high), mean)


def _knob_shares(study: Explained, drawn: Replicates, confidence: float) -> tuple[KnobShare, ...]:
    floor = Floor(*_interval(drawn.floor, confidence))
    knobs = []
    for k, knob in enumerate(study.knobs):
        share, low, high = _interval(drawn.shares.share[k], confidence)
        matters = low > floor.high
        main, total = float(drawn.shares.main[k].mean()), float(drawn.shares.total[k].mean())
        # A share is never negative, so its quantiles never reach 0. If it may be that of a knob without effect, 0 is
        # one of the values that it may have.
        knobs.append(KnobShare(knob.knob, share, low if matters else 0.0, high, main, total, matters))
    return tuple(sorted(knobs, key=lambda knob: -knob.share))


def _summary(study: Explained, drawn: Replicates, r2: float, confidence: float) -> KnobImportance:
    names = [knob.knob for knob in study.knobs]
    knobs = _knob_shares(study, drawn, confidence)
    pairs = [
        Interaction(names[a], names[b], *_interval(drawn.shares.pairs[a, b], confidence))
        for a, b in combinations(range(len(names)), 2)
    ]
    parameters = [
        ParameterShare(path, path.split(".")[0], *_interval(inside, confidence))
        for path, inside in drawn.inside.items()
    ]
    observed = study.observed
    return KnobImportance(
        knobs=knobs,
        parameters=tuple(sorted(parameters, key=lambda decision: -decision.share)),
        interactions=tuple(sorted(pairs, key=lambda pair: -pair.share)),
        floor=Floor(*_interval(drawn.floor, confidence)),
        spread=float(np.sqrt(drawn.shares.variance.mean()) * study.scale),
        r2=r2,
        warning=_warning(r2, len(observed), any(knob.matters for knob in knobs)),
        dependent=not study.allowed.everything,
        n_trials=len(observed),
        left_out=observed.left_out,
        repeated=observed.repeated,
        n_blocks=observed.n_blocks,
        confidence=confidence,
        fewest_blocks=min(observed.n_blocks, int(observed.played.sum(axis=1).min())),
        aside=observed.aside,
    )


def _warning(r2: float, n: int, any_matters: bool) -> str:
    if r2 >= LOW_R2:
        return ""
    little = f"The surrogate explains little of the recipes that it was not fitted to (R² = {r2:.2f})"
    if any_matters:
        return f"{little}: rely on the intervals, not on the shares."
    return f"{little}: {n} recipes are too few to say which knobs matter."
