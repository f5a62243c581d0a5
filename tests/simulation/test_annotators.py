"""Annotators: which ones a scenario accepts, and how it reads and describes them."""

from __future__ import annotations

import json

import pytest
from sklearn.datasets import load_breast_cancer

from altune.core.errors import FormatError
from altune.data import Dataset
from altune.simulation.annotators import Annotator
from altune.simulation.scenario import Scenario
from altune.workflows.simulate import simulate


def cancer() -> Dataset:
    X, y = load_breast_cancer(return_X_y=True)
    return Dataset(X, y, name="breast_cancer")


@pytest.mark.parametrize(
    ("annotator", "words"),
    [
        ({"error": 0.1, "pair": 0.1}, "give only one of error, pair"),
        ({"confusion": [[1.0, 0.0]]}, "square"),
        ({"confusion": [[0.9, 0.2], [0.0, 1.0]]}, "sum to 1"),
        ({"confusion": [[1.2, -0.2], [0.0, 1.0]]}, "probabilities"),
        ({"instance": 0.6}, "annotators[0].instance"),
    ],
)
def test_what_no_annotator_can_be_is_refused(annotator, words):
    with pytest.raises(FormatError) as caught:
        Scenario.from_dict({"annotators": [annotator]}, file="environment.yaml")
    assert words in str(caught.value)


def test_a_scenario_of_every_kind_reads_back_from_yaml(tmp_path):
    path = tmp_path / "environment.yaml"
    path.write_text(
        "annotators:\n  - {error: 0.1}\n  - {pair: 0.2, price: 0.5}\n  - {instance: 0.15}\n"
        "  - {confusion: [[0.9, 0.1], [0.3, 0.7]], price: 2.0}\n"
        "price_per_review: 3.0\nprice_of_class: [0.0, 1.5]\nprice_of_difficulty: 0.5\nprice_per_auto_label: 0.01\n"
    )
    scenario = Scenario.load(path)
    assert Scenario.from_dict(json.loads(json.dumps(scenario.to_dict()))) == scenario
    assert [one.describe() for one in scenario.annotators] == [
        "10% errors",
        "20% of labels flipped to the next class",
        "15% errors, mostly on hard rows",
        "confuses classes, 20% errors with all alike",
    ]
    assert Annotator().describe() == "faultless"
    curve = simulate("vanilla", cancer(), budget=40, loops=2, n_blocks=1, scenario=scenario).curves[0]
    assert 0 < curve.notes[-1]["wrong_labels_used"] < 0.5
