"""What each loop of a recipe did, in numbers: against counts by hand, true labels, and the trajectories themselves."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

import altune
from altune.analysis.loops.class_balance import by_chance, class_counts, divergence, evenness
from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.pool_map import BACKGROUND_ROWS, pool_map
from altune.analysis.loops.sentences import loop_sentences
from altune.analysis.loops.series import series_of
from altune.cli import main
from altune.core.errors import MissingExtraError, RequestError
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.environment import make_environment
from altune.simulation.prepared import prepare_block
from altune.simulation.probes import MOST_ROWS, uncertainty_key
from altune.simulation.scenario import Annotator
from altune.simulation.trajectory import Trajectory, play
from altune.workflows.examine import Examination

NOISY = (Annotator(error=0.2),)
AUDIT = {"method": "single", "audit": "knn_disagreement", "share": 0.2}
SPARSE = {"method": "constant", "size": 10}


def examined(
    recipe: Recipe, data: Any = "iris", *, seed: int = 0, loops: int = 6, budget: int = 40, **environment: Any
):
    """Return the plain and the examined curve of one block, with the prepared."""
    made = make_environment(data, budget=budget, loops=loops, **environment)
    prepared = prepare_block(made.dataset, made.blocks("report", 1)[0], seed)
    trajectory = Trajectory(recipe, prepared, made.scenario, examined=True)
    trajectory.advance()
    return play(recipe, prepared, made.scenario), trajectory.curve(), prepared


# what is noted ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["margin", "random", "density_weighted", "history", "fluctuation"])
def test_notes_change_nothing_that_the_recipe_does(strategy):
    plain, noted, _ = examined(Recipe(query_strategy=strategy))
    assert plain.rows.tolist() == noted.rows.tolist()
    assert plain.scores["accuracy"].tolist() == noted.scores["accuracy"].tolist()
    for own, more in zip(plain.notes, noted.notes, strict=True):
        assert own.items() <= more.items()


def test_no_strategy_that_looks_back_finds_a_column_that_it_did_not_ask_for():
    recipe = Recipe(query_strategy="random")
    made = make_environment("iris", budget=30, loops=4)
    prepared = prepare_block(made.dataset, made.blocks("report", 1)[0], 0)
    trajectory = Trajectory(recipe, prepared, made.scenario, examined=True)
    trajectory.advance()
    known = trajectory._loop.pool.known()
    assert known.generations == 4
    assert all(known.earlier(back, "probabilities") is None for back in range(1, 5))
    assert any(uncertainty_key("pool", "entropy", "mean") in facts for facts in trajectory.curve().notes)


def test_uncertainty_is_that_of_the_model_which_picked():
    made = make_environment("wine", budget=30, loops=4)
    prepared = prepare_block(made.dataset, made.blocks("report", 1)[0], 0)
    trajectory = Trajectory(Recipe(query_strategy="margin"), prepared, made.scenario, examined=True)
    trajectory.advance(until=1)
    loop = trajectory._loop
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


# numbers ----------------------------------------------------------------------------------------------------------


def test_class_counts_are_those_of_the_rows():
    plain, _, _ = examined(Recipe())
    y = load_iris().target
    counts = class_counts(plain, y, 3)
    ends = np.cumsum(plain.loop_rows)
    for loop, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        assert counts[loop].tolist() == np.bincount(y[plain.rows[start:end]], minlength=3).tolist()


def test_evenness_and_divergence_by_hand():
    counts = np.array([[1, 1, 2], [4, 0, 0]])
    assert evenness(counts)[0] == pytest.approx((2 * 0.25 * np.log(4) + 0.5 * np.log(2)) / np.log(3))
    assert divergence(counts, np.array([1, 1, 2])) == pytest.approx([0.0, np.log(4)])


def test_chance_is_nearer_the_pool_with_more_rows():
    pool = np.array([100, 100, 50])
    small, large, whole = by_chance(pool, [5, 100, 250], np.random.default_rng(0))
    assert small > large > whole == 0
    assert large == pytest.approx(2 / (2 * 100) * (150 / 250), rel=0.3), "(K - 1) / 2n, less what is drawn already"


def test_loops_that_few_blocks_had_are_means_of_those():
    found = series_of([np.array([1.0, 3.0]), np.array([3.0])], np.arange(2))
    assert found.mean == (2.0, 3.0)
    assert found.low == (1.2, 3.0)
    assert series_of([np.array([np.nan, 1.0])], np.arange(2)).mean == (None, 1.0)


@pytest.fixture(scope="module")
def facts() -> LoopFacts:
    recipe = Recipe(
        query_strategy="margin",
        loop_size={"method": "geometric", "start": 4, "growth": 1.6},
        labeling={**AUDIT, "action": "drop", "every": 2},
        stopping={"method": "classification_change", "threshold": 0.06, "minimum": 30},
    )
    return altune.examine(recipe, "iris", budget=70, loops=10, n_blocks=3, annotators=NOISY)


def test_facts_are_read_back_as_they_were(facts):
    assert LoopFacts.from_dict(json.loads(json.dumps(facts.to_dict()))) == facts


def test_facts_of_something_else_are_refused(facts):
    with pytest.raises(RequestError, match=r"facts of loops: balance\.pool"):
        LoopFacts.from_dict({**facts.to_dict(), "balance": {**facts.to_dict()["balance"], "pool": "much"}})


def test_shares_sum_to_one_and_agree_with_each_other(facts):
    for place in range(len(facts.loops)):
        assert sum(series.mean[place] for series in facts.balance.bought) == pytest.approx(1, abs=1e-4)
        assert sum(series.mean[place] for series in facts.balance.new) == pytest.approx(1, abs=1e-4)
    assert facts.balance.bought[0].mean[0] == facts.balance.new[0].mean[0]
    assert sum(facts.balance.pool) == pytest.approx(1, abs=1e-4)


def test_shares_are_those_of_all_rows_bought_so_far():
    found = altune.examine("random_sampling", "iris", budget=30, loops=4, n_blocks=1, rules={})
    curve = altune.simulate("random_sampling", "iris", budget=30, loops=4, n_blocks=1).curves[0]
    ends = np.cumsum(curve.loop_rows)
    for loop, end in enumerate(ends.tolist()):
        shares = np.bincount(load_iris().target[curve.rows[:end]], minlength=3) / end
        assert [series.mean[loop] for series in found.balance.bought] == pytest.approx(shares, abs=1e-4)


def test_the_recipes_own_rule_ends_what_is_told_and_not_the_other_rules_curve():
    recipe = Recipe(stopping={"method": "classification_change", "threshold": 0.06, "minimum": 20})
    found = altune.examine(recipe, "iris", budget=70, loops=10, n_blocks=1)
    plain = altune.simulate(recipe, "iris", budget=70, loops=10, n_blocks=1).curves[0]
    assert plain.stopped == "classification_change", "a rule that never fires proves nothing"
    assert found.labels.mean == tuple(plain.labels.tolist())
    own = next(rule for rule in found.stopping.rules if rule.name == "recipe")
    assert own.labels == (plain.labels[-1],)
    assert found.stopping.last == 70


def test_stops_are_those_of_a_replay():
    from altune.workflows.replay import replay

    rules = {"calm": {"method": "classification_change", "threshold": 0.05}, "sure": "min_expected_error"}
    environment = {"budget": 60, "loops": 12, "n_blocks": 2, "rules": rules}
    found = altune.examine("vanilla", "wine", **environment).stopping
    usual = replay("vanilla", "wine", **environment)
    for rule in found.rules:
        own = usual[rule.name]
        stops = [None if s is None else int(c.labels[s]) for s, c in zip(own.stops, usual.curves, strict=True)]
        assert list(rule.labels) == stops
        assert rule.saved == pytest.approx(own.saved.mean, abs=0.01)
        assert rule.kept == pytest.approx(own.kept.mean, abs=1e-4)
    assert any(rule.fired for rule in found.rules)


def test_a_recipe_that_buys_hold_out_rows_is_played_as_it_is():
    recipe = Recipe(stopping={"method": "target", "score": 0.99, "holdout": 10})
    found = altune.examine(recipe, "iris", budget=40, loops=6, n_blocks=1)
    plain = altune.simulate(recipe, "iris", budget=40, loops=6, n_blocks=1).curves[0]
    assert found.stopping is None
    assert found.labels.mean == tuple(float(count) for count in plain.labels)
    assert found.used.mean[0] < found.rows.mean[0]


def test_audit_tells_wrong_labels_bought_from_those_used(facts):
    audit = facts.audit
    assert (audit.detector, audit.action, audit.blocks) == ("knn_disagreement", "drop", 3)
    assert sum(audit.suspects.mean) > sum(audit.right.mean) > 0
    assert audit.suspects.mean[1] == 0, "it runs every other loop"
    for bought, used, left, rows in zip(
        audit.wrong_bought.mean, audit.wrong_used.mean, facts.used.mean, np.cumsum(facts.rows.mean), strict=True
    ):
        assert bought >= used - 0.02
        assert left <= rows + 1e-6


def test_a_dropped_suspect_stays_out_between_two_audits():
    recipe = Recipe(query_strategy="random", labeling={**AUDIT, "action": "drop", "every": 3}, loop_size=SPARSE)
    _, noted, prepared = examined(recipe, budget=80, annotators=NOISY)
    made = make_environment("iris", budget=80, loops=6, annotators=NOISY)
    examination = Examination.of(recipe, made, [prepared.block])
    found = examination.facts([noted]).audit
    suspects = np.array([one.get("audit_suspects", np.nan) for one in noted.notes])
    first = int(np.flatnonzero(suspects > 0)[0])
    assert np.isnan(suspects[first + 1])
    bought = np.cumsum(noted.loop_rows)[first + 1]
    out = bought - noted.used[first + 1]
    wrong = noted.notes[first + 1].get("wrong_labels_used", 0.0) * noted.used[first + 1]
    right = noted.notes[first]["wrong_suspects"]
    assert out == suspects[first]
    assert found.wrong_bought.mean[first + 1] == pytest.approx((wrong + right) / bought, abs=1e-4)


def test_many_classes_are_gathered():
    X, y = load_digits(return_X_y=True)
    data = altune.Dataset(X, np.where(np.arange(len(y)) % 2, y, y + 10), name="twenty")
    found = altune.examine("random_sampling", data, budget=60, loops=4, n_blocks=1).balance
    assert len(found.classes) == 10
    assert (found.classes[-1], found.others) == ("11 other classes", 11)
    assert sum(found.pool) == pytest.approx(1, abs=1e-4)
    assert found.pool[-1] > 0.4
    assert found.pool_evenness > 0.99, "over all twenty classes"


def test_many_loops_are_thinned():
    single = Recipe(initial_sample={"method": "random", "size": 3}, loop_size={"method": "constant", "size": 1})
    found = altune.examine(single, "wine", budget=66, loops="unlimited", n_blocks=1, rules={})
    assert (len(found.loops), found.loops[-1]) == (60, 63)
    assert found.labels.mean[-1] == 66
    assert found.stopping is None, "no rule was asked for"


def test_sentences_tell_the_numbers(facts):
    said = " ".join(loop_sentences(facts))
    assert f"{facts.rows.mean[0]:.0f} rows first, then " in said
    precision = 100 * sum(facts.audit.right.mean) / sum(facts.audit.suspects.mean)
    assert f"{precision:.0f} % of the audit's suspects are truly wrong" in said
    plain = altune.examine("random_sampling", "iris", budget=40, loops=5, n_blocks=2)
    said = loop_sentences(plain)
    assert (plain.steady, said[0]) == (True, "3 rows first, then 7 to 8 in each of 5 loops.")
    assert not any("audit" in sentence for sentence in said)


def test_frame_has_a_row_for_each_loop_and_number(facts):
    frame = facts.to_frame()
    own = frame[frame["quantity"] == "share"]
    assert set(own["class"]) == {"setosa", "versicolor", "virginica"}
    assert len(own) == 3 * len(facts.loops)
    assert frame["mean"].notna().all()


# the map ----------------------------------------------------------------------------------------------------------


def test_map_places_every_row_bought_where_it_lies():
    plain, _, prepared = examined(Recipe())
    found = pool_map(prepared, plain, ["a", "b", "c"])
    pool = prepared.block.pool
    assert len(found.x) == len(pool) == found.pool_rows
    assert found.picked_row == tuple(plain.rows.tolist())
    for row, x, y, code in zip(found.picked_row, found.picked_x, found.picked_y, found.picked_code, strict=True):
        place = int(np.flatnonzero(pool == row)[0])
        assert (x, y, code) == (found.x[place], found.y[place], found.code[place])
    assert found.picked_loop == tuple(np.repeat(np.arange(len(plain)), plain.loop_rows).tolist())
    centred = prepared.X_pool - prepared.X_pool.mean(axis=0)
    shares = np.linalg.svd(centred, compute_uv=False) ** 2
    assert found.explained == pytest.approx(shares[:2] / shares.sum(), abs=1e-3)


def test_map_of_a_sparse_pool_and_of_one_feature():
    from scipy import sparse

    X, y = load_digits(return_X_y=True)
    kept = y < 3
    data = altune.Dataset(sparse.csr_matrix(X[kept]), y[kept], name="sparse")
    found = altune.examine("random_sampling", data, budget=30, loops=3, n_blocks=1, rules={})
    assert found.pool_map.explained[0] > 0
    thin = altune.Dataset(X[kept][:, 20:21], y[kept], name="thin")
    assert altune.examine("random_sampling", thin, budget=30, loops=3, n_blocks=1, rules={}).pool_map is None


def test_map_shows_a_sample_of_a_large_pool(monkeypatch):
    monkeypatch.setattr("altune.analysis.loops.pool_map.BACKGROUND_ROWS", 30)
    assert BACKGROUND_ROWS > 30
    plain, _, prepared = examined(Recipe())
    found = pool_map(prepared, plain, ["a", "b", "c"])
    assert (len(found.x), found.pool_rows) == (30, 90)
    assert len(found.picked_x) == len(plain.rows)
    assert pool_map(prepared, plain, ["a", "b", "c"]) == found, "the same again"


def test_a_missing_extra_and_an_unknown_projection_are_refused_before_anything_is_played(monkeypatch):
    monkeypatch.setattr("altune.analysis.loops.pool_map.find_spec", lambda name: None)
    monkeypatch.setattr("altune.workflows.examine.Player", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'altune\[umap\]'"):
        altune.examine("vanilla", "iris", projection="umap")
    with pytest.raises(RequestError, match="'tsne' is no projection of the pool; take pca, umap"):
        altune.examine("vanilla", "iris", projection="tsne")


# runs and the command line ----------------------------------------------------------------------------------------

SIZES: dict[str, Any] = {"n_trials": 2, "n_blocks": 2, "select_among": 2, "select_blocks": 2, "report_blocks": 4}


def tuned(out: Any = None, **given: Any) -> altune.Run:
    space = SearchSpace.from_dict({"query_strategy": ["margin", "entropy"]})
    return altune.tune("iris", space, budget=30, loops=6, ablation=False, out=out, **{**SIZES, **given})


def test_a_run_holds_what_each_loop_of_its_confirmed_recipe_did(tmp_path):
    run = tuned(tmp_path / "run")
    found = run.loops
    assert (found.blocks, found.uncertainty.blocks, found.stopping.blocks) == (4, 3, 3)
    curves = run.confirmation.recipe.curves
    assert found.labels.mean[-1] == np.mean([curve.labels[-1] for curve in curves])
    assert len(json.dumps(run.record.examined())) < 300_000
    assert altune.open_run(tmp_path / "run").loops == found
    assert tuned(tmp_path / "run").loops == found
    assert tuned(n_jobs=2).loops == found, "whatever the number of processes"


def test_a_run_examines_again_what_it_confirms_again():
    run = tuned()
    before = run.loops
    run.confirm(report_blocks=5)
    assert (before.blocks, run.loops.blocks) == (4, 5)


def test_a_run_that_was_not_confirmed_or_is_older_opens_without():
    assert tuned(confirm=False).loops is None
    run = tuned()
    run.study.set_user_attr("examined", {"key": "another confirmation", "loops": {}})
    run.read_again()
    assert run.loops is None


def test_a_recipe_that_cannot_be_played_again_leaves_the_run_whole(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr("altune.simulation.trajectory.uncertainty_facts", lambda loop, request: 1 / 0)
    monkeypatch.setattr("altune.tuning.observer.Silent.say", lambda self, line: said.append(line))
    found = tuned().loops
    assert found.uncertainty is None
    assert found.stopping is None
    assert found.balance.bought[0].mean[0] > 0
    assert any("could not be played again to be examined: ZeroDivisionError" in line for line in said)


def command(monkeypatch, capsys, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["altune", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def test_command_prints_writes_and_answers_in_json(monkeypatch, capsys, tmp_path):
    words = ("examine", "iris", "vanilla", "--budget", "30", "--loops", "4", "--blocks", "2", "--jobs", "1")
    code, out, err = command(monkeypatch, capsys, *words, "--out", str(tmp_path / "new"))
    assert (code, err) == (0, "")
    assert "rows first, then" in out
    assert out.rstrip().endswith("examined.html")
    assert "What did it do?" in (tmp_path / "new" / "examined.html").read_text("utf-8")
    assert (tmp_path / "new" / "loops.csv").read_text("utf-8").startswith("loop,quantity,class,mean,low,high")
    code, out, _ = command(monkeypatch, capsys, *words, "--json")
    assert code == 0
    assert LoopFacts.from_dict(json.loads(out)).blocks == 2


def test_command_refuses_what_does_not_fit(monkeypatch, capsys, tmp_path):
    code, _, err = command(monkeypatch, capsys, "examine", "iris", "vanilla", "--blocks", "0")
    assert (code, err.count("\n")) == (2, 1)
    (tmp_path / "file").write_text("")
    where = str(tmp_path / "file")
    code, _, err = command(
        monkeypatch, capsys, "examine", "iris", "vanilla", "--budget", "30", "--blocks", "1", "--out", where
    )
    assert code == 2
    assert "cannot be made" in err
