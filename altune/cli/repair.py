"""``altune repair``: repair a run or a shared study after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from altune.cli.options import AsJson
from altune.cli.output import print_json
from altune.core.errors import RequestError


def repair(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="Folder of a run.")] = None,
    storage: Annotated[str | None, typer.Option(metavar="URL", help="PostgreSQL database of the study.")] = None,
    study: Annotated[str, typer.Option(metavar="NAME", help="Name of the study in the database.")] = "altune",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is wrong without changing anything.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with the folder of a run or with a shared study, and repair it.

    No finished trial is lost: lines that cannot stay in the journal are moved to a file beside it.
    """
    from altune.workflows.repair import repair as repair_run
    from altune.workflows.repair import repair_shared

    if (run is None) == (storage is None):
        raise RequestError("give the folder of a run, or --storage URL (and --study NAME) for a shared study")
    repaired = (
        repair_run(run, dry_run=dry_run) if run is not None else repair_shared(str(storage), study, dry_run=dry_run)
    )
    print_json(repaired.to_dict()) if as_json else print("\n".join(repaired.lines))
