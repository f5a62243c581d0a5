"""How much of the objective's variance each knob explains.

The variance is that of the objective over the space's own draws, whatever the search visited. A surrogate
(:mod:`altune.analysis.importance.surrogate`) is fitted to the trials; each function drawn from it falls into main
effects and interactions, an interaction is split evenly among its knobs (Shapley effects), and the conditional
parameters count inside their knob. Intervals join three kinds of doubt: about the function where no trial was made
(draws of the posterior), about the surrogate's own settings (trials resampled), and about the blocks (blocks
resampled). A dummy knob, filled at random anew in each resample, gives the noise floor.
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
"""Below this cross-validated R² the surrogate is said to explain little."""
WORTH_ASKING = 15
"""Recipes from which on a page or a watcher asks which knobs matter."""


@dataclass(frozen=True)
class KnobShare:
    """What one knob explains, in shares of the objective's variance.

    Attributes
    ----------
    knob : its name.
    share, low, high : Shapley effect with its interval; the shares of all knobs sum to 1. The interval of a knob
        that is not told apart from the floor begins at 0.
    main : what the knob explains alone.
    total : what it explains alone and with others.
    matters : whether its interval lies above that of the noise floor.
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
    path : Optuna's name; the knob's own name is the choice of its method.
    knob : the knob.
    share, low, high : share of the objective's variance, as part of what the knob explains alone.
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
    """The share that a dummy knob without any effect is given, with its interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class KnobImportance:
    """How much of the objective's variance over the space's own draws each open knob explains.

    Attributes
    ----------
    knobs : each open knob, the largest share first.
    parameters : the decisions inside the knobs, the largest share first.
    interactions : every pair of knobs, the largest share first.
    floor : the noise floor.
    spread : standard deviation of the objective over the space's draws, in its own unit.
    r2 : the surrogate's R² on recipes it did not see, cross-validated.
    warning : why the shares say little; empty where they say something.
    dependent : whether forbidden combinations make the knobs dependent, so that ``main`` and ``interactions``
        overlap; the shares stay a division of the whole.
    n_trials : recipes that the shares are made from.
    left_out : trials that failed or were forbidden.
    repeated : trials that drew a recipe a second time.
    aside : recipes that were played and laid aside, where there are very many.
    n_blocks : blocks that recipes were played on, 0 where only means are known.
    confidence : coverage wanted of each interval.
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
            If the space leaves the knob closed, or there is none of that name.
        """
        for one in self.knobs:
            if one.knob == knob:
                return one
        raise RequestError(f"no open knob {knob!r}; {did_you_mean(knob, [one.knob for one in self.knobs])}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {
            name: [asdict(one) for one in getattr(self, name)] for name in ("knobs", "parameters", "interactions")
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each knob: ``knob``, ``share``, ``low``, ``high``, ``main``, ``total``, ``matters``."""
        return pd.DataFrame([asdict(one) for one in self.knobs])

    def interaction_frame(self) -> pd.DataFrame:
        """Return the shares of pairs as a symmetric table, with what each knob explains alone on the diagonal."""
        names = [one.knob for one in self.knobs]
        frame = pd.DataFrame(np.diag([one.main for one in self.knobs]), index=names, columns=names)
        for one in self.interactions:
            frame.loc[one.a, one.b] = frame.loc[one.b, one.a] = one.share
        return frame

    def sentences(self) -> list[str]:
        """Return what it says in plain words."""
        said = [self.warning] if self.warning else []
        shown = [one for one in self.knobs if one.matters]
        rest = [one for one in self.knobs if not one.matters]
        if shown:
            parts = [
                f"{_words(one.knob)} {'explains ' if place == 0 else ''}{_percent(one)}"
                for place, one in enumerate(shown)
            ]
            said.append(_capital(f"{', '.join(parts)} of what was gained or lost by the choice of a recipe."))
        if rest:
            names = join_words([_words(one.knob) for one in rest])
            verb = "is" if len(rest) == 1 else "are"
            said.append(_capital(f"{names} {verb} not told apart from noise."))
        strong = [one for one in self.interactions if one.low > self.floor.high and one.share >= 0.05]
        if strong and not self.dependent:
            one = strong[0]
            said.append(
                f"{_capital(_words(one.a))} and {_words(one.b)} act together: {100 * one.share:.0f} % belongs to "
                "their combination, so neither is best chosen alone."
            )
        of = f" of {self.n_trials + self.aside:,}" if self.aside else ""
        said.append(
            f"From {self.n_trials}{of} recipes; on recipes it did not see the surrogate explains "
            f"{100 * max(0.0, self.r2):.0f} % of the differences (R² = {self.r2:.2f})."
        )
        return said


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
    trials : what was played: trials of a run, or :class:`altune.analysis.importance.observations.Observation`.
    space : what they were drawn from.
    capabilities : what each environment offers, where the space holds combinations that cannot work there.
    confidence : coverage of the intervals, in (0, 1).
    seed : of all draws; the same seed gives the same numbers.

    Raises
    ------
    RequestError
        If the confidence is none, or the space leaves nothing open.
    WorkError
        As :func:`altune.analysis.importance.explained.prepare`.
    """
    check_confidence(confidence)
    return importance_of(prepare(trials, space, capabilities=capabilities, seed=seed), confidence=confidence, seed=seed)


@on_one_thread
def importance_of(study: Explained, *, confidence: float = 0.95, seed: int = 0) -> KnobImportance:
    """Return the importance of the knobs in a search to which the surrogate was fitted."""
    check_confidence(confidence)
    return _summary(study, estimate(study, seed), replicate(study, seed), cross_validated(study, seed), confidence)


def _summary(study: Explained, best: Replicates, drawn: Replicates, r2: float, confidence: float) -> KnobImportance:
    def ends(at: Array, draws: Array) -> tuple[float, float, float]:
        mean = float(at.mean())
        low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
        return mean, min(float(low), mean), max(float(high), mean)

    names = [knob.knob for knob in study.knobs]
    floor = Floor(*ends(drawn.floor, drawn.floor))
    knobs = []
    for k, name in enumerate(names):
        share, low, high = ends(best.shares.share[k], drawn.shares.share[k])
        matters = low > floor.high
        main, total = float(best.shares.main[k].mean()), float(best.shares.total[k].mean())
        # A share is never negative: where it is not told apart from a knob without effect, it may be none at all.
        knobs.append(KnobShare(name, share, low if matters else 0.0, high, main, total, matters))
    pairs = [
        Interaction(names[a], names[b], *ends(best.shares.pairs[a, b], drawn.shares.pairs[a, b]))
        for a, b in combinations(range(len(names)), 2)
    ]
    parameters = [
        ParameterShare(path, path.split(".")[0], *ends(best.inside[path], inside))
        for path, inside in drawn.inside.items()
    ]
    observed = study.observed
    return KnobImportance(
        knobs=tuple(sorted(knobs, key=lambda one: -one.share)),
        parameters=tuple(sorted(parameters, key=lambda one: -one.share)),
        interactions=tuple(sorted(pairs, key=lambda one: -one.share)),
        floor=floor,
        spread=float(np.sqrt(best.shares.variance.mean()) * study.scale),
        r2=r2,
        warning=_warning(r2, len(observed), any(one.matters for one in knobs)),
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
    little = f"The surrogate explains little of recipes it did not see (R² = {r2:.2f})"
    if any_matters:
        return f"{little}: of the shares believe no more than the intervals say."
    return f"{little}: {n} recipes are too few to say which knobs matter."


def _words(knob: str) -> str:
    return KNOB_WORDS.get(knob, knob)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _percent(one: KnobShare) -> str:
    return f"{100 * one.share:.0f} % [{100 * one.low:.0f}, {100 * one.high:.0f}]"
