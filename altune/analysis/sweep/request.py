"""The request of a sweep: its lists, and the cells that are their product.

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

Files of data and of spaces are searched in the folder of the sweep's file, then in the working directory.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from altune.analysis.sweep.cells import COORDINATES, Cell
from altune.analysis.sweep.entries import FOLDER, DataEntry, ModelEntry, SpaceEntry
from altune.core.deprecations import new_keywords
from altune.core.errors import FormatError, RequestError, did_you_mean
from altune.core.files import check_keys
from altune.core.plain import home_path, plain
from altune.core.plain_model import explain_validation
from altune.core.yaml import read_yaml
from altune.simulation.scenario import Scenario
from altune.tuning.settings import Settings

_LISTS = ("data", "models", "spaces", "budgets", "seeds", "skip")


def _read_scenario(value: Any) -> Any:
    return Scenario.from_dict(value) if isinstance(value, Mapping) else value


def _read_settings(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    value = new_keywords(value)
    accepted = [field.name for field in dataclasses.fields(Settings) if field.name != "seed"]
    for key in value:
        if key == "seed":
            raise FormatError("the seeds of the studies belong in the list `seeds` of the file", path=key, value=key)
        if key not in accepted:
            raise FormatError(f"is not a setting; {did_you_mean(key, accepted)}", path=str(key), value=key)
    if "n_simulations" in value and "n_trials" not in value:
        value = {**value, "n_trials": value["n_simulations"]}
    try:
        return TypeAdapter(Settings).validate_python(value)
    except ValidationError as error:
        raise explain_validation(error) from None
    except RequestError as error:
        raise FormatError(str(error), value=dict(value)) from None


class SweepRequest(BaseModel):
    """The lists of a sweep, and what all its cells share.

    Attributes
    ----------
    data, models, spaces, budgets, seeds : the lists. Without models the model comes from the spaces, without budgets
        the budget from the scenario.
    scenario : the other fields of the scenario.
    settings : sizes of each study; its seed comes from ``seeds``.
    skip : combinations to leave out; each gives some coordinates, and all cells that have them are left out.
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
            raise FormatError("the budget is given here and in `budgets`; keep one of them", path="scenario.budget")
        for field, coordinate in zip(("data", "models", "spaces", "budgets", "seeds"), COORDINATES, strict=True):
            twice = [name for name, count in Counter(self.values_of(coordinate)).items() if count > 1]
            if twice:
                hint = "" if coordinate in ("budget", "seed") else "; give each its own `name`"
                raise FormatError(f"{twice[0]!r} occurs twice{hint}", path=field, value=twice[0])
        for index, combination in enumerate(self.skip):
            self._check_combination(combination, f"skip[{index}]")
        return self

    def _check_combination(self, combination: Mapping[str, Any], path: str) -> None:
        if not combination:
            raise FormatError("an empty combination would leave out all cells", path=path, value={})
        for key, value in combination.items():
            if key not in COORDINATES:
                raise FormatError(f"is not a coordinate; {did_you_mean(key, COORDINATES)}", path=f"{path}.{key}")
            known = [str(name) for name in self.values_of(key) if name is not None]
            if str(value) not in known:
                listed = did_you_mean(value, known) if known else "the file lists none"
                raise FormatError(
                    f"{value!r} is not a {key} of this sweep; {listed}", path=f"{path}.{key}", value=value
                )

    def values_of(self, coordinate: str) -> list[Any]:
        """Return the values of a coordinate: names, budgets or seeds; ``[None]`` if the file lists none."""
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
        coordinates = {name: str(value) for name, value in cell.coordinates.items()}
        return any(
            all(coordinates[key] == str(value) for key, value in combination.items()) for combination in self.skip
        )

    def cells(self) -> list[Cell]:
        """Return the cells in the order of the file without those left out; the last list changes fastest.

        Raises
        ------
        RequestError
            If all cells are left out, or two cells have the same folder.
        """
        product = itertools.product(self.data, self.models or (None,), self.spaces, self.budgets or (None,), self.seeds)
        varied = tuple(name for name in COORDINATES[1:] if len(self.values_of(name)) > 1)
        cells = [cell for parts in product if not self.skips(cell := Cell(*parts, varied))]
        if not cells:
            raise FormatError("leaves out all cells", path="skip")
        folders = Counter(cell.folder.lower() for cell in cells)
        for cell in cells:
            if folders[cell.folder.lower()] > 1:
                raise RequestError(f"two cells have the same folder {cell.folder}; give one of their entries a `name`")
        return cells


def read_sweep(source: str | Path | Mapping[str, Any]) -> SweepRequest:
    """Read a sweep from a YAML file, or from a mapping of the same form.

    Parameters
    ----------
    source : the file; or a mapping, which may contain data sets, search spaces, models and scikit-learn classifiers.

    Raises
    ------
    FormatError
        If the request is wrong; the message gives the file, the path in it, the value, and what would be right.

    Examples
    --------
    >>> request = read_sweep({"data": ["iris", "wine"], "models": ["mlp"], "seeds": [0, 1]})
    >>> [cell.folder for cell in request.cells()][:2]
    ['iris-mlp-standard-seed0', 'iris-mlp-standard-seed1']
    """
    if isinstance(source, Mapping):
        listed = {key: [value] if key in _LISTS and _is_single(value) else value for key, value in source.items()}
        return _request(plain(listed), "", Path())
    source = home_path(source, "the sweep")
    return _request(read_yaml(source), str(source), Path(source).parent)


def _is_single(value: Any) -> bool:
    """Return whether a value of a mapping in Python is one item, which means a list of one."""
    return isinstance(value, (str, Mapping)) or not isinstance(plain(value), (list, tuple))


def _request(plain: Mapping[str, Any], file: str, folder: Path) -> SweepRequest:
    try:
        check_keys(plain, tuple(SweepRequest.model_fields))
        for name in _LISTS:
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
