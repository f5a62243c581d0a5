"""Names of Optuna that are not public, all of them here, each checked once when it is first needed.

Where a name is missing or does something else, the public way is taken: slower, with the same result. Only a study that
many machines share has no public way, and is refused in one line.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import optuna

from altune.core.errors import RequestError
from altune.tuning.quiet import create_study

LOG = logging.getLogger(__name__)
CREATE_TRIAL, SET_STUDY_ATTRIBUTE, SET_STATE = 4, 2, 6
"""Operations in a journal."""


class ParzenParts(NamedTuple):
    """What Optuna's tree-structured Parzen estimator is made of."""

    estimator: Any
    split_trials: Callable[..., Any]
    gamma: Callable[[int], int]
    gamma_of_several: Callable[[int], int]


@cache
def parzen_parts() -> ParzenParts | None:
    """Return the parts of Optuna's TPE, None if this Optuna has others."""
    try:
        sampler = import_module("optuna.samplers._tpe.sampler")
        estimator = import_module("optuna.samplers._tpe.parzen_estimator")._ParzenEstimator
        return ParzenParts(
            estimator, sampler._split_trials, sampler.default_gamma, sampler.default_gamma_multiobjective
        )
    except (ImportError, AttributeError) as error:
        note_public_way("TPESampler is used as it is", error)
        return None


def study_attributes(study: optuna.Study) -> Mapping[str, Any]:
    """Return the user attributes of a study, not to be changed; the public ``user_attrs`` copies all of them."""
    try:
        attributes: Mapping[str, Any] = study._storage.get_study_user_attrs(study._study_id)
    except AttributeError:
        return study.user_attrs
    return attributes


@cache
def database_models() -> Any:
    """Return Optuna's models of the tables of a database.

    Raises
    ------
    RequestError
        If this Optuna has none.
    """
    try:
        models = import_module("optuna.storages._rdb.models")
        for table in ("Study", "Trial", "TrialParam", "TrialValue", "TrialUserAttribute", "TrialHeartbeat"):
            _ = getattr(models, f"{table}Model").__table__
        _ = models.TrialSystemAttributeModel, models.TrialValueModel.value_to_stored_repr
    except (ImportError, AttributeError):
        raise RequestError(
            f"a shared study needs the tables of Optuna 5, and Optuna {optuna.__version__} has others; install "
            "'optuna>=5,<6', or tune on one machine without a storage"
        ) from None
    return models


@cache
def require_journal_codes() -> None:
    """Check that Optuna writes journals with the operations that altune knows.

    Raises
    ------
    RequestError
        If it does not.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        study = create_study(storage=JournalStorage(JournalFileBackend(str(journal))))
        study.set_user_attr("attribute", 1)
        study.tell(study.ask(), 0.0)
        operations = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    codes = {operation["op_code"]: operation for operation in operations}
    known = "user_attr" in codes.get(SET_STUDY_ATTRIBUTE, {}) and "state" in codes.get(SET_STATE, {})
    if not known or CREATE_TRIAL not in codes:
        raise RequestError(
            f"the journals of Optuna {optuna.__version__} are not known; install 'optuna>=5,<6' to repair this run"
        )


def note_public_way(what: str, error: Exception) -> None:
    """Write one line for those who look for the reason of a slower run."""
    LOG.debug("Optuna %s: %s (%s)", optuna.__version__, what, error)
