"""Write the files of a run, a comparison and a sweep into their folders."""

from __future__ import annotations

from pathlib import Path

from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.run import Run
from altune.analysis.sweep.result import Sweep
from altune.analysis.sweep.results import CSV_FILE, PAGE_FILE, PARQUET_FILE
from altune.core.errors import RequestError
from altune.core.files import storing, write_table, write_text, written_whole
from altune.core.system_errors import system_errors
from altune.core.yaml import write_yaml
from altune.report.own_files import COMPARISON_TABLE, PAGE, require_own_files
from altune.report.pages.comparison.page import compare_page
from altune.report.pages.run.page import run_page
from altune.report.pages.sweep import sweep_page
from altune.tuning.run_folder import CURVES_FILE, RECIPE_FILE, REPORT_FILE, away_scenario_file, scenario_file

COMPARISON_FILE = "compare.html"
BLOCKS_FILE = "results.csv"
RESUME = "repeat the command to resume"


def write_run(run: Run) -> None:
    """Write ``recipe.yaml``, ``scenario.yaml``, ``curves.csv`` and ``report.html`` into the run's folder.

    Each data set that no trial saw has a scenario of its own.

    Raises
    ------
    RequestError
        If the run is in memory.
    StorageError
        If the folder cannot be written.
    """
    folder = run.folder
    if folder is None:
        raise RequestError("a run in memory has no folder; give tune() an `out`")
    scenarios = run.record.scenarios
    with storing(folder, RESUME):
        for name, scenario in scenarios.items():
            write_text(folder / scenario_file(scenarios, name), write_yaml(scenario.to_dict()))
        for name, scenario in run.record.away.scenarios.items():
            write_text(folder / away_scenario_file(name), write_yaml(scenario.to_dict()))
        if run.confirmation is not None:
            run.best_recipe.save(folder / RECIPE_FILE)
        write_table(folder / CURVES_FILE, run.curves())
        write_text(folder / REPORT_FILE, run_page(run))


def require_comparison_folder(folder: str | Path) -> None:
    """Refuse a folder in which :func:`write_comparison` would replace a file that it did not write.

    Raises
    ------
    RequestError
        With the file, or if nothing can be written there.
    """
    require_own_files(folder, {COMPARISON_FILE: PAGE, BLOCKS_FILE: COMPARISON_TABLE})


def write_comparison(comparison: RecipeComparison, folder: str | Path) -> None:
    """Write ``compare.html`` and ``results.csv`` into a folder, which is created if there is none.

    Raises
    ------
    RequestError
        If one of the two exists and is not of a comparison.
    StorageError
        If the folder cannot be written.
    """
    require_comparison_folder(folder)
    where = Path(folder)
    with system_errors(where):
        where.mkdir(parents=True, exist_ok=True)
    write_table(where / BLOCKS_FILE, comparison.to_frame())
    write_text(where / COMPARISON_FILE, compare_page(comparison))


def write_sweep(sweep: Sweep) -> None:
    """Write ``results.csv``, ``results.parquet`` and ``sweep.html`` into the sweep's folder.

    Raises
    ------
    StorageError
        If the folder cannot be written.
    """
    table = sweep.to_frame()
    with storing(sweep.folder, RESUME):
        write_table(sweep.folder / CSV_FILE, table)
        with written_whole(sweep.folder / PARQUET_FILE) as partial:
            table.to_parquet(partial, index=False)
        write_text(sweep.folder / PAGE_FILE, sweep_page(sweep))
