"""``altune report``: write the report of a run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from altune.cli.options import AsJson
from altune.cli.output import print_json


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write.  [default: RUN/report.html]")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the report of a run again from its study, and print its answer."""
    from altune.core.files import write_text
    from altune.report.own_files import PAGE, require_own
    from altune.report.pages.run.page import run_page
    from altune.tuning.run_folder import REPORT_FILE
    from altune.workflows.open_run import open_run

    opened = open_run(run)
    path = out if out is not None else run / REPORT_FILE
    require_own(path, PAGE)
    write_text(path, run_page(opened))
    print_json(opened.to_dict()) if as_json else print(f"{opened.answer}\n\n{path}")
