"""recommend(): a recipe without any label, with the evidence that speaks for it and against it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from altune.analysis.recommendation import Recommendation, Request, doubts_of, pool_notes, relevant
from altune.core.arguments import plain_arguments
from altune.core.errors import RequestError
from altune.core.needs import Capabilities
from altune.core.plain import home_path
from altune.core.system_errors import system_errors
from altune.data import Dataset, Reading, as_dataset, family_of, list_datasets, load_dataset
from altune.data.encoding import encode_described
from altune.data.reading import reading_arguments
from altune.data.unlabelled import unlabelled_pool
from altune.models import Model, as_model
from altune.recipes.evidence import shipped_evidence
from altune.recipes.recipe import Recipe
from altune.recipes.recommended import recommended_for
from altune.simulation.prepared import offered
from altune.simulation.scenario import default_budget

USUAL_LOOPS = 20
UNKNOWN_POOL = 10**9
"""Rows of a pool that was not given: they limit nothing."""


@plain_arguments(also=reading_arguments)
def recommend(
    pool: Any = None,
    *,
    model: Any = "logistic_regression",
    budget: int | None = None,
    n_classes: int | None = None,
    loops: int | None = USUAL_LOOPS,
    target: str | None = None,
    **options: Any,
) -> Recommendation:
    """Recommend a recipe without any label.

    Parameters
    ----------
    pool : the rows that may be labelled, on which the recipe is checked: an array, a sparse matrix, a DataFrame, a
        file, a :class:`~altune.data.Dataset`, or the name of a built-in data set. Labels that it has are not used.
    model : model to use: a name, a mapping, an altune model, or any scikit-learn classifier.
    budget : number of labels that may be bought; by default 20 for each class, at least 100 and at most half of the
        pool.
    n_classes : number of classes, 2 or more; by default that of a data set.
    loops : largest number of loops after the first sample; None for no limit.
    target : column of a file that is left out, because it has labels.
    options : how a file is read, see :class:`altune.data.Reading`.

    Returns
    -------
    Recommendation

    Raises
    ------
    RequestError
        If the number of classes is missing or below 2, the budget does not fit, or the model is unknown.
    DataError
        If the pool cannot be read.

    Examples
    --------
    >>> found = recommend(n_classes=4, budget=200)
    >>> found.recipe.query_strategy.method, found.recipe.initial_sample.size
    ('margin_cover', 5)
    """
    chosen = as_model(model)
    dataset, classes = _read(pool, n_classes, Reading.taken(options, target))
    if options:
        raise TypeError(f"recommend() got an unexpected keyword argument {next(iter(options))!r}")
    labels = _budget(budget, classes, dataset)
    capabilities, encoded = _offered(dataset, classes)
    recipe, gave_way = recommended_for(Recipe(model=chosen), [capabilities])
    if problems := recipe.problems(capabilities):
        raise RequestError(f"the recommended recipe cannot be played: {problems[0]}")
    request = _request(classes, labels, loops, chosen, dataset)
    family = None if dataset is None else family_of(dataset.name)
    evidence = shipped_evidence().without([] if family is None else [family])
    of_model = relevant(evidence, chosen.method)
    return Recommendation(
        recipe=recipe.replace(name=None),
        request=request,
        gains=of_model.where(lambda case: not case.noise).by_classes(),
        with_errors=of_model.where(lambda case: case.noise > 0).gains(),
        notes=(*gave_way, *(pool_notes(request, encoded) if encoded else ())),
        doubts=doubts_of(request, evidence),
    )


def _read(pool: Any, n_classes: int | None, reading: Reading) -> tuple[Dataset | None, int]:
    """Return the pool as a data set, None if there is none, and the number of classes."""
    if n_classes is not None and n_classes < 2:
        raise RequestError(f"n_classes must be 2 or more, not {n_classes} (--n-classes)")
    if pool is None and reading.given:
        what = "a target column" if reading.target is not None else f"the option {next(iter(reading.given))!r}"
        raise RequestError(f"{what} needs a pool; give the file of the pool, or leave it out")
    built_in = isinstance(pool, str) and pool in {info.name for info in list_datasets()}
    dataset = as_dataset(pool, reading) if built_in or isinstance(pool, Dataset) else None
    classes = dataset.n_classes if n_classes is None and dataset is not None else n_classes
    if classes is None:
        raise RequestError("the number of classes is missing; give n_classes (--n-classes K)")
    if pool is None or dataset is not None:
        return dataset, classes
    return unlabelled_pool(_existing(pool), classes, **reading.given), classes


def _is_there(path: str | Path) -> bool:
    with system_errors(path):
        return Path(home_path(path, "pool")).exists()


def _existing(pool: Any) -> Any:
    """Return a pool that is no built-in data set; a name that is no file either gets the error of a data set."""
    if isinstance(pool, (str, Path)) and not _is_there(pool):
        load_dataset(pool)  # raises, and names what is near
    return pool


def _budget(budget: int | None, n_classes: int, dataset: Dataset | None) -> int:
    rows = UNKNOWN_POOL if dataset is None else dataset.n_rows
    labels = default_budget(n_classes, rows) if budget is None else budget
    if labels < n_classes:
        raise RequestError(
            f"a budget of {labels} labels is less than one for each of {n_classes} classes; give more (--budget)"
        )
    if labels > rows:
        raise RequestError(
            f"a budget of {labels} labels is more than the {rows} rows of the pool; give less (--budget)"
        )
    return labels


def _offered(dataset: Dataset | None, n_classes: int) -> tuple[Capabilities, str]:
    """Return what a pool offers to a recipe, and how its features become numbers; all of it is encoded here.

    A model that takes raw rows is tried with the classes in turn in place of labels.
    """
    if dataset is None:
        return Capabilities(n_classes=n_classes), ""
    rows = np.arange(dataset.n_rows)
    encoding = encode_described(dataset, rows, []).encoding
    return offered(dataset, rows % n_classes, n_classes=n_classes), encoding.summary


def _request(n_classes: int, budget: int, loops: int | None, model: Model, dataset: Dataset | None) -> Request:
    if dataset is None:
        return Request(n_classes, budget, loops, model.method)
    unusual = "sparse data" if dataset.kind == "sparse" else "text" if dataset.kind == "table" and dataset.texts else ""
    return Request(n_classes, budget, loops, model.method, dataset.name, dataset.n_rows, dataset.n_features, unusual)
