"""Selection from what the search knows: who is played on, who is left behind, and that it is the same each time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from altune.core.errors import WorkError
from altune.recipes.recipe import Recipe
from altune.simulation.environment import make_environment
from altune.simulation.execution.items import Failure
from altune.simulation.execution.player import Player
from altune.simulation.store import TrajectoryStore
from altune.tuning.confirmation import Confirmation, confirm, trajectories_to_confirm
from altune.tuning.played import ConfirmationBlocks
from altune.tuning.selection import Prior
from altune.tuning.trials import TrialRecord
from tests.helpers.stored_curves import Shelf, curve, made_environment

ENVIRONMENT = made_environment(objective="final_score")
BASELINES = {"random_sampling": Recipe(query_strategy="random"), "vanilla": Recipe(query_strategy="least_confidence")}
SPREAD, NOISE = 0.0004, 0.0004
EASY = 0.02 * np.random.default_rng(0).normal(size=10)


def recipe(size):
    return Recipe(initial_sample={"method": "random", "size": size})


def trial(number, played, value):
    return TrialRecord(number, "complete", value, {}, (), played, objectives=(value,))


def blocks_of(environment, select=10, report=3):
    return ConfirmationBlocks(environment, environment.blocks("select", select), environment.blocks("report", report))


def prior(means, spread=SPREAD, noise=NOISE):
    return Prior(means, dict.fromkeys(means, spread), noise)


def confirmed(truth, known, environment=ENVIRONMENT, say=lambda line: None, select=10, spread=SPREAD):
    """Confirm trials 0, 1, … with these true values beside two baselines at .5; return it and the shelf of curves."""
    trials = [trial(number, recipe(5 + number), known[number]) for number in range(len(truth))]

    def played(asked, block):
        if asked in BASELINES.values():
            return curve(0.5 + EASY[block % 10])
        value = truth[min(asked.initial_sample.size - 5, len(truth) - 1)]
        return value(block) if callable(value) else curve(value + EASY[block % 10])

    shelf, baselines = Shelf(played), dict.fromkeys(BASELINES, 0.5)
    start = prior(dict(enumerate(known)) | baselines, spread)
    done = confirm(
        shelf,  # type: ignore[arg-type]
        trials,
        BASELINES,
        [blocks_of(environment, select)],
        searched=baselines,
        prior=start,
        say=say,
    )
    return done[0], shelf


def counts(confirmation):
    return [len(candidate.values) for candidate in confirmation.candidates]


def test_who_is_clearly_behind_is_played_no_more_and_the_rest_until_one_is_ahead():
    found, _ = confirmed([0.80, 0.79, 0.77], [0.79, 0.80, 0.79])
    first, second, third, *baselines = counts(found)
    assert baselines == [1, 1]
    assert third < second == first < 10
    assert found.selected == 0
    assert found.select_blocks == 10
    winner = found.candidates[0]
    assert winner.posterior is not None
    assert winner.posterior.mean == max(each.posterior.mean for each in found.candidates[:2])
    assert winner.posterior.sd == pytest.approx((1 / SPREAD + first / NOISE) ** -0.5)
    assert [len(each.played.curves) for each in found.candidates] == counts(found)


def test_equals_are_played_on_all_blocks_and_the_prior_does_not_touch_the_report():
    found, shelf = confirmed([0.80, 0.80], [0.80, 0.80], select=6)
    assert counts(found) == [6, 6, 1, 1]
    other, _ = confirmed([0.80, 0.80], [0.90, 0.80], select=6)
    assert found.candidates[0].posterior != other.candidates[0].posterior
    assert [each.to_dict() for each in found.recipe.curves] == [each.to_dict() for each in other.recipe.curves]
    assert shelf.blocks(recipe(5))[-3:] == [0, 1, 2]


def test_a_search_that_was_flattered_is_overruled_by_fresh_blocks_and_a_baseline_may_win():
    found, _ = confirmed([0.60, 0.70], [0.70, 0.69])
    assert found.selected == 1
    found, _ = confirmed([0.40], [0.52], spread=0.01)
    assert found.candidates[found.selected].baseline == "random_sampling"


def test_less_is_better_and_an_objective_against_random_sampling():
    environment = made_environment(objective="deficiency")
    trials = [trial(0, recipe(5), 0.5), trial(1, recipe(6), 0.5)]
    starts = {recipe(5): 0.70, recipe(6): 0.69}
    shelf = Shelf(lambda asked, block: curve({1: starts.get(asked, 0.5), 10: 0.9 + EASY[block % 10]}))
    start = prior({0: -0.5, 1: -0.5, "random_sampling": -1.0, "vanilla": -1.0}, 0.01, 0.01)
    found = confirm(shelf, trials, BASELINES, [blocks_of(environment)], prior=start)[0]  # type: ignore[arg-type]
    chosen, other, random, vanilla = found.candidates
    assert found.selected == 0
    assert chosen.posterior.mean == min(each.posterior.mean for each in found.candidates) > 0
    assert len(random.values) == len(chosen.values) == len(other.values) > 1
    assert random.values == pytest.approx(np.ones(len(random.values)))
    assert len(vanilla.values) == 1, "left behind, and random sampling as well but for being measured against"


def test_who_fails_is_left_out_and_those_it_left_behind_are_played_on():
    def fails_late(block):
        return Failure("broken on the second block", "") if block == 1 else curve(0.83 + EASY[block])

    lines = []
    found, shelf = confirmed([fails_late, 0.80, 0.78], [0.80, 0.80, 0.80], say=lines.append)
    assert [each.name for each in found.candidates] == ["trial 1", "trial 2", "random_sampling", "vanilla"]
    assert found.selected == 0
    assert len(lines) == 1
    assert "trial 0 fails on a block that selects, so it is left out: broken on the second block" in lines[0]
    fresh, _ = confirmed([0.80, 0.78], [0.80, 0.80])
    assert [each.values for each in found.candidates] == [each.values for each in fresh.candidates]
    assert [each.posterior.to_dict() for each in found.candidates] == [
        each.posterior.to_dict() for each in fresh.candidates
    ]
    assert counts(found)[0] > 1
    for size in (6, 7):
        on_select = shelf.blocks(recipe(size))[: counts(found)[size - 6]]
        assert on_select == sorted(set(on_select)), "nothing is played twice"
    with pytest.raises(WorkError, match="broken"):
        confirm(
            Shelf(lambda asked, block: Failure("broken", "")),  # type: ignore[arg-type]
            [trial(0, recipe(5), 0.5)],
            BASELINES,
            [blocks_of(ENVIRONMENT)],
            prior=prior({0: 0.5} | dict.fromkeys(BASELINES, 0.5)),
        )


# really played ----------------------------------------------------------------------------------------------------

IRIS = make_environment("iris", budget=30, loops=3)
STARTS = {
    0: Recipe(initial_sample={"method": "kmeans", "size": 6}),
    1: Recipe(query_strategy="margin"),
    2: Recipe(query_strategy="entropy"),
}
KNOWN = prior({0: 0.80, 1: 0.79, 2: 0.79, "random_sampling": 0.74, "vanilla": 0.78}, 0.002, 0.02)


def play_really(player, on_done=lambda index, outcome: None):
    trials = [trial(number, played, 0.8) for number, played in STARTS.items()]
    found = confirm(player, trials, BASELINES, [blocks_of(IRIS, 6)], prior=KNOWN, on_done=on_done)[0]
    plain = json.loads(json.dumps(found.to_dict()))
    assert Confirmation.from_dict(plain).to_dict() == plain
    return plain


def without_seconds(plain):
    if isinstance(plain, dict):
        return {key: without_seconds(value) for key, value in plain.items() if "seconds" not in key}
    return [without_seconds(value) for value in plain] if isinstance(plain, list) else plain


def test_processes_and_interruptions_change_nothing(tmp_path):
    with Player() as player:
        told = []
        whole = play_really(player, lambda index, outcome: told.append(index))
    lengths = {len(candidate["values"]) for candidate in whole["candidates"]}
    assert len(lengths) > 1, "some are left behind"
    assert len(told) < trajectories_to_confirm(3, 2, [blocks_of(IRIS, 6)])
    with Player(jobs=2) as player:
        assert without_seconds(play_really(player)) == without_seconds(whole)
    folder = tmp_path / "trajectories"

    class Killed(Exception):
        pass

    def kill_at_seventh(index, outcome):
        seen.append(index)
        if len(seen) == 7:
            raise Killed

    seen = []
    with pytest.raises(Killed), Player(store=TrajectoryStore(folder)) as player:
        play_really(player, kill_at_seventh)
    with Player(store=TrajectoryStore(folder)) as player:
        assert without_seconds(play_really(player)) == without_seconds(whole)
        assert player.read_back >= 7
