"""What a sweep is asked for: the file with its lists, and the cells that their product makes.

::

    version: 1
    data: [digits, {file: mine.csv, target: label}]
    models: [logistic_regression, {method: mlp, name: small, hidden_sizes: [20]}]
    spaces: [quick, mine.yaml]
    budgets: [100, 200]
    seeds: [0, 1]
    scenario: {metric: balanced_accuracy}
    settings: {n_trials: 40}
    ablation: true
    skip: [{data: digits, model: small}]

Data and spaces that are files are looked for beside the sweep's own file, else in the working directory.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from altune.core.deprecations import new_keywords
from altune.core.errors import FormatError, RequestError, did_you_mean
from altune.core.files import canonical_digest, check_keys
from altune.core.registry import explain_validation
from altune.core.yaml import read_yaml
from altune.data import Dataset, list_datasets
from altune.models import Model, as_model
from altune.recipes.space import SearchSpace
from altune.recipes.space.shipped import find_space, shipped_spaces
from altune.simulation.scenario import Scenario
from altune.tuning.settings import Settings

COORDINATES = ("data", "model", "space", "budget", "seed")
"""What tells one cell from another, the slowest to change first."""

FOLDER = "folder"
LONGEST_NAME = 60


class ListEntry(BaseModel):
    """One item of a list, written as one word or as a mapping."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(min_length=1, max_length=100, description="what tables and folders call it")


class DataEntry(ListEntry):
    """A data set: ``digits``, ``mine.csv``, or ``{file: mine.csv, target: label, name: mine}``."""

    file: str | Path | Dataset
    target: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> dict[str, Any]:
        plain = _mapping(value, "file", ("file", "target", "name"), "a data set")
        known = {facts.name for facts in list_datasets()}
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
    """A model: ``mlp``, or its mapping, with a ``name`` where another entry has the same method."""

    model: Model

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> dict[str, Any]:
        plain = dict(value) if isinstance(value, Mapping) else {}
        own = {"name": plain.pop("name")} if "name" in plain else {}
        try:
            model = as_model(plain if isinstance(value, Mapping) else value)
        except FormatError:
            raise
        except RequestError as error:
            raise FormatError(str(error), value=value) from None
        return {"name": model.method, "model": model, **own}


def _read_scenario(value: Any) -> Any:
    return Scenario.from_dict(value) if isinstance(value, Mapping) else value


