"""``altune recommend``: a recipe without any label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from altune.cli.options import AsJson, FileOptions
from altune.cli.output import print_json


def recommend(
    reading: FileOptions,
    pool: Annotated[
        str | None,
        typer.Argument(
            metavar="POOL",
            help="Rows that may be labelled, as a file or the name of a built-in data set, whose labels are not used.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="Name of the model to use.")
    ] = "logistic_regression",
    budget: Annotated[int | None, typer.Option(metavar="N", help="Number of labels that may be bought.")] = None,
    n_classes: Annotated[
        int | None, typer.Option(metavar="K", help="Number of classes.  [default: that of a built-in data set]")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write the recipe to.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recommend a recipe without any label, with what is known of it on other data.

    With a pool, it is checked that the recipe can be played there.
    """
    from altune.report.texts.recommendation import recommendation_text
    from altune.workflows.recommend import recommend as find

    found = find(pool, model=model, budget=budget, n_classes=n_classes, **reading.reading())
    if out is not None:
        found.save(out)
    if as_json:
        print_json(found.to_dict() | ({} if out is None else {"file": str(out)}))
        return
    print(recommendation_text(found, pool, out, reading.reading()))
