"""``altune knobs``: the methods of each knob."""

from __future__ import annotations

from typing import Annotated

import typer

from altune.cli.options import AsJson
from altune.cli.output import print_json


def knobs(
    knob: Annotated[str | None, typer.Argument(metavar="KNOB", help="Knob to list, or `model`.")] = None,
    method: Annotated[str | None, typer.Argument(metavar="METHOD", help="Method to show in full.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the methods of each knob with their parameters, needs and source."""
    from altune.report.texts.knobs import knob_table, knobs_as_dict, method_page

    if method is not None and knob is not None:
        text, listed = method_page(knob, method), knobs_as_dict(knob, method)
    else:
        text, listed = knob_table(knob), knobs_as_dict(knob)
    print_json(listed) if as_json else print(text)
