"""The probe: how long a run will take and how much memory it needs, from a few short trajectories.

Random sampling, vanilla and a few recipes drawn from the space are played on the first search block, one after the
other, each for a share of the time limit. Where search blocks have a part of the rows, the drawn recipes are also
played on a block of all rows, as in the confirmation. A recipe that is not at its end by then is extrapolated: its
time for each further twentieth of the budget follows a straight line through those that were measured, because a model
on more labels takes longer to train. What takes long at the beginning alone, such as a clustering of the pool, must not
be extrapolated, so a recipe may take twenty times its share to reach its third part. A loop that has begun is finished,
so a very slow model exceeds even that by one loop.

What is estimated is the largest number of trajectories of each stage, at the mean time of the drawn recipes (of the
baselines for the stage that plays these), divided by the number of processes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from altune.core.blame import failed, pass_on
from altune.core.errors import WorkError
from altune.core.text import rough_duration, time_words
from altune.core.threads import on_one_thread
from altune.data.blocks import BlockRole
from altune.recipes.recipe import Recipe
from altune.simulation.environment import Environment
from altune.simulation.execution.items import Failure, PackedItem, WorkItem
from altune.simulation.execution.player import Player
from altune.simulation.execution.processes import CannotSend
from altune.simulation.execution.serving import announce
from altune.simulation.execution.shared_arrays import load_block
from altune.simulation.execution.worker import OVER_TIME
from altune.simulation.prepared import PreparedBlock, prepare_block
from altune.simulation.scenario import Scenario
from altune.simulation.store import code_text
from altune.simulation.trajectory import Trajectory
from altune.tuning.away import STAGE as TRANSFER
from altune.tuning.in_memory_study import new_study
from altune.tuning.proposals import Proposer, is_playable
from altune.tuning.samplers import SamplerPlan
from altune.tuning.study_setup import StudySetup

LIMIT = 3.0
"""Seconds of a probe, split evenly over what it plays."""
PLAYED = ("random_sampling", "vanilla")
"""The baselines that are played; the first trajectory on a block also prepares what all later ones there share."""
DRAWN = 4
"""Number of recipes that are drawn from the space."""
PARTS = 20
"""Parts of the budget in which the time of a trajectory is measured."""
LEAST_PARTS, PATIENCE = 3, 20
"""Parts after which a trajectory may be left, and how many times its share of the limit it may take to get there."""
MOST_SECONDS = 120.0
"""Seconds for each recipe with code of a user's own, unless the search limits the time of a trial."""
LONG = 3600.0
"""A run whose estimate is longer than this many seconds says so at its start."""

_Measure = Callable[[Recipe, PreparedBlock, Environment, float], float]


@dataclass(frozen=True)
class Estimate:
    """Estimated time and memory of a run.

    Attributes
    ----------
    trajectories : largest number of trajectories of each stage.
    baseline_seconds, recipe_seconds : seconds of one trajectory, of a baseline and of a recipe of the space.
    jobs : number of processes.
    memory : bytes that each process needs; None where the system does not say.
    timeout : time limit of the search in seconds, None for none.
    confirmed_seconds : seconds of one trajectory of a recipe on a block of all rows; None if search blocks have these.
    away_seconds : seconds of one trajectory on data that no trial sees, the mean over data sets; None if there is none.
    """

    trajectories: Mapping[str, int]
    baseline_seconds: float
    recipe_seconds: float
    jobs: int
    memory: int | None
    timeout: float | None = None
    confirmed_seconds: float | None = None
    away_seconds: float | None = None

    def _each(self, stage: str) -> float:
        """Return the seconds of one trajectory of a stage."""
        confirmed = self.recipe_seconds if self.confirmed_seconds is None else self.confirmed_seconds
        away = confirmed if self.away_seconds is None else self.away_seconds
        return {"baselines": self.baseline_seconds, "search": self.recipe_seconds, TRANSFER: away}.get(stage, confirmed)

    @property
    def seconds(self) -> float:
        """Wall seconds of the whole run."""
        parts = {stage: count * self._each(stage) / self.jobs for stage, count in self.trajectories.items()}
        searching = parts.pop("baselines", 0.0) + parts.pop("search", 0.0)
        return sum(parts.values()) + (searching if self.timeout is None else min(searching, self.timeout))

    @property
    def seconds_each(self) -> float:
        """Seconds of one trajectory, the mean over all of the run."""
        total = sum(count * self._each(stage) for stage, count in self.trajectories.items())
        return total / max(1, sum(self.trajectories.values()))

    @property
    def advice(self) -> str:
        """What to say at the start of a run that takes long: how long, and what shortens it. Empty for other runs."""
        if self.seconds <= LONG:
            return ""
        n_all, each = sum(self.trajectories.values()), rough_duration(self.seconds_each)
        return (
            f"this run takes {time_words(self.seconds, self.jobs)}: up to {n_all} trajectories of about {each}. Fewer "
            "trials or blocks, a smaller budget, fewer loops, a faster model, on large data a part of the rows "
            "(--search-rows), or more processes shorten it; a time limit (--timeout 1h, timeout=3600 in Python) starts "
            "no trial after that time"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "seconds": self.seconds,
            "seconds_per_trajectory": self.seconds_each,
            "processes": self.jobs,
            "memory_per_process": self.memory,
        }


