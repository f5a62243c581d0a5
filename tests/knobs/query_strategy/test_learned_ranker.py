"""learned_ranker: margin_cover with a table of learned weights, where the evidence allows it, by registered name."""

from __future__ import annotations

import numpy as np
import pytest

from altune.core.errors import FormatError, RequestError
from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.types import TrainingSet
from altune.core.yaml import write_yaml
from altune.data import load_dataset
from altune.knobs.columns import carried
from altune.knobs.pool_coverage import PoolCoverage
from altune.knobs.query_strategy.learned_ranker import LEAD, LearnedRanker, advantages, register_ranker
from altune.knobs.query_strategy.ranker_table import RANKERS, Evidence, RankerTable, read_ranker, state_of
from altune.models import as_model
from altune.numerics.geometry.coverage import z_scores
from altune.recipes.recipe import Recipe
from altune.simulation.environment import make_environment
from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.execution.processes import stop_workers
from altune.simulation.prepared import prepare_block
from altune.simulation.trajectory import play

GAIN = Evidence("3-5", 12, 9, 8, 0.004, 0.001, 0.007)
NO_GAIN = Evidence("3-5", 12, 9, 8, 0.004, -0.001, 0.009)
MORE = {"entropy": [0.3, -0.4, 0.2, 0.1], "typicality": [-0.2, 0.5, 0.0, 0.3], "change": [0.1, 0.0, 0.0, 0.2]}


def table_of(weights=MORE, evidence=(), **changes):
    table = RankerTable.rule(list(weights))
    values = table.weights.copy()
    for name, row in weights.items():
        values[table.columns.index(name)] += row
    return RankerTable(table.columns, values, evidence=tuple(evidence), **changes)


@pytest.fixture
def register():
    names = []

    def with_name(name, table):
        register_ranker(name, table)
        names.append(name)
        return name

    yield with_name
    for name in names:
        RANKERS.unregister(name)


@pytest.fixture(scope="module")
def iris():
    environment = make_environment("iris", budget=40, loops=8, seed=3)
    return environment, prepare_block(environment.dataset, environment.blocks("search", 1)[0], 3)


def rows_of(strategy, stage):
    environment, prepared = stage
    return play(Recipe(query_strategy=strategy), prepared, environment.scenario).rows.tolist()


def make_pool(n_rows=60, n_classes=3):
    rng = np.random.default_rng(5)
    y = np.arange(n_rows) % n_classes
    pool = Pool(rng.normal(size=(n_rows, 4)) + 2.0 * y[:, None], n_classes, budget=40)
    labelled = np.sort(rng.choice(n_rows, 8, replace=False))
    pool.close(labelled)
    pool.set_labels(labelled, y[labelled])
    pool.labels_bought = 8
    model = as_model("logistic_regression").fit(TrainingSet(pool.X[labelled], y[labelled], n_classes), 0)
    pool.model, pool.metadata = model, Metadata(pool.X, pool.candidates, model)
    return pool


# the score ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"weight": 1.0, "adapt": 0.0}, {}])
def test_with_the_weights_of_the_rule_it_picks_exactly_what_margin_cover_does(register, iris, changes):
    name = register("rule", table_of({"entropy": [0, 0, 0, 0]}))
    strategy = {"method": "learned_ranker", "table": name, "trust": "always", **changes}
    assert rows_of(strategy, iris) == rows_of("margin_cover", iris)


def test_the_first_pick_has_the_largest_sum_of_weights_times_columns_times_state(register):
    table = table_of(MORE | {"cov": [0.0, -0.5, 0.0, 0.4], "u": [-3.0, 0.0, 0.0, 1.0]})
    strategy = LearnedRanker(table=register("mine", table), trust="always", weight=1.0, adapt=0.0)
    pool = make_pool()
    state = np.array([1.0, pool.progress - 0.5, pool.known().probabilities.max(axis=1).mean() - 0.5, np.log(3 / 4)])
    np.testing.assert_allclose(state_of(pool), state, atol=1e-12)
    coverage = PoolCoverage(pool, 20)
    margins = 1 - pool.known().margin
    values = {
        "u": z_scores(margins),
        "cov": z_scores(coverage.of_labelled().values[pool.candidates]),
        "bcov": z_scores(coverage.of_batch(margins).values[pool.candidates]),
    }
    score = np.zeros(len(pool.candidates))
    for name, weights in zip(table.columns, table.weights, strict=True):
        score += (weights @ state) * (values[name] if name in values else carried(pool, name))
    picked = strategy.select(pool, 5, np.random.default_rng(0))
    assert picked[0] == pool.candidates[score.argmax()]
    assert picked[0] != LearnedRanker(weight=0.0).select(pool, 1, np.random.default_rng(0))[0], "the rule differs"


