"""The entries of a sweep's lists: data sets, models and search spaces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from altune.core.errors import FormatError, RequestError, did_you_mean
from altune.core.plain import home_path
from altune.core.system_errors import system_errors
from altune.data import Dataset, list_datasets
from altune.data.reading import READING_FIELDS, Reading
from altune.models import Model, as_model
from altune.recipes.space import SearchSpace
from altune.recipes.space.shipped import find_space, shipped_spaces

FOLDER = "folder"
"""Key of the validation context: the folder of the sweep's file."""


class ListEntry(BaseModel):
    """One item of a list, written as a word or a mapping."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(min_length=1, max_length=100, description="name in tables and folders")


class DataEntry(ListEntry):
    """A data set: ``digits``, ``mine.csv``, or ``{file: mine.csv, target: label, group: patient, name: mine}``."""

    file: str | Path | Dataset
    target: str | None = None
    reading: Reading = Reading()

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> dict[str, Any]:
        plain = _mapping(value, "file", ("file", "name", *READING_FIELDS), "a data set")
        try:
            plain["reading"] = Reading.taken(plain, plain.get("target"))
        except RequestError as error:
            raise FormatError(str(error), value=value) from None
        known = {dataset.name for dataset in list_datasets()}
        plain["file"] = source = _beside(plain["file"], info, known)
        stem = source.name if isinstance(source, Dataset) else Path(source).name.split(".")[0]
        return {"name": stem, **plain}


class SpaceEntry(ListEntry):
    """A search space: ``standard``, ``mine.yaml``, or ``{file: mine.yaml, name: mine}``."""

    file: str | Path | SearchSpace

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> dict[str, Any]:
        plain = _mapping(value, "file", ("file", "name"), "a search space")
        plain["file"] = source = _beside(plain["file"], info, shipped_spaces())
        if isinstance(source, SearchSpace):
            return {"name": source.name or "space", **plain}
        try:
            return {"name": find_space(source).stem, **plain}
        except RequestError as error:
            raise FormatError(str(error), value=source, accepted=shipped_spaces()) from None


class ModelEntry(ListEntry):
    """A model: ``mlp``, or its mapping, with a ``name`` if another entry has the same method."""

    model: Model

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> dict[str, Any]:
        plain = dict(value) if isinstance(value, Mapping) else {}
        name = {"name": plain.pop("name")} if "name" in plain else {}
        try:
            model = as_model(plain if isinstance(value, Mapping) else value)
        except FormatError:
            raise
        except RequestError as error:
            raise FormatError(str(error), value=value) from None
        return {"name": model.method, "model": model, **name}


def _mapping(value: Any, key: str, accepted: tuple[str, ...], what: str) -> dict[str, Any]:
    """Return an entry as a mapping; a bare value gets the key ``key``."""
    plain = dict(value) if isinstance(value, Mapping) else {key: value}
    for name in plain:
        if name not in accepted:
            raise FormatError(f"is not a field of {what}; {did_you_mean(name, accepted)}", path=str(name), value=name)
    if key not in plain:
        raise FormatError(f"{key!r} is missing; give the name or the file of {what}", value=plain)
    if not isinstance(plain[key], (str, Path, Dataset, SearchSpace)):
        raise FormatError(f"{plain[key]!r} is not {what}; give a name or a file", value=plain[key])
    return plain


def _beside(source: Any, info: ValidationInfo, known: Any) -> Any:
    """Return the path of a file in the folder of the sweep's file if it is there; other sources are returned."""
    if not isinstance(source, (str, Path)) or str(source) in known:
        return source
    beside = Path((info.context or {}).get(FOLDER, Path())) / home_path(source, "the sweep")
    with system_errors(beside):
        return beside if beside.exists() else source
