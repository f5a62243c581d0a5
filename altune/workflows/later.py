"""The later stages of a run: what `Run.confirm` and `Run.ablate` do, which need the data of the search."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from altune.report.write import write_run
from altune.tuning.stages import Means, Steps
from altune.tuning.storage import ownership
from altune.workflows.examine import examine_run

if TYPE_CHECKING:
    from altune.analysis.run import Run
    from altune.simulation.execution.player import Player


@dataclass(frozen=True, eq=False)
class StagesOfRun:
    """Confirms and ablates a run with the data of its search; see :class:`altune.analysis.run.LaterStages`.

    Parameters
    ----------
    steps : the stages of the run.
    means : the resources available to it.
    """

    steps: Steps
    means: Means

    def confirm(self, run: Run, sizes: Mapping[str, Any]) -> None:
        """Confirm the best recipes on blocks of the given sizes, store that, and write the run's folder."""
        with self._player(run) as player:
            self.steps.confirm(run.study, player, replace(self.steps.settings, **sizes))
            examine_run(self.steps, run.study, player)
        self._write(run)

    def ablate(self, run: Run) -> None:
        """Play the path from vanilla to the confirmed recipe, unless the study holds it, and write the run's folder."""
        with self._player(run) as player:
            played = self.steps.ablate(run.study, player)
        if played:
            self._write(run)

    @contextlib.contextmanager
    def _player(self, run: Run) -> Iterator[Player]:
        owned = contextlib.nullcontext() if run.folder is None else ownership(run.folder)
        with owned, self.steps.player(run.folder, self.means) as player:
            yield player

    def _write(self, run: Run) -> None:
        run.read_again()
        if run.folder is not None:
            write_run(run)
