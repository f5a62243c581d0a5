"""The environment of a simulation: a data set, its resolved scenario and its blocks."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from altune.core.arguments import plain_arguments
from altune.core.errors import RequestError, ScenarioError
from altune.core.needs import Capabilities
from altune.core.plain import home_path
from altune.core.text import join_words
from altune.data import Dataset, as_dataset, as_sources, labelled, list_datasets
from altune.data.arrow import without_arrow
from altune.data.blocks import Block, BlockRole, make_blocks, pool_size, read_splits
from altune.data.description import first_lines, identifier_lines
from altune.data.encoding import LSA_WIDTH
from altune.data.features import is_frame
from altune.data.reading import Reading
from altune.data.split_words import split_advice
from altune.recipes.recipe import Recipe
from altune.simulation.computable import check_block, check_metrics, check_objectives, wants_probabilities
from altune.simulation.given_scenario import AnyScenario, as_scenario, scenario_arguments
from altune.simulation.metrics import has_positive
from altune.simulation.objectives import Objective
from altune.simulation.panel import MOST_DIFFICULT, most_errors
from altune.simulation.prepared import offered, prepare_block
from altune.simulation.pricing import settle_prices
from altune.simulation.scenario import Scenario

AnyData = Any
"""A data set in any form: see :data:`altune.data.given.FORMS`."""
RARE = 0.1
"""Share of the rows below which a class is called rare."""


@dataclass(frozen=True, eq=False)
class Environment:
    """What is the same for every recipe of a study.

    Attributes
    ----------
    dataset : the data.
    scenario : the resolved scenario, with its budget filled in.
    seed : the study's seed.
    capabilities : what the environment offers to methods.
    explicit : blocks given by the user, by role; empty if blocks are drawn.
    source : where the data came from, so that a worker can load them: ``data``, a name or an absolute path, ``target``
        and the other options of reading that were given, and ``splits``, a file, if there are explicit blocks. None for
        data or blocks made in Python.
    notes : what the prices of the request do, one line each; empty if that was asked for.
    search_rows : number of rows of a search block, pool and test together; None for all rows. Explicit blocks have
        their own.
    """

    dataset: Dataset
    scenario: Scenario
    seed: int
    capabilities: Capabilities
    explicit: Mapping[BlockRole, list[Block]] = field(default_factory=dict)
    source: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    search_rows: int | None = None

    @property
    def objective(self) -> Objective:
        """The first objective of the scenario, which is confirmed."""
        return self.scenario.make_objective()

    def blocks(self, role: BlockRole, count: int) -> list[Block]:
        """Return the blocks of a role: all explicit ones if there are any, else the first ``count`` drawn.

        Raises
        ------
        ScenarioError
            If a metric cannot be computed on the test rows of a block.
        """
        most = self.search_rows if role == "search" else None
        drawn = make_blocks(self.dataset, role, count, self.seed, most) if not self.explicit else None
        blocks = self.explicit.get(role, []) if drawn is None else drawn
        for block in blocks:
            check_block(self.scenario, self.dataset, block)
        return blocks

    def advice(self) -> list[str]:
        """Return advice about this environment, one line each; usually there is none."""
        lines = [*self.notes, *([line] if (line := self._positive_advice()) else []), *self.dataset.remarks]
        lines += [] if self.explicit else split_advice(self.dataset, self.blocks("report", 1)[0])
        counts = self.dataset.class_counts
        rarest = int(np.argmin(counts))
        share = counts[rarest] / self.dataset.n_rows
        if share < RARE and self.scenario.metric == "accuracy" and self.dataset.n_classes < 1 / RARE:
            lines.append(
                f"the rarest class, {self.dataset.classes[rarest]!r}, has {share:.1%} of the rows and hardly affects "
                "the accuracy; consider --metric balanced_accuracy"
            )
        return [*lines, *self._advice_on_columns()]

    def _advice_on_columns(self) -> list[str]:
        """Return advice about identifiers and about columns of text."""
        dataset, chosen = self.dataset, self.scenario.text_features
        numbers = dataset.numbers_as_text
        as_text = first_lines(list(numbers.values()), "more columns hold numbers but came as text")
        lines = [*identifier_lines(dataset.identifiers), *as_text]
        texts = [repr(name) for name in dataset.texts if name not in {*dataset.identifiers, *numbers}]
        if chosen == "lsa" and texts:
            subject = f"column {texts[0]} is" if len(texts) == 1 else f"columns {join_words(texts)} are"
            lines.append(
                f"{subject} text and {'becomes' if len(texts) == 1 else 'become'} {LSA_WIDTH} numbers"
                f"{'' if len(texts) == 1 else ' each'}; --text-features tfidf keeps "
                f"{'its' if len(texts) == 1 else 'their'} words, which pays off from a few hundred labels"
            )
        if chosen != "lsa" and not dataset.texts:
            lines.append(f"{dataset.name} has no column of text, so --text-features {chosen} changes nothing")
        return lines

    def _positive_advice(self) -> str:
        """Return which class is positive if a metric has one and it was not given; else an empty text."""
        scenario = self.scenario
        if scenario.positive is not None or scenario.positive_class is None:
            return ""
        metrics = join_words([metric for metric in scenario.metric_names if has_positive(metric)])
        other, last = scenario.classes
        return (
            f"the positive class of {metrics} is {last!r}, the last one; --positive {shlex.quote(other)} chooses the "
            "other"
        )

    def require(self, recipe: Recipe, name: str = "the recipe") -> None:
        """Refuse a recipe that does not work in this environment.

        Raises
        ------
        RequestError
            With the first reason.
        """
        problems = recipe.problems(self.capabilities)
        if problems:
            raise RequestError(f"{name} does not work here: {problems[0]}")


@plain_arguments(also=scenario_arguments)
def make_environment(
    data: AnyData,
    *,
    target: str | None = None,
    group: Any = None,
    time: Any = None,
    scenario: AnyScenario | None = None,
    seed: int = 0,
    splits: Any = None,
    splits_file: str = "splits",
    **overrides: Any,
) -> Environment:
    """Make the environment of a data set and a scenario.

    Parameters
    ----------
    data : a data set, the name of a built-in one, a file, a DataFrame, or a pair (X, y).
    target : label column of a table.
    group, time : which rows belong together, and when each came about: names of columns, or for a data set made in
        Python also a value for each row; see :class:`altune.Dataset`.
    scenario : the scenario, a mapping of its fields, or its file; by default every field has its default.
    seed : the study's seed, 0 or more.
    splits : explicit blocks, see :func:`altune.data.blocks.read_splits`.
    splits_file : the file that ``splits`` was read from, for error messages.
    overrides : fields of the scenario that replace those of ``scenario``, None keeps a field; and how a file is read,
        see :class:`altune.data.Reading`.

    Raises
    ------
    RequestError
        If the data, the scenario and the blocks do not fit together.
    """
    if seed < 0:
        raise RequestError(f"seed must be 0 or more, not {seed}")
    if not is_frame(data := without_arrow(data)):
        data = labelled(data, target)
    columns = {"group": group, "time": time}
    if isinstance(data, Dataset):  # which alone can have values for each row
        data, columns = data.with_columns(groups=group, time=time), {}
    reading = replace(Reading.taken(overrides, target), **columns)
    scenario = as_scenario(scenario)
    base = scenario.to_dict() if scenario is not None else {}
    given = {name: value for name, value in overrides.items() if value is not None}
    merged, notes = settle_prices(Scenario.from_dict({**base, **given}), given, scenario)
    dataset = as_dataset(data, reading)
    explicit = {} if splits is None else read_splits(dataset, splits, splits_file)
    drawn = make_blocks(dataset, "search", 1, seed) if not explicit else []
    pools = [len(block.pool) for blocks in explicit.values() for block in blocks] or [pool_size(dataset, seed)]
    resolved = merged.resolve(dataset, min(pools))
    resolved.make_objective()
    first = explicit["search"][0] if explicit else drawn[0]
    check_metrics(resolved, dataset, first)
    check_objectives(resolved)
    check_errors(resolved, dataset, first, seed)
    capabilities = offered(
        dataset,
        dataset.y,
        resolved.text_features,
        n_classes=dataset.n_classes,
        annotators=len(resolved.annotators),
        metric_of_probabilities=next((name for name in resolved.metric_names if wants_probabilities(name)), None),
        price_per_label=resolved.mean_price,
        price_per_loop=resolved.price_per_loop,
        classes=dataset.classes,
        positive=resolved.positive,
    )
    source = source_of(data, reading, None if splits is None else splits_file)
    return Environment(dataset, resolved, seed, capabilities, explicit, source, notes)


def source_of(data: AnyData, reading: Reading, splits_file: str | None = None) -> dict[str, Any] | None:
    """Return where data and explicit blocks came from; None if either was made in Python.

    >>> source_of("digits", Reading())
    {'data': 'digits', 'target': None}
    """
    if not isinstance(data, (str, Path)) or (splits_file is not None and not Path(splits_file).is_file()):
        return None
    path = Path(home_path(data, "data"))
    # The name of a built-in data set comes before a file of the same name.
    named = str(data) in {info.name for info in list_datasets()} or not path.exists()
    source = {"data": str(data) if named else str(path.resolve()), **reading.stored}
    return source if splits_file is None else source | {"splits": str(Path(splits_file).resolve())}


def check_errors(scenario: Scenario, dataset: Dataset, block: Block, seed: int) -> None:
    """Refuse errors that depend on the row and are more than such errors can be on a data set.

    Raises
    ------
    ScenarioError
        With the highest mean rate that can be reached.
    """
    wanted = max(person.instance for person in scenario.annotators)
    if not wanted:
        return
    prepared = prepare_block(dataset, block, seed, scenario.scaling)
    most = most_errors(prepared.class_probabilities(), prepared.y_pool)
    if wanted > most:
        raise ScenarioError(
            f"instance {wanted:g}: the mean probability of an error is at most {most:.3g} on {dataset.name}, because "
            f"it is at most {MOST_DIFFICULT:g} for a row and 0 for the {1 - most / MOST_DIFFICULT:.0%} of the rows "
            "without any doubt about their class; give less, or `error`, which is the same for all rows"
        )


@plain_arguments(also=scenario_arguments)
def make_environments(
    data: AnyData | Sequence[AnyData],
    *,
    target: str | None = None,
    group: str | None = None,
    time: str | None = None,
    scenario: AnyScenario | None = None,
    seed: int = 0,
    splits: Any = None,
    splits_file: str = "splits",
    **overrides: Any,
) -> list[Environment]:
    """Make the environment of each data set.

    Parameters
    ----------
    data : data as for :func:`make_environment`, or a list of them.
    target : label column of tables.
    group, time, scenario, seed, splits, splits_file, overrides : as for :func:`make_environment`.

    Raises
    ------
    RequestError
        If the data, the scenario and the blocks do not fit together.
    """
    sources = as_sources(data)
    if not sources:
        raise RequestError("no data set was given")
    if len(sources) > 1 and splits is not None:
        raise RequestError("explicit blocks need a single data set")
    given: dict[str, Any] = {"target": target, "group": group, "time": time, "scenario": scenario, "seed": seed}
    given["splits"] = splits
    return [make_environment(source, splits_file=splits_file, **given, **overrides) for source in sources]
