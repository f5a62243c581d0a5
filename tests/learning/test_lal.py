"""Training of lal: effects of labels are measured, resumed, and the same for any number of processes."""

import json

import numpy as np
import pytest

from altune.core.types import TrainingSet
from altune.learning.episodes import EpisodeData, EpisodePlan, Episodes, episode_player
from altune.learning.lal import LalSettings, Measured, Task, correlation_within, measure, train_lal
from altune.models import as_model
from altune.simulation.execution.processes import stop_workers
from altune.simulation.prepared import prepare_block
from altune.tuning.observer import Silent

PLAN = EpisodePlan(tuple(EpisodeData(name) for name in ("iris", "wine")), budgets=(0.3,), n_blocks=1, most_rows=None)
SETTINGS = LalSettings(rounds=2, points=2, candidates=3, trees=3, leaves=4)


class Counting(Silent):
    def __init__(self):
        self.measured, self.lines, self._stage = 0, [], ""

    def stage(self, name, trajectories, done=0):
        self._stage = name

    def played(self, simulated=True):
        self.measured += simulated and self._stage == "measurements"

    def say(self, line):
        self.lines.append(line)


def trained(cache=None, jobs=1, plan=PLAN):
    observer = Counting()
    with episode_player(cache, jobs) as player:
        return train_lal(Episodes(plan), SETTINGS, player, observer, cache=cache, command="altune learn lal"), observer


def test_a_training_is_resumed_from_its_cache(tmp_path):
    first, observer = trained(tmp_path)
    assert observer.measured == 4
    again, observer = trained(tmp_path)
    assert observer.measured == 0
    assert first.table.to_dict() == again.table.to_dict()
    assert first.n_measured == 2 * 2 * 2 * 3
    assert set(first.without) == set(first.correlations) == {"iris", "wine"}
    next(tmp_path.glob("lal/*.json")).write_text("{")
    repaired, observer = trained(tmp_path)
    assert observer.measured == 1
    assert repaired.table.to_dict() == first.table.to_dict()
    json.loads(first.table.to_json())


@pytest.mark.slow
def test_the_number_of_processes_does_not_matter():
    one, _ = trained()
    try:
        two, _ = trained(jobs=2)
    finally:
        stop_workers()
    assert one.table.to_dict() == two.table.to_dict()


def task(points=1, candidates=4, **changes):
    episodes = Episodes(PLAN)
    cell = episodes.cells[0]
    block = episodes.blocks(cell)[0]
    given = {"model": cell.model, "order": block.pool[5:25], "number": 0, "scaling": "auto", **changes}
    return Task(cell.environment.dataset, block, seed=0, points=points, candidates=candidates, **given)


def test_a_reduction_is_the_loss_before_the_label_minus_the_loss_after_it():
    given = task(points=3)
    measured = measure(given)
    assert measured.features.shape == (12, 8)
    assert measured.sets.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    prepared = prepare_block(given.dataset, given.block, 0)
    n_labels = round(float(np.exp(measured.features[0, 6])))
    labelled = np.sort(np.searchsorted(given.block.pool, given.order[:n_labels]))
    model = given.model.fit(TrainingSet(prepared.X_pool[labelled], prepared.y_pool[labelled], 3), 0)

    def loss(fitted):
        scores = fitted.class_scores(prepared.X_test)
        return 1 - scores[np.arange(len(scores)), prepared.y_test].mean()

    rest = np.setdiff1d(np.arange(len(prepared.y_pool)), labelled)
    possible = []
    for row in rest:
        rows = np.sort(np.append(labelled, row))
        after = given.model.fit(TrainingSet(prepared.X_pool[rows], prepared.y_pool[rows], 3), 0)
        possible.append(loss(model) - loss(after))
    for reduction in measured.reductions[:4]:
        assert np.abs(np.array(possible) - reduction).min() < 1e-12


def test_what_cannot_be_measured_is_one_line():
    plan = EpisodePlan(
        tuple(EpisodeData(name) for name in ("iris", "wine")), models=(as_model("linear_svm"),), n_blocks=1
    )
    good = measure(task())
    assert not good.reason
    bad = measure(task(order=np.array([10**6, 10**6 + 1, 10**6 + 2])))
    assert bad.reason
    assert "\n" not in bad.reason
    assert not len(bad.reductions)
    assert len(Episodes(plan).cells) == 2


def test_the_correlation_is_that_within_labelled_sets():
    class Known:
        forest = type("F", (), {"predict": staticmethod(lambda X: X[:, 0])})

    sets = np.repeat([0, 1], 5)
    x = np.tile(np.arange(5.0), 2)
    level = np.repeat([0.0, 100.0], 5)
    same = Measured((x + level)[:, None], x - level, sets)
    assert correlation_within(Known(), [same]) == pytest.approx(1.0), "levels of the sets do not count"
    assert correlation_within(Known(), [Measured((x + level)[:, None], level, sets)]) == 0.0
