"""``altune examine``: what each loop of a recipe did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from altune.cli.options import AsJson, DataOptions, FreshBlocks, PlayOptions, RecipeArgument
from altune.cli.output import print_json
from altune.core.system_errors import system_errors

if TYPE_CHECKING:
    from altune.analysis.loops.facts import LoopFacts

PAGE_FILE = "examined.html"
TABLE_FILE = "loops.csv"


def examine(
    environment: DataOptions,
    recipe: RecipeArgument,
    playing: PlayOptions,
    blocks: FreshBlocks = 5,
    projection: Annotated[
        str,
        typer.Option("--map", metavar="NAME", help="Projection of the map of the pool: pca, or umap (extra `umap`)."),
    ] = "pca",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help=f"Write the page {PAGE_FILE} and the table {TABLE_FILE}.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play one recipe on DATA and show what each of its loops did.

    It shows the classes and rows bought, the audit, the uncertainty of the model, a map of the pool, and where each
    stopping rule would have stopped.
    """
    from altune.recipes.recipe import RECOMMENDED
    from altune.report.own_files import LOOP_TABLE, PAGE, require_own_files
    from altune.simulation.environment import make_environment
    from altune.workflows.examine import examine as play
    from altune.workflows.recipes import find_recipe

    if out is not None:
        require_own_files(out, {PAGE_FILE: PAGE, TABLE_FILE: LOOP_TABLE})
    # Only the recommended recipe depends on the data.
    environments = [make_environment(seed=playing.seed, **environment.arguments())] if recipe == RECOMMENDED else []
    played = find_recipe(recipe, playing.model, environments)
    given = {**playing.arguments(), "model": None}
    facts = play(played, projection=projection, **environment.arguments(), **given, n_blocks=blocks)  # type: ignore[arg-type]
    if as_json:
        print_json(facts.to_dict() | ({} if out is None else {"page": str(out / PAGE_FILE)}))
    else:
        print(_text(facts))
    if out is not None:
        from altune.core.files import write_table, write_text
        from altune.report.pages.loops import loops_page

        with system_errors(out):
            out.mkdir(parents=True, exist_ok=True)
        write_text(out / PAGE_FILE, loops_page(facts, played))
        write_table(out / TABLE_FILE, facts.to_frame())
        if not as_json:
            print(f"\n{out / PAGE_FILE}")


def _text(facts: LoopFacts) -> str:
    from altune.analysis.loops.sentences import loop_sentences
    from altune.report.texts.aligned import table

    rows = [
        {
            "loop": loop,
            "labels": f"{facts.labels.mean[index]:.0f}",
            "rows": f"{facts.rows.mean[index]:.1f}",
            "evenness": f"{facts.balance.evenness.mean[index]:.3f}",
            "imbalance": f"{facts.balance.imbalance.mean[index]:.3f}",
            "by chance": f"{facts.balance.by_chance[index]:.3f}",
            **_uncertainty(facts, index),
            **_audited(facts, index),
        }
        for index, loop in enumerate(facts.loops)
    ]
    lines = [f"{facts.recipe} On {facts.data}, mean of {facts.blocks} blocks:", "", table(rows), ""]
    return "\n".join([*lines, *loop_sentences(facts)])


def _uncertainty(facts: LoopFacts, index: int) -> dict[str, str]:
    if facts.uncertainty is None:
        return {}
    uncertainty = facts.uncertainty["least_confidence"]
    return {
        "1 - p picked": _number(uncertainty.picked.mean[index]),
        "1 - p pool": _number(uncertainty.pool.mean[index]),
    }


def _audited(facts: LoopFacts, index: int) -> dict[str, str]:
    if facts.audit is None:
        return {} if facts.wrong_used is None else {"wrong used": _number(facts.wrong_used.mean[index])}
    audit = facts.audit
    return {
        "suspects": _number(audit.suspects.mean[index], 1),
        "truly wrong": _number(audit.right.mean[index], 1),
        "wrong used": _number(audit.wrong_used.mean[index]),
    }


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
