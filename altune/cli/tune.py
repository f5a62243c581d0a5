"""``altune tune``: search, confirm, write the run's folder."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from altune.cli.options import AsJson, ManyDataOptions, Quiet
from altune.cli.output import print_json
from altune.cli.run_options import ConfirmationOptions, MachineOptions, SearchOptions, make_settings
from altune.core.standard_streams import print_remark

if TYPE_CHECKING:
    from altune.analysis.run import Run
    from altune.recipes.space import SearchSpace
    from altune.simulation.environment import Environment
    from altune.tuning.settings import Settings


def tune(
    search: SearchOptions,
    environment: ManyDataOptions,
    confirmation: ConfirmationOptions,
    machines: MachineOptions,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the run.  [default: runs/DATA-SPACE-DIGEST]")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, with all defaults, and exit.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search for the best way to run active learning on DATA and confirm it on fresh blocks.

    After an interruption, the same command resumes the run.
    """
    with nullcontext() if dry_run else machines.early():
        from altune.recipes.space.changes import shown
        from altune.workflows.plan import plan
        from altune.workflows.progress import ProgressObserver, console_display
        from altune.workflows.tune import tune_environments

        settings = make_settings(search, confirmation)
        environments = environment.make(search.seed)
        away = environment.make_away(confirmation.confirm_on or [], environments, search.seed)
        resources = machines.make([*environments, *away], search.timeout)
        space = search.make_space(environments)
        shared = machines.storage is not None
        folder = out if out is not None else _default_folder(environments, space, settings, shared, away)
        if dry_run:
            sizes = confirmation.confirm, confirmation.ablation
            planned = plan(
                environments,
                space,
                settings,
                folder,
                *sizes,
                away=away,
                jobs=resources.jobs,
                timeout=resources.timeout,
                shared=shared,
            )
            _print_plan(planned, as_json)
            return
        with closing(ProgressObserver(console_display(quiet or as_json))) as observer:
            for knob in search.fix or []:
                observer.say(f"{knob} is fixed at {shown(space.base_recipe().to_dict()[knob])}")
            try:
                run = tune_environments(
                    environments,
                    space,
                    settings,
                    resources,
                    away=away,
                    confirm=confirmation.confirm,
                    ablation=confirmation.ablation,
                    out=folder,
                    observer=observer,
                )
            except KeyboardInterrupt:
                observer.close()
                _print_resume_command(folder)
                raise typer.Exit(130) from None
        print_json(run.to_dict()) if as_json else _print_run(run, folder)


def _default_folder(
    environments: Sequence[Environment],
    space: SearchSpace,
    settings: Settings,
    shared: bool,
    away: Sequence[Environment],
) -> Path:
    from altune.core.files import file_name_of
    from altune.tuning.header import header_digest
    from altune.tuning.run_folder import folder_of_run
    from altune.tuning.study_setup import SHARED, StudySetup

    names = "-".join(environment.dataset.name for environment in environments)
    prefix = f"{file_name_of(names)}-{file_name_of(space.name or 'space')}-"
    setup = StudySetup(environments, space, settings, why_fixed=SHARED if shared else "", away=away)
    return folder_of_run(Path("runs") / f"{prefix}{header_digest(setup.header())[:8]}", prefix, setup)


def _print_plan(planned: Mapping[str, Any], as_json: bool) -> None:
    from altune.report.texts.plan import plan_text

    print_json(planned) if as_json else print(plan_text(planned))


def _print_resume_command(folder: Path) -> None:
    from altune.tuning.run_folder import finished_trials

    print_remark(
        f"\naltune: stopped; {finished_trials(folder)} finished trials are stored in {folder}. "
        f"To resume, run the same command:\n  {shlex.join(['altune', *sys.argv[1:]])}",
    )


def _print_run(run: Run, folder: Path) -> None:
    from altune.tuning.run_folder import CURVES_FILE, RECIPE_FILE, REPORT_FILE, SHARED_FILE
    from altune.tuning.storage import JOURNAL

    print(run.answer)
    print(f"\n{folder / RECIPE_FILE}   the recipe" if run.confirmation else "")
    print(f"{folder / REPORT_FILE}   the report, for a browser")
    print(f"{folder / CURVES_FILE}    all learning curves")
    if (folder / SHARED_FILE).is_file():
        print(f"{folder / SHARED_FILE}  the address of the study")
    else:
        print(f"{folder / JOURNAL}  the Optuna study")
    if run.confirmation:
        start = shlex.join(["altune", "campaign", "start", "POOL", "--recipe", str(folder)])
        print(f"\nTo label for real, with POOL as the file of your rows: {start}")
