"""What ``Run.confirm`` and ``Run.ablate`` do: they need the data of the search, which a run alone does not have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from altune.report.write import write_run
from altune.tuning.resources import Resources
from altune.tuning.stages import Stages
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
    stages : the stages of the run.
    resources : the resources available to it.
    """

    stages: Stages
    resources: Resources

    def confirm(self, run: Run, sizes: Mapping[str, Any]) -> None:
        """Confirm the best recipes on blocks of the given sizes, store that, and write the run's folder."""
        with self._player(run) as player:
            settings = replace(self.stages.setup.settings, **sizes)
            self.stages.confirm(run.study, player, settings)
            self.stages.confirm_away(run.study, player, settings)
            examine_run(self.stages, run.study, player)
        self._write(run)

    def ablate(self, run: Run) -> None:
        """Play the path from vanilla to the confirmed recipe, unless the study holds it, and write the run's folder."""
        with self._player(run) as player:
            played = self.stages.ablate(run.study, player)
        if played:
            self._write(run)

    @contextlib.contextmanager
    def _player(self, run: Run) -> Iterator[Player]:
        owned = contextlib.nullcontext() if run.folder is None else ownership(run.folder)
        try:
            with owned, self.stages.player(run.folder, self.resources) as player:
                yield player
                # What was announced at most and not played is not left open in the display.
                self.stages.observer.stage("done", 0)
        finally:
            self.stages.observer.close()

    def _write(self, run: Run) -> None:
        run.read_again()
        if run.folder is not None:
            write_run(run)
