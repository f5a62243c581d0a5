"""``altune spaces``: shipped search spaces, their JSON Schema, and checks against a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from altune.cli.options import AsJson, ModelOption, ReadingOptions, ScenarioOptions
from altune.cli.output import print_json

if TYPE_CHECKING:
    from altune.recipes.space import SpaceCheck


def spaces(
    name: Annotated[
        str | None, typer.Argument(metavar="SPACE", help="Search space to print as YAML: shipped name or file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the search spaces that altune ships, or print one.

    See also `altune spaces check --help` and `altune spaces schema --help`.
    """
    from altune.recipes.space import SearchSpace, list_spaces
    from altune.recipes.space.shipped import find_space
    from altune.report.texts.aligned import table

    if name is not None:
        found = SearchSpace.load(name)
        print_json(found.to_dict()) if as_json else print(find_space(name).read_text("utf-8").rstrip())
        return
    listed = list_spaces()
    print_json(listed) if as_json else print(table(listed, wide="summary"))


def schema(
    recipes: Annotated[bool, typer.Option("--recipes", help="Print the schema of recipe files instead.")] = False,
) -> None:
    """Print the JSON Schema of search space files, for editors.

    Store it beside your files and name it in their first line: # yaml-language-server: $schema=space.schema.json
    """
    from altune.recipes.space import recipe_schema, space_schema

    print_json(recipe_schema() if recipes else space_schema())


def check(
    space: Annotated[str, typer.Argument(metavar="SPACE", help="Shipped search space or YAML file.")],
    scenario: ScenarioOptions,
    data: Annotated[str, typer.Option(metavar="DATA", help="A built-in data set (see `altune datasets`) or a file.")],
    reading: ReadingOptions,
    model: ModelOption = None,
    as_json: AsJson = False,
) -> None:
    """Show which alternatives of a search space remain on a data set, without playing anything."""
    from altune.models import as_model
    from altune.recipes.space import SearchSpace, check_space
    from altune.simulation.environment import make_environment

    given = SearchSpace.load(space)
    if model is not None:
        given = given.with_model(as_model(model))
    found = check_space(given, make_environment(data, **reading.reading(), **scenario.arguments()).capabilities)
    print_json(found.to_dict()) if as_json else print(check_text(found))


def check_text(found: SpaceCheck) -> str:
    """Return the result of a check as text: open alternatives of each knob, what was left out and why, and the size."""
    from altune.report.texts.aligned import table

    rows = [
        {
            "knob": one.knob,
            "alternatives": f"{len(one.left)} of {len(one.given)}",
            "open inside": ", ".join(path.removeprefix(f"{one.knob}.") for path in one.open if path != one.knob) or "-",
        }
        for one in found.knobs
    ]
    count = "infinitely many" if found.recipes is None else found.recipes
    lines = [table(rows, wide="open inside"), ""]
    lines += [f"left out: {reason}" for one in found.knobs for reason in one.left_out]
    lines.append(f"recipes: {count}; {100 * found.forbidden_share:.0f} % of {found.draws} random draws are forbidden")
    lines += [f"  {draws} draws: {reason}" for reason, draws in found.reasons]
    return "\n".join(lines)
