"""Notes of a trajectory: they change nothing, and agree with the model and the truth."""

from __future__ import annotations

import numpy as np
import pytest

from altune.recipes.recipe import Recipe
from altune.simulation.environment import make_environment
from altune.simulation.prepared import prepare_block
from altune.simulation.probes import MOST_ROWS, uncertainty_key
from altune.simulation.trajectory import Trajectory
from tests.helpers.examined import AUDIT, NOISY, SPARSE, examined
from tests.helpers.loops import record_loops


@pytest.mark.parametrize("strategy", ["margin", "random", "density_weighted", "history", "fluctuation"])
def test_notes_change_nothing_that_the_recipe_does(strategy):
    plain, noted, _ = examined(Recipe(query_strategy=strategy))
    assert plain.rows.tolist() == noted.rows.tolist()
    assert plain.scores["accuracy"].tolist() == noted.scores["accuracy"].tolist()
    for own, more in zip(plain.notes, noted.notes, strict=True):
        assert own.items() <= more.items()


def test_no_strategy_that_looks_back_finds_a_column_that_it_did_not_ask_for(monkeypatch):
    loops = record_loops(monkeypatch)
    recipe = Recipe(query_strategy="random")
    made = make_environment("iris", budget=30, loops=4)
    prepared = prepare_block(made.dataset, made.blocks("report", 1)[0], 0)
    trajectory = Trajectory(recipe, prepared, made.scenario, examined=True)
    trajectory.advance()
    known = loops[0].pool.known()
    assert known.generations == 4
    assert all(known.earlier(back, "probabilities") is None for back in range(1, 5))
    assert any(uncertainty_key("pool", "entropy", "mean") in facts for facts in trajectory.curve().notes)


def test_uncertainty_is_that_of_the_model_which_picked(monkeypatch):
    loops = record_loops(monkeypatch)
    made = make_environment("wine", budget=30, loops=4)
    prepared = prepare_block(made.dataset, made.blocks("report", 1)[0], 0)
    trajectory = Trajectory(Recipe(query_strategy="margin"), prepared, made.scenario, examined=True)
    trajectory.advance(until=1)
    (loop,) = loops
    scores = np.sort(loop.model.class_scores(prepared.X_pool[loop.pool.candidates]), axis=1)
    margins = scores[:, -1] - scores[:, -2]
    trajectory.advance(until=loop.pool.labels_bought + 1)
    found, size = trajectory.curve().notes[1], int(trajectory.curve().loop_rows[1])
    assert found[uncertainty_key("pool", "margin", "mean")] == pytest.approx(margins.mean())
    assert found[uncertainty_key("picked", "margin", "mean")] == pytest.approx(np.sort(margins)[:size].mean())
    assert found[uncertainty_key("pool", "least_confidence", "high")] == pytest.approx(
        np.quantile(1 - scores[:, -1], 0.9)
    )
    assert 0 <= found[uncertainty_key("pool", "entropy", "mean")] <= 1
    assert not any("pool" in key for key in trajectory.curve().notes[0]), "nobody picked the first sample"


def test_of_a_large_pool_a_sample_is_looked_at(monkeypatch):
    monkeypatch.setattr("altune.simulation.probes.MOST_ROWS", 20)
    assert MOST_ROWS > 20
    plain, noted, _ = examined(Recipe(query_strategy="random"), "breast_cancer")
    assert plain.rows.tolist() == noted.rows.tolist()
    _, whole, _ = examined(Recipe(query_strategy="margin"), "breast_cancer")
    assert uncertainty_key("pool", "margin", "mean") in noted.notes[1]
    assert uncertainty_key("picked", "margin", "mean") in whole.notes[1]


@pytest.mark.parametrize("action", ["drop", "weight", "relabel"])
def test_suspects_are_held_against_the_truth(action):
    recipe = Recipe(query_strategy="random", labeling={**AUDIT, "action": action}, loop_size=SPARSE)
    _, noted, prepared = examined(recipe, budget=80, annotators=NOISY)
    judged = [facts for facts in noted.notes if facts.get("audit_suspects")]
    assert judged, "the audit must have run"
    for facts in judged:
        assert 0 <= facts["wrong_suspects"] <= facts["audit_suspects"]
    found, doubted = sum(one["wrong_suspects"] for one in judged), sum(one["audit_suspects"] for one in judged)
    assert found / doubted > 0.4, "twice the rate of wrong labels: the audit of iris is better than chance"
    assert len(prepared.y_pool) >= 80


def test_examined_trajectories_have_a_key_of_their_own():
    from altune.simulation.execution.items import WorkItem
    from altune.simulation.execution.player import Player

    made = make_environment("iris", budget=20, loops=3)
    block = made.blocks("report", 1)[0]
    with Player() as player:
        plain, noted = player.play([WorkItem(Recipe(), block, made), WorkItem(Recipe(), block, made, examined=True)])
        again = player.play([WorkItem(Recipe(), block, made, examined=True)])[0]
    assert len(noted.notes[1]) > len(plain.notes[1])
    assert again.notes == noted.notes
    assert (player.simulated, player.read_back) == (2, 1)
