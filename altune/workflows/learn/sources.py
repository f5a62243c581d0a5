"""What to learn from: data sets by name or file, the data sets of sweeps, and those of stored runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from altune.analysis.sweep.request import read_sweep
from altune.core.errors import RequestError, did_you_mean
from altune.data import Dataset, list_datasets, load_dataset
from altune.data.files import data_name
from altune.data.reading import Reading
from altune.learning.episodes import EpisodeData
from altune.models import Model
from altune.tuning.folders import kind_of
from altune.tuning.record import StudyRecord
from altune.tuning.run_folder import is_run, stored_study


@dataclass(frozen=True)
class Sources:
    """Data sets and models to learn from.

    Attributes
    ----------
    data : the data sets, each with the budgets that its source gives.
    models : the models that the sources give, each once; may be empty.
    """

    data: tuple[EpisodeData, ...]
    models: tuple[Model, ...] = ()


def read_source(source: str | Path) -> Sources:
    """Return the data sets and models of a sweep's file, a sweep's folder or a run's folder.

    Raises
    ------
    RequestError
        If it is none of these, or if a run's data were passed from Python and cannot be read again.
    """
    path = Path(source)
    if path.is_file():
        request = read_sweep(path)
        data = [
            EpisodeData(entry.file, entry.target, budgets=request.budgets, reading=entry.reading)
            for entry in request.data
        ]
        return Sources(tuple(data), tuple(entry.model for entry in request.models))
    if is_run(path):
        return _of_run(path)
    if path.is_dir() and kind_of(path) == "sweep":
        return merged([_of_run(cell) for cell in sorted(path.iterdir()) if is_run(cell)])
    raise RequestError(f"{path}: neither the file of a sweep nor the folder of a sweep or a run")


def merged(sources: Iterable[Sources]) -> Sources:
    """Return several sources as one; a data set of several has the budgets of all.

    >>> both = merged([Sources((EpisodeData("iris", budgets=(20,)),)), Sources((EpisodeData("iris", budgets=(40,)),))])
    >>> [(entry.source, entry.budgets) for entry in both.data]
    [('iris', (20, 40))]
    """
    data: dict[str, EpisodeData] = {}
    models: dict[str, Model] = {}
    for source in sources:
        for entry in source.data:
            known = data.setdefault(data_set_name(entry), entry)
            data[data_set_name(entry)] = replace(known, budgets=tuple(dict.fromkeys((*known.budgets, *entry.budgets))))
        models |= {repr(model): model for model in source.models}
    return Sources(tuple(data.values()), tuple(models.values()))


def with_families(data: Sequence[EpisodeData], families: Mapping[str, str]) -> tuple[EpisodeData, ...]:
    """Return data sets with families by the names of the data sets; the others keep theirs.

    Raises
    ------
    RequestError
        If no data set has one of the names.
    """
    names = [data_set_name(entry) for entry in data]
    for name in families:
        if name not in names:
            raise RequestError(
                f"a family is given for {name!r}, which is no data set here; {did_you_mean(name, names)}"
            )
    return tuple(
        replace(entry, family=families.get(name, entry.family)) for entry, name in zip(data, names, strict=True)
    )


def data_set_name(entry: EpisodeData) -> str:
    """Return the name that the data set of an entry has once it is read."""
    return entry.source.name if isinstance(entry.source, Dataset) else data_name(entry.source)


def _of_run(folder: Path) -> Sources:
    record = StudyRecord(stored_study(folder))
    record.require_estimators(str(folder))
    data = []
    for name, scenario in record.scenarios.items():
        source = (record.sources or {}).get(name) or _built_in(name, str(record.data_sets[name]["fingerprint"]))
        if source is None:
            raise RequestError(
                f"{folder}: the data set {name!r} was passed from Python or by a sweep and cannot be read again; "
                "give its file, or that of the sweep, instead"
            )
        reading = Reading.of_stored(source)
        entry = EpisodeData(str(source["data"]), source["target"], budgets=(scenario.labels,), reading=reading)
        data.append(entry)
    decision = record.space.decisions.get("model")
    alternatives = decision.alternatives if decision is not None else ()
    return Sources(tuple(data), tuple(cast(Model, alternative.typical()) for alternative in alternatives))


def _built_in(name: str, fingerprint: str) -> dict[str, Any] | None:
    """Return the source of a built-in data set with the same content, None if there is none."""
    if name not in {info.name for info in list_datasets()} or load_dataset(name).fingerprint != fingerprint:
        return None
    return {"data": name, "target": None}
