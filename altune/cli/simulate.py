"""``altune simulate``: play one recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from altune.cli.options import AsJson, DataOptions, FreshBlocks, PlayOptions, RecipeOption
from altune.cli.output import print_json
from altune.core.text import counted

if TYPE_CHECKING:
    from altune.simulation.result import Simulation


def simulate(
    environment: DataOptions,
    playing: PlayOptions,
    recipe: RecipeOption = "random_sampling",
    blocks: FreshBlocks = 10,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all points of all learning curves to a file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play one recipe on DATA and print its learning curve."""
    from altune.core.files import write_table
    from altune.report.own_files import CURVE_TABLE, require_own
    from altune.workflows.simulate import simulate as play

    if csv is not None:
        require_own(csv, CURVE_TABLE)
    simulation = play(recipe, **environment.arguments(), **playing.arguments(), n_blocks=blocks)
    if as_json:
        print_json(simulation.to_dict())
    else:
        _print(simulation)
    if csv is not None:
        write_table(csv, simulation.to_frame())


def _print(simulation: Simulation) -> None:
    import numpy as np

    from altune.analysis.costs import Range
    from altune.numerics.statistics import LEAST_BLOCKS
    from altune.report.texts.curves import curve_table

    interval = simulation.interval
    few = f"(no interval below {LEAST_BLOCKS} blocks)"
    bounds = f"[{interval.low:.4f}, {interval.high:.4f}]" if interval.known else few
    over = " over cost" if simulation.objective.over == "cost" else ""
    print(
        f"{simulation.objective.name} of {simulation.objective.metric_text}{over}: {interval.mean:.4f} "
        f"{bounds} over {counted(interval.blocks, 'block')}"
    )
    if any(curve.cost[-1] != curve.labels[-1] for curve in simulation.curves):
        print(f"the campaign costs {Range.of(np.array([curve.cost[-1] for curve in simulation.curves])).average}")
    print(curve_table(simulation.curves, simulation.objective.metric))
    for remark in simulation.remarks:
        print(f"note: {remark}")
