"""What code of a recipe prints goes to standard error, marked; all other output goes where it went before."""

from __future__ import annotations

import io
import sys
from typing import Any, Literal

import pytest

from altune.core.settings import usual_settings
from altune.knobs import Pool, QueryStrategy
from altune.models.outputs import estimator_output
from altune.simulation.own import one_number


class Talkative(QueryStrategy):
    """Prints."""

    method: Literal["talkative"] = "talkative"

    def select(self, pool: Pool, size: int, rng: Any) -> Any:
        sys.stdout.writelines(["one\n", "two\nthr"])
        print("ee")
        sys.stdout.buffer.write(b"four\n")
        print("five", file=sys.stderr)


class Estimator:
    def predict(self, X: Any) -> Any:
        print("fitted")
        return [0]


def replaced(monkeypatch: pytest.MonkeyPatch) -> tuple[io.StringIO, io.StringIO]:
    output, errors = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "stderr", errors)
    return output, errors


def test_what_a_method_prints_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = replaced(monkeypatch)
    output, errors = streams
    select: Any = Talkative().select
    with usual_settings(), usual_settings():
        print("result")
        select(None, 1, None)
    assert output.getvalue() == "result\n"
    assert errors.getvalue().splitlines() == [
        f"query_strategy 'talkative': {word}" for word in ("one", "two", "three", "four", "five")
    ]
    assert (sys.stdout, sys.stderr) == streams


def test_metrics_objectives_and_estimators_are_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = replaced(monkeypatch)
    with usual_settings():
        one_number("metric 'cost'", lambda: print("paid") or 1.0)  # type: ignore[func-returns-value]
        estimator_output(Estimator(), "predict", _Rows(), 2)
    assert streams[1].getvalue() == "metric 'cost': paid\nEstimator: fitted\n"


def test_a_stream_that_a_method_replaces_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = replaced(monkeypatch)
    with usual_settings():
        sys.stdout = io.StringIO()
        sys.stderr.close()
    assert (sys.stdout, sys.stderr) == streams
    print("still open", file=sys.stderr)


class _Rows:
    shape = (1, 1)
