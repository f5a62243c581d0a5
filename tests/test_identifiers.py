"""The names in recipes: every knob has each method of the agreed list, spelled so, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

import altune.knobs
from altune.core.registry import KNOBS, methods
from altune.knobs.labeling.base import AuditName
from altune.models import Model

IDENTIFIERS: dict[str, list[str]] = {
    "initial_sample": [
        "random",
        "kmeans",
        "kmeans_pp",
        "kmedoids",
        "kcenter",
        "kennard_stone",
        "facility_location",
        "typiclust",
        "probcover",
        "density",
        "d_optimal",
        "leverage",
        "until_all_classes",
        "oracle_stratified",
    ],
    "model_init": ["default", "best_of", "class_prior", "pretrained", "ensemble"],
    "retrain": ["reset", "warm_start", "shrink_perturb", "reset_every"],
    "loop_size": [
        "constant",
        "linear",
        "geometric",
        "fraction",
        "list",
        "threshold",
        "diminishing",
        "agreement",
        "cost_aware",
    ],
    "stopping": [
        "budget",
        "target",
        "stabilizing_predictions",
        "classification_change",
        "overall_uncertainty",
        "max_confidence",
        "min_expected_error",
        "oracle_accuracy",
        "performance_convergence",
        "uncertainty_convergence",
        "contradictory_information",
        "delta_f",
        "pac_bayes",
        "no_novelty",
        "any",
        "all",
    ],
    "labeling": ["single", "majority", "dawid_skene", "auto", "label_functions"],
    "query_strategy": [
        "random",
        "least_confidence",
        "margin",
        "entropy",
        "qbc",
        "bald",
        "batchbald",
        "egl",
        "eer",
        "variance_reduction",
        "density_weighted",
        "kcenter",
        "kmeans",
        "typiclust",
        "probcover",
        "quire",
        "badge",
        "bait",
        "clue",
        "cluster_margin",
        "contrastive",
        "discriminative",
        "falcun",
        "dropquery",
        "power",
        "epsilon_mix",
        "history",
        "fluctuation",
        "temporal_discrepancy",
        "mixture",
        "switch",
        "dcom",
        "margin_cover",
        "bandit",
        "learned_ranker",
        "lal",
        "skactiveml",
    ],
    "training": ["constant", "power", "steps", "retune"],
}

EXTRAS: dict[str, set[str]] = {}
"""Methods beyond the list, by knob; one that is added on purpose is written down here."""

AUDITS = [
    "none",
    "confident_learning",
    "self_confidence",
    "normalized_margin",
    "cross_entropy_entropy",
    "knn_disagreement",
    "isolation_forest",
]
ACTIONS = ["drop", "weight", "relabel"]


def own_methods(knob: str) -> dict[str, type[Any]]:
    """Return the methods that altune itself ships: plugins and those of other tests are not meant."""
    return {name: cls for name, cls in methods(knob).items() if cls.__module__.startswith("altune.")}


def choices(knob: str, method: str, field: str) -> list[str]:
    annotation = own_methods(knob)[method].model_fields[field].annotation
    return [str(value) for value in get_args(annotation)]


def test_the_list_speaks_of_every_knob() -> None:
    assert set(IDENTIFIERS) == set(KNOBS)
    folders = {path.parent.name for path in Path(altune.knobs.__file__).parent.glob("*/__init__.py")}
    assert folders == set(KNOBS)
    assert set(EXTRAS) <= set(KNOBS)
    for knob, names in IDENTIFIERS.items():
        assert len(names) == len(set(names)), knob
        assert not EXTRAS.get(knob, set()) & set(names), knob


@pytest.mark.parametrize("knob", KNOBS)
def test_each_knob_has_its_methods_and_no_others(knob: str) -> None:
    own = set(own_methods(knob))
    missing = sorted(set(IDENTIFIERS[knob]) - own)
    assert missing == [], f"{knob} lacks {missing}"
    beyond = sorted(own - set(IDENTIFIERS[knob]) - EXTRAS.get(knob, set()))
    assert beyond == [], f"{knob} has {beyond}: misspelled, or to be listed as an extra"
    unused = sorted(EXTRAS.get(knob, set()) - own)
    assert unused == [], f"{knob} has no {unused} (any more)"


def test_the_audits_and_their_actions() -> None:
    assert list(get_args(AuditName)) == AUDITS
    for method in ("single", "majority", "dawid_skene"):
        assert choices("labeling", method, "audit") == AUDITS, method
        assert choices("labeling", method, "action") == ACTIONS, method


def test_a_warm_start_says_on_which_labels_it_goes_on() -> None:
    fields = own_methods("retrain")["warm_start"].model_fields
    assert choices("retrain", "warm_start", "on") == ["all", "new"]
    assert "replay" in fields


@pytest.mark.parametrize("method", ["power", "steps", "retune"])
def test_training_schedules_take_any_hyperparameter_that_a_model_declares(method: str) -> None:
    schedule = own_methods("training")[method]
    assert "hyperparameter" in schedule.model_fields
    declared = {(name, one) for name, cls in own_methods("model").items() for one in schedulable(cls)}
    assert {("logistic_regression", "C"), ("mlp", "learning_rate"), ("mlp", "batch_size")} <= declared
    for name, one in sorted(declared):
        assert schedule(hyperparameter=one).hyperparameter == one, name


def schedulable(cls: type[Any]) -> tuple[str, ...]:
    assert issubclass(cls, Model)
    return cls.schedulable
