"""Calls of altune in a process whose settings were changed, in threads, and in the loop of asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn

import altune
from altune.core.registry import methods

SIZES: dict[str, Any] = {"budget": 30, "n_trials": 4, "n_blocks": 2, "confirm": False}


def data_sets() -> dict[str, altune.Dataset]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    X = rng.normal(size=(100, 3)) + y[:, None]
    gaps = X.copy()
    gaps[::7, 0] = np.nan
    sparse = sp.csr_matrix(np.abs(X) * (X > 0))
    return {"dense": altune.Dataset(X, y), "gaps": altune.Dataset(gaps, y), "sparse": altune.Dataset(sparse, y)}


def areas() -> dict[str, float]:
    return {name: altune.simulate("vanilla", data, budget=30, n_blocks=1).aulc for name, data in data_sets().items()}


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_settings_of_the_caller_change_no_result_and_stay(output: str) -> None:
    usual, random = areas(), np.random.get_state()[1].tolist()  # noqa: NPY002
    with (
        sklearn.config_context(transform_output=output, enable_metadata_routing=True, working_memory=1),
        np.errstate(all="raise"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        before = sklearn.get_config(), np.geterr(), list(warnings.filters), dict(os.environ)
        assert areas() == usual
        assert (sklearn.get_config(), np.geterr(), list(warnings.filters), dict(os.environ)) == before
    assert np.random.get_state()[1].tolist() == random  # noqa: NPY002


@pytest.mark.slow
def test_no_model_needs_what_a_library_will_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("altune.core.settings.no_warnings", contextlib.nullcontext)
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning, PendingDeprecationWarning):
            warnings.simplefilter("error", category)
        for name in methods("model"):
            altune.simulate("vanilla", "iris", model=name, budget=12, n_blocks=1)


@pytest.mark.slow
def test_searches_side_by_side_do_not_disturb_each_other(tmp_path: Path) -> None:
    def fail(study: Any, trial: Any) -> None:
        raise KeyError("a callback")

    alone = [trial.values for trial in altune.tune("iris", "quick", **SIZES).trials]
    with ThreadPoolExecutor(3) as threads:
        two = threads.submit(altune.tune, "iris", "quick", n_jobs=2, cache=tmp_path, **SIZES)
        one = threads.submit(altune.tune, "iris", "quick", n_jobs=1, cache=tmp_path, **SIZES)
        failing = threads.submit(altune.tune, "iris", "quick", n_jobs=2, callbacks=[fail], **SIZES)
    assert [trial.values for trial in two.result().trials] == alone
    assert [trial.values for trial in one.result().trials] == alone
    with pytest.raises(KeyError):
        failing.result()


def test_a_call_in_a_loop_of_asyncio_and_beside_it() -> None:
    async def both() -> tuple[float, float]:
        here = altune.simulate("vanilla", "iris", budget=30, n_blocks=1).aulc
        return here, (await asyncio.to_thread(altune.simulate, "vanilla", "iris", budget=30, n_blocks=1)).aulc

    here, beside = asyncio.run(both())
    assert here == beside


@pytest.mark.slow
def test_the_working_directory_may_change_between_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        altune.tune("iris", "quick", **SIZES, out="run", n_jobs=2)
        assert (tmp_path / name / "run" / "trajectories").is_dir()
        assert len(list((tmp_path / name / "run" / "trajectories").rglob("*.json"))) >= 8
