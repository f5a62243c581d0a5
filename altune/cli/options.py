"""Options that several commands share; each has one help text, one type and one default.

A single option is an annotated type. Options that belong together are the fields of a frozen dataclass, which a command
takes as one parameter (see :mod:`altune.cli.commands`); its methods return the arguments of the Python functions. A new
option is one field here and reaches every command that takes the group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from typer import Argument, Option

from altune.cli.parsing import (
    read_annotators,
    read_json,
    read_loops,
    read_names,
    read_text_features,
)

if TYPE_CHECKING:
    from altune.simulation.environment import Environment

ModelOption = Annotated[str | None, Option("--model", metavar="NAME", help="Name of the model to use.")]
RECIPE_FORMS = "Built-in name (random_sampling, margin, vanilla, recommended), YAML file, or folder of a run."
RecipeOption = Annotated[str, Option("--recipe", metavar="RECIPE", help=RECIPE_FORMS)]
RecipeArgument = Annotated[str, Argument(metavar="RECIPE", help=RECIPE_FORMS)]
FreshBlocks = Annotated[
    int, Option(metavar="N", help="Number of blocks, each with a split and random streams of its own.")
]
Jobs = Annotated[int, Option(metavar="N", help="Number of processes; -1 uses all cores. Does not affect results.")]
Seed = Annotated[int, Option(metavar="N", help="Seed of all random streams.")]
AsJson = Annotated[bool, Option("--json", help="Print one JSON object.")]
CACHE_HELP = "Folder of finished trajectories that several runs share, at most 4 GiB."
Quiet = Annotated[bool, Option("--quiet", "-q", help="Do not show progress.")]


TargetScore = Annotated[
    float | None,
    Option(metavar="SCORE", help="Score to reach.  [default: final score of random sampling]"),
]
Metric = Annotated[str | None, Option(metavar="NAME", help="Scikit-learn scorer.  [default: accuracy]")]
Target = Annotated[str | None, Option(metavar="COLUMN", help="Label column of a table.")]


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How a file of rows is read."""

    target: Target = None
    sep: Annotated[
        str | None,
        Option(metavar="CHAR", help="Separator of a text file, or `tab`.  [default: `,`; tab in .tsv]"),
    ] = None
    encoding: Annotated[
        str | None,
        Option(metavar="NAME", help="Encoding of a text file.  [default: utf-8]"),
    ] = None
    decimal: Annotated[
        str | None,
        Option(
            metavar="MARK",
            help="Decimal mark, `.` or `,`; reads thousands separators, currencies and percent signs as well.",
        ),
    ] = None
    missing: Annotated[
        list[str] | None,
        Option(metavar="TEXT...", help="Further texts that mean a missing value in features."),
    ] = None
    sheet: Annotated[
        str | None,
        Option(metavar="NAME", help="Sheet of an Excel file.  [default: the first]"),
    ] = None
    drop: Annotated[list[str] | None, Option(metavar="COLUMN...", help="Columns to leave out.")] = None
    memory: Annotated[
        str | None,
        Option(
            metavar="SIZE",
            help="Memory that data and simulations may take, such as 4GB; more is refused before it is taken.  "
            "[default: the free memory]",
        ),
    ] = None

    def reading(self) -> dict[str, Any]:
        """Return the options of :class:`altune.data.Reading` by name; None for an option that was not given."""
        return {
            "target": self.target,
            "sep": self.sep,
            "encoding": self.encoding,
            "decimal": self.decimal,
            "missing": self.missing or None,
            "sheet": self.sheet,
            "drop": self.drop or None,
            "memory": self.memory,
        }


@dataclass(frozen=True, kw_only=True)
class ReadingOptions(FileOptions):
    """How a file of labelled rows is read, and the columns that decide how rows are split."""

    group: Annotated[
        str | None,
        Option(
            metavar="COLUMN",
            help="Column of what rows have in common, such as a patient: no split separates them, and it is no "
            "feature. `duplicates` keeps equal rows together.",
        ),
    ] = None
    time: Annotated[
        str | None,
        Option(metavar="COLUMN", help="Column of dates or numbers: tests are later than pools, and it is no feature."),
    ] = None
    skip_unlabelled: Annotated[
        bool,
        Option("--skip-unlabelled", help="Leave out rows without a label."),
    ] = False
    min_class: Annotated[
        int | None,
        Option(
            metavar="N",
            help="Merge classes with fewer than N rows into one, or leave them out if that has fewer as well.",
        ),
    ] = None

    def reading(self) -> dict[str, Any]:
        """Return the options of :class:`altune.data.Reading` by name; None for an option that was not given."""
        return {
            **super().reading(),
            "group": self.group,
            "time": self.time,
            "skip_unlabelled": self.skip_unlabelled or None,
            "min_class": self.min_class,
        }