@on_one_thread
def probe(setup: StudySetup, trajectories: Mapping[str, int], jobs: int, timeout: float | None = None) -> Estimate:
    """Return the estimate of a run, measured in a few seconds at most.

    Parameters
    ----------
    setup : checked setup of the run.
    trajectories : largest number of trajectories of each stage.
    jobs : number of processes.
    timeout : time limit of the search in seconds, None for none.

    Raises
    ------
    WorkError
        If a baseline fails; a drawn recipe that fails is left out.
    """
    with Player(jobs=jobs) as player:
        seconds = partial(_seconds, player, most=setup.settings.trial_timeout or MOST_SECONDS)
        return _estimate(setup, trajectories, jobs, timeout, seconds)


def _estimate(
    setup: StudySetup, trajectories: Mapping[str, int], jobs: int, timeout: float | None, seconds: _Measure
) -> Estimate:
    recipes = drawn_recipes(setup, DRAWN)
    parts = sum(environment.search_rows is not None for environment in setup.environments)
    n_sets = len(setup.environments) + len(setup.away)
    share = LIMIT / (n_sets * (len(PLAYED) + len(recipes)) + parts * len(recipes))
    baselines, drawn, confirmed, away = list[float](), list[float](), list[float](), list[float]()
    for environment in setup.environments:
        prepared = _prepared(environment, "search")
        try:
            baselines += [seconds(setup.baselines[name], prepared, environment, share) for name in PLAYED]
        except BaseException as error:
            raise WorkError(f"a baseline fails on {environment.dataset.name}: {failed(error)[0]}") from None
        on_part = _seconds_of_working(recipes, prepared, environment, share, seconds)
        drawn += on_part
        if environment.search_rows is not None:
            on_part = _seconds_of_working(recipes, _prepared(environment, "select"), environment, share, seconds)
        confirmed += on_part
    for environment in setup.away:
        # What is played there are the recipe and, for the most part, baselines.
        prepared = _prepared(environment, "report")
        known = setup.baselines_on(environment)
        played = [*recipes, *(known[name] for name in PLAYED)]
        away += _seconds_of_working(played, prepared, environment, share, seconds)
    baseline = float(np.mean(baselines))
    recipe = float(np.mean(drawn)) if drawn else baseline
    whole = float(np.mean(confirmed)) if parts and confirmed else None
    elsewhere = float(np.mean(away)) if away else None
    return Estimate(trajectories, baseline, recipe, jobs, _peak_memory(), timeout, whole, elsewhere)


def _prepared(environment: Environment, role: BlockRole) -> PreparedBlock:
    block = environment.blocks(role, 1)[0]
    return prepare_block(environment.dataset, block, environment.seed, environment.scenario.scaling)


