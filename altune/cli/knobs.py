"""``altune knobs``: the methods of each knob, and the columns of metadata that a strategy may read."""

from __future__ import annotations

from typing import Annotated

import typer

from altune.cli.options import AsJson
from altune.cli.output import print_json


def knobs(
    knob: Annotated[str | None, typer.Argument(metavar="KNOB", help="Knob to list, or `model`.")] = None,
    method: Annotated[str | None, typer.Argument(metavar="METHOD", help="Method to show in full.")] = None,
    metadata: Annotated[
        bool,
        typer.Option("--metadata", help="List the columns of metadata that a query strategy may rank rows by."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the methods of each knob with their parameters, needs and source."""
    from altune.core.errors import RequestError
    from altune.report.texts.knobs import (
        broken_methods,
        columns_as_dict,
        columns_table,
        knob_table,
        knobs_as_dict,
        method_page,
    )

    if metadata and knob is not None:
        raise RequestError(f"--metadata lists columns of metadata, not methods; leave out {knob!r} or --metadata")
    if metadata:
        text, listed = columns_table(), columns_as_dict()
    elif method is not None and knob is not None:
        text, listed = method_page(knob, method), knobs_as_dict(knob, method)
    else:
        text, listed = knob_table(knob), knobs_as_dict(knob)
        if broken := broken_methods():
            listed["broken"] = broken
    print_json(listed) if as_json else print(text)
