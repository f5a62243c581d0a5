"""How much of the objective's variance each knob explains.

The variance is over the draws of the space, whatever trials the search played. A surrogate
(:mod:`altune.analysis.importance.surrogate`) is fitted to the trials. Each function drawn from it is a sum of main
effects and interactions; an interaction is split evenly among its knobs (Shapley effects), and conditional parameters
count inside their knob. Intervals contain three kinds of uncertainty: about the function where no trial was played
(draws from the posterior), about the hyperparameters of the surrogate (trials resampled), and about the blocks (blocks
resampled). The noise floor is the share of a dummy knob, which has random methods in each resample.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from altune.analysis.importance.explained import Explained, check_confidence, cross_validated, prepare
from altune.analysis.importance.observations import ObservedTrial
from altune.analysis.importance.replicates import Replicates, estimate, replicate
from altune.core.errors import RequestError, did_you_mean
from altune.core.needs import Capabilities
from altune.core.text import join_words
from altune.core.threads import on_one_thread
from altune.recipes.describe import KNOB_WORDS
from altune.recipes.space import SearchSpace

Array = NDArray[np.float64]

LOW_R2 = 0.3
"""Below this cross-validated R² there is a warning."""
WORTH_ASKING = 15
"""Fewest recipes for which a page or ``altune watch`` shows the importance."""


@dataclass(frozen=True)
class KnobShare:
    """What one knob explains, in shares of the objective's variance.

    Attributes
    ----------
    knob : its name.
    share, low, high : Shapley effect with its interval; the shares of all knobs sum to 1. The interval begins at 0 if
        the knob does not matter.
    main : what the knob explains alone.
    total : what the knob explains alone and with others.
    matters : whether its interval is above the interval of the noise floor.
    """

    knob: str
    share: float
    low: float
    high: float
    main: float
    total: float
    matters: bool


@dataclass(frozen=True)
class ParameterShare:
    """What one decision inside a knob explains: the choice of its method, or one parameter.

    Attributes
    ----------
    path : Optuna's name; the name of the knob is the choice of its method.
    knob : the knob.
    share, low, high : share of the objective's variance with its interval, a part of what the knob explains alone.
    """

    path: str
    knob: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Interaction:
    """What two knobs explain together beyond both alone, as a share of the variance with its interval."""

    a: str
    b: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Floor:
    """The share of a dummy knob without effect, with its interval."""

    share: float
    low: float
    high: float


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
    n_blocks : number of blocks, 0 if only means are known.
    confidence : coverage of each interval.
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
    aside: int = 0

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
        return asdict(self) | {
            name: [asdict(share) for share in getattr(self, name)] for name in ("knobs", "parameters", "interactions")
        }

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
        matter = [share for share in self.knobs if share.matters]
        rest = [share for share in self.knobs if not share.matters]
        if matter:
            parts = [
                f"{_words(share.knob)} {'explains ' if index == 0 else ''}{_percent(share)}"
                for index, share in enumerate(matter)
            ]
            sentences.append(_capital(f"{', '.join(parts)} of the differences between recipes."))
        if rest:
            names = join_words([_words(share.knob) for share in rest])
            verb = "has" if len(rest) == 1 else "have"
            sentences.append(_capital(f"{names} {verb} no clear effect."))
        strong = [pair for pair in self.interactions if pair.low > self.floor.high and pair.share >= 0.05]
        if strong and not self.dependent:
            pair = strong[0]
            sentences.append(
                f"{_capital(_words(pair.a))} and {_words(pair.b)} interact: {100 * pair.share:.0f} % belongs to their "
                "combination, so choose them together."
            )
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
    confidence: float = 0.95,
    seed: int = 0,
) -> KnobImportance:
    """Return how much of the objective's variance each open knob of a space explains.

    Parameters
    ----------
    trials : trials of a run, or :class:`altune.analysis.importance.observations.Observation`.
    space : the space of the trials.
    capabilities : what each environment offers, if the space has combinations that cannot work there.
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
    return importance_of(prepare(trials, space, capabilities=capabilities, seed=seed), confidence=confidence, seed=seed)


@on_one_thread
def importance_of(study: Explained, *, confidence: float = 0.95, seed: int = 0) -> KnobImportance:
    """Return the importance of the knobs from a fitted surrogate."""
    check_confidence(confidence)
    return _summary(study, estimate(study, seed), replicate(study, seed), cross_validated(study, seed), confidence)


def _summary(study: Explained, best: Replicates, drawn: Replicates, r2: float, confidence: float) -> KnobImportance:
    def interval(estimates: Array, draws: Array) -> tuple[float, float, float]:
        mean = float(estimates.mean())
        low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
        return mean, min(float(low), mean), max(float(high), mean)

    names = [knob.knob for knob in study.knobs]
    floor = Floor(*interval(drawn.floor, drawn.floor))
    knobs = []
    for k, name in enumerate(names):
        share, low, high = interval(best.shares.share[k], drawn.shares.share[k])
        matters = low > floor.high
        main, total = float(best.shares.main[k].mean()), float(best.shares.total[k].mean())
        # A share is never negative, so its quantiles never reach 0. If it may be that of a knob without effect, 0 is
        # one of the values that it may have.
        knobs.append(KnobShare(name, share, low if matters else 0.0, high, main, total, matters))
    pairs = [
        Interaction(names[a], names[b], *interval(best.shares.pairs[a, b], drawn.shares.pairs[a, b]))
        for a, b in combinations(range(len(names)), 2)
    ]
    parameters = [
        ParameterShare(path, path.split(".")[0], *interval(best.inside[path], inside))
        for path, inside in drawn.inside.items()
    ]
    observed = study.observed
    return KnobImportance(
        knobs=tuple(sorted(knobs, key=lambda knob: -knob.share)),
        parameters=tuple(sorted(parameters, key=lambda decision: -decision.share)),
        interactions=tuple(sorted(pairs, key=lambda pair: -pair.share)),
        floor=floor,
        spread=float(np.sqrt(best.shares.variance.mean()) * study.scale),
        r2=r2,
        warning=_warning(r2, len(observed), any(knob.matters for knob in knobs)),
        dependent=not study.allowed.everything,
        n_trials=len(observed),
        left_out=observed.left_out,
        repeated=observed.repeated,
        n_blocks=observed.n_blocks,
        confidence=confidence,
        aside=observed.aside,
    )


def _warning(r2: float, n: int, any_matters: bool) -> str:
    if r2 >= LOW_R2:
        return ""
    little = f"The surrogate explains little of the recipes that it was not fitted to (R² = {r2:.2f})"
    if any_matters:
        return f"{little}: rely on the intervals, not on the shares."
    return f"{little}: {n} recipes are too few to say which knobs matter."


def _words(knob: str) -> str:
    return KNOB_WORDS.get(knob, knob)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _percent(knob: KnobShare) -> str:
    return f"{100 * knob.share:.0f} % [{100 * knob.low:.0f}, {100 * knob.high:.0f}]"