def test_a_share_between_mixes_rule_and_table(register):
    full = table_of({"typicality": [-3.0, 0, 0, 0]})
    third = table_of({"typicality": [-1.0, 0, 0, 0]})
    pool = make_pool()
    shared = LearnedRanker(table=register("full", full), trust="always", weight=1 / 3, adapt=0.0)
    alone = LearnedRanker(table=register("third", third), trust="always", weight=1.0, adapt=0.0)
    assert (
        shared.select(pool, 9, np.random.default_rng(0)).tolist()
        == alone.select(pool, 9, np.random.default_rng(0)).tolist()
    )


# evidence ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("evidence", "used"), [([GAIN], True), ([NO_GAIN], False), ([], False)])
def test_the_rule_is_played_where_the_evidence_shows_no_gain_and_it_says_so(register, iris, evidence, used):
    strategy = {"method": "learned_ranker", "table": register("mine", table_of(evidence=evidence))}
    assert (rows_of(strategy, iris) != rows_of("margin_cover", iris)) == used
    lines = LearnedRanker(**strategy).remarks(3)
    assert len(lines) == (0 if used else 1)
    assert all("margin_cover" in line and "'mine'" in line for line in lines)
    assert LearnedRanker(**strategy, trust="always").remarks(3) == []
    assert LearnedRanker(**strategy).remarks(2) != [], "there is no evidence for two classes"


def test_the_evidence_of_a_few_data_sets_has_no_interval_and_is_no_gain():
    few = Evidence("2", 3, 3, 8, 0.1, None, None)
    assert not few.gains
    assert "(too few data sets for an interval)" in str(few)


# adaptation --------------------------------------------------------------------------------------------------------


def pool_with_history(surprising, register, n_loops=3, **parameters):
    """A pool that bought rows which the table ranked higher and lower; the model missed the ``surprising`` ones."""
    pool = make_pool()
    pool.history.record(pool.labelled, 0, np.full(len(pool.labelled), "initial_sample.random"))
    for loop in range(1, n_loops + 1):
        rows = pool.candidates[:4]
        lead = [1, 1, -1, -1]
        right = np.array([(value > 0) != (surprising == "higher") for value in lead])
        y = rows % 3
        probabilities = np.full((4, 3), 0.1)
        probabilities[np.arange(4), np.where(right, y, (y + 1) % 3)] = 0.8
        memo = {"rows": rows.tolist(), LEAD: lead}
        pool.history.record(rows, loop, np.full(4, "learned_ranker"), probabilities=probabilities, memo=memo)
        pool.close(rows)
        labelled = np.sort(np.concatenate([pool.labelled, rows]))
        pool.set_labels(labelled, labelled % 3)
    return pool, LearnedRanker(table=register("mine", table_of()), trust="always", **parameters)


def test_surprising_labels_of_rows_that_the_table_ranked_higher_increase_its_share(register):
    pool, strategy = pool_with_history("higher", register)
    assert advantages(pool).tolist() == pytest.approx([0.0, 0.7, 0.7, 0.7])
    odds = strategy.share(pool) / (1 - strategy.share(pool))
    assert odds == pytest.approx(4.0 * np.exp(0.5 * 3 * 0.7))
    pool, strategy = pool_with_history("lower", register)
    assert strategy.share(pool) / (1 - strategy.share(pool)) == pytest.approx(4.0 * np.exp(-0.5 * 3 * 0.7))


def test_without_adaptation_the_share_is_fixed(register):
    pool, strategy = pool_with_history("lower", register, adapt=0.0)
    assert strategy.share(pool) == 0.8


def test_a_loop_whose_rows_all_lead_the_same_way_says_nothing(register):
    pool, _ = pool_with_history("higher", register, n_loops=1)
    pool.history.record(
        pool.candidates[:1],
        2,
        np.array(["margin"]),
        probabilities=np.full((1, 3), 1 / 3),
        memo={"rows": pool.candidates[:1].tolist(), LEAD: [1]},
    )
    assert advantages(pool)[2] == 0.0


def test_a_run_adapts_and_notes_who_ranked_each_row_higher(register, iris):
    strong = table_of({"typicality": [-2.0, 0, 0, 0]})
    fixed = {"method": "learned_ranker", "table": register("strong", strong), "trust": "always", "adapt": 0.0}
    environment, _ = iris
    fixed_rows = rows_of(fixed, iris)
    assert rows_of(fixed | {"adapt": 1.0, "weight": 0.5}, iris) != rows_of(fixed | {"weight": 0.5}, iris)
    assert len(fixed_rows) == environment.scenario.labels


# tables by name ----------------------------------------------------------------------------------------------------


def test_an_unknown_name_is_refused_with_the_nearest_and_the_way_to_register(register):
    register("without_iris", table_of())
    with pytest.raises(FormatError) as error:
        Recipe(query_strategy={"method": "learned_ranker", "table": "without_irs"})
    text = str(error.value)
    assert text.startswith("query_strategy.table: ")
    assert "'without_iris'" in text
    assert "register_ranker" in text
    assert "ALTUNE_RANKERS" in text
    assert "\n" not in text


