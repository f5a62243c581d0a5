"""Progress of long work in a terminal, on standard error, so that standard output carries results only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from altune.simulation.objectives import Objective
    from altune.tuning.search import SearchProgress
    from altune.tuning.trials import TrialRecord

STAGES = {
    "baselines": "baselines",
    "search": "searching",
    "confirmation": "confirming",
    "examination": "examining",
    "ablation": "ablation",
}


class TimeLeft(ProgressColumn):
    """Estimated time left."""

    def render(self, task: Task) -> Text:
        """Return the time left as ``about 1:23 left``, empty before it can be estimated."""
        done, total = task.completed - task.fields.get("read_back", 0), task.total
        if not total or done < 1 or task.elapsed is None:
            return Text("")
        left = int(task.elapsed * (total - task.completed) / done)
        return Text(f"about {left // 60}:{left % 60:02d} left", style="cyan")


class ConsoleObserver:
    """Display progress with rich in a terminal; print a line from time to time elsewhere.

    Parameters
    ----------
    quiet : print messages only, no progress.
    objectives : objectives of the search; the first one is shown first.
    data_sets : number of data sets that share the search; values of several are means over them.
    """

    def __init__(self, quiet: bool = False, objectives: Sequence[Objective] = (), data_sets: int = 1) -> None:
        self.console = Console(stderr=True, highlight=False)
        self._quiet = quiet
        self._objectives = tuple(objectives)
        self._data_sets = data_sets
        self._live = self.console.is_terminal and not quiet
        self._progress: Progress | None = None
        self._task: Any = None
        self._baselines: dict[str, float] = {}
        self._printed = 0
        self._spoken = 0.0
        self._finished_before: int | None = None

    def __enter__(self) -> ConsoleObserver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the live display."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def say(self, line: str) -> None:
        """Print a message."""
        self.console.print(f"altune: {line}", markup=False)

    def stage(self, name: str, trajectories: int) -> None:
        """Start the progress bar of a stage."""
        self.close()
        self._printed = 0
        label = STAGES.get(name, name)
        if self._live:
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeLeft(),
                TextColumn("{task.fields[note]}", markup=False),
                console=self.console,
                transient=True,
            )
            self._progress.start()
            self._task = self._progress.add_task(label, total=trajectories, note="", read_back=0)
        elif not self._quiet:
            self.console.print(f"{label}: {trajectories} trajectories", markup=False)

    def played(self) -> None:
        """Advance the bar by one trajectory."""
        if self._progress is not None:
            self._progress.advance(self._task)

    def baseline(self, name: str, value: float) -> None:
        """Remember the value of a baseline, to show it beside the best trial."""
        self._baselines[name] = value

    def search(self, progress: SearchProgress) -> None:
        """Show the number of finished trials and the best value beside the baselines."""
        note = self._note(progress)
        if self._finished_before is None:
            self._finished_before = progress.finished
        if self._progress is not None:
            share = progress.played / progress.to_play if progress.to_play else 0.0
            total = self._progress.tasks[-1].total or 1
            each = total / max(1, progress.wanted)
            within = share * min(progress.in_batch, progress.wanted - progress.finished) if progress.in_batch else 0.0
            self._progress.update(
                self._task,
                completed=round((progress.finished + within) * each),
                read_back=round(self._finished_before * each),
                note=note,
            )
        elif not self._quiet and self._worth_a_line(progress):
            self.console.print(f"  {progress.finished} of {progress.wanted} trials; {note}", markup=False)

    def _worth_a_line(self, progress: SearchProgress) -> bool:
        if progress.finished <= self._printed:
            return False
        now = time.monotonic()
        if progress.finished < progress.wanted and now - self._spoken < 10:
            return False
        self._printed, self._spoken = progress.finished, now
        return True

    def _note(self, progress: SearchProgress) -> str:
        parts = [f"{progress.finished} of {progress.wanted} trials"] if self._live else []
        parts += self._best_so_far(progress.best)
        parts += [f"{name.replace('_', ' ')} {_amount(value)}" for name, value in self._baselines.items()]
        if progress.dropped:
            parts.append(f"{progress.dropped} dropped early")
        if progress.failed:
            parts.append(f"{progress.failed} failed")
        return ", ".join(parts)

    def _best_so_far(self, best: TrialRecord | None) -> list[str]:
        """Return the best trial so far: its first objective, then the others."""
        if best is None or best.value is None:
            return []
        first = "lowest" if self._objectives and self._objectives[0].direction == "minimize" else "best"
        over = f" (mean over {self._data_sets} data sets)" if self._data_sets > 1 else ""
        others = "".join(
            f" with {_amount(value)} {objective.kind.plain}"
            for objective, value in zip(self._objectives[1:], best.objectives[1:], strict=False)
        )
        return [f"{first} so far {_amount(best.value)}{over}{others}"]


def _amount(value: float) -> str:
    """Return a value of any objective: three decimals for a score, none for hundreds of labels."""
    digits = 3 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{digits}f}"
