"""A bandit over query strategies: it learns during the run which of several strategies to follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from altune.core.pool import Pool
from altune.core.registry import Method, register
from altune.core.types import Array, RowNumbers
from altune.knobs.pool_geometry import current_model
from altune.knobs.query_strategy.base import Choice, DelegatingStrategy, NestedStrategy
from altune.knobs.query_strategy.density import DensityWeighted
from altune.knobs.query_strategy.diversity import TypiClust
from altune.knobs.query_strategy.random import RandomQuery
from altune.knobs.query_strategy.uncertainty import Margin
from altune.numerics.bandits import Draw, Exp4P, discounted_counts, thompson_arms

PREFIX = "bandit."
"""What the names of arms begin with in the history."""
UNIFORM = "uniform"
"""Name of the arm that draws rows uniformly."""
SEEDS = 2**31 - 1

Arms = Annotated[
    tuple[NestedStrategy, ...],
    Field(min_length=2, max_length=10, description="list of strategies, each written as under `query_strategy`"),
]


@register
class Bandit(DelegatingStrategy):
    """Bandit over strategies, the arms: it learns from the labels that come in which of them to follow.

    ``exp4p`` is *active learning by learning*. Each arm k advises its best row that is not picked yet, ψ_k = 1 there;
    one arm always draws uniformly, which is ``random`` if it is among the arms. A row is drawn with the probability
    q = Σ_k p_k ψ_k, where p_k = (1 − N·p_min)·w_k / Σ w + p_min and p_min = √(ln N / (N·T)), at most 1/N, for N arms
    and T labels after the first sample. The reward of a draw is the importance-weighted accuracy of the model that was
    trained on its label, r = 1/(nT) Σ [ŷ = y] / q over all draws so far, n the rows of the pool; it multiplies w_k by
    exp(p_min/2 · (r·ψ_k/q + √(ln(N/δ) / (N·T)) / p_k)). As published, the uniform arm may draw a row that it need not
    buy because its label is known: then its reward counts at once, and another row is drawn. The rows of one loop are
    drawn one after the other without replacement; their labels come together, so the weights change at the end of the
    loop, draw by draw, with the reward by the next model.

    ``thompson`` prefers arms that find rare classes, which is observed as soon as a label comes. A label of class c has
    the value v_c = 1 / max(1, n_c), n_c the number of labels of the class so far. For each row of a loop a distribution
    θ_k over the classes is drawn for each arm, from a Dirichlet distribution with the parameters 1 + γᵗ + the number of
    labels of each class that the arm has found; those of the last loop count 1, and those of each loop before γ times
    as much as those of the next, over t loops so far. The arm with the largest θ_k · v gives its best row that is not
    picked yet. This is the authors' code but for one thing: there the value of a class with more than half of the
    labels is negative.

    ``pool.history`` has the arm that chose each row, as ``bandit.`` and its name.
    """

    source = (
        "exp4p: Hsu and Lin, Active Learning by Learning, AAAI 2015; thompson: Zhang, Shao, Verma, Nowak, Algorithm "
        "Selection for Deep Active Learning with Imbalanced Datasets, NeurIPS 2023 (TAILOR)"
    )

    method: Literal["bandit"] = "bandit"
    algorithm: Literal["exp4p", "thompson"] = Field(
        default="exp4p", description="rule: importance-weighted accuracy (`exp4p`) or rare classes (`thompson`)"
    )
    arms: Arms = (Margin(), TypiClust(), DensityWeighted(), RandomQuery())
    delta: float = Field(
        default=0.1, gt=0.0, le=1.0, description="for `exp4p`: probability δ with which its bound on the regret fails"
    )
    discount: float = Field(
        default=0.9, gt=0.0, le=1.0, description="for `thompson`: weight γ of the labels of a loop against the next"
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        for index, arm in enumerate(self.arms):
            if arm in self.arms[:index]:
                raise ValueError(f"arms[{index}] is equal to an earlier arm, {arm.method!r}; leave one of them out")
            if any(isinstance(method, Bandit) for method in _with_nested(arm)):
                raise ValueError(f"arms[{index}] has a bandit in it; a bandit cannot be an arm of a bandit")
        return self

    def labels(self) -> list[str]:
        """Return the name of each arm: its method, with a number where several arms have one method."""
        methods = [str(arm.method) for arm in self.arms]
        often = {name for name, count in Counter(methods).items() if count > 1}
        return [
            f"{name}_{methods[: index + 1].count(name)}" if name in often else name
            for index, name in enumerate(methods)
        ]

    def choose(self, pool: Pool, size: int, rng: np.random.Generator) -> Choice:
        """Return the rows that the arms were drawn to choose."""
        size = min(size, len(pool.candidates))
        return (self._exp4p if self.algorithm == "exp4p" else self._thompson)(pool, size, rng)

    def _exp4p(self, pool: Pool, size: int, rng: np.random.Generator) -> Choice:
        names = self.labels()
        uniform = next((index for index, arm in enumerate(self.arms) if isinstance(arm, RandomQuery)), len(names))
        if uniform == len(names):
            names.append(UNIFORM)
        rankings = self._rankings(pool, size, rng, [index for index in range(len(self.arms)) if index != uniform])
        past = Past(pool, names)
        state = past.learn(self.delta)
        support, known = np.concatenate([pool.candidates, past.known]), set(past.known.tolist())
        picked: dict[int, tuple[int, Draw]] = {}
        while len(picked) < size:
            chances = state.probabilities()
            arm = int(rng.choice(len(names), p=chances))
            best = {index: ranking.best(picked) for index, ranking in rankings.items()}
            row = best[arm] if arm != uniform else int(rng.choice(np.setdiff1d(support, list(picked))))
            advice = np.array([float(best.get(index) == row) for index in range(len(names))])
            advice[uniform] = 1.0 / (len(support) - len(picked))
            draw = Draw(chances, advice)
            if row in known:
                state = state.learn(draw, past.reward_again(row, draw.chance))
            else:
                picked[row] = arm, draw
        draws = [draw for _, draw in picked.values()]
        choice = _choice(list(picked), [names[arm] for arm, _ in picked.values()])
        return choice._replace(propensities=np.array([draw.chance for draw in draws]), memo=past.memo(state, draws))

    def _thompson(self, pool: Pool, size: int, rng: np.random.Generator) -> Choice:
        names = self.labels()
        values = 1.0 / np.maximum(1, np.bincount(pool.labels, minlength=pool.n_classes))
        counts = labels_found(pool, names, self.discount)
        seed = int(rng.integers(SEEDS))
        arms = thompson_arms(counts, values, size, rng)
        rankings = self._rankings(pool, size, np.random.default_rng(seed), np.unique(arms).tolist())
        picked: dict[int, int] = {}
        for arm in arms.tolist():
            picked[rankings[arm].best(picked)] = arm
        return _choice(list(picked), [names[arm] for arm in picked.values()])

    def _rankings(self, pool: Pool, size: int, rng: np.random.Generator, wanted: Iterable[int]) -> dict[int, Ranking]:
        """Return the rows of some arms, best first. Each arm has a seed of its own, whichever of them are wanted."""
        seeds = rng.integers(SEEDS, size=len(self.arms))
        return {
            index: Ranking(self.arms[index].select(pool, size, np.random.default_rng(seeds[index]))) for index in wanted
        }


class Ranking:
    """The rows of an arm, best first.

    Parameters
    ----------
    rows : as many rows as are picked in all.
    """

    def __init__(self, rows: RowNumbers) -> None:
        self._rows: list[int] = rows.tolist()
        self._first = 0

    def best(self, picked: Container[int]) -> int:
        """Return the first row that is not among those picked, to which rows are only added."""
        while self._rows[self._first] in picked:
            self._first += 1
        return self._rows[self._first]


class Past:
    """What EXP4.P has drawn so far, from the history of the pool.

    Parameters
    ----------
    pool : the pool; the rewards are those by its current model.
    names : names of the arms.

    Attributes
    ----------
    known : rows that were bought after the first sample and have a label, which may be drawn again.
    """

    def __init__(self, pool: Pool, names: list[str]) -> None:
        self._pool, self._names = pool, names
        history = pool.history
        later = history.rows[history.n_first :]
        labels = history.labels(pool.labelled, pool.labels)[history.n_first :]
        self.known: RowNumbers = later[labels >= 0]
        self._right = np.zeros(pool.n_rows)
        if len(self.known):
            predictions = current_model(pool).predict(pool.inputs[self.known])
            self._right[self.known] = predictions == labels[labels >= 0]
        drawn = np.char.startswith(history.arms, PREFIX) & np.isfinite(history.propensities)
        memo = history.memo(int(history.loops[drawn][-1])) if drawn.any() else None
        self._last: dict[str, Any] | None = memo if memo is not None and memo.get("names") == names else None
        self._again: list[list[float]] = [] if self._last is None else self._last["again"]
        self._total = 0.0
        if self._last is not None:
            self._total = float(np.sum(self._right[history.rows[drawn]] / history.propensities[drawn]))
            self._total += sum(self._right[int(row)] / chance for row, chance in self._again)

    @property
    def rounds(self) -> int:
        """Number T of labels after the first sample, 1 or more."""
        pool = self._pool
        return max(1, pool.budget - pool.history.n_first - len(pool.held_out))

    @property
    def reward(self) -> float:
        """Importance-weighted accuracy of the current model over all draws so far."""
        return self._total / ((self._pool.n_rows - len(self._pool.held_out)) * self.rounds)

    def learn(self, delta: float) -> Exp4P:
        """Return the state after the draws of the last loop, whose labels have come since."""
        last = self._last
        if last is None:
            return Exp4P(np.zeros(len(self._names)), self.rounds, delta)
        state = Exp4P(np.array(last["log_weights"]), self.rounds, delta)
        for chances, advice in zip(last["chances"], last["advice"], strict=True):
            state = state.learn(Draw(np.array(chances), np.array(advice)), self.reward)
        return state

    def reward_again(self, row: int, chance: float) -> float:
        """Count a row whose label is known as drawn once more, and return the reward after it."""
        self._again.append([row, chance])
        self._total += self._right[row] / chance
        return self.reward

    def memo(self, state: Exp4P, draws: list[Draw]) -> dict[str, Any]:
        """Return what the next loop needs: weights, the draws that await their reward, and rows drawn again."""
        return {
            "names": self._names,
            "log_weights": state.log_weights.tolist(),
            "chances": [draw.arms.tolist() for draw in draws],
            "advice": [draw.advice.tolist() for draw in draws],
            "again": self._again,
        }


def labels_found(pool: Pool, names: list[str], discount: float) -> Array:
    """Return how many labels of each class each arm has found, with the prior, ``(n_arms, n_classes)``.

    Labels of the last loop count 1, and those of each loop before ``discount`` times as much as those of the next; the
    prior of 1 counts as labels from before the first loop.
    """
    history = pool.history
    index_of = {PREFIX + name: index for index, name in enumerate(names)}
    arms = np.array([index_of.get(arm, -1) for arm in history.arms.tolist()], dtype=np.intp)
    classes = history.labels(pool.labelled, pool.labels)
    loops, batches = np.unique(history.loops[arms >= 0], return_inverse=True)
    labelled = classes[arms >= 0] >= 0
    age = len(loops) - 1 - batches[labelled]
    found = arms[arms >= 0][labelled], age, classes[arms >= 0][labelled]
    return discounted_counts(*found, (len(names), pool.n_classes), discount) + discount ** len(loops)


def _choice(rows: list[int], names: list[str]) -> Choice:
    return Choice(np.array(rows, dtype=np.intp), np.array([PREFIX + name for name in names]))


def _with_nested(method: Method) -> Iterator[Method]:
    yield method
    for nested in method.nested().values():
        yield from _with_nested(nested)