@dataclass(frozen=True, kw_only=True)
class ScoringOptions:
    """How learning curves are scored, before a search or after it."""

    metric: Metric = None
    objective: Annotated[
        str | None, Option(metavar="NAMES", help="Objective to optimise, such as aulc; several as aulc,labels.")
    ] = None
    risk: Annotated[
        str | None, Option(metavar="RISK", help="Statistic over blocks: mean, quantile:0.1 or cvar:0.2.")
    ] = None
    constraint: Annotated[
        list[str] | None, Option(metavar="BOUND", help="Constraint such as 'labels <= 300'; repeatable.")
    ] = None
    target_score: TargetScore = None
    over: Annotated[
        str | None,
        Option(
            metavar="WHAT",
            help="Variable of integration: labels or cost.  [default: labels; cost if prices are given]",
        ),
    ] = None
    value: Annotated[
        float | None, Option(metavar="PRICE", help="Value of a score of 1 over a score of 0, for net_value.")
    ] = None
    label_price: Annotated[float | None, Option(metavar="PRICE", help="Price of one label.")] = None
    loop_price: Annotated[float | None, Option(metavar="PRICE", help="Price of one loop.")] = None
    hour_price: Annotated[
        float | None, Option(metavar="PRICE", help="Price of one hour of computing, for net_value.")
    ] = None

    def arguments(self) -> dict[str, Any]:
        """Return fields of the scenario by name; None for an option that was not given."""
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
    """The scenario: what is given and no search may change."""

    section: ClassVar[str] = "Scenario"

    budget: Annotated[int | None, Option(metavar="N", help="Number of labels that may be bought.")] = None
    loops: Annotated[
        str | None,
        Option(metavar="N", help="Maximum number of loops after the initial sample, or `unlimited`.  [default: 20]"),
    ] = None
    also: Annotated[
        list[str] | None, Option(metavar="NAME", help="Another scikit-learn scorer to record; repeatable.")
    ] = None
    positive: Annotated[
        str | None,
        Option(
            metavar="CLASS",
            help="Positive class of two, for metrics such as f1 and recall.  [default: the last one]",
        ),
    ] = None
    annotators: Annotated[
        str | None, Option(metavar="ERRORS", help="Error rate of each annotator, such as 0.1,0.1,0.2.")
    ] = None
    text_features: Annotated[
        str | None,
        Option(
            metavar="HOW",
            help="What a column of text becomes: tfidf (its words, sparse), lsa or a number of features.  "
            "[default: lsa, 30 features]",
        ),
    ] = None
    scenario: Annotated[Path | None, Option(metavar="FILE", help="Scenario in YAML; options override its fields.")] = (
        None
    )

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments that describe the scenario; None for an option that was not given."""
        from altune.simulation.scenario import Scenario

        return {
            **super().arguments(),
            "scenario": None if self.scenario is None else Scenario.load(self.scenario),
            "budget": self.budget,
            "loops": read_loops(self.loops),
            "also": self.also or None,
            "positive": self.positive,
            "annotators": read_annotators(self.annotators),
            "text_features": read_text_features(self.text_features),
        }


@dataclass(frozen=True, kw_only=True)
class DataOptions(ReadingOptions, ScenarioOptions):
    """One data set, how it is read, and its scenario."""

    data: Annotated[str, Argument(metavar="DATA", help="Built-in data set (see `altune datasets`) or file.")]
    splits: Annotated[
        Path | None, Option(metavar="FILE", help="Explicit splits in JSON that replace the drawn ones.")
    ] = None

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of ``make_environment``, ``simulate`` and the like."""
        given = {"data": self.data, **self.reading(), **super().arguments()}
        if self.splits is not None:
            given |= {"splits": read_json(self.splits), "splits_file": str(self.splits)}
        return given

    def make(self, seed: int) -> Environment:
        """Read the data, resolve the scenario and return the environment."""
        from altune.simulation.environment import make_environment

        return make_environment(**self.arguments(), seed=seed)


@dataclass(frozen=True, kw_only=True)
class ManyDataOptions(ReadingOptions, ScenarioOptions):
    """One data set or several, how they are read, and their scenario."""

    data: Annotated[
        list[str],
        Argument(metavar="DATA", help="Built-in data sets (see `altune datasets`) or files; several share one search."),
    ]
    splits: Annotated[
        Path | None, Option(metavar="FILE", help="Explicit splits in JSON that replace the drawn ones.")
    ] = None

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of ``make_environments`` that all data sets share."""
        return {**self.reading(), **super().arguments()}

    def make(self, seed: int) -> list[Environment]:
        """Return the environment of each data set."""
        from altune.simulation.environment import make_environments

        given = self.arguments() | {"splits_file": str(self.splits)}
        splits = None if self.splits is None else read_json(self.splits)
        return make_environments(self.data, seed=seed, splits=splits, **given)

    def make_away(self, names: Sequence[str], home: Sequence[Environment], seed: int) -> list[Environment]:
        """Return the environment of each data set on which the recipe is confirmed without being searched there."""
        from altune.tuning.away import make_away

        return make_away(names, home, seed=seed, **self.arguments())


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """Options of commands that play recipes without a search."""

    model: ModelOption = None
    seed: Seed = 0
    jobs: Jobs = -1

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of ``simulate``, ``compare`` and ``replay``."""
        return {"model": self.model, "seed": self.seed, "n_jobs": self.jobs}
