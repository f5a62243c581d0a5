"""``altune repair``: say what a kill has left in a run or a shared study, and mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from altune.cli.options import AsJson
from altune.cli.output import print_json
from altune.core.errors import RequestError


def repair(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="The folder of a run.")] = None,
    storage: Annotated[str | None, typer.Option(metavar="URL", help="PostgreSQL database of the study.")] = None,
    study: Annotated[str, typer.Option(metavar="NAME", help="Name of the study in the database.")] = "altune",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is wrong.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong in a run's folder or a shared study, and mend it.

    Nothing that was finished is lost: what cannot stay in the journal is moved into a file beside it.
    """
    from altune.workflows.repair import repair as mend
    from altune.workflows.repair import repair_shared

    if (run is None) == (storage is None):
        raise RequestError("give the folder of a run, or --storage URL (and --study NAME) for a shared study")
    found = mend(run, dry_run=dry_run) if run is not None else repair_shared(str(storage), study, dry_run=dry_run)
    print_json(found.to_dict()) if as_json else print("\n".join(found.lines))
