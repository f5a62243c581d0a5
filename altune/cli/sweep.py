"""``altune sweep``: many runs from one file, summarised in one table and one page."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from altune.cli.options import AsJson, Jobs, Quiet
from altune.cli.output import print_json
from altune.core.standard_streams import print_remark

if TYPE_CHECKING:
    from altune.analysis.sweep.result import Sweep, SweptCell
    from altune.workflows.sweep.planning import SweepPlan


def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Sweep in YAML.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the sweep.  [default: runs/FILE]")] = None,
    jobs: Jobs = -1,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List the cells, the number of trajectories and the estimated time, and exit."),
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Tune every combination of the data sets, models, spaces, budgets and seeds that FILE lists.

    After an interruption, the same command resumes the sweep. Cells can be added to FILE at any time.
    """
    from altune.workflows.progress import SweepProgress, console_display
    from altune.workflows.sweep.planning import plan_sweep
    from altune.workflows.sweep.sweep import sweep as play

    if dry_run:
        planned = plan_sweep(file, out=out, n_jobs=jobs)
        print_json(planned.to_dict()) if as_json else print(plan_text(planned))
        return
    console = SweepProgress(console_display(quiet or as_json))
    try:
        result = play(file, out=out, n_jobs=jobs, observer=console)
    except KeyboardInterrupt:
        console.close()
        _print_resume_command(file, out)
        raise typer.Exit(130) from None
    finally:
        console.close()
    print_json(result.to_dict()) if as_json else print(sweep_text(result))
    if result.failed:
        raise typer.Exit(1)


def plan_text(planned: SweepPlan) -> str:
    """Return the plan of a sweep as text."""
    from altune.core.text import counted, memory_words, time_words
    from altune.report.texts.aligned import table
    from altune.workflows.sweep.planning import FINISHED, IMPOSSIBLE

    rows = [
        {name: "-" if value is None else value for name, value in cell.coordinates.items()}
        | {"state": cell.state, "trajectories": cell.trajectories}
        for cell in planned.cells
    ]
    lines = [table(rows), ""]
    lines += [f"impossible: {cell.folder}: {cell.reason}" for cell in planned.cells if cell.state == IMPOSSIBLE]
    counts = [f"{counted(len(planned.cells), 'cell')}"]
    counts += [f"{planned.count(FINISHED)} of them already finished"] if planned.count(FINISHED) else []
    counts += [f"{planned.left_out} more left out by `skip`"] if planned.left_out else []
    lines.append(", ".join(counts))
    lines.append(f"{planned.trajectories} trajectories to play at most; those that cells share are played once")
    if planned.trajectories:
        lines.append(f"{time_words(planned.seconds, planned.jobs)}, estimated from a few trajectories of each cell")
        lines += [f"memory: {memory_words(planned.memory, planned.jobs)}"] if planned.memory else []
    return "\n".join([*lines, f"folder: {planned.folder}"])


def sweep_text(result: Sweep) -> str:
    """Return the results of a sweep as text."""
    from altune.analysis.sweep.results import CSV_FILE, PAGE_FILE, PARQUET_FILE
    from altune.report.texts.aligned import table

    lines = [table([_line(run) for run in result.runs], wide="recipe"), "", result.answer, ""]
    lines += [f"failed: {run.cell}: {run.reason}" for run in result.failed]
    lines += [""] if result.failed else []
    lines.append(f"{result.folder / PAGE_FILE}         overview of all cells, for a browser")
    lines.append(f"{result.folder / CSV_FILE}        one row per cell and baseline")
    lines.append(f"{result.folder / PARQUET_FILE}    the same table with types")
    return "\n".join(lines)


def _line(run: SweptCell) -> dict[str, Any]:
    gaps = dict.fromkeys(("confirmed", "random", "recipe - random", "labels saved", "recipe"), "-")
    if run.result is None:
        return {"cell": str(run.cell), "state": run.state, **gaps}
    from altune.analysis.sweep.rows import interval_text, won_labels
    from altune.tuning.judging import REFERENCE

    row = next(row for row in run.result.rows if row["baseline"] == REFERENCE)
    return {
        "cell": str(run.cell),
        "state": run.state,
        "confirmed": f"{row['confirmed_mean']:.4g}",
        "random": f"{row['baseline_mean']:.4g}",
        "recipe - random": interval_text(row["difference"], row["low"], row["high"]),
        "labels saved": "-" if (saved := won_labels(row)) is None else saved,
        "recipe": row["recipe"] or "-",
    }


def _print_resume_command(file: Path, out: Path | None) -> None:
    from altune.analysis.sweep.request import read_sweep
    from altune.workflows.sweep.sweep import finished_cells, sweep_folder

    request, folder = read_sweep(file), sweep_folder(file, out)
    print_remark(
        f"\naltune: stopped; {finished_cells(request, folder)} of {len(request.cells())} cells are finished in "
        f"{folder}. To resume, run the same command:\n  {shlex.join(['altune', *sys.argv[1:]])}",
    )