def test_a_folder_of_the_environment_names_tables_and_an_edited_file_is_another_table(tmp_path, monkeypatch):
    path = tmp_path / "mine.yaml"
    path.write_text(table_of().to_yaml(), "utf-8")
    monkeypatch.setenv("ALTUNE_RANKERS", str(tmp_path))
    recipe = {"query_strategy": {"method": "learned_ranker", "table": "mine", "trust": "always"}}
    first = Recipe(**recipe)
    assert first.query_strategy.content == table_of()
    path.write_text(table_of({"entropy": [0.25, 0, 0, 0]}).to_yaml(), "utf-8")
    second = Recipe(**recipe)
    environment = make_environment("iris", budget=20, loops=3)
    block = environment.blocks("search", 1)[0]
    assert first.digest() == second.digest()
    assert WorkItem(first, block, environment).key != WorkItem(second, block, environment).key
    assert first != second


def test_a_missing_folder_of_the_environment_is_one_line(monkeypatch):
    monkeypatch.setenv("ALTUNE_RANKERS", "/no/such/folder")
    with pytest.raises(FormatError, match="ALTUNE_RANKERS names the folder /no/such/folder"):
        Recipe(query_strategy={"method": "learned_ranker", "table": "mine"})


def test_keys_of_other_recipes_stay_what_they_were():
    switched = {"method": "switch", "first": {"method": "typiclust"}, "then": {"method": "margin"}}
    assert Recipe(query_strategy=switched).query_strategy.fingerprint() == ""
    nested = Recipe(query_strategy={**switched, "then": {"method": "learned_ranker"}}).query_strategy
    assert nested.fingerprint() == LearnedRanker().fingerprint() != ""
    assert nested.remarks(3) == LearnedRanker().remarks(3)


@pytest.mark.slow
def test_a_table_registered_here_reaches_worker_processes(register):
    environment = make_environment("iris", budget=30, loops=4)
    strategy = {"method": "learned_ranker", "table": register("mine", table_of()), "trust": "always"}
    items = [WorkItem(Recipe(query_strategy=strategy), block, environment) for block in environment.blocks("search", 4)]
    with Player() as player:
        here = curves_or_raise(player.play(items))
    try:
        with Player(jobs=2) as player:
            there = curves_or_raise(player.play(items))
    finally:
        stop_workers()
    assert [curve.rows.tolist() for curve in here] == [curve.rows.tolist() for curve in there]


# files -------------------------------------------------------------------------------------------------------------


def test_a_table_reads_back_as_it_was_written():
    table = table_of(evidence=[GAIN, Evidence("2", 3, 3, 8, 0.1, None, None)], training={"seed": 1, "data": ["iris"]})
    back = read_ranker(table.to_dict())
    assert back == table
    assert (back.evidence, dict(back.training)) == (table.evidence, dict(table.training))


GROUP = {"classes": "2", "data_sets": 5, "families": 4, "blocks": 3, "mean": 0.01, "low": None, "high": None}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plain: plain["columns"]["entropy"].update(version=9), r"columns\.entropy: .*version 9.*learn ranker"),
        (lambda plain: plain["columns"].update(entropi=plain["columns"].pop("entropy")), "did you mean 'entropy'"),
        (lambda plain: plain["columns"].pop("cov"), r"columns\.cov: the column is missing"),
        (lambda plain: plain["columns"]["entropy"].update(weights=[1.0]), "not a table|4 finite weights"),
        (lambda plain: plain.update(states=["one"]), "states: must be"),
        (lambda plain: plain.update(method="margin"), "not a table of learned_ranker"),
        (lambda plain: plain.update(neighbours=1), "neighbours: must be between"),
        (lambda plain: plain.update(columns=3), "not a table"),
        (lambda plain: plain.pop("neighbours"), "'neighbours' is missing"),
        (lambda plain: plain.update(training=3), "not a table"),
        (lambda plain: plain.update(evidence=[GROUP | {"low": "x"}]), "not a table.*valid number"),
        (lambda plain: plain.update(evidence=[GROUP | {"more": 1}]), "not a table"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(tmp_path, change, words):
    plain = table_of().to_dict()
    change(plain)
    path = tmp_path / "wrong.yaml"
    path.write_text(write_yaml(plain), "utf-8")
    with pytest.raises(FormatError, match=words) as error:
        register_ranker("wrong", path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "words"), [("default", "altune ships"), ("../mine", "not a name")])
def test_names_that_cannot_be_registered(name, words):
    with pytest.raises(RequestError, match=words):
        register_ranker(name, table_of())


def test_the_shipped_table_can_be_played():
    data = load_dataset("iris")
    environment = make_environment(data, budget=20, loops=3)
    prepared = prepare_block(data, environment.blocks("search", 1)[0], 0)
    strategy = {"method": "learned_ranker", "trust": "always"}
    assert len(play(Recipe(query_strategy=strategy), prepared, environment.scenario).rows) == 20
    assert LearnedRanker.table_lines()
