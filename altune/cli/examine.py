"""``altune examine``: what each loop of a recipe did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from altune.cli.options import AsJson, DataOptions, FreshBlocks, PlayOptions
from altune.cli.output import print_json

if TYPE_CHECKING:
    from altune.analysis.loops.facts import LoopFacts

PAGE_FILE = "examined.html"
TABLE_FILE = "loops.csv"


def examine(
    environment: DataOptions,
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="random_sampling, vanilla, or a YAML file.")],
    playing: PlayOptions,
    blocks: FreshBlocks = 5,
    projection: Annotated[
        str, typer.Option("--map", metavar="NAME", help="How the pool is drawn: pca, or umap (extra `umap`).")
    ] = "pca",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help=f"Write the page {PAGE_FILE} and the table {TABLE_FILE}.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play one recipe on DATA and say what each of its loops did.

    Which classes were bought, how many rows, what the audit found, how unsure the model was, where in the pool the rows
    lie, and where each stopping rule would have ended it.
    """
    from altune.models import as_model
    from altune.recipes.recipe import load_recipe
    from altune.workflows.examine import examine as play

    played = load_recipe(recipe)
    if playing.model is not None:
        played = played.replace(model=as_model(playing.model))
    given = {**playing.arguments(), "model": None}
    found = play(played, projection=projection, **environment.arguments(), **given, n_blocks=blocks)  # type: ignore[arg-type]
    if out is not None:
        from altune.core.files import write_text
        from altune.report.pages.loops import loops_page

        make_folder(out)
        write_text(out / PAGE_FILE, loops_page(found, played))
        write_text(out / TABLE_FILE, found.to_frame().to_csv(index=False))
    if as_json:
        print_json(found.to_dict() | ({} if out is None else {"page": str(out / PAGE_FILE)}))
        return
    print(_text(found))
    if out is not None:
        print(f"\n{out / PAGE_FILE}")


def make_folder(folder: Path) -> None:
    """Make a folder for results, unless it is there.

    Raises
    ------
    RequestError
        If it cannot be made.
    """
    from altune.core.errors import RequestError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{folder}: cannot be made: {error.strerror}") from None


def _text(facts: LoopFacts) -> str:
    from altune.analysis.loops.sentences import loop_sentences
    from altune.report.texts.tables import table

    rows = [
        {
            "loop": loop,
            "labels": f"{facts.labels.mean[place]:.0f}",
            "rows": f"{facts.rows.mean[place]:.1f}",
            "evenness": f"{facts.balance.evenness.mean[place]:.3f}",
            "imbalance": f"{facts.balance.imbalance.mean[place]:.3f}",
            "by chance": f"{facts.balance.by_chance[place]:.3f}",
            **_unsure(facts, place),
            **_audited(facts, place),
        }
        for place, loop in enumerate(facts.loops)
    ]
    lines = [f"{facts.recipe} On {facts.data}, mean of {facts.blocks} blocks:", "", table(rows), ""]
    return "\n".join([*lines, *loop_sentences(facts)])


def _unsure(facts: LoopFacts, place: int) -> dict[str, str]:
    if facts.uncertainty is None:
        return {}
    found = facts.uncertainty["least_confidence"]
    return {"1 - p picked": _number(found.picked.mean[place]), "1 - p pool": _number(found.pool.mean[place])}


def _audited(facts: LoopFacts, place: int) -> dict[str, str]:
    if facts.audit is None:
        return {} if facts.wrong_used is None else {"wrong used": _number(facts.wrong_used.mean[place])}
    audit = facts.audit
    return {
        "suspects": _number(audit.suspects.mean[place], 1),
        "truly wrong": _number(audit.right.mean[place], 1),
        "wrong used": _number(audit.wrong_used.mean[place]),
    }


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
