"""What altune changes of the process is changed while any thread needs it, and restored after the last one."""

from __future__ import annotations

import pickle
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import optuna
import pytest
import scipy.linalg  # noqa: F401
import sklearn
from threadpoolctl import threadpool_info, threadpool_limits

from altune.core.settings import no_warnings, usual_settings
from altune.core.threads import one_thread
from altune.tuning.in_memory_study import new_study


def overlapping(context: Callable[[], AbstractContextManager[None]], inside: Callable[[], Any] = lambda: None) -> Any:
    """Enter a context here and in a thread, leave the first one first; return what holds between the two ends."""
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with context():
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=other)
    with context():
        thread.start()
        assert entered.wait(60)
    between = inside()
    leave.set()
    thread.join()
    return between


def is_an_error() -> bool:
    try:
        warnings.warn("a remark", stacklevel=1)
    except UserWarning:
        return True
    return False


def test_warnings_are_left_out_in_the_thread_that_wants_none_and_filters_are_restored() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters, before = warnings.filters, list(warnings.filters)
        with no_warnings(), no_warnings():
            assert not is_an_error()
        assert overlapping(no_warnings, is_an_error), "the other thread still wants none"
        assert warnings.filters is filters
        assert warnings.filters == before
        assert is_an_error()


def test_filters_are_restored_when_the_work_has_replaced_them() -> None:
    before = list(warnings.filters)
    with no_warnings():
        warnings.filters = [("ignore", None, Warning, None, 0)]  # type: ignore[assignment,unused-ignore]
    assert warnings.filters == before


def test_processes_and_threads_that_scikit_learn_starts_leave_out_all_warnings() -> None:
    with no_warnings():
        first = pickle.loads(pickle.dumps(warnings.filters))[0]
    assert first[0] == "ignore"
    assert first[1].match("anything")
    from sklearn.ensemble import RandomForestClassifier

    X, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2
    with no_warnings():
        RandomForestClassifier(2, n_jobs=2).fit(X, y).predict(X)


def test_scikit_learn_and_numpy_have_their_usual_settings() -> None:
    usual = sklearn.get_config()
    with (
        sklearn.config_context(transform_output="pandas", enable_metadata_routing=True, assume_finite=True),
        np.errstate(all="raise"),
    ):
        changed = sklearn.get_config()
        with usual_settings():
            assert sklearn.get_config() == usual
            assert np.geterr() == {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
            assert np.isnan(np.log(-np.ones(1))).all()
        assert sklearn.get_config() == changed
        assert np.geterr()["divide"] == "raise"


def blas() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_linear_algebra_has_one_thread_as_long_as_any_thread_needs_it() -> None:
    found: list[set[int]] = []

    def both() -> None:
        found.append(overlapping(one_thread, blas))
        found.append(blas())

    with threadpool_limits(limits=2):
        with one_thread():
            assert blas() == {1}
        assert blas() == {2}
    before = blas()
    thread = threading.Thread(target=both)
    thread.start()
    thread.join()
    assert found == [{1}, before]


@pytest.mark.parametrize("level", [optuna.logging.DEBUG, optuna.logging.ERROR])
def test_the_level_of_the_log_of_optuna_is_that_of_the_caller(level: int, capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(level)
    try:
        new_study(["maximize"])
        assert optuna.logging.get_verbosity() == level
    finally:
        optuna.logging.set_verbosity(before)
    assert capfd.readouterr().err == ""
