"""Options of ``altune tune``: the search, the confirmation and the machines; see :mod:`altune.cli.options`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from typer import Option

from altune.cli.options import CACHE_HELP, Jobs, ModelOption, Seed
from altune.cli.parsing import read_seconds, read_shares

if TYPE_CHECKING:
    from altune.recipes.space import SearchSpace
    from altune.simulation.environment import Environment
    from altune.tuning.resources import Resources
    from altune.tuning.settings import Settings


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """Options of the search."""

    section: ClassVar[str] = "Search"

    space: Annotated[str, Option(metavar="SPACE", help="Shipped search space (see `altune spaces`) or YAML file.")] = (
        "standard"
    )
    changes: Annotated[
        list[str] | None,
        Option("--set", metavar="PATH=VALUE", help="Change the search space, as in query_strategy=margin; repeatable."),
    ] = None
    fix: Annotated[
        list[str] | None, Option(metavar="KNOB", help="Fix a knob at its default in the search space; repeatable.")
    ] = None
    model: ModelOption = None
    trials: Annotated[
        int | None,
        Option(
            metavar="N",
            help="Number of trials, which are recipes drawn; a resumed run counts those it already has.  [default: 60, "
            "or as many as --simulations allows]",
        ),
    ] = None
    simulations: Annotated[
        int | None,
        Option(metavar="N", help="Largest number of simulations of the search: of recipes played on a block."),
    ] = None
    timeout: Annotated[
        str | None, Option(metavar="TIME", help="Stop starting new trials after this time, such as 90s, 10m or 2h.")
    ] = None
    trial_timeout: Annotated[
        str | None,
        Option(
            metavar="TIME",
            help="Time limit for one trial, split evenly over its blocks, or for each simulation where recipes get "
            "blocks by merit; a trial that exceeds it fails.",
        ),
    ] = None
    blocks: Annotated[
        int | None,
        Option(
            metavar="N",
            help="Number of blocks on which each trial is played.  [default: more the better it does, 1 to 12; 5 where "
            "that is not possible]",
        ),
    ] = None
    search_rows: Annotated[
        int | None,
        Option(metavar="N", help="Rows of a search block, pool and test; the confirmation has all.  [default: all]"),
    ] = None
    sampler: Annotated[
        str, Option(metavar="NAME", help="Sampler: tpe, random, cmaes, gp, qmc, nsga2, nsga3 or grid.")
    ] = "tpe"
    batch: Annotated[int, Option(metavar="N", help="Number of trials asked of the sampler at a time.")] = 4
    racing: Annotated[
        float,
        Option(
            metavar="P",
            help="Drop clearly worse trials early; P bounds the probability of a wrong drop. 0 disables it.",
        ),
    ] = 0.0
    rungs: Annotated[
        str | None,
        Option(
            metavar="SHARES",
            help="Shares of the budget, such as 0.3,0.6, at which trials that can no longer win are dropped.",
        ),
    ] = None
    leader_blocks: Annotated[
        int, Option(metavar="N", help="Number of additional blocks for trials among the best.")
    ] = 0
    across: Annotated[str, Option(metavar="HOW", help="How several data sets are averaged: normalized or ranks.")] = (
        "normalized"
    )
    portfolio: Annotated[
        int,
        Option(
            metavar="N",
            help="Number of first trials that are recipes which served well on other data, as far as the space has "
            "them; 0 for none.",
        ),
    ] = 8
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
    """Options of the confirmation."""

    section: ClassVar[str] = "Confirmation"

    confirm: Annotated[bool, Option("--confirm/--no-confirm", help="Confirm the best recipes on fresh blocks.")] = True
    select_among: Annotated[int, Option(metavar="K", help="Number of best recipes to confirm.")] = 5
    select_blocks: Annotated[
        int, Option(metavar="N", help="Largest number of fresh blocks on which one of them is selected.")
    ] = 10
    report_blocks: Annotated[
        int | None,
        Option(
            metavar="N",
            help="Number of fresh blocks on which the selected one is reported.  [default: up to 20, as many as narrow "
            "the intervals]",
        ),
    ] = None
    precision: Annotated[
        float | None,
        Option(
            metavar="WIDTH",
            help="Play the report blocks, up to 100, with which no interval of the difference to a baseline is wider "
            "than ± WIDTH, if the rows of the data allow it.",
        ),
    ] = None
    confirm_on: Annotated[
        list[str] | None,
        Option(
            metavar="DATA...",
            help="Data sets that no trial sees, one or more, on which the recipe is confirmed as well, as on rows of "
            "another year.",
        ),
    ] = None
    prefer: Annotated[
        str | None,
        Option(metavar="RULE", help="Rule that picks from a Pareto front: 'score within 0.01, then fewest labels'."),
    ] = None
    ablation: Annotated[
        bool,
        Option(
            "--ablation/--no-ablation", help="Play the path from vanilla to the confirmed recipe, one knob at a time."
        ),
    ] = True


@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """Resources available to a run; they never affect its result."""

    section: ClassVar[str] = "Resources"

    jobs: Jobs = -1
    cache: Annotated[Path | None, Option(metavar="DIR", help=CACHE_HELP)] = None
    backend: Annotated[
        str, Option(metavar="NAME", help="Where processes run: loky (this machine) or dask (a cluster).")
    ] = "loky"
    scheduler: Annotated[str | None, Option(metavar="ADDRESS", help="Address of the Dask scheduler.")] = None
    worker_timeout: Annotated[
        str | None,
        Option(metavar="TIME", help="Time without any worker of the Dask cluster that ends the run.  [default: 1m]"),
    ] = None
    storage: Annotated[
        str | None, Option(metavar="URL", help="PostgreSQL database of a study that `altune worker` can join.")
    ] = None
    study: Annotated[str, Option(metavar="NAME", help="Name of the study in the database.")] = "altune"
    grace: Annotated[
        str | None,
        Option(metavar="TIME", help="Time without a sign of life after which a worker counts as dead.  [default: 2m]"),
    ] = None

    def early(self) -> AbstractContextManager[None]:
        """Start the worker processes while the request is read; an error ends them."""
        from altune.simulation.execution.processes import early_workers

        return early_workers(self.jobs if self.backend == "loky" else 1)

    def command(self) -> list[str]:
        """Return the words of this command, without the password of a database."""
        words = ["altune", *sys.argv[1:]]
        if self.storage is None:
            return words
        from altune.tuning.database.address import without_password

        return [word.replace(self.storage, without_password(self.storage)) for word in words]

    def make(self, environments: Sequence[Environment], timeout: str | None) -> Resources:
        """Return the resources."""
        from altune.simulation.execution.backends import make_backend
        from altune.simulation.execution.processes import processes
        from altune.tuning.resources import Resources

        jobs = processes(self.jobs)
        return Resources(
            jobs=jobs,
            backend=make_backend(
                self.backend,
                jobs,
                self.scheduler,
                tuple(environment.dataset for environment in environments),
                read_seconds(self.worker_timeout, "--worker-timeout"),
            ),
            cache=self.cache,
            timeout=read_seconds(timeout),
            storage=self.storage,
            study_name=self.study,
            command=self.command(),
            grace=read_seconds(self.grace, "--grace"),
        )


def make_settings(search: SearchOptions, confirmation: ConfirmationOptions) -> Settings:
    """Return the settings of a study."""
    from altune.tuning.settings import Settings, n_trials_for

    return Settings(
        n_trials=n_trials_for(search.trials, search.simulations),
        n_simulations=search.simulations,
        n_blocks=search.blocks,
        batch=search.batch,
        seed=search.seed,
        sampler=search.sampler,
        select_among=confirmation.select_among,
        select_blocks=confirmation.select_blocks,
        report_blocks=confirmation.report_blocks,
        precision=confirmation.precision,
        racing=search.racing,
        rungs=read_shares(search.rungs),
        leader_blocks=search.leader_blocks,
        across=search.across,
        prefer=confirmation.prefer,
        trial_timeout=read_seconds(search.trial_timeout, "--trial-timeout"),
        search_rows=search.search_rows,
        portfolio=search.portfolio,
    )
