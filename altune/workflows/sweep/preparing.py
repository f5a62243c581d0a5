"""Cells prepared for a sweep: their environments and search spaces, and which of them are impossible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from altune.analysis.sweep.cells import Cell
from altune.analysis.sweep.request import SweepRequest
from altune.core.errors import RequestError
from altune.data import as_dataset
from altune.recipes.space import SearchSpace
from altune.simulation.environment import Environment, make_environment
from altune.tuning.header import header_digest, make_header
from altune.tuning.prepared_space import prepare_space
from altune.tuning.settings import Settings
from altune.tuning.study_setup import StudySetup


@dataclass(frozen=True, eq=False)
class Prepared:
    """A cell that is possible, ready for :func:`altune.workflows.tune.tune_environments`."""

    cell: Cell
    environment: Environment
    space: SearchSpace
    settings: Settings
    ablation: bool = False

    def key(self) -> str:
        """Return a hash of everything that the result of the cell depends on."""
        header = make_header([self.environment], self.space, self.settings)
        return header_digest(header, self.settings.to_dict(), ablation=self.ablation)

    def setup(self) -> StudySetup:
        """Return the checked setup of the run.

        Raises
        ------
        RequestError
            If nothing of the space remains, a baseline cannot work, or the sampler cannot search it.
        """
        setup = StudySetup([self.environment], self.space, self.settings)
        setup.check(confirm=True)
        return setup


@dataclass(frozen=True)
class Refused:
    """An impossible cell and the reason."""

    cell: Cell
    reason: str


class Preparation:
    """Prepares the cells of a sweep; data sets, environments and spaces that several share are made once.

    Parameters
    ----------
    request : the sweep; its data sets and spaces are read here.

    Raises
    ------
    RequestError
        If a data set or a space cannot be read.
    """

    def __init__(self, request: SweepRequest) -> None:
        self._request = request
        self._data = {entry.name: as_dataset(entry.file, entry.reading) for entry in request.data}
        self._spaces = {
            entry.name: entry.file if isinstance(entry.file, SearchSpace) else SearchSpace.load(entry.file)
            for entry in request.spaces
        }
        self._environments: dict[tuple[Any, ...], Environment] = {}

    def prepare(self, cell: Cell) -> Prepared | Refused:
        """Return a cell with its environment and space, or why it is impossible."""
        try:
            environment = self._environment(cell)
            model = None if cell.model is None else cell.model.model
            space = prepare_space(self._spaces[cell.space.name], [environment], model)
        except RequestError as error:
            return Refused(cell, str(error))
        settings = replace(self._request.settings, seed=cell.seed)
        return Prepared(cell, environment, space, settings, self._request.ablation)

    def _environment(self, cell: Cell) -> Environment:
        key = (cell.data.name, cell.budget, cell.seed)
        if key not in self._environments:
            dataset = self._data[cell.data.name]
            self._environments[key] = make_environment(
                dataset, scenario=self._request.scenario, seed=cell.seed, budget=cell.budget
            )
        return self._environments[key]
