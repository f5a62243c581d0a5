"""``altune campaign``: run a recipe with people as annotators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from altune.cli.groups import list_commands
from altune.cli.options import RECIPE_FORMS, AsJson, FileOptions, Metric, Seed
from altune.cli.output import print_error, print_json
from altune.cli.parsing import read_loops, read_names
from altune.core.text import counted

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the campaign.")]
IdColumn = Annotated[
    str | None,
    typer.Option(
        "--id", metavar="COLUMN", help="Column with the names of the rows.  [default: their position, from 0]"
    ),
]
AnnotatorName = Annotated[str | None, typer.Option("--annotator", metavar="NAME", help="Name of the annotator.")]


def campaign(
    what: Annotated[
        str | None, typer.Argument(metavar="WHAT", help="Name of a command; each has its own --help.")
    ] = None,
) -> None:
    """Run a recipe with people as annotators: `start`, then `next` and `submit` until it ends.

    Each is a command of its own; see `altune campaign start --help`.
    """
    list_commands("campaign", what)


def start(
    pool: Annotated[str, typer.Argument(metavar="POOL", help="File with the rows that may be labelled.")],
    reading: FileOptions,
    recipe: Annotated[str, typer.Option("--recipe", metavar="RECIPE", help=RECIPE_FORMS)] = "recommended",
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="Classes that a label may name, such as spam,ham.  [default: those of a run]"
        ),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(metavar="N", help="Number of labels that may be bought."),
    ] = None,
    loops: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Maximum number of loops after the initial sample, or `unlimited`.  [default: 20]"
        ),
    ] = None,
    metric: Metric = None,
    people: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Names of the annotators, such as ann,bob.")
    ] = None,
    hold_out: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Number of random rows that are labelled beyond the budget to measure the model, never to train it.",
        ),
    ] = 0,
    row_names: IdColumn = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the campaign.  [default: campaigns/POOL]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Begin a campaign on the rows of POOL, which are copied into its folder.

    A run as the recipe also brings its budget, loops, metric and classes. Labels that exist already, in a column with
    gaps (--target), count as bought.
    """
    from altune.campaign import Campaign
    from altune.core.files import file_name_of
    from altune.data.files import data_name

    folder = out if out is not None else Path("campaigns") / file_name_of(data_name(pool))
    with Campaign.create(
        folder,
        recipe,
        pool,
        classes=read_names(classes),
        budget=budget,
        annotators=read_names(people),
        hold_out=hold_out,
        ids=row_names,
        seed=seed,
        loops=read_loops(loops),
        metric=metric,
        **reading.reading(),
    ) as begun:
        batch = begun.ask()
        if as_json:
            print_json({"folder": str(folder), "budget": begun.scenario.labels, "batch": len(batch)})
            return
        print(f"{folder}: a campaign of {counted(begun.scenario.labels, 'label')}; the first batch has {len(batch)}")
        print(f"\n    altune campaign next {_quoted(folder)}")


def next_batch(
    folder: Folder,
    annotator: AnnotatorName = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV or JSON Lines file to write.  [default: batch-N.csv in the folder]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the rows that are to be labelled now, with an empty column for the label.

    Where the last batch is complete, the model is trained and the next one chosen first. Rows that are labelled already
    are left out. Fill in the column `label`, with `?` where an annotator cannot tell, and give the file to `submit`.
    """
    from altune.campaign import Campaign
    from altune.campaign.forms import write_batch

    with Campaign.open(folder) as opened:
        batch = opened.ask(annotator)
        path = out if out is not None else folder / f"batch-{batch.number}.csv"
        if batch:
            write_batch(opened, batch, path)
        ended = opened.should_stop()
        if as_json:
            written = str(path) if batch else None
            print_json({"batch": batch.number, "labels": len(batch), "file": written, "stopped": ended})
        elif batch:
            print(f"{path}: {counted(len(batch), 'label')} to give")
            print(f"\n    altune campaign submit {_quoted(folder)} {_quoted(path)}")
        else:
            print(f"the campaign has ended ({ended})" if ended else "there is nothing to label for this annotator now")


def submit(
    folder: Folder,
    answers: Annotated[
        Path, typer.Argument(metavar="ANSWERS", help="CSV or JSON Lines file with the columns row and label.")
    ],
    annotator: AnnotatorName = None,
    as_json: AsJson = False,
) -> None:
    """Take the labels of a file, all or none.

    Lines without a label are left out; `?` says that the annotator cannot tell. A column `annotator` says who answered,
    a column `seconds` how long it took. A label of a row that has one corrects it.
    """
    from altune.campaign import Campaign
    from altune.campaign.forms import submit as take

    with Campaign.open(folder) as opened:
        count, problems = take(opened, answers, annotator)
        status = opened.status()
    for problem in problems:
        print_error(problem)
    if problems:
        raise typer.Exit(2)
    if as_json:
        print_json({"answers": count, **status.to_dict()})
        return
    print(f"{counted(count, 'answer')} taken; {status.summary}")
    if not status.open:
        print(f"\n    altune campaign next {_quoted(folder)}")


def status(folder: Folder, as_json: AsJson = False) -> None:
    """Show how far a campaign is: labels, annotators, and the model on hold-out rows. Nothing is trained."""
    from altune.campaign import Campaign
    from altune.campaign.texts import status_text

    found = Campaign.open(folder, read_only=True).status()
    print_json(found.to_dict()) if as_json else print(status_text(found))


def predict(
    folder: Folder,
    reading: FileOptions,
    rows: Annotated[
        Path | None,
        typer.Argument(
            metavar="[ROWS]", help="File with other rows of the same columns, in place of those of the campaign."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="CSV file to write.")] = Path("predictions.csv"),
) -> None:
    """Write the class that the current model predicts for each row."""
    from altune.campaign import Campaign
    from altune.core.files import write_table

    with Campaign.open(folder) as opened:
        found = opened.predict(rows, **reading.reading())
    write_table(out, found)
    print(f"{out}: predictions of {counted(len(found), 'row')}")


def export(
    folder: Folder,
    answers: Annotated[bool, typer.Option("--answers", help="Write every answer of every annotator instead.")] = False,
    out: Annotated[Path, typer.Option(metavar="FILE", help="CSV file to write.")] = Path("labels.csv"),
) -> None:
    """Write the label of each row that has one, as the recipe combines the answers about it."""
    import pandas as pd

    from altune.campaign import Campaign
    from altune.core.files import write_table

    with Campaign.open(folder, read_only=True) as opened:
        found = opened.answers() if answers else pd.DataFrame(opened.labels().items(), columns=["row", "label"])
    write_table(out, found)
    print(f"{out}: {counted(len(found), 'answer' if answers else 'label')}")


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
