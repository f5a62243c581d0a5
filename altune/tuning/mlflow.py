"""Logging of trials to MLflow: a callback for :func:`altune.tune`."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.trial import FrozenTrial

from altune.core.errors import MissingExtraError
from altune.tuning.record import StudyRecord
from altune.tuning.trials import BLOCKS, is_forbidden, record_of


class MLflowCallback:
    """Callback that logs each finished trial as an MLflow run: parameters, objectives, values by block, and recipe.

    A play again is a run of its own, whose tag ``again`` has the number of the first trial of its recipe.

    Parameters
    ----------
    experiment : name of the MLflow experiment; by default the name of the data set.
    tracking_uri : address of the MLflow store; by default the one that MLflow is configured with.

    Raises
    ------
    MissingExtraError
        If MLflow is not installed.

    Examples
    --------
    >>> callbacks = [MLflowCallback(tracking_uri="sqlite:///runs.db")]
    """

    def __init__(self, experiment: str | None = None, tracking_uri: str | None = None) -> None:
        try:
            import mlflow
        except ImportError:
            raise MissingExtraError("logging to MLflow", "mlflow") from None
        self._mlflow: Any = mlflow
        self._experiment = experiment
        self._uri = tracking_uri

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Log one trial. Forbidden draws are not logged."""
        if is_forbidden(trial):
            return
        record, names = record_of(trial), StudyRecord(study).scenario.objective_names
        client = self._mlflow.MlflowClient(self._uri)
        run = client.create_run(self._experiment_id(client, study), run_name=f"trial {trial.number}")
        for name, value in trial.params.items():
            client.log_param(run.info.run_id, name, value)
        for name, value in zip(names, record.objectives, strict=False):
            client.log_metric(run.info.run_id, name, value)
        blocks = trial.user_attrs.get(BLOCKS, range(len(record.values)))
        for block, value in zip(blocks, record.values, strict=True):
            client.log_metric(run.info.run_id, f"{names[0]}_by_block", value, step=block)
        if record.again is not None:
            client.set_tag(run.info.run_id, "again", record.again)
        client.set_tag(run.info.run_id, "state", record.state)
        if record.recipe is not None:
            client.set_tag(run.info.run_id, "recipe", record.recipe.describe())
        client.set_terminated(run.info.run_id, "FAILED" if record.state == "failed" else "FINISHED")

    def _experiment_id(self, client: Any, study: optuna.Study) -> str:
        name = self._experiment if self._experiment is not None else f"altune {StudyRecord(study).data['name']}"
        experiment = client.get_experiment_by_name(name)
        return str(experiment.experiment_id if experiment is not None else client.create_experiment(name))
