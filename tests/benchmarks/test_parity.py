"""The benchmarks of the strategies: what scikit-activeml picks altune picks, and a large pool is borne."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from altune.knobs.query_strategy.diversity import KCenter
from altune.knobs.query_strategy.uncertainty import Margin
from tests.helpers.benchmark_scripts import load

pytest.importorskip("skactiveml.pool")


parity = load("parity")
inputs_of = load("lib.parity_inputs")
large = load("large_pool")


# parity with scikit-activeml --------------------------------------------------------------------------------------


def rows_of_the_table() -> Iterator[Any]:
    for case in parity.CASES:
        for data in case.data:
            yield pytest.param(case, data, id=f"{case.name}-{data}")


@pytest.mark.parametrize(("case", "data"), list(rows_of_the_table()))
def test_a_row_of_the_table_agrees(case: Any, data: str) -> None:
    line = parity.run_case(case, data)
    assert line.agrees, line
    assert line.same_picks is not None or line.correlation is not None, "a row that compares nothing"


def test_the_table_has_the_strategies_that_both_offer() -> None:
    compared = {case.strategy for case in parity.CASES}
    assert compared == {
        *("least_confidence", "margin", "entropy", "density_weighted", "kcenter", "typiclust", "probcover", "badge"),
        *("qbc", "bald", "batchbald", "discriminative", "contrastive", "dropquery", "falcun", "clue", "eer", "quire"),
    }
    assert not compared & set(parity.uncompared())
    assert {"random", "bait", "dcom"} <= set(parity.uncompared())


def test_where_rows_are_drawn_or_altune_differs_a_note_says_how() -> None:
    exact = {"margin", "kcenter", "contrastive"}
    assert {case.strategy for case in parity.CASES if not case.note} == exact
    assert all(case.note for case in parity.CASES if case.least < 0.999)


def case_of(strategy: str) -> Any:
    return next(case for case in parity.CASES if case.strategy == strategy)


def test_a_strategy_that_ranks_the_other_way_round_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Margin, "scores", lambda self, pool, rng: pool.known().margin)
    line = parity.run_case(case_of("margin"), "digits")
    assert (line.same_picks, line.agrees) == (False, False)
    assert line.correlation == pytest.approx(-1.0)


def test_other_picks_with_the_same_scores_disagree(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(KCenter, "select", lambda self, pool, size, rng: pool.candidates[:size])
    assert parity.main(["--only", "kcenter"]) == 1
    told = capsys.readouterr().out
    assert told.count("DISAGREES") == 3
    assert "0 of 3 agree" in told


def test_rows_of_equal_score_may_be_exchanged_and_no_others() -> None:
    inputs = inputs_of.make_inputs("wine")
    scores = np.zeros(len(inputs.pool.candidates))
    scores[:3] = [2.0, 1.0, 1.0]
    a, b, c, d = inputs.pool.candidates[:4]
    assert inputs_of.same_up_to_ties(inputs, scores, [a, b], [a, c])
    assert not inputs_of.same_up_to_ties(inputs, scores, [a, b], [a, d])


def test_both_are_given_one_fitted_model() -> None:
    for data in inputs_of.ALL:
        inputs = inputs_of.make_inputs(data)
        theirs = inputs.model.predict_proba(inputs.X[inputs.pool.candidates])
        np.testing.assert_array_equal(inputs.pool.known().probabilities, theirs)
        assert np.isnan(inputs.y).sum() == len(inputs.pool.candidates)


def test_the_command_prints_one_object_and_names_what_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    assert parity.main(["--only", "badge", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(line["strategy"], line["data"]) for line in told["lines"]] == [("badge", data) for data in inputs_of.ALL]
    with pytest.raises(SystemExit) as stopped:
        parity.main(["--only", "bagde"])
    assert stopped.value.code == 2


# large pools ------------------------------------------------------------------------------------------------------

SMALL = large.Shape(rows=600, features=8, size=5)


def test_every_shipped_strategy_and_first_sample_is_measured() -> None:
    chosen = large.own_methods([])
    assert {knob for knob, _ in chosen} == {"initial_sample", "query_strategy"}
    assert {("query_strategy", "bait"), ("initial_sample", "kmedoids")} <= set(chosen)
    assert len(chosen) >= 45


@pytest.mark.parametrize("chosen", large.own_methods([]), ids="-".join)
def test_a_choice_is_timed_and_checked(chosen: tuple[str, str]) -> None:
    line = large.measure(*chosen, SMALL)
    assert line.problem == ""
    assert line.first > 0
    assert line.again > 0
    assert line.gibibytes >= 0


def test_a_wrong_choice_and_a_failure_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KCenter, "select", lambda self, pool, size, rng: pool.candidates[:1].repeat(size))
    assert "distinct" in large.measure("query_strategy", "kcenter", SMALL).problem

    def fail(*given: Any) -> None:
        raise MemoryError("too large")

    monkeypatch.setattr(KCenter, "select", fail)
    assert large.measure("query_strategy", "kcenter", SMALL).problem == "MemoryError: too large"


def test_what_is_too_slow_or_too_large_is_told() -> None:
    line = large.Line("query_strategy", "margin", 3.0, 1.0, 2.0)
    assert large.judge(line, 4.0, 4.0).problem == ""
    assert large.judge(line, 2.0, 4.0).problem == "over 2 s"
    assert large.judge(line, 4.0, 1.0).problem == "over 1 GiB"


def test_the_exit_code_tells_whether_all_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def apart(knob: str, name: str, shape: Any, limit: float) -> Any:
        return large.Line(knob, name, 1.0, None if name == "entropy" else 9.0, 0.5)

    monkeypatch.setattr(large, "measure_apart", apart)
    assert large.main(["--only", "margin", "entropy"]) == 0
    assert large.main(["--only", "margin", "entropy", "--limit", "5"]) == 1
    assert "over 5 s" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        large.main(["--only", "margn"])
    assert stopped.value.code == 2
