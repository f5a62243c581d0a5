"""Training of learned_ranker: the same for any number of processes, resumed from its cache, honest about evidence."""

import numpy as np
import pytest

from altune.knobs.query_strategy.ranker_table import RANKERS, read_ranker
from altune.learning.episodes import EpisodeData, EpisodePlan, Episodes, episode_player
from altune.learning.policies import Policies
from altune.learning.ranker import LeftOut, RankerSettings, evidence_of, train_ranker
from altune.simulation.execution.processes import stop_workers
from altune.tuning.observer import Silent

SETTINGS = RankerSettings(columns=("entropy",), n_pairs=6, per_block=2, test_blocks=2)
PLAN = EpisodePlan(tuple(EpisodeData(name) for name in ("iris", "wine")), budgets=(0.3,), n_blocks=2, most_rows=None)


def trained(cache=None, jobs=1, plan=PLAN):
    with episode_player(cache, jobs) as player:
        return train_ranker(Episodes(plan), SETTINGS, player, Silent(), command="altune learn ranker"), player


def test_a_training_is_resumed_from_its_cache_and_gives_the_same_table(tmp_path):
    first, player = trained(tmp_path)
    assert player.simulated == 2 * 2 * (1 + 2 * 2) + 2 * 2 * 3
    again, player = trained(tmp_path)
    assert player.simulated == 0
    assert first.table.to_dict() == again.table.to_dict()
    assert {test.data for test in first.left_out} == {"iris", "wine"}
    assert read_ranker(first.table.to_dict()) == first.table
    assert first.table.training["families"] == {"iris": ["iris"], "wine": ["wine"]}
    assert first.table.training["command"] == "altune learn ranker"
    assert not [name for name in RANKERS.names() if name.startswith("policy-")], "policies are registered while played"


@pytest.mark.slow
def test_the_number_of_processes_does_not_matter():
    one, _ = trained()
    try:
        two, _ = trained(jobs=2)
    finally:
        stop_workers()
    assert one.table.to_dict() == two.table.to_dict()
    assert [test.over_rule.tolist() for test in one.left_out] == [test.over_rule.tolist() for test in two.left_out]


def test_data_sets_of_one_family_are_left_out_together():
    plan = EpisodePlan(
        (EpisodeData("iris", family="flowers"), EpisodeData("wine", family="flowers"), EpisodeData("breast_cancer")),
        budgets=(0.2,),
        n_blocks=1,
    )
    result, _ = trained(plan=plan)
    assert set(result.without) == {"flowers", "breast_cancer"}
    evidence = result.without["flowers"].evidence
    assert [found.classes for found in evidence] == ["2"], "its evidence is that of the other families"


def test_policies_come_in_pairs_around_the_rule_and_blocks_play_subsets():
    policies = Policies(("u", "cov", "bcov", "entropy"), n_pairs=10, per_block=4, radius=0.2)
    plus, minus = (strategy.content for strategy in strategies_of(policies, 3))
    np.testing.assert_allclose((plus.weights + minus.weights) / 2, policies.rule.weights, atol=1e-12)
    assert np.std([policies.table(step).weights - policies.rule.weights for step in policies.steps]) == pytest.approx(
        0.2, rel=0.2
    )
    subsets = [policies.pairs_of("iris", block) for block in range(30)]
    assert all(len(set(pairs)) == 4 for pairs in subsets)
    assert set().union(*subsets) == set(range(10))
    assert policies.pairs_of("iris", 0) == subsets[0] != policies.pairs_of("wine", 0)


def strategies_of(policies, pair):
    with RANKERS.registered(policies.tables):
        return policies.strategies(pair)


def test_small_changes_are_left_out_of_a_learned_table():
    policies = Policies(("u", "cov", "bcov", "entropy", "rarity"))
    step = np.zeros((5, 4))
    step[3, 1], step[4, 0] = 2.0, 0.1
    learned = policies.learned(step.ravel())
    assert learned.weights[3].tolist() == [0.0, 0.2, 0.0, 0.0]
    assert not learned.weights[4].any()


def left_out(mean, n, n_classes=2, spread=0.001):
    rng = np.random.default_rng(0)
    return [
        LeftOut(f"d{i}", f"f{i // 2}", n_classes, mean + spread * rng.normal(size=6), np.zeros(6)) for i in range(n)
    ]


def test_evidence_is_grouped_by_classes_and_needs_five_data_sets_for_an_interval():
    two, many = evidence_of([*left_out(0.01, 6), *left_out(0.01, 4, n_classes=7)])
    assert (two.classes, two.data_sets, two.families, two.blocks) == ("2", 6, 3, 6)
    assert two.mean == pytest.approx(0.01, abs=0.001)
    assert two.gains
    assert two.low < two.mean < two.high
    assert (many.classes, many.low, many.high, many.gains) == ("6+", None, None, False)
    (null,) = evidence_of(left_out(0.0, 8, spread=0.01))
    assert not null.gains
