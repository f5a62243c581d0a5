"""Options that the commands of ``altune learn`` share: what is played to learn from, and with which resources."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from typer import Argument, Option

from altune.cli.options import CACHE_HELP, Jobs, Metric, Quiet, ReadingOptions, Seed
from altune.core.errors import RequestError

if TYPE_CHECKING:
    from altune.learning.episodes import EpisodePlan

KeepLeftOut = Annotated[
    Path | None, Option(metavar="DIR", help="Folder for what is trained without one family each, to test it honestly.")
]


@dataclass(frozen=True, kw_only=True)
class EpisodeOptions(ReadingOptions):
    """What is played to learn from."""

    section: ClassVar[str] = "Episodes"

    data: Annotated[
        list[str] | None,
        Argument(metavar="DATA", help="Built-in data sets (see `altune datasets`) or files to learn from."),
    ] = None
    sources: Annotated[
        list[str] | None,
        Option(
            "--from",
            metavar="SOURCE",
            help="File or folder of a sweep, or folder of a run: learn from its data sets with its models and "
            "budgets; repeatable.",
        ),
    ] = None
    family: Annotated[
        list[str] | None,
        Option(
            metavar="DATA=FAMILY",
            help="Data sets of one family are left out together; repeatable.  [default: the family of a built-in "
            "data set, one of its own for any other]",
        ),
    ] = None
    models: Annotated[
        str | None,
        Option(
            metavar="NAMES",
            help="Models, such as logistic_regression,svm_rbf.  [default: of the sources, or logistic_regression]",
        ),
    ] = None
    budgets: Annotated[
        str, Option(metavar="FACTORS", help="Multiples of the default budget of each data set, such as 0.5,1.")
    ] = "1"
    noise: Annotated[str, Option(metavar="RATES", help="Rates of label errors, such as 0,0.1.")] = "0"
    blocks: Annotated[int, Option(metavar="N", help="Number of blocks of each data set that are learned from.")] = 8
    rows: Annotated[
        int, Option(metavar="N", help="Reduce larger data sets to a stratified part of N rows; 0 keeps all.")
    ] = 2000
    metric: Metric = None
    seed: Seed = 0

    def plan(self) -> EpisodePlan:
        """Return the plan of the episodes.

        Raises
        ------
        RequestError
            If a source cannot be read, or nothing was given to learn from.
        """
        from altune.data.reading import Reading
        from altune.learning.episodes import EpisodeData, EpisodePlan
        from altune.models import as_model
        from altune.workflows.learn.sources import Sources, merged, read_source, with_families

        reading = Reading.taken(self.reading(), self.target)
        named = Sources(tuple(EpisodeData(name, self.target, reading=reading) for name in self.data or []))
        found = merged([named, *map(read_source, self.sources or [])])
        if not found.data:
            raise RequestError("nothing to learn from; give data sets, or --from a sweep or a run")
        names = () if self.models is None else tuple(name.strip() for name in self.models.split(","))
        models = tuple(map(as_model, names)) or found.models or (as_model("logistic_regression"),)
        return EpisodePlan(
            data=with_families(found.data, read_families(self.family or [])),
            models=models,
            budgets=read_numbers(self.budgets, "--budgets", "multiples of the default budget such as 0.5,1"),
            noise=read_numbers(self.noise, "--noise", "rates of label errors such as 0,0.1"),
            n_blocks=self.blocks,
            most_rows=self.rows or None,
            seed=self.seed,
            metric=self.metric or "accuracy",
        )


@dataclass(frozen=True, kw_only=True)
class LearnResources:
    """Resources of a command that learns; they never affect its result."""

    section: ClassVar[str] = "Resources"

    jobs: Jobs = -1
    cache: Annotated[Path, Option(metavar="DIR", help=CACHE_HELP)] = Path("runs/learn")
    quiet: Quiet = False


def command_to_repeat(words: Sequence[str]) -> str:
    """Return a command that learns the same, without the options that do not affect its result.

    >>> command_to_repeat(["learn", "ranker", "iris", "--jobs", "2", "--cache=there", "-q", "--seed", "1"])
    'altune learn ranker iris --seed 1'
    """
    kept, skip = [], False
    for word in words:
        name, equals, _ = word.partition("=")
        if not skip and name not in ("--jobs", "--cache", "--quiet", "-q", "--json"):
            kept.append(word)
        skip = name in ("--jobs", "--cache") and not equals and not skip
    return shlex.join(["altune", *kept])


def read_families(words: list[str]) -> dict[str, str]:
    """Return families by data set.

    >>> read_families(["east=shop", "west=shop"])
    {'east': 'shop', 'west': 'shop'}
    """
    families = {}
    for word in words:
        name, equals, family = word.partition("=")
        if not (name and equals and family):
            raise RequestError(f"--family takes DATA=FAMILY, not {word!r}")
        families[name] = family
    return families


def read_numbers(text: str, option: str, what: str) -> tuple[float, ...]:
    """Return numbers that commas separate.

    >>> read_numbers("0.5,1", "--budgets", "multiples")
    (0.5, 1.0)
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise RequestError(f"{option} takes {what}, not {text!r}") from None