def drawn_recipes(setup: StudySetup, count: int) -> list[Recipe]:
    """Return a few recipes of the space, drawn at random, whatever the sampler of the search is."""
    playable = partial(is_playable, setup.space, setup.all_capabilities)
    plan = SamplerPlan("random", setup.space, setup.settings.seed, playable)
    proposer = Proposer(setup.space, setup.all_capabilities, plan)
    memory = new_study(["maximize"])
    proposals = (proposal for _ in range(count) for proposal in proposer.ask_until_playable(memory))
    return [proposal.recipe for proposal in proposals if proposal.recipe is not None]


def _seconds_of_working(
    recipes: Sequence[Recipe], prepared: PreparedBlock, environment: Environment, limit: float, measure: _Measure
) -> list[float]:
    """Return the seconds of each recipe that does not fail; a search records those that fail and continues."""
    seconds = []
    for recipe in recipes:
        try:
            seconds.append(measure(recipe, prepared, environment, limit))
        except BaseException as error:
            pass_on(error)
    return seconds


def _seconds(
    player: Player, recipe: Recipe, prepared: PreparedBlock, environment: Environment, limit: float, *, most: float
) -> float:
    """Return what :func:`seconds_of` does; code of a user's own is measured in a worker, which it may end.

    Parameters
    ----------
    most : seconds after which the worker is ended, and taken to have played the first part.
    """
    if not code_text(recipe):
        return seconds_of(recipe, prepared, environment.scenario, limit)
    item = WorkItem(recipe, prepared.block, environment, limit=most)
    try:
        measured = player.in_worker(_seconds_in_worker, item, limit)
    except CannotSend:
        return seconds_of(recipe, prepared, environment.scenario, limit)
    if not isinstance(measured, Failure):
        return float(measured)
    if measured.reason.startswith(OVER_TIME):
        return PARTS * most
    raise WorkError(measured.reason)


def _seconds_in_worker(item: PackedItem, folder: str, limit: float) -> float:
    prepared = load_block(Path(folder))
    announce()
    return seconds_of(item.recipe, prepared, item.scenario, limit)


def seconds_of(recipe: Recipe, prepared: PreparedBlock, scenario: Scenario, limit: float) -> float:
    """Return the seconds of a trajectory, measured in part if it takes longer than a limit."""
    began = time.perf_counter()
    trajectory = Trajectory(recipe, prepared, scenario)
    parts: list[float] = []
    last = began
    for part in range(1, PARTS + 1):
        trajectory.advance(scenario.labels * part / PARTS)
        now = time.perf_counter()
        parts.append(now - last)
        last = now
        patience = limit if part >= LEAST_PARTS else PATIENCE * limit
        if trajectory.done or now - began >= patience:
            break
    if not trajectory.done and len(parts) == PARTS:
        trajectory.advance()
        parts[-1] = time.perf_counter() - last + parts[-1]
    return whole_seconds(parts, trajectory.done)


def whole_seconds(parts: Sequence[float], done: bool) -> float:
    """Return the seconds of a whole trajectory from those of its first parts.

    Parameters
    ----------
    parts : seconds of the first parts of the budget, each a twentieth of it; 1 to 20 of them.
    done : whether the trajectory was at its end after them.

    Examples
    --------
    >>> whole_seconds([0.1] * 20, True), whole_seconds([0.5, 0.5, 0.5, 0.5], False)
    (2.0, 10.0)
    """
    if done or len(parts) >= PARTS:
        return round(sum(parts), 9)
    # The first part holds what is done once, such as the initial sample, and says little of the others.
    known = np.array(parts[1:] if len(parts) > 2 else parts)
    positions = np.arange(len(parts) - len(known), len(parts))
    slope, level = np.polyfit(positions, known, 1) if len(known) > 2 else (0.0, float(known.mean()))
    if slope < 0:
        slope, level = 0.0, float(known.mean())
    left = np.arange(len(parts), PARTS)
    return round(float(sum(parts) + np.sum(level + slope * left)), 9)


def _peak_memory() -> int | None:
    """Return the largest amount of memory that this process has used so far, in bytes; None if it is not known."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else 1024 * peak)
