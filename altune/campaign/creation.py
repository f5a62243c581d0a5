"""The start of a campaign: everything that is fixed from then on, checked before a folder is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from altune.analysis.run import Run
from altune.campaign.events import CAMPAIGN_FORMAT
from altune.campaign.rows import as_pool
from altune.core.errors import DataError, RequestError, did_you_mean
from altune.core.formats import library_versions
from altune.core.needs import Capabilities
from altune.core.plain import home_path
from altune.core.raw_rows import RawOffer
from altune.core.streams import Streams
from altune.core.version import __version__
from altune.data import Dataset
from altune.data.arrow import without_arrow
from altune.data.class_names import in_order
from altune.data.encoding import is_sparse
from altune.data.features import is_frame
from altune.data.files import data_name
from altune.data.labels import encode_labels
from altune.data.readers import find_target, read_features, read_file
from altune.data.reading import Reading
from altune.recipes.recipe import RECOMMENDED, Recipe, load_recipe
from altune.recipes.recommended import recommended_for
from altune.simulation.annotators import Annotator
from altune.simulation.given_scenario import AnyScenario, as_scenario
from altune.simulation.scenario import Scenario, default_budget
from altune.tuning.run_folder import is_run

UNUSED = ("skip_unlabelled", "min_class", "group", "time")
"""Options of reading that say nothing about rows without labels."""


@dataclass(frozen=True)
class PoolPart:
    """Rows as the caller gave them.

    Attributes
    ----------
    features : a DataFrame, a sparse matrix or an array, ``(n_rows, n_features)``.
    ids : names of the rows, None if they have none.
    labels : labels that exist already, with gaps; None if there are none.
    name : name of the data.
    """

    features: Any
    ids: list[Any] | None
    labels: Any
    name: str

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.features.shape[0])


def read_pool(source: Any, ids: Any, reading: Reading, *, labels: Any = None, name: str = "pool") -> PoolPart:
    """Read rows that may be labelled.

    Parameters
    ----------
    source : an array, a sparse matrix, a DataFrame or a file.
    ids : names of the rows, or the column that has them; None if they have none.
    reading : how a file is read; its target is a column with labels that exist already.
    labels : labels that exist already, in place of a target.
    name : name of the data; that of a file is its own.

    Raises
    ------
    DataError
        If the rows cannot be read, or their names are not different.
    """
    reading.refuse(UNUSED, f"{name}: rows without labels are not split, left out or merged")
    if isinstance(ids, str) and isinstance(source, (str, Path)):
        reading = replace(reading, group=ids)  # names of rows are the text of the file, as names of groups are
    if labels is not None and reading.target is not None:
        raise RequestError("labels and a target column are given; give one of them")
    if isinstance(source, (str, Path)):
        name = data_name(source)
        if reading.target is None:
            features = read_features(source, reading)
        else:
            features, labels = read_file(source, reading)
    else:
        features = without_arrow(source)
        if is_frame(features) and reading.target is not None:
            column = find_target([str(label) for label in features.columns], reading.target, name)
            features, labels = features.drop(columns=column), features[column]
        elif isinstance(features, (list, tuple)):
            features = np.asarray(features)
    if isinstance(ids, str):
        if not is_frame(features):
            raise DataError(f"{name}: only a table has columns; give ids as a list of names")
        columns = [str(label) for label in features.columns]
        if ids not in columns:
            raise DataError(f"{name}: no column {ids!r} with names of the rows; {did_you_mean(ids, columns)}")
        column = features.columns[columns.index(ids)]
        features, ids = features.drop(columns=column), features[column].tolist()
    if not hasattr(features, "shape") or len(features.shape) != 2:
        raise DataError(f"{name}: a pool is an array of two dimensions, a sparse matrix, a DataFrame or a file")
    part = PoolPart(features, None if ids is None else [_plain(value) for value in ids], labels, name)
    if part.ids is not None:
        _require_different(part.ids, part.n_rows, name)
    return part


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _require_different(ids: Sequence[Any], n_rows: int, name: str) -> None:
    if len(ids) != n_rows:
        raise DataError(f"{name}: {len(ids)} names were given for {n_rows} rows")
    seen = set()
    for row, value in enumerate(ids):
        if not isinstance(value, (str, int)) or isinstance(value, bool) or value == "":
            raise DataError(f"{name}: row {row} has the name {value!r}; names are texts or whole numbers")
        if value in seen:
            raise DataError(f"{name}: two rows have the name {value!r}; give each a name of its own")
        seen.add(value)


@dataclass(frozen=True)
class Start:
    """What a campaign begins with.

    Attributes
    ----------
    recipe, scenario, streams : as they are played; the scenario has its budget and its classes.
    part : the rows.
    given : codes of labels that exist already, by row.
    annotators : names of the annotators.
    hold_out : rows that measure the model, sorted.
    fingerprint : hash of the rows.
    """

    recipe: Recipe
    scenario: Scenario
    streams: Streams
    part: PoolPart
    given: Mapping[int, int]
    annotators: tuple[str, ...]
    hold_out: tuple[int, ...]
    fingerprint: str

    def created(self, file: str) -> dict[str, Any]:
        """Return the fields of the event ``created``, given the file that has the rows."""
        streams = self.streams
        return {
            "format": CAMPAIGN_FORMAT,
            "altune": __version__,
            "libraries": library_versions(),
            "recipe": self.recipe.to_dict(),
            "scenario": self.scenario.to_dict(),
            "classes": list(self.scenario.labels_of_classes),
            "annotators": list(self.annotators),
            "hold_out": list(self.hold_out),
            "streams": {"seed": streams.seed, "data": streams.data, "part": streams.part, "block": streams.block},
            "pool": {
                "file": file,
                "rows": self.part.n_rows,
                "fingerprint": self.fingerprint,
                "ids": self.part.ids,
            },
        }


def starting(
    recipe: Any,
    part: PoolPart,
    *,
    classes: Iterable[Any] | None = None,
    budget: int | None = None,
    scenario: AnyScenario | None = None,
    fields: Mapping[str, Any] | None = None,
    annotators: Iterable[str] | None = None,
    hold_out: int = 0,
    seed: int = 0,
    streams: Streams | None = None,
) -> Start:
    """Check what a campaign begins with. The parameters are those of :meth:`altune.Campaign.create`.

    Further ones are ``fields`` of the scenario that replace its own; None keeps one.

    Raises
    ------
    RequestError
        If something is missing or does not fit together.
    """
    chosen, of_run, its_classes = _recipe_of(recipe)
    wanted = as_scenario(scenario) or of_run or Scenario()
    replaced = {name: value for name, value in (fields or {}).items() if value is not None}
    wanted = Scenario.from_dict({**wanted.to_dict(), **replaced}).with_classes(wanted.labels_of_classes)
    names = its_classes if classes is None else _classes(classes)
    if names is None:
        raise RequestError("the classes are missing; give classes=[...] (--classes a,b,c), or a run as the recipe")
    dataset = as_pool(part.features, names, part.name)
    given = _given(part, names)
    people = _people(annotators, wanted)
    labels = _budget(budget, wanted, dataset, len(people), hold_out, given)
    crowd = wanted.annotators if len(wanted.annotators) == len(people) else (Annotator(),) * len(people)
    wanted = wanted.model_copy(update={"budget": labels, "annotators": crowd}).with_classes(names)
    capabilities = _capabilities(dataset, wanted)
    played = recommended_for(Recipe(), [capabilities])[0] if chosen is None else chosen
    _require_playable(played, capabilities)
    streams = streams or Streams(seed, part.name, "campaign", 0)
    free = np.setdiff1d(np.arange(part.n_rows), list(given))
    measured = np.sort(streams.generator("hold_out_rows").choice(free, size=hold_out, replace=False))
    return Start(played, wanted, streams, part, given, people, tuple(measured.tolist()), dataset.raw_fingerprint)


def _recipe_of(recipe: Any) -> tuple[Recipe | None, Scenario | None, tuple[Any, ...] | None]:
    """Return the recipe, None for the recommended one, and the scenario and the classes of the run that has it."""
    if isinstance(recipe, str) and recipe == RECOMMENDED:
        return None, None, None
    if isinstance(recipe, (str, Path)) and is_run(home_path(recipe, "run")):
        recipe = Run.open(home_path(recipe, "run"))
    if not isinstance(recipe, Run):
        return load_recipe(recipe), None, None
    return recipe.best_recipe, recipe.scenario, recipe.scenario.labels_of_classes or None


def _classes(classes: Iterable[Any]) -> tuple[Any, ...]:
    names = [_plain(name) for name in classes] if not isinstance(classes, str) else classes.split(",")
    if len(set(names)) != len(names) or len(names) < 2:
        raise RequestError(f"classes must be two different names or more, not {names}")
    return tuple(in_order(names))


def _given(part: PoolPart, classes: Sequence[Any]) -> dict[int, int]:
    """Return the codes of labels that exist already, by row."""
    if part.labels is None:
        return {}
    labels = part.labels
    if len(labels) != part.n_rows:
        raise RequestError(f"{len(labels)} labels were given for {part.n_rows} rows; give None where there is none")
    try:
        # with each class once at the end, because labels of one class are a valid start
        found = encode_labels([*labels, *classes], classes, skip_unlabelled=True)
    except DataError as error:
        raise DataError(f"{part.name}: {error}") from None
    rows = range(found.n_rows) if found.kept is None else found.kept.tolist()
    return {row: int(code) for row, code in zip(rows, found.codes, strict=True) if row < part.n_rows}


def _people(annotators: Iterable[str] | None, scenario: Scenario) -> tuple[str, ...]:
    """Return the names of the annotators; they are numbered where none are given."""
    if annotators is None:
        return tuple(f"annotator {number}" for number in range(1, len(scenario.annotators) + 1))
    names = tuple(str(name).strip() for name in ([annotators] if isinstance(annotators, str) else annotators))
    if not names or "" in names or len(set(names)) != len(names):
        raise RequestError("annotators must be different names, none of them empty")
    return names


def _budget(
    budget: int | None,
    scenario: Scenario,
    dataset: Dataset,
    annotators: int,
    hold_out: int,
    given: Mapping[int, int],
) -> int:
    rows = dataset.n_rows
    labels = next((n for n in (budget, scenario.budget) if n is not None), None)
    labels = default_budget(dataset.n_classes, rows - hold_out) if labels is None else labels
    if len(given) >= labels:
        raise RequestError(
            f"{len(given)} rows have a label already, which a budget of {labels} labels counts; give more (--budget)"
        )
    if not 0 <= hold_out <= rows - len(given) - dataset.n_classes:
        raise RequestError(
            f"hold_out must be from 0 to {max(0, rows - len(given) - dataset.n_classes)} of the {rows} rows, "
            f"not {hold_out}"
        )
    most = (rows - hold_out) * annotators
    if not dataset.n_classes <= labels <= most:
        raise RequestError(f"budget must be from {dataset.n_classes} to {most} labels for this pool, not {labels}")
    return labels


def _capabilities(dataset: Dataset, scenario: Scenario) -> Capabilities:
    """Return what the pool and the annotators offer to a recipe."""
    raw = RawOffer(dataset.name, dataset.kind, dataset.n_features, partial(getattr, dataset, "raw_table"), dataset.y)
    return Capabilities(
        sparse=is_sparse(dataset, scenario.text_features),
        n_classes=dataset.n_classes,
        annotators=len(scenario.annotators),
        price_per_label=scenario.mean_price,
        price_per_loop=scenario.price_per_loop,
        classes=dataset.classes,
        positive=scenario.positive,
        raw=raw,
    )


def _require_playable(recipe: Recipe, capabilities: Capabilities) -> None:
    """Refuse a recipe that needs what the pool or the annotators do not offer."""
    if problems := recipe.problems(capabilities):
        raise RequestError(f"the recipe does not work here: {problems[0]}")
    if recipe.initial_sample.uses_oracle:
        raise RequestError(
            f"initial_sample {recipe.initial_sample.method!r} reads true labels, which only a simulation has"
        )
