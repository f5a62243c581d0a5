"""The options that commands share: each has one text, one type and one default wherever it stands.

A single option is an annotated type. Options that go together are a frozen dataclass, which a command takes as one
parameter (see :mod:`altune.cli.commands`); its methods turn what was typed into what altune's functions take. A new
option of the environment, the search or the confirmation is one field here and reaches every command that takes the group.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from typer import Argument, Option

from altune.core.errors import RequestError

if TYPE_CHECKING:
    from altune.recipes.space import SearchSpace
    from altune.simulation.environment import Environment
    from altune.tuning.settings import Settings
    from altune.tuning.stages import Resources

ModelOption = Annotated[str | None, Option("--model", metavar="NAME", help="Fix the model by name.")]
RecipeOption = Annotated[str, Option("--recipe", metavar="RECIPE", help="random_sampling, vanilla, or a YAML file.")]
FreshBlocks = Annotated[int, Option(metavar="N", help="Fresh blocks to play on.")]
Jobs = Annotated[int, Option(metavar="N", help="Processes; -1 for one on each core. Changes no result.")]
Seed = Annotated[int, Option(metavar="N", help="Seed of every random stream.")]
AsJson = Annotated[bool, Option("--json", help="Print one JSON object.")]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Show no progress.")]


Target = Annotated[str | None, Option(metavar="COLUMN", help="Label column of a table.")]


@dataclass(frozen=True, kw_only=True)
class ScoringOptions:
    """What curves are scored by, before a search or after it."""

    metric: Annotated[str | None, Option(metavar="NAME", help="Any scikit-learn scorer; by default accuracy.")] = None
    objective: Annotated[
        str | None, Option(metavar="NAMES", help="What is bettered, such as aulc; several as aulc,labels.")
    ] = None
    risk: Annotated[
        str | None, Option(metavar="RISK", help="How blocks are summed up: mean, quantile:0.1 or cvar:0.2.")
    ] = None
    constraint: Annotated[
        list[str] | None, Option(metavar="BOUND", help="A bound to keep, such as 'labels <= 300'; repeatable.")
    ] = None
    target_score: Annotated[float | None, Option(metavar="SCORE", help="Score to reach, for labels_to_target.")] = None
    over: Annotated[str | None, Option(metavar="WHAT", help="Integrate an area over `labels` or over `cost`.")] = None
    value: Annotated[float | None, Option(metavar="PRICE", help="Worth of a score of 1, for net_value.")] = None
    label_price: Annotated[float | None, Option(metavar="PRICE", help="Price of one label.")] = None
    loop_price: Annotated[float | None, Option(metavar="PRICE", help="Price of one loop.")] = None
    hour_price: Annotated[
        float | None, Option(metavar="PRICE", help="Price of an hour of computing, for net_value.")
    ] = None

    def arguments(self) -> dict[str, Any]:
        """Return the scenario's fields by name; None is not given."""
        return {
            "metric": self.metric,
            "objective": read_names(self.objective),
            "risk": self.risk,
            "constraints": self.constraint or None,
            "target_score": self.target_score,
            "over": self.over,
            "value": self.value,
            "price_per_label": self.label_price,
            "price_per_loop": self.loop_price,
            "price_per_hour": self.hour_price,
        }


@dataclass(frozen=True, kw_only=True)
class ScenarioOptions(ScoringOptions):
    """What the scenario fixes, whatever the data."""

    section: ClassVar[str] = "Scenario"

    budget: Annotated[int | None, Option(metavar="N", help="Labels that may be bought in all.")] = None
    loops: Annotated[
        str | None, Option(metavar="N", help="The most loops after the first sample (20), or `unlimited`.")
    ] = None
    also: Annotated[list[str] | None, Option(metavar="NAME", help="Record this scorer too; repeatable.")] = None
    annotators: Annotated[
        str | None, Option(metavar="ERRORS", help="Error rate of each annotator, such as 0.1,0.1,0.2.")
    ] = None
    scenario: Annotated[
        Path | None, Option(metavar="FILE", help="All of the scenario in YAML; options override it.")
    ] = None

    def arguments(self) -> dict[str, Any]:
        """Return the scenario's keyword arguments of ``make_environment``, ``simulate`` and the like; None is not given."""
        from altune.simulation.scenario import Scenario

        return {
            **super().arguments(),
            "scenario": None if self.scenario is None else Scenario.load(self.scenario),
            "budget": self.budget,
            "loops": read_loops(self.loops),
            "also": self.also or None,
            "annotators": read_annotators(self.annotators),
        }


