"""Workers play the code that the session has, or one line says what to do."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import altune
from altune.core.errors import WorkError
from altune.core.identity import forget
from altune.core.registry import unregister
from altune.data.blocks import explicit_block
from altune.recipes.recipe import Recipe
from altune.simulation.environment import make_environment
from altune.simulation.execution.items import WorkItem
from altune.simulation.execution.processes import stop_workers
from tests.helpers.processes import wait_for_worker

SOURCE = '''
import os, time
from typing import ClassVar, Literal
from altune.knobs import ScoreStrategy, register
SIGN = 1.0
@register
class Edited(ScoreStrategy):
    """Score rows by their number, and note who does so."""
    needs: ClassVar = frozenset()
    method: Literal["edited"] = "edited"
    def scores(self, pool, rng):
        with open({log!r}, "a") as log:
            log.write(f"{{os.getpid()}} {{SIGN}}\\n")
        time.sleep(0.02)
        return SIGN * pool.candidates
'''
RECIPE = {"query_strategy": {"method": "edited"}}
OTHER = r"^code_of_workers\.Edited is another one in worker processes, .*\(importlib\.reload\) or restart Python"


class Edits:
    """A module of the user, which is edited."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "code_of_workers.py"
        self._log = folder / "log"
        self._moment = 1_700_000_000
        self.write(1.0)
        self.module: ModuleType = importlib.import_module("code_of_workers")

    def write(self, sign: float) -> None:
        """Write the module with another value, later than before."""
        self._file.write_text(SOURCE.format(log=str(self._log)).replace("SIGN = 1.0", f"SIGN = {sign}"))
        self._moment += 10
        os.utime(self._file, (self._moment, self._moment))

    def played(self) -> dict[bool, set[float]]:
        """Play with a worker, and return which values it and this process played with, by whether it was the worker."""
        wait_for_worker()
        altune.simulate(RECIPE, "iris", budget=12, loops=4, n_blocks=8, n_jobs=2)
        lines = [line.split() for line in self._log.read_text().splitlines()]
        self._log.unlink()
        return {
            worker: {float(sign) for process, sign in lines if (process != str(os.getpid())) == worker}
            for worker in (False, True)
        }


@pytest.fixture
def edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edits]:
    monkeypatch.syspath_prepend(str(tmp_path))
    stop_workers()  # those of an earlier test look for modules elsewhere
    yield Edits(tmp_path)
    stop_workers()
    unregister("query_strategy", "edited")
    sys.modules.pop("code_of_workers", None)


def test_an_item_is_not_played_with_other_code_or_values(edits: Edits) -> None:
    environment = make_environment("iris", budget=30)
    block = explicit_block(environment.dataset, np.arange(100), np.arange(100, 150))
    item = WorkItem(Recipe.from_dict(RECIPE), block, environment).packed(None)
    assert list(item.code) == ["code_of_workers.Edited"]
    item.require_code()
    assert not WorkItem(Recipe(), block, environment).packed(None).code
    edits.module.SIGN = -1.0  # type: ignore[attr-defined]
    forget()
    with pytest.raises(WorkError, match=OTHER):
        item.require_code()


@pytest.mark.slow
def test_a_module_that_was_edited_is_played_as_the_session_has_it_or_not_at_all(edits: Edits) -> None:
    assert edits.played() == {False: set(), True: {1.0}}
    edits.write(2.0)
    importlib.reload(edits.module)
    assert edits.played() == {False: set(), True: {2.0}}
    edits.write(3.0)
    with pytest.raises(WorkError, match=OTHER):
        edits.played()
