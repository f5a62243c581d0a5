"""Groups as the units of statistics, and commands that play on groups and times."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import altune
from altune import Dataset
from altune.core.errors import DataError, RequestError
from altune.core.streams import Streams
from altune.data.blocks import make_blocks
from altune.data.reading import Reading
from altune.knobs.labeling import audit
from altune.knobs.training import retune
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import make_environment, source_of
from altune.simulation.execution.shared_arrays import load_block, save_block
from altune.simulation.intervals import row_weights
from altune.simulation.prepared import prepare_block
from altune.simulation.scoring import group_values, unit_groups

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(60, 4))
FRAME = pd.DataFrame(CENTRES.repeat(6, axis=0) + 0.05 * RNG.normal(size=(360, 4)), columns=list("abcd")).assign(
    patient=np.arange(60).repeat(6), when=pd.date_range("2024-01-01", periods=360)
)
LABELS = RNG.integers(0, 2, 60).repeat(6)
GROUPED = Dataset(FRAME.drop(columns="when"), LABELS, name="visits", groups="patient")
TIMED = Dataset(FRAME.drop(columns="patient"), LABELS, name="visits", time="when")


def play(data: Dataset, **more: Any) -> Any:
    return altune.simulate("random_sampling", data, **{"budget": 40, "n_blocks": 5, "loops": 4, "seed": 1} | more)


def test_noise_in_groups_is_at_chance_only_if_groups_stay_together() -> None:
    model = {"method": "k_nearest_neighbours", "n_neighbors": 1}
    rows, labels = CENTRES.repeat(3, axis=0), RNG.integers(0, 2, 60).repeat(3)

    def score(groups: str | None) -> float:
        data = Dataset(rows, labels, name="export", groups=groups)
        curves = [play(data, budget=105, model=model, n_blocks=1, seed=seed).curves[0] for seed in range(8)]
        return float(np.mean([curve.scores["accuracy"][-1] for curve in curves]))

    assert score(None) > 0.8
    assert score("duplicates") < 0.65


def test_values_of_groups_are_the_ratio_and_its_jackknife() -> None:
    units = RNG.integers(0, 12, 200)
    correct = RNG.random(200) < 0.7
    values = group_values(correct, units)
    assert values.mean() == pytest.approx(correct.mean())
    left_out = np.array([correct[units != unit].mean() for unit in range(12)])
    jackknife = 12 * correct.mean() - 11 * left_out
    assert np.corrcoef(values, jackknife)[0, 1] > 0.99
    assert values.std() == pytest.approx(jackknife.std(), rel=0.1)


def test_groups_of_one_row_have_the_values_of_rows() -> None:
    correct = RNG.random(50) < 0.7
    assert group_values(correct, np.arange(50)) == pytest.approx(correct.astype(float))


def test_the_groups_of_a_jackknife_keep_units_whole_and_are_even() -> None:
    units = RNG.integers(0, 70, 500)
    parts = unit_groups(units)
    assert len(parts) == 20
    assert sorted(np.concatenate(parts).tolist()) == list(range(500))
    assert all(len({number for number, part in enumerate(parts) if unit in units[part]}) == 1 for unit in set(units))
    assert max(map(len, parts)) - min(map(len, parts)) < 10


def test_intervals_count_groups() -> None:
    played = play(GROUPED, also=["balanced_accuracy"])
    [report] = make_blocks(GROUPED, "replay", 1, seed=1)
    assert GROUPED.groups is not None
    held_back = len(np.unique(GROUPED.groups.codes[report.test]))
    parts = played.interval.parts
    assert parts is not None
    assert parts.units == held_back < len(report.test)
    for curve in played.curves:
        assert curve.row_scores is None
        assert curve.by_unit("accuracy").mean(axis=1)[1:] == pytest.approx(curve.scores["accuracy"], abs=1e-6)
        assert curve.by_unit("balanced_accuracy").shape[1] == min(20, held_back)
        assert np.array_equal(curve.bought_groups, GROUPED.groups.codes[curve.rows])
        again = LearningCurve.from_dict(json.loads(json.dumps(curve.to_dict())))
        assert np.array_equal(again.bought_groups, curve.bought_groups)
        first = curve.first(2, "budget")
        assert len(first.bought_groups) == len(first.rows)
    assert row_weights(played.objective, played.curves).shape[1] <= 60


def test_rows_in_groups_give_wider_intervals_than_rows_alone() -> None:
    alone = play(Dataset(GROUPED.X, LABELS, name="visits")).interval
    together = play(GROUPED).interval
    assert together.high - together.low > 1.3 * (alone.high - alone.low)


def test_rows_held_back_by_time_are_not_by_class() -> None:
    played = play(TIMED)
    assert played.curves[0].row_scores is not None
    assert played.curves[0].unit_classes("accuracy") is None
    assert played.interval.parts is not None
    assert played.interval.parts.units == 72


def test_a_stored_block_keeps_its_groups(tmp_path: Any) -> None:
    for number, data in enumerate((GROUPED, TIMED)):
        prepared = prepare_block(data, make_blocks(data, "report", 1, seed=0)[0], 0)
        save_block(prepared, tmp_path / str(number))
        loaded = load_block(tmp_path / str(number))
        assert loaded.block.by_class == prepared.block.by_class
        assert (loaded.test_groups is None) == (prepared.test_groups is None)
        if prepared.test_groups is not None:
            assert np.array_equal(loaded.test_groups, prepared.test_groups)


def test_two_processes_play_the_same() -> None:
    one, two = (play(GROUPED, n_jobs=jobs, n_blocks=2) for jobs in (1, 2))
    assert one.values.tolist() == two.values.tolist()


def test_columns_of_a_data_set_are_taken_by_name_or_value() -> None:
    plain = Dataset(FRAME.drop(columns="when"), LABELS, name="visits")
    by_name, by_value = (
        make_environment(plain, group="patient", budget=40),
        make_environment(Dataset(FRAME[list("abcd")], LABELS, name="visits"), group=FRAME["patient"], budget=40),
    )
    assert by_name.dataset.fingerprint == by_value.dataset.fingerprint == GROUPED.fingerprint
    assert by_name.blocks("search", 1)[0].digest() == make_blocks(GROUPED, "search", 1, 0)[0].digest()


def test_sources_keep_columns_only_where_they_are_given(tmp_path: Any) -> None:
    assert source_of("digits", Reading()) == {"data": "digits", "target": None}
    assert source_of("digits", Reading(group="a")) == {"data": "digits", "target": None, "group": "a"}
    with pytest.raises(DataError, match="group must be the name of a column; make a Dataset"):
        make_environment("digits", group=[1, 2])


def test_advice_names_copies_labels_and_groups() -> None:
    twice = Dataset(FRAME[list("abcd")].to_numpy()[::6].repeat(4, axis=0), LABELS[::6].repeat(4), name="copies")
    [line] = [line for line in make_environment(twice, budget=40).advice() if "duplicates" in line]
    assert "--group duplicates" in line
    few = Dataset(FRAME[list("abcd")], LABELS, groups=np.arange(360) // 30)
    assert any("intervals are wide" in line for line in make_environment(few, budget=40).advice())


def test_search_blocks_of_a_part_keep_groups_apart() -> None:
    assert GROUPED.groups is not None
    for block in make_blocks(GROUPED, "search", 2, 0, most_rows=120):
        assert len(block.pool) + len(block.test) == 120
        assert not np.intersect1d(GROUPED.groups.codes[block.pool], GROUPED.groups.codes[block.test]).size
    for block in make_blocks(TIMED, "search", 2, 0, most_rows=120):
        assert not block.shares_test
        assert block.pool.max() < block.test.min()


def test_a_run_with_groups_resumes_and_refuses_other_columns(tmp_path: Any) -> None:
    FRAME.assign(label=LABELS).to_csv(tmp_path / "visits.csv", index=False)
    request = {
        "target": "label",
        "space": "quick",
        "budget": 30,
        "loops": 3,
        "n_trials": 2,
        "n_blocks": 1,
        "confirm": False,
        "portfolio": 0,
        "out": tmp_path / "run",
    }
    run = altune.tune(tmp_path / "visits.csv", group="patient", **request)
    assert run.record.data_sets["visits"]["group"] == "patient"
    again = altune.tune(tmp_path / "visits.csv", group="patient", **request)
    assert [trial.value for trial in again.study.trials] == [trial.value for trial in run.study.trials]
    for other in ({"group": "when"}, {"time": "when"}, {}):
        with pytest.raises(RequestError, match=r"the group column is .*, in the run patient"):
            altune.tune(tmp_path / "visits.csv", **request, **other)


def test_streams_without_groups_are_untouched() -> None:
    plain = Dataset(FRAME[list("abcd")], LABELS, name="visits")
    [block] = make_blocks(plain, "search", 1, seed=0)
    assert block.groups is None
    assert block.streams(0, "visits").integer("split") == Streams(0, "visits", "search", 0).integer("split")


@pytest.mark.parametrize(
    "more", [{"training": "retune"}, {"labeling": {"method": "single", "audit": "self_confidence"}}]
)
def test_splits_inside_a_recipe_keep_groups_together(more: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for knob in (retune, audit):

        def watched(training: Any, folds: int, seed: int, split: Any = knob.folds_of) -> Any:
            for kept, left_out in split(training, folds, seed):
                seen.append(np.intersect1d(training.groups[kept], training.groups[left_out]).size)
                yield kept, left_out

        monkeypatch.setattr(knob, "folds_of", watched)
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(60), 4)
    data = Dataset(rng.normal(size=(240, 3))[patients], (patients % 2).tolist(), groups=patients)
    altune.simulate({"query_strategy": "random", **more}, data, budget=80, loops=3, n_blocks=1, progress=False)
    assert seen
    assert not any(seen)
