"""What a run will do, worked out before anything is played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from altune.core.errors import WorkError
from altune.data.blocks import Block, BlockRole
from altune.data.encoding import encode_described
from altune.data.split_words import split_words
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.environment import Environment
from altune.tuning.folders import require_folder
from altune.tuning.run_folder import stored_header
from altune.tuning.settings import Settings
from altune.tuning.study_setup import SHARED, StudySetup
from altune.workflows.precision import likely_precision
from altune.workflows.probe import probe


def plan(
    environments: Sequence[Environment],
    space: SearchSpace,
    settings: Settings,
    folder: Path,
    confirm: bool,
    ablation: bool = True,
    *,
    away: Sequence[Environment] = (),
    jobs: int = 1,
    timeout: float | None = None,
    shared: bool = False,
) -> dict[str, Any]:
    """Return what :func:`altune.tune` would do, with all defaults and estimated time and memory, without doing it.

    A few trajectories are played for the estimate, see :mod:`altune.workflows.probe`.
    """
    asked = StudySetup(environments, space, settings, why_fixed=SHARED if shared else "", away=away)
    stored = stored_header(folder)
    setup = asked if stored is None else asked.resumed(stored)
    setup.check(confirm)
    require_folder(folder, "run")
    trajectories = setup.trajectories(confirm, ablation)
    base = setup.space.base_recipe()
    described = [_described(environment, "search", base) for environment in setup.environments]
    others = [_described(environment, "report", base) for environment in setup.away]
    return {
        **described[0],
        **({"data_sets": described} if len(described) > 1 else {}),
        **({"confirm_on": others} if others else {}),
        "space": {"name": setup.space.name, "knobs": setup.space.describe(), "left_out": setup.left_out},
        "notes": [
            *setup.resumed_lines(asked),
            *setup.notes(),
        ],
        "defaults": base.to_dict(),
        "baselines": {name: recipe.describe() for name, recipe in setup.baselines.items()},
        "settings": setup.settings.to_dict() | {"n_trials": setup.n_trials},
        "first_trials": {"summary": setup.first.words, **setup.first.to_dict()},
        "trajectories": trajectories,
        "estimate": (estimate := _estimate(setup, trajectories, jobs, timeout)),
        "precision": likely_precision(setup, estimate) if confirm else [],
        "run": str(folder),
    }


def _described(environment: Environment, role: BlockRole, base: Recipe) -> dict[str, Any]:
    """Return what a data set is, how it is encoded on its first block of a role, and its scenario."""
    dataset, block, scenario = environment.dataset, environment.blocks(role, 1)[0], environment.scenario
    encoding = encode_described(
        dataset, block.pool, block.test, scaling=scenario.scaling, text_features=scenario.text_features
    ).encoding
    return {
        "data": {"name": dataset.name, "rows": dataset.n_rows, "features": dataset.n_features}
        | {"classes": dataset.n_classes, "pool": len(block.pool), "test": len(block.test)}
        | {"search_rows": environment.search_rows}
        | ({"split": words} if (words := _split_words(environment, block)) else {}),
        "encoding": encoding.to_dict() | {"summary": encoding.summary},
        "scenario": scenario.to_dict(),
        "positive": scenario.positive_class,
        "first_sample": base.initial_sample.n_rows(scenario.labels, dataset.n_classes),
    }


def _split_words(environment: Environment, block: Block) -> str:
    report = environment.blocks("report", 1)
    return split_words(environment.dataset, block, report[0]) if report and not environment.explicit else ""


def _estimate(setup: StudySetup, trajectories: Mapping[str, int], jobs: int, timeout: float | None) -> dict[str, Any]:
    """Return the estimate; where a baseline fails, why there is none."""
    try:
        estimate = probe(setup, trajectories, jobs, timeout)
    except WorkError as error:
        return {"seconds": None, "reason": str(error)}
    return estimate.to_dict()