@dataclass(frozen=True, kw_only=True)
class DataOptions(ScenarioOptions):
    """One data set with what is given."""

    data: Annotated[str, Argument(metavar="DATA", help="A built-in data set (see `altune datasets`) or a file.")]
    target: Target = None
    splits: Annotated[
        Path | None, Option(metavar="FILE", help="Explicit splits in JSON, in place of drawn blocks.")
    ] = None

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of ``make_environment``, ``simulate`` and the like."""
        given = {"data": self.data, "target": self.target, **super().arguments()}
        if self.splits is not None:
            given |= {"splits": read_json(self.splits), "splits_file": str(self.splits)}
        return given

    def make(self, seed: int) -> Environment:
        """Return the environment, with its data read and its scenario resolved."""
        from altune.simulation.environment import make_environment

        return make_environment(**self.arguments(), seed=seed)


@dataclass(frozen=True, kw_only=True)
class ManyDataOptions(ScenarioOptions):
    """One data set or several, with what is given."""

    data: Annotated[
        list[str],
        Argument(
            metavar="DATA", help="Built-in data sets (see `altune datasets`) or files; several are searched as one."
        ),
    ]
    target: Target = None
    splits: Annotated[
        Path | None, Option(metavar="FILE", help="Explicit splits in JSON, in place of drawn blocks.")
    ] = None

    def make(self, seed: int) -> list[Environment]:
        """Return the environment of each data set."""
        from altune.simulation.environment import make_environments

        given = self.arguments() | {"splits_file": str(self.splits)}
        splits = None if self.splits is None else read_json(self.splits)
        return make_environments(self.data, target=self.target, seed=seed, splits=splits, **given)


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """How recipes are played outside of a search."""

    model: ModelOption = None
    seed: Seed = 0
    jobs: Jobs = -1

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of ``simulate``, ``compare`` and ``replay``."""
        return {"model": self.model, "seed": self.seed, "n_jobs": self.jobs}


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What is searched, and for how long."""

    section: ClassVar[str] = "The search"

    space: Annotated[str, Option(metavar="SPACE", help="Shipped search space or YAML file.")] = "standard"
    changes: Annotated[
        list[str] | None,
        Option("--set", metavar="PATH=VALUE", help="Change the space, as in query_strategy=margin; repeatable."),
    ] = None
    fix: Annotated[list[str] | None, Option(metavar="KNOB", help="Hold a knob at the space's default; repeatable.")] = (
        None
    )
    model: ModelOption = None
    trials: Annotated[int, Option(metavar="N", help="Trials of the search.")] = 60
    timeout: Annotated[str | None, Option(metavar="TIME", help="Begin no further trials after 90s, 10m, 2h.")] = None
    trial_timeout: Annotated[
        str | None, Option(metavar="TIME", help="Most computing of a trial, shared by its blocks; a longer one failed.")
    ] = None
    blocks: Annotated[int, Option(metavar="N", help="Blocks on which each trial is played.")] = 5
    sampler: Annotated[str, Option(metavar="NAME", help="tpe, random, cmaes, gp, qmc, nsga2, nsga3 or grid.")] = "tpe"
    batch: Annotated[int, Option(metavar="N", help="Trials asked of the sampler at a time.")] = 4
    racing: Annotated[
        float, Option(metavar="P", help="Drop clearly worse trials early; P bounds a wrong drop, 0.05 say.")
    ] = 0.0
    rungs: Annotated[
        str | None, Option(metavar="SHARES", help="Drop what cannot win any more at 0.3,0.6 of the budget.")
    ] = None
    leader_blocks: Annotated[int, Option(metavar="N", help="Further blocks for trials among the best.")] = 0
    across: Annotated[
        str, Option(metavar="HOW", help="Average several data sets by normalized values or by ranks.")
    ] = "normalized"
    seed: Seed = 0

    def make_space(self, environments: Sequence[Environment]) -> SearchSpace:
        """Return the search space with its changes, checked against the environments."""
        from altune.recipes.space import SearchSpace
        from altune.tuning.prepared_space import prepare_space

        space = SearchSpace.load(self.space).set_values(self.changes or [])
        for knob in self.fix or []:
            space = space.close(knob)
        return prepare_space(space, environments, self.model)


@dataclass(frozen=True, kw_only=True)
class ConfirmationOptions:
    """What is played again on fresh blocks."""

    section: ClassVar[str] = "The confirmation"

    confirm: Annotated[bool, Option("--confirm/--no-confirm", help="Confirm the best recipes.")] = True
    select_among: Annotated[int, Option(metavar="K", help="Best recipes that are played again.")] = 5
    select_blocks: Annotated[int, Option(metavar="N", help="Fresh blocks to select on.")] = 10
    report_blocks: Annotated[int, Option(metavar="N", help="Fresh blocks to report on.")] = 20
    prefer: Annotated[
        str | None,
        Option(metavar="RULE", help="Pick of a Pareto front: 'score within 0.01, then fewest labels'."),
    ] = None
    ablation: Annotated[
        bool, Option("--ablation/--no-ablation", help="Play the path from vanilla to the recipe, knob by knob.")
    ] = True


@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """With what it is played; none of it changes a result."""

    section: ClassVar[str] = "The machines"

    jobs: Jobs = -1
    cache: Annotated[
        Path | None, Option(metavar="DIR", help="Folder of finished trajectories that runs share, up to 4 GiB.")
    ] = None
    backend: Annotated[str, Option(metavar="NAME", help="loky for this machine, dask for a cluster.")] = "loky"
    scheduler: Annotated[str | None, Option(metavar="ADDRESS", help="Address of the Dask scheduler.")] = None
    storage: Annotated[
        str | None, Option(metavar="URL", help="PostgreSQL database whose study `altune worker` may join.")
    ] = None
    study: Annotated[str, Option(metavar="NAME", help="Name of the study in the database.")] = "altune"
    grace: Annotated[
        str | None, Option(metavar="TIME", help="Silence after which a worker is taken for dead; 2m unless given.")
    ] = None

    def early(self) -> AbstractContextManager[None]:
        """Start processes of this machine while the request is read; what ends in an error ends them."""
        from altune.simulation.execution.processes import early_workers

        return early_workers(self.jobs if self.backend == "loky" else 1)

    def make(self, environments: Sequence[Environment], timeout: str | None) -> Resources:
        """Return with what to play."""
        from altune.simulation.execution.backends import make_backend
        from altune.simulation.execution.processes import processes
        from altune.tuning.stages import Resources

        jobs = processes(self.jobs)
        return Resources(
            jobs,
            make_backend(
                self.backend, jobs, self.scheduler, tuple(environment.dataset for environment in environments)
            ),
            self.cache,
            read_seconds(timeout),
            storage=self.storage,
            study_name=self.study,
            grace=read_seconds(self.grace, "--grace"),
        )


def make_settings(search: SearchOptions, confirmation: ConfirmationOptions) -> Settings:
    """Return the settings of a study, checked."""
    from altune.tuning.settings import Settings

    return Settings(
        n_trials=search.trials,
        n_blocks=search.blocks,
        batch=search.batch,
        seed=search.seed,
        sampler=search.sampler,
        select_among=confirmation.select_among,
        select_blocks=confirmation.select_blocks,
        report_blocks=confirmation.report_blocks,
        racing=search.racing,
        rungs=read_shares(search.rungs),
        leader_blocks=search.leader_blocks,
        across=search.across,
        prefer=confirmation.prefer,
        trial_timeout=read_seconds(search.trial_timeout, "--trial-timeout"),
    )


def read_names(text: str | None) -> str | tuple[str, ...] | None:
    """Return one name, or several that commas part.

    >>> read_names("aulc"), read_names("aulc,labels")
    ('aulc', ('aulc', 'labels'))
    """
    names = () if text is None else tuple(part.strip() for part in text.split(","))
    return names if len(names) > 1 else text


def read_shares(text: str | None) -> tuple[float, ...]:
    """Return numbers that commas part.

    >>> read_shares("0.3,0.6")
    (0.3, 0.6)
    """
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise RequestError(f"--rungs takes shares of the budget such as 0.3,0.6, not {text!r}") from None


def read_loops(text: str | None) -> int | str | None:
    """Return a number of loops, or ``unlimited`` as it is.

    >>> read_loops("20"), read_loops("unlimited")
    (20, 'unlimited')
    """
    if text is None or text == "unlimited":
        return text
    if not text.isdecimal():
        raise RequestError(f"--loops takes a number or `unlimited`, not {text!r}")
    return int(text)


def read_annotators(text: str | None) -> list[dict[str, float]] | None:
    """Return one annotator for each error rate.

    >>> read_annotators("0.1,0.2")
    [{'error': 0.1}, {'error': 0.2}]
    """
    if text is None:
        return None
    try:
        return [{"error": float(part)} for part in text.split(",")]
    except ValueError:
        raise RequestError(f"--annotators takes error rates such as 0.1,0.1,0.2, not {text!r}") from None


def read_seconds(text: str | None, option: str = "--timeout") -> float | None:
    """Return the seconds of a time such as ``90s``, ``10m`` or ``2h``; a bare number is in seconds.

    >>> read_seconds("10m"), read_seconds("1.5")
    (600.0, 1.5)
    """
    if text is None:
        return None
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise RequestError(f"{option} takes a time such as 90s, 10m or 2h, not {text!r}")
    return seconds


def read_json(path: Path) -> Any:
    """Return the plain values of a JSON file.

    Raises
    ------
    RequestError
        If it cannot be read or is no JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RequestError(f"{path}: not JSON: {error}") from None
