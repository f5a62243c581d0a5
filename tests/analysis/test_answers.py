"""The answers of stored runs, word by word. A person read each text; when a sentence changes, read it again.

``tests/stored/answers.tar.xz`` holds the studies, ``tests/stored/answers`` what each of them says.
"""

from __future__ import annotations

import math
import re
import tarfile
from pathlib import Path

import pytest

import altune
from altune import Run
from tests.helpers.paths import STORED

NAMES = sorted(path.stem for path in (STORED / "answers").glob("*.txt"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("answers")
    with tarfile.open(STORED / "answers.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return {name: altune.open_run(folder / name) for name in NAMES}


def text_of(name: str) -> str:
    return (STORED / "answers" / f"{name}.txt").read_text("utf-8").rstrip("\n")


def test_every_stored_run_has_its_text(runs: dict[str, Run]) -> None:
    assert NAMES == [
        "baseline_selected",
        "clear_gain",
        "label_nothing",
        "no_gain",
        "prices",
        "same_strategy",
        "start_not_random",
        "worse_at_the_end",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_the_text_that_was_read(runs: dict[str, Run], name: str) -> None:
    assert runs[name].answer == text_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_baseline_is_named_with_its_score(runs: dict[str, Run], name: str) -> None:
    findings = runs[name].findings
    assert findings is not None
    assert list(findings.against) == ["random_sampling", "margin", "vanilla"]
    scores = next(line for line in runs[name].sentences if line.startswith("With "))
    for against in findings.others.values():
        assert f"{against.score:.3f}" in scores
    assert f"{findings.score:.3f}" in scores


@pytest.mark.parametrize("name", NAMES)
def test_labels_saved_are_those_of_the_baseline_less_those_of_the_recipe(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    confirmation, findings = run.confirmation, run.findings
    assert confirmation is not None
    assert findings is not None
    metric, counts = findings.objective.metric, range(findings.budget + 1)
    recipe, *others = (
        [sum(curve.at([count], metric)[0] for curve in played.curves) / len(played.curves) for count in counts]
        for played in (confirmation.recipe, *confirmation.baselines.values())
    )
    for course, against in zip(others, findings.against.values(), strict=True):
        labels = against.labels
        assert labels.target == pytest.approx(course[-1])

        def first(scores: list[float], target: float = course[-1]) -> int | None:
            return next((count for count, score in enumerate(scores) if score >= target - 1e-9), None)

        assert (labels.baseline_labels, labels.recipe_labels) == (first(course), first(recipe))
        needed = findings.budget + 1 if labels.recipe_labels is None else labels.recipe_labels
        assert labels.saved == labels.baseline_labels - needed
        assert (against.labels_saved is None) == (not against.difference.clear)
        assert labels.high is None or labels.high >= labels.saved


@pytest.mark.parametrize("name", NAMES)
def test_what_is_called_better_has_an_interval_on_that_side(runs: dict[str, Run], name: str) -> None:
    findings = runs[name].findings
    assert findings is not None
    for against in findings.others.values():
        low, high = against.difference.together
        assert findings.beats(against.difference) == (low > 0)
        assert findings.loses(against.difference) == (high < 0)
        assert math.isfinite(against.difference.low)
        assert low <= against.difference.low <= against.difference.high <= high
        assert 0 <= findings.probability_better(against.difference) <= 1
    assert re.search(r"keep .*random sampling", runs[name].answer) is None


def test_the_page_says_the_same(runs: dict[str, Run], tmp_path: Path) -> None:
    from html import unescape

    from altune.report.pages.run.page import run_page

    page = unescape(re.sub(r"<[^>]+>", "", run_page(runs["worse_at_the_end"])))
    for sentence in runs["worse_at_the_end"].sentences:
        assert " ".join(sentence.split()) in " ".join(page.split())
