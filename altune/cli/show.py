"""``altune report``, ``knobs`` and ``datasets``: what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from altune.cli.options import AsJson
from altune.cli.output import print_json


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; by default RUN/report.html.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a run's page again from its study, and print the answer."""
    from altune.plain import write_text
    from altune.report.run.page import run_page
    from altune.run import REPORT_FILE, open_run

    found = open_run(run)
    path = out if out is not None else run / REPORT_FILE
    write_text(path, run_page(found))
    print_json(found.to_dict()) if as_json else print(f"{found.answer}\n\n{path}")


def knobs(
    knob: Annotated[str | None, typer.Argument(metavar="KNOB", help="One knob, or `model`.")] = None,
    method: Annotated[str | None, typer.Argument(metavar="METHOD", help="One method of it, in full.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the methods of each knob with their parameters, needs and source."""
    from altune.report.texts.tables import knob_table, knobs_as_dict, method_page

    if method is not None and knob is not None:
        text, listed = method_page(knob, method), knobs_as_dict(knob, method)
    else:
        text, listed = knob_table(knob), knobs_as_dict(knob)
    print_json(listed) if as_json else print(text)


def datasets(as_json: AsJson = False) -> None:
    """List the built-in data sets."""
    from altune.data import list_datasets
    from altune.report.texts.tables import dataset_rows, dataset_table

    listed = list_datasets()
    print_json(dataset_rows(listed)) if as_json else print(dataset_table(listed))
