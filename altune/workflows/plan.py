"""What a run will do, worked out before anything is played."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from altune.recipes.space import SearchSpace
from altune.simulation.environment import Environment
from altune.tuning.header import resumed_words
from altune.tuning.run_folder import stored_header
from altune.tuning.settings import Settings
from altune.tuning.study_setup import StudySetup


def plan(
    environments: Sequence[Environment],
    space: SearchSpace,
    settings: Settings,
    folder: Path,
    confirm: bool,
    ablation: bool = True,
) -> dict[str, Any]:
    """Return what :func:`altune.tune` would do, with all defaults, without doing it."""
    setup, stored = StudySetup(environments, space, settings), stored_header(folder)
    if stored is not None:
        setup = setup.resumed(stored)
    setup.check(confirm)
    base = setup.space.base_recipe()
    described = []
    for environment in environments:
        dataset, block = environment.dataset, environment.blocks("search", 1)[0]
        described.append(
            {
                "data": {"name": dataset.name, "rows": dataset.n_rows, "features": dataset.n_features}
                | {"classes": dataset.n_classes, "pool": len(block.pool), "test": len(block.test)},
                "scenario": environment.scenario.to_dict(),
                "positive": environment.scenario.positive_class,
                "first_sample": base.initial_sample.n_rows(environment.scenario.labels, dataset.n_classes),
            }
        )
    return {
        **described[0],
        **({"data_sets": described} if len(described) > 1 else {}),
        "space": {"name": setup.space.name, "knobs": setup.space.describe(), "left_out": setup.left_out},
        "notes": [
            *([resumed_words(setup.given_space, space)] if setup.given_space != space else []),
            *setup.notes(),
        ],
        "defaults": base.to_dict(),
        "baselines": {name: recipe.describe() for name, recipe in setup.baselines.items()},
        "settings": settings.to_dict(),
        "trajectories": setup.trajectories(confirm, ablation),
        "run": str(folder),
    }
