"""Optuna's importance evaluators, summed by knob, for comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from altune.core.errors import RequestError, WorkError, did_you_mean
from altune.core.settings import no_warnings
from altune.tuning.in_memory_study import without_curves
from altune.tuning.quiet import create_study
from altune.tuning.trials import TrialRecord

if TYPE_CHECKING:
    import optuna
    from optuna.importance import BaseImportanceEvaluator
    from optuna.trial import FrozenTrial

EVALUATORS = ("fanova", "ped_anova", "mean_decrease_impurity")
ANSWERS = {
    "fanova": "share of the variance by a forest, over parameters that every trial has: of a knob only its method",
    "ped_anova": "how the best tenth of the trials differs from all others, wherever the search went",
    "mean_decrease_impurity": "what a forest splits by, over parameters that every trial has, as the search drew them",
}
"""The question that each evaluator answers."""


def optuna_importance(study: optuna.Study, evaluator: str = "fanova", seed: int = 0) -> dict[str, float]:
    """Return the importance of each knob by one of Optuna's evaluators, the largest first, summing to 1.

    The importance of a parameter is added to its knob. ``fanova`` and ``mean_decrease_impurity`` leave out every
    parameter that is missing in some trial, so that only the method of a knob counts. ``ped_anova`` keeps them and
    answers another question: how the best tenth of the trials differs from the rest. None has an interval. Of several
    objectives the first is explained.

    Parameters
    ----------
    study : trials whose parameters are named by path, such as ``run.study``.
    evaluator : ``fanova``, ``ped_anova`` or ``mean_decrease_impurity``.
    seed : seed of the evaluators that grow a forest.

    Raises
    ------
    RequestError
        If there is no such evaluator.
    WorkError
        If the evaluator cannot work with these trials.
    """
    made = _make(evaluator, seed)
    from optuna.importance import get_param_importances

    try:
        with no_warnings():
            importances = get_param_importances(study, evaluator=made, target=_first_of_several(study))
    except (ValueError, RuntimeError) as error:
        raise WorkError(f"Optuna's {evaluator} cannot work with these trials: {str(error).splitlines()[0]}") from None
    knobs: dict[str, float] = {}
    for path, importance in importances.items():
        knob = path.split(".")[0]
        knobs[knob] = knobs.get(knob, 0.0) + float(importance)
    return dict(sorted(knobs.items(), key=lambda item: -item[1]))


def study_by_recipe(study: optuna.Study, trials: Sequence[TrialRecord]) -> optuna.Study:
    """Return a study whose trials have the values of their recipes, for Optuna's own tools.

    In a search by merit a stored trial has the value of a single play, and a recipe that was played again has further
    trials. Here a trial has the value of its recipe over all plays, and there are no others.

    Parameters
    ----------
    study : stored study.
    trials : its trials, each with all plays of its recipe, such as ``run.trials``.
    """
    stored = study.get_trials(deepcopy=False)
    copy = create_study(directions=study.directions)
    for trial in trials:
        if trial.state == "complete":
            copy.add_trial(without_curves(stored[trial.number], list(trial.objectives)))
    return copy


def _first_of_several(study: optuna.Study) -> Callable[[FrozenTrial], float] | None:
    """Return the first of several objectives as Optuna's target, None for one objective.

    With a target PED-ANOVA minimises, whatever the direction of the study.
    """
    import optuna

    if len(study.directions) == 1:
        return None
    sign = 1.0 if study.directions[0] == optuna.study.StudyDirection.MINIMIZE else -1.0
    return lambda trial: sign * float(trial.values[0])


def _make(evaluator: str, seed: int) -> BaseImportanceEvaluator:
    from optuna import importance

    evaluators: dict[str, Callable[[], BaseImportanceEvaluator]] = {
        "fanova": lambda: importance.FanovaImportanceEvaluator(seed=seed),
        "ped_anova": importance.PedAnovaImportanceEvaluator,
        "mean_decrease_impurity": lambda: importance.MeanDecreaseImpurityImportanceEvaluator(seed=seed),
    }
    if evaluator not in evaluators:
        raise RequestError(f"no evaluator {evaluator!r} of Optuna; {did_you_mean(evaluator, EVALUATORS)}")
    return evaluators[evaluator]()