def _read_settings(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    value = new_keywords(value)
    accepted = [field.name for field in dataclasses.fields(Settings) if field.name != "seed"]
    for key in value:
        if key == "seed":
            raise FormatError("the seeds of the studies stand in the list `seeds` of the file", path=key, value=key)
        if key not in accepted:
            raise FormatError(f"no such setting; {did_you_mean(key, accepted)}", path=str(key), value=key)
    try:
        return TypeAdapter(Settings).validate_python(value)
    except ValidationError as error:
        raise explain_validation(error) from None
    except RequestError as error:
        raise FormatError(str(error), value=dict(value)) from None


class SweepRequest(BaseModel):
    """The lists of a sweep, and what all of its cells share.

    Attributes
    ----------
    data, models, spaces, budgets, seeds : the lists. Without models the spaces decide on the model, without budgets
        the scenario on the budget.
    scenario : all else that the scenario fixes.
    settings : sizes of each study; its seed comes from ``seeds``.
    skip : combinations to leave out; each names some of the coordinates and stands for every cell that has them.
    ablation : whether each cell also plays the path from vanilla to its recipe, one knob at a time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    version: Literal[1] = 1
    data: tuple[DataEntry, ...] = Field(min_length=1)
    models: tuple[ModelEntry, ...] = ()
    spaces: tuple[SpaceEntry, ...] = Field(default=cast(Any, ("standard",)), min_length=1)
    budgets: tuple[Annotated[int, Field(ge=2)], ...] = ()
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0,), min_length=1)
    scenario: Annotated[Scenario, BeforeValidator(_read_scenario)] = Scenario()
    settings: Annotated[Settings, BeforeValidator(_read_settings)] = Settings()
    skip: tuple[dict[str, Any], ...] = ()
    ablation: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> SweepRequest:
        if self.budgets and self.scenario.budget is not None:
            raise FormatError("the budget stands here and in `budgets`; keep one of them", path="scenario.budget")
        for field, coordinate in zip(("data", "models", "spaces", "budgets", "seeds"), COORDINATES, strict=True):
            twice = [name for name, count in Counter(self.values_of(coordinate)).items() if count > 1]
            if twice:
                hint = "" if coordinate in ("budget", "seed") else "; tell them apart with `name`"
                raise FormatError(f"{twice[0]!r} occurs twice{hint}", path=field, value=twice[0])
        for place, combination in enumerate(self.skip):
            self._check_combination(combination, f"skip[{place}]")
        return self

    def _check_combination(self, combination: Mapping[str, Any], path: str) -> None:
        if not combination:
            raise FormatError("an empty combination would leave out every cell", path=path, value={})
        for key, value in combination.items():
            if key not in COORDINATES:
                raise FormatError(f"no such coordinate; {did_you_mean(key, COORDINATES)}", path=f"{path}.{key}")
            known = [str(one) for one in self.values_of(key) if one is not None]
            if str(value) not in known:
                listed = did_you_mean(value, known) if known else "the file does not list any"
                raise FormatError(f"{value!r} is no {key} of this sweep; {listed}", path=f"{path}.{key}", value=value)

    def values_of(self, coordinate: str) -> list[Any]:
        """Return the values of a coordinate: names, budgets or seeds; ``[None]`` where the file lists none."""
        listed: dict[str, list[Any]] = {
            "data": [entry.name for entry in self.data],
            "model": [entry.name for entry in self.models],
            "space": [entry.name for entry in self.spaces],
            "budget": list(self.budgets),
            "seed": list(self.seeds),
        }
        return listed[coordinate] or [None]

    def skips(self, cell: Cell) -> bool:
        """Return whether the file leaves a cell out."""
        own = {name: str(value) for name, value in cell.coordinates.items()}
        return any(all(own[key] == str(value) for key, value in one.items()) for one in self.skip)

    def cells(self) -> list[Cell]:
        """Return the cells in the order of the file, the last list changing fastest, without those left out.

        Raises
        ------
        RequestError
            If nothing is left, or two cells would share a folder.
        """
        product = itertools.product(self.data, self.models or (None,), self.spaces, self.budgets or (None,), self.seeds)
        varied = tuple(name for name in COORDINATES[1:] if len(self.values_of(name)) > 1)
        cells = [cell for parts in product if not self.skips(cell := Cell(*parts, varied))]
        if not cells:
            raise FormatError("it leaves out every cell", path="skip")
        folders = Counter(cell.folder.lower() for cell in cells)
        for cell in cells:
            if folders[cell.folder.lower()] > 1:
                raise RequestError(f"two cells would share the folder {cell.folder}; give one of their parts a `name`")
        return cells


@dataclass(frozen=True, eq=False)
class Cell:
    """One combination of a sweep.

    Attributes
    ----------
    data, model, space, budget, seed : its coordinates; None where the file lists none.
    varied : the coordinates beside the data that differ among the cells of the sweep.
    """

    data: DataEntry
    model: ModelEntry | None
    space: SpaceEntry
    budget: int | None
    seed: int
    varied: tuple[str, ...] = ()

    @property
    def coordinates(self) -> dict[str, Any]:
        """The coordinates by name."""
        model = None if self.model is None else self.model.name
        values = (self.data.name, model, self.space.name, self.budget, self.seed)
        return dict(zip(COORDINATES, values, strict=True))

    @property
    def folder(self) -> str:
        """Name of its folder: all that the file says of it, so that a longer list renames no cell."""
        words = {"budget": "{}", "seed": "seed{}"}
        parts = [words.get(name, "{}").format(value) for name, value in self.coordinates.items() if value is not None]
        return "-".join(safe_name(part) for part in parts)

    def __str__(self) -> str:
        words = {"budget": "{} labels", "seed": "seed {}"}
        own = self.coordinates
        return ", ".join([self.data.name, *(words.get(name, "{}").format(own[name]) for name in self.varied)])


def safe_name(text: str) -> str:
    """Return a name as part of a file's name; what is changed gets a short hash, so that no two become one.

    >>> safe_name("mlp"), safe_name("../my data")
    ('mlp', 'my_data.91a09a')
    """
    plain = re.sub(r"[^A-Za-z0-9_.]+", "_", text).strip("._")[:LONGEST_NAME]
    return plain if plain == text else f"{plain}.{canonical_digest({'name': text})[:6]}".lstrip(".")


def read_sweep(source: str | Path | Mapping[str, Any]) -> SweepRequest:
    """Read a sweep from a YAML file, or from a mapping of the same form.

    Parameters
    ----------
    source : the file; or a mapping, which may hold data sets, search spaces, models and scikit-learn classifiers.

    Raises
    ------
    FormatError
        In one line: file, place, value, and what would be right.

    Examples
    --------
    >>> request = read_sweep({"data": ["iris", "wine"], "models": ["mlp"], "seeds": [0, 1]})
    >>> [cell.folder for cell in request.cells()][:2]
    ['iris-mlp-standard-seed0', 'iris-mlp-standard-seed1']
    """
    if isinstance(source, Mapping):
        return _request(source, "", Path())
    return _request(read_yaml(source), str(source), Path(source).parent)


def _request(plain: Mapping[str, Any], file: str, folder: Path) -> SweepRequest:
    try:
        check_keys(plain, tuple(SweepRequest.model_fields))
        for name in ("data", "models", "spaces", "budgets", "seeds", "skip"):
            _require_list(plain, name)
        return SweepRequest.model_validate(dict(plain), context={FOLDER: folder})
    except ValidationError as error:
        raise explain_validation(error).within(file=file) from None
    except FormatError as error:
        raise error.within(file=file) from None


def _require_list(plain: Mapping[str, Any], name: str) -> None:
    if name == "data" and name not in plain:
        raise FormatError("the data sets are missing; write data: [digits, mine.csv]", path=name)
    value = plain.get(name, [])
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise FormatError(f"{value!r} is not a list; write {name}: [...]", path=name, value=value)


def _mapping(value: Any, key: str, accepted: tuple[str, ...], what: str) -> dict[str, Any]:
    """Return an entry as a mapping; a bare value stands under ``key``."""
    plain = dict(value) if isinstance(value, Mapping) else {key: value}
    for name in plain:
        if name not in accepted:
            raise FormatError(f"no such field of {what}; {did_you_mean(name, accepted)}", path=str(name), value=name)
    if key not in plain:
        raise FormatError(f"{key!r} is missing; write the name or the file of {what}", value=plain)
    if not isinstance(plain[key], (str, Path, Dataset, SearchSpace)):
        raise FormatError(f"{plain[key]!r} is not {what}; write a name or a file", value=plain[key])
    return plain


def _beside(source: Any, info: ValidationInfo, known: Any) -> Any:
    """Return a file's path as it is found beside the sweep's own file, and everything else as it is."""
    if not isinstance(source, (str, Path)) or str(source) in known:
        return source
    beside = Path((info.context or {}).get(FOLDER, Path())) / Path(source).expanduser()
    return beside if beside.exists() else source
