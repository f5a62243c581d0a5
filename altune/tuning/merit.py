"""Blocks by merit: a recipe is played on more blocks the better it does.

Three words are kept apart. A *play* is one recipe on one search block. A *trial* is a recipe that the sampler was asked
for; it is played once, on a block on which its recipe was not played yet. A recipe that does well is *played again*, on
the next block, and several trials may draw the same recipe. Recipes begin on different blocks (:func:`first_block`) and
continue with the first ones, so those that were played often have most of their blocks in common.

A mixed model of recipes and blocks (:mod:`altune.numerics.mixed_model`) says what each recipe is worth. The sampler is
given its mean, adjusted for the blocks. Recipes are ranked by their posterior mean, which draws a recipe with few plays
towards the mean of all. Which recipes are played again is decided by the knowledge gradient: how much one more play is
expected to improve the choice of the best (P. Frazier, W. Powell and S. Dayanik, *A knowledge-gradient policy for
sequential information collection*, SIAM J. Control Optim. 47, 2008).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from altune.core.text import counted
from altune.numerics.mixed_model import MixedModel, fit_mixed_model
from altune.numerics.posterior import clearly_behind
from altune.tuning.trials import TrialRecord

Array = NDArray[np.float64]

MOST_BLOCKS = 12
"""Largest number of search blocks of a recipe."""
FIRST_BLOCKS = 4
"""Number of search blocks on which the first recipes begin."""
RECIPES_A_BLOCK = 20
"""Number of recipes after which later ones begin on one block more."""
BASELINE_BLOCKS = FIRST_BLOCKS
"""Number of search blocks of a baseline: with them the model knows from the start how hard these blocks are."""
_DIGITS = 9
"""Digits in which gains are compared, so that the last ones, which depend on the machine, decide nothing."""


def first_block(number: int) -> int:
    """Return the position of the block on which a recipe is played first.

    Recipes with much in common are lucky on the same blocks. If all began on one block, the sampler would follow the
    luck of that block. So they begin on several, and on the more the finer the search becomes, as soon as there are
    enough recipes to tell how hard a block is.

    Parameters
    ----------
    number : number of the recipe, in the order in which the recipes of a search were first drawn.

    Examples
    --------
    >>> [first_block(number) for number in (0, 1, 2, 3, 4, 5, 20, 24)]
    [0, 1, 2, 3, 0, 1, 0, 4]
    """
    return number % min(MOST_BLOCKS, FIRST_BLOCKS + number // RECIPES_A_BLOCK)


def blocks_words(n_blocks: int | None, name: str = "block") -> str:
    """Return on how many search blocks a recipe is played, in words; None is by merit."""
    if n_blocks is None:
        return f"1 to {MOST_BLOCKS} {name}s, more the better a recipe does"
    return counted(n_blocks, name)


def n_again(batch: int) -> int:
    """Return the number of plays again of a batch with a number of trials: one for each two trials."""
    return max(1, batch // 2)


def plays_left(n_trials: int, finished: int, batch: int) -> int:
    """Return the largest number of plays of a search of which some trials are finished.

    The first batch has no plays again, and neither has a last one that is not full.

    >>> plays_left(60, 0, 4), plays_left(62, 0, 4), plays_left(3, 0, 4), plays_left(60, 56, 4)
    (88, 90, 3, 6)
    """
    batches = max(0, n_trials // batch - 1) - max(0, finished // batch - 1)
    return max(0, n_trials - finished) + n_again(batch) * max(0, batches)


def trials_within(n_plays: int, batch: int) -> int:
    """Return the largest number of trials that are played with a number of plays: those of a batch come first.

    >>> [trials_within(n_plays, 4) for n_plays in (3, 4, 8, 10, 12, 88)]
    [3, 4, 8, 8, 10, 60]
    """
    whole, rest = divmod(max(0, n_plays - batch), batch + n_again(batch))
    return min(n_plays, batch) + whole * batch + min(rest, batch)


@dataclass(eq=False)
class PlayedRecipe:
    """A recipe with its plays.

    Attributes
    ----------
    first : number of its first trial.
    start : position of the block on which it is played first.
    values : value on each of its blocks, by the position of the block; the higher the better.
    failure : why it failed on a block, empty if it did not.
    """

    first: int
    start: int = 0
    values: dict[int, float] = field(default_factory=dict)
    failure: str = ""

    def next_block(self, taken: Collection[int] = ()) -> int | None:
        """Return the position of the block to play it on next; None if it was played on all.

        Parameters
        ----------
        taken : positions of the blocks on which it is played in the same batch.
        """
        order = [self.start, *(position for position in range(MOST_BLOCKS) if position != self.start)]
        return next((position for position in order if position not in self.values and position not in taken), None)


@dataclass(frozen=True, eq=False)
class Standing:
    """What recipes are worth, given their plays.

    Attributes
    ----------
    model : the fitted model, whose first rows are the recipes and whose last ones are the baselines.
    rows : row of each recipe and each baseline in the model, by the key of the recipe or the name of the baseline.
    n_recipes : number of recipes; the other rows are baselines.
    """

    model: MixedModel
    rows: Mapping[str, int]
    n_recipes: int

    @property
    def candidates(self) -> int:
        """Number of recipes that are not clearly behind the best one."""
        if not self.n_recipes:
            return 0
        mean, variance = self.model.mean[: self.n_recipes], self.model.variance[: self.n_recipes]
        return int((~clearly_behind(mean, variance)).sum())


class PlayedRecipes:
    """All recipes of a search with their plays, in the order of their first trials.

    Parameters
    ----------
    sign : 1 if a higher objective is better, −1 if a lower one is.
    baselines : first objective of each baseline on its search blocks, by name. They tell how hard the blocks are, and
        how much the values of a recipe scatter.
    """

    def __init__(self, sign: float = 1.0, baselines: Mapping[str, Sequence[float]] | None = None) -> None:
        self._sign = sign
        self._baselines = {
            name: {position: sign * value for position, value in enumerate(values)}
            for name, values in (baselines or {}).items()
        }
        self.recipes: dict[str, PlayedRecipe] = {}

    def add(self, record: TrialRecord) -> str:
        """Add what is stored for a trial or a play again; return the key of its recipe, empty for a forbidden draw."""
        if record.recipe is None:
            return ""
        key = record.recipe.digest()
        recipe = self.recipes.setdefault(key, PlayedRecipe(record.number, first_block(len(self.recipes))))
        signed = [self._sign * value for value in record.values]
        recipe.values |= dict(zip(record.positions, signed, strict=True))
        if record.state == "failed":
            recipe.failure = recipe.failure or record.reason or "no reason"
        return key

    def merged(self, record: TrialRecord, key: str, standing: Standing | None) -> TrialRecord:
        """Return a trial with all plays of its recipe; its value is the posterior mean of the recipe."""
        recipe = self.recipes[key]
        positions = sorted(recipe.values)
        values = tuple(self._sign * recipe.values[position] for position in positions)
        record = replace(record, values=values, positions=tuple(positions))
        if recipe.failure:
            return replace(record, state="failed", reason=recipe.failure, value=None, objectives=())
        if standing is None or key not in standing.rows:
            return record
        row = standing.rows[key]
        value, error = self._sign * float(standing.model.mean[row]), float(np.sqrt(standing.model.variance[row]))
        return replace(record, value=value, objectives=(value,), error=error)

    def standing(self) -> Standing | None:
        """Return what the recipes that have not failed are worth; None before anything was played."""
        known = {key: recipe.values for key, recipe in self.recipes.items() if recipe.values and not recipe.failure}
        listed = [*known.values(), *self._baselines.values()]
        if not listed:
            return None
        table = np.full((len(listed), 1 + max(max(values) for values in listed)), np.nan)
        for row, values in zip(table, listed, strict=True):
            row[list(values)] = list(values.values())
        rows = {key: row for row, key in enumerate([*known, *self._baselines])}
        return Standing(fit_mixed_model(table), rows, len(known))


def plays_again(standing: Standing, left: Sequence[int], count: int) -> list[int]:
    """Return which recipes to play again, by the knowledge gradient.

    Parameters
    ----------
    standing : what the recipes are worth.
    left : number of blocks of each recipe, in the rows of the model, on which it was not played yet.
    count : number of plays. It may choose a recipe several times, and returns fewer where nothing can be gained.

    Returns
    -------
    list of int
        Rows of the recipes.
    """
    model, size = standing.model, standing.n_recipes
    mean, variance, blocks = model.mean[:size], model.variance[:size].copy(), np.array(left)
    chosen: list[int] = []
    if size < 2:
        return chosen
    second, first = np.argsort(mean, kind="stable")[-2:]
    rival = np.full(size, mean[first])
    rival[first] = mean[second]
    for _ in range(count):
        after = 1 / (1 / variance + 1 / model.noise)
        gains = np.where(blocks > 0, expected_gains(mean - rival, np.sqrt(variance - after)), 0.0)
        best = int(np.argmax(np.round(gains / np.sqrt(model.noise), _DIGITS)))
        if gains[best] <= 0:
            break
        chosen.append(best)
        blocks[best] -= 1
        variance[best] = after[best]
    return chosen


def expected_gains(lead: Array, step: Array) -> Array:
    """Return by how much one more play of each recipe is expected to improve the choice of the best.

    Parameters
    ----------
    lead : mean of each recipe less that of its best rival.
    step : standard deviation of how far one more play moves the mean.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        z = -np.abs(lead) / step
        gains = step * (np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) + z * ndtr(z))
    return np.where(step > 0, gains, 0.0)


def merged_trials(
    records: Collection[TrialRecord], baselines: Mapping[str, Sequence[float]], sign: float
) -> tuple[list[TrialRecord], Standing | None]:
    """Return the trials of a search, each with all plays of its recipe, and what the recipes are worth.

    The value of a trial becomes the posterior mean of its recipe; trials that drew the same recipe have the same.

    Parameters
    ----------
    records : what is stored for each trial and each play again, in the order of their numbers.
    baselines : first objective of each baseline on its search blocks, by name.
    sign : 1 if a higher objective is better, −1 if a lower one is.
    """
    played = PlayedRecipes(sign, baselines)
    keys = [played.add(record) for record in records]
    standing = played.standing()
    trials = [
        played.merged(record, key, standing) if key else record
        for record, key in zip(records, keys, strict=True)
        if record.again is None
    ]
    return trials, standing
