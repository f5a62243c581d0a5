"""The bandit: EXP4.P against the published algorithm, Thompson sampling against its counts, and how it is written."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from altune.core.errors import FormatError
from altune.core.needs import Capabilities
from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.knobs.query_strategy import QueryStrategy
from altune.knobs.query_strategy.bandit import Bandit, labels_found
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.describe import short_method
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.testing.pools import POOLS, ProjectionModel
from tests.helpers.queries import read

IRIS = load_iris(return_X_y=True)
X, Y = scale(IRIS[0]), IRIS[1]


class Front(QueryStrategy):
    """The first candidates."""

    method: Literal["front"] = "front"

    def select(self, pool: Any, size: int, rng: Any) -> Any:
        return pool.candidates[:size]


class Back(QueryStrategy):
    """The last candidates."""

    method: Literal["back"] = "back"

    def select(self, pool: Any, size: int, rng: Any) -> Any:
        return pool.candidates[::-1][:size]


class Middle(QueryStrategy):
    """The candidates after the 40th: of the second class."""

    method: Literal["middle"] = "middle"

    def select(self, pool: Any, size: int, rng: Any) -> Any:
        middle = pool.candidates[(pool.candidates >= 50) & (pool.candidates < 100)]
        return np.concatenate([middle, np.setdiff1d(pool.candidates, middle)])[:size]


def start(strategy: Any, budget: int = 60, size: int = 1, seed: int = 0, **fields: Any) -> ActiveLearningLoop:
    recipe = Recipe(
        query_strategy=strategy,
        initial_sample={"method": "random", "size": 12},
        loop_size={"method": "constant", "size": size},
        **fields,
    )
    streams = Streams(seed, "iris", "search", 0)
    return ActiveLearningLoop(recipe, X, 3, budget=budget, loops=None, streams=streams)


def play(loop: ActiveLearningLoop, y: Any = Y) -> ActiveLearningLoop:
    while not loop.done:
        loop.tell(y[loop.ask().rows])
    return loop


# EXP4.P ---------------------------------------------------------------------------------------------


class Published:
    """Active learning by learning as it is published, fed with the rows that were drawn."""

    def __init__(self, n_arms: int, uniform: int, rounds: int, n_rows: int) -> None:
        self.w, self.n_arms, self.uniform, self.rounds, self.n_rows = np.ones(n_arms), n_arms, uniform, rounds, n_rows
        self.floor = np.sqrt(np.log(n_arms) / n_arms / rounds)
        self.rows: list[int] = []
        self.importance: list[float] = []

    def draw(self, row: int, heads: dict[int, int], n_open: int) -> float:
        p = (1 - self.n_arms * self.floor) * self.w / self.w.sum() + self.floor
        advice = np.array([float(heads.get(arm) == row) for arm in range(self.n_arms)])
        advice[self.uniform] = 1 / n_open
        self.last = p, advice, float(p @ advice)
        self.rows.append(row)
        self.importance.append(1 / self.last[2])
        return self.last[2]

    def update(self, last: tuple[Any, Any, float], model: Any) -> None:
        right = model.predict(X[self.rows]) == Y[self.rows]
        reward = float(np.sum(np.array(self.importance) * right)) / self.n_rows / self.rounds
        p, advice, q = last
        bonus = np.sqrt(np.log(self.n_arms / 0.1) / self.n_arms / self.rounds)
        self.w = self.w * np.exp(self.floor / 2 * (reward * advice / q + bonus / p))


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(
    ("arms", "uniform"), [((Front(), Back()), 2), ((Front(), parse_method("query_strategy", "random"), Back()), 1)]
)
def test_exp4p_is_active_learning_by_learning(arms: Any, uniform: int, size: int) -> None:
    loop = start(Bandit(arms=arms), budget=100, size=size)
    loop.tell(Y[loop.ask().rows])
    pool, n_arms = loop.pool, 3
    reference = Published(n_arms, uniform, rounds=100 - 12, n_rows=150)
    pending: list[Any] = []
    redrawn = compared = 0
    while not loop.done:
        rows, model = loop.ask().rows, loop.model
        strategy, stream = loop.recipe.query_strategy, loop.streams.generator("query", len(loop.records))
        again = strategy.choose(loop.pool, len(rows), stream).memo["again"][redrawn:]
        for last in pending:  # the labels of the last loop are known, and a new model was trained on them
            reference.update(last, model)
        pending, heads = [], {0: list(pool.candidates), n_arms - 1 if uniform == 1 else 1: list(pool.candidates[::-1])}
        n_known = len(pool.history) - pool.history.n_first
        chances = []
        # rows drawn again come first here: in a loop of one row nothing else is drawn before them
        if size == 1:
            for row, chance in again:
                q = reference.draw(int(row), {}, len(pool.candidates) + n_known)
                assert chance == pytest.approx(q, rel=1e-9)
                reference.update(reference.last, model)
        elif again:  # their order among the rows of the loop is not kept
            assert compared > 3
            return
        for row in rows.tolist():
            best = {arm: listed[0] for arm, listed in heads.items()}
            chances.append(reference.draw(row, best, len(pool.candidates) + n_known - len(chances)))
            pending.append(reference.last)
            for listed in heads.values():
                listed.remove(row)
        redrawn += len(again)
        loop.tell(Y[rows])
        np.testing.assert_allclose(pool.history.propensities[-len(rows) :], chances, rtol=1e-9)
        compared += 1
    assert size > 1 or redrawn > 3


def test_rows_are_drawn_with_the_chance_that_is_reported() -> None:
    bandit = Bandit(arms=(Front(), Back()))
    loop = start(bandit, budget=40)
    for _ in range(6):
        loop.tell(Y[loop.ask().rows])
    pool = loop.pool
    draws = [bandit.choose(pool, 1, np.random.default_rng(seed)) for seed in range(1200)]
    again = len(pool.history.memo(5)["again"])
    first = [(int(one.rows[0]), float(one.propensities[0])) for one in draws if len(one.memo["again"]) == again]
    chance = dict(first)
    share = len(first) / len(draws)  # the other draws began with a row that was known
    rows = [row for row, _ in first]
    for row in (int(pool.candidates[0]), int(pool.candidates[-1])):
        assert rows.count(row) / len(first) * share == pytest.approx(chance[row], abs=0.05)
    others = [row for row in chance if row not in (pool.candidates[0], pool.candidates[-1])]
    assert len(others) > 20
    assert len({round(chance[row], 12) for row in others}) == 1


def test_a_bandit_begins_anew_where_the_notes_are_not_its_own() -> None:
    ours, theirs = Bandit(arms=(Front(), Back())), Bandit(arms=(Front(), Middle()))
    loop = start({"method": "switch", "first": theirs, "then": ours, "at": 0.5}, budget=40)
    play(loop)
    history = loop.pool.history
    began = int(history.loops[np.flatnonzero(history.arms == "bandit.back")[0]])
    assert history.memo(began)["names"] == ["front", "back", "uniform"]
    fresh = next(turn for turn in range(1, began + 1) if history.memo(turn)["names"] == ["front", "back", "uniform"])
    assert history.memo(fresh)["again"] == []


# Thompson sampling ----------------------------------------------------------------------------------


def test_thompson_counts_the_labels_that_each_arm_found() -> None:
    bandit = Bandit(algorithm="thompson", arms=(Front(), Back(), Middle()), discount=0.5)
    loop = play(start(bandit, budget=40, size=4))
    pool, history = loop.pool, loop.pool.history
    turns = int(history.loops.max())
    counts = np.full((3, 3), 0.5**turns)
    for row, turn, arm in zip(history.rows, history.loops, history.arms, strict=True):
        if turn:
            counts[bandit.labels().index(arm.removeprefix("bandit.")), Y[row]] += 0.5 ** (turns - turn)
    np.testing.assert_allclose(labels_found(pool, bandit.labels(), 0.5), counts)


def test_thompson_prefers_the_arm_that_finds_rare_classes() -> None:
    rare = np.zeros(150, dtype=int)
    rare[120:] = 1
    loop = start(Bandit(algorithm="thompson", arms=(Front(), Back())), budget=40)
    play(loop, rare)
    history = loop.pool.history
    share = rare[history.rows[12:]].mean()
    assert share > 0.45  # of 0.2 in the pool; where the classes are balanced, the arms are equally good
    first = history.arms[12:24].tolist()
    assert first.count("bandit.back") > first.count("bandit.front") + 2
    assert np.isnan(loop.pool.history.propensities).all()
    assert loop.pool.history.memo(3) is None


def test_rows_of_other_strategies_and_dropped_labels_do_not_count() -> None:
    bandit = Bandit(algorithm="thompson", arms=(Front(), Back()))
    strategy = {"method": "epsilon_mix", "strategy": bandit, "epsilon": 0.5}
    labeling = {"method": "single", "audit": "confident_learning", "action": "drop", "share": 0.2}
    loop = start(strategy, budget=80, size=4, labeling=labeling)
    play(loop, np.where(np.random.default_rng(0).random(150) < 0.2, (Y + 1) % 3, Y))
    pool, history = loop.pool, loop.pool.history
    known = history.labels(pool.labelled, pool.labels) >= 0
    mine = np.char.startswith(history.arms, "bandit.")
    assert not known[mine].all()
    assert labels_found(pool, bandit.labels(), 1.0).sum() == (mine & known).sum() + 2 * 3


# both -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["exp4p", "thompson"])
def test_the_same_answers_give_the_same_rows(algorithm: str) -> None:
    def played(strategy: Any, ahead: bool = False) -> Any:
        loop = start(strategy, budget=50, size=3)
        while not loop.done:
            if ahead and loop.records:  # looking ahead has no effect on what is asked
                loop.recipe.query_strategy.select(loop.pool, 5, np.random.default_rng(9))
            loop.tell(Y[loop.ask().rows])
        return loop.pool.history

    for strategy in (
        {"method": "bandit", "algorithm": algorithm},
        {"method": "epsilon_mix", "strategy": {"method": "bandit", "algorithm": algorithm}, "epsilon": 0.2},
    ):
        first, second = played(strategy), played(strategy, ahead=True)
        assert first.rows.tolist() == second.rows.tolist()
        assert first.arms.tolist() == second.arms.tolist()


@pytest.mark.parametrize("algorithm", ["exp4p", "thompson"])
def test_every_row_says_which_arm_chose_it(algorithm: str) -> None:
    arms = ["margin", {"method": "density_weighted", "beta": 2.0}, {"method": "density_weighted"}]
    loop = play(start({"method": "bandit", "algorithm": algorithm, "arms": arms}, size=4))
    known = {"bandit.margin", "bandit.density_weighted_1", "bandit.density_weighted_2", "bandit.uniform"}
    chosen = set(loop.pool.history.arms[12:].tolist())
    assert chosen == known - ({"bandit.uniform"} if algorithm == "thompson" else set())
    bandit = loop.recipe.query_strategy
    assert isinstance(bandit, Bandit)
    assert bandit.labels() == ["margin", "density_weighted_1", "density_weighted_2"]


@pytest.mark.parametrize("algorithm", ["exp4p", "thompson"])
@pytest.mark.parametrize("case", POOLS, ids=[case.name for case in POOLS])
def test_unusual_pools(algorithm: str, case: Any) -> None:
    pool = case.make(labelled=True)
    bandit = read({"method": "bandit", "algorithm": algorithm})
    for size in (1, 7, 1000):
        rows = bandit.select(pool, size, np.random.default_rng(0))
        assert len(rows) == len(set(rows.tolist())) == min(size, len(pool.candidates))


def test_a_pool_can_be_used_up() -> None:
    loop = play(start(Bandit(arms=(Front(), Back())), budget=150))
    assert sorted(loop.bought.tolist()) == list(range(150))
    assert loop.stopped in ("budget", "pool")


def test_a_model_without_class_scores_is_enough_for_arms_that_need_none() -> None:
    bandit = {"method": "bandit", "arms": ["kcenter", "random"]}
    loop = play(start(bandit, budget=30, model=ProjectionModel(mute=True)))
    assert len(loop.bought) == 30


# how it is written ----------------------------------------------------------------------------------


def test_it_is_written_and_read_again() -> None:
    plain = {
        "method": "bandit",
        "algorithm": "thompson",
        "arms": ["margin", {"method": "switch", "at": 0.3}],
        "discount": 0.8,
    }
    recipe = Recipe(query_strategy=plain)
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    written = recipe.to_dict()["query_strategy"]
    assert written["arms"][1]["then"] == {"method": "margin"}
    arms = "arms margin, switch (first typiclust, then margin, at 0.3)"
    assert f"chosen by bandit (algorithm thompson, {arms}, discount 0.8)" in recipe.describe()
    assert short_method(recipe.query_strategy).startswith("bandit(algorithm=thompson, arms=")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"arms": ["margin"]}, r"^q\.arms: .*at least 2 items"),
        ({"arms": ["margin", "margn"]}, r"^q\.arms\[1\]\.method: .*'margn'; did you mean 'margin'"),
        ({"arms": ["margin", {"method": "density_weighted", "beta": -1}]}, r"^q\.arms\[1\]\.beta: "),
        ({"arms": ["margin", "random", "margin"]}, r"arms\[2\] is equal to an earlier arm, 'margin'"),
        ({"arms": ["margin", "bandit"]}, r"arms\[1\] has a bandit in it"),
        ({"arms": [{"method": "switch", "then": "bandit"}, "margin"]}, r"arms\[0\] has a bandit in it"),
        ({"delta": 0.0}, r"^q\.delta: "),
        ({"algorithm": "ucb"}, r"^q\.algorithm: "),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(fields: Any, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        parse_method("query_strategy", {"method": "bandit", **fields}, "q")
    assert "\n" not in str(caught.value)


def test_the_needs_of_every_arm_are_checked() -> None:
    recipe = Recipe(
        query_strategy={"method": "bandit", "arms": ["random", "quire", "margin"]}, model=ProjectionModel(mute=True)
    )
    (problem,) = recipe.problems(Capabilities())
    assert problem.startswith("query_strategy: 'bandit', in its arms[2]: 'margin', needs class scores")
    assert Recipe(query_strategy="bandit").problems(Capabilities()) == []


def test_a_search_space_may_fix_the_arms_or_choose_among_lists_of_them() -> None:
    arms = [{"method": "margin"}, {"method": "density_weighted", "beta": 2.0}]
    space = SearchSpace.from_dict(
        {
            "query_strategy": [
                "margin",
                {
                    "name": "tailor",
                    "method": "bandit",
                    "arms": arms,
                    "discount": {"low": 0.5, "high": 1.0},
                    "algorithm": "thompson",
                },
                {
                    "name": "albl",
                    "method": "bandit",
                    "arms": {"choices": [["margin", "random"], ["margin", "entropy"]]},
                },
            ]
        }
    )
    assert SearchSpace.from_dict(space.to_dict()) == space
    recipe = space.recipe_at({"query_strategy": "tailor", "query_strategy.tailor.discount": 0.75})
    assert recipe.query_strategy.nested()["arms[1]"].to_dict()["beta"] == 2.0
    assert space.params_of(recipe) == {"query_strategy": "tailor", "query_strategy.tailor.discount": 0.75}
    opened = {"algorithm": {"choices": ["exp4p", "thompson"]}, "discount": {"low": 0.5, "high": 1.0}}
    assert SearchSpace.from_dict({"query_strategy": {"method": "bandit", **opened}}).is_open("query_strategy")
    other = Recipe(query_strategy={"method": "bandit", "arms": ["margin", "entropy"]})
    params = space.params_of(other)
    assert params is not None
    assert space.recipe_at(params) == other
