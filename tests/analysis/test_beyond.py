"""What tuning was worth beyond the recipe that is recommended without any label.

The studies of ``tests/stored/answers`` have no such baseline, so another one of theirs takes its place here.
"""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

import altune
from altune.analysis.answer import answer_of_several, beyond_sentences, headline
from altune.analysis.findings import Findings, every_baseline
from altune.recipes.space import SearchSpace
from tests.helpers.paths import STORED


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Findings]:
    folder = tmp_path_factory.mktemp("answers")
    with tarfile.open(STORED / "answers.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    runs = {path.stem: altune.open_run(folder / path.stem) for path in sorted((STORED / "answers").glob("*.txt"))}
    return {name: run.findings for name, run in runs.items() if run.findings is not None}


def recommending(findings: Findings, baseline: str) -> Findings:
    return replace(findings, recommended=baseline)


def negated(findings: Findings, baseline: str) -> Findings:
    """Return findings in which a baseline is as much better as it was worse."""
    turned = findings.against[baseline].difference.turned()
    against = dict(findings.against) | {baseline: replace(findings.against[baseline], difference=turned)}
    return replace(findings, against=against)


def test_a_clear_gain_is_stated_with_its_interval(found: dict[str, Findings]) -> None:
    findings = recommending(found["clear_gain"], "margin")
    assert beyond_sentences(findings) == [
        "Tuning gained +0.068 [+0.040, +0.096] beyond the recipe that altune recommends without any label."
    ]
    assert "margin (" not in headline(findings), "it has a sentence of its own"
    assert "margin (" in headline(found["clear_gain"])


def test_a_gain_that_is_not_clear_is_not_called_one(found: dict[str, Findings]) -> None:
    findings = recommending(found["no_gain"], "random_sampling")
    assert beyond_sentences(findings) == [
        "Tuning gained +0.022 [-0.022, +0.066] beyond the recipe that altune recommends without any label, which is "
        "not clearly more than nothing."
    ]


def test_where_the_recommended_recipe_was_better_it_is_advised(found: dict[str, Findings]) -> None:
    findings = recommending(negated(found["clear_gain"], "margin"), "margin")
    [sentence] = beyond_sentences(findings)
    assert sentence.startswith("Tuning gained nothing beyond the recipe that altune recommends without any label")
    assert "-0.068 [-0.096, -0.040]" in sentence
    assert sentence.endswith("Use the recommended one (altune recommend).")


def test_where_it_was_selected_it_is_handed_out_and_tuning_gained_nothing(found: dict[str, Findings]) -> None:
    findings = recommending(found["baseline_selected"], "random_sampling")
    assert findings.chosen == "random_sampling"
    assert beyond_sentences(findings) == [
        "So tuning gained nothing beyond the recipe that altune recommends without any label, which is what is handed "
        "out."
    ]


def test_without_such_a_baseline_nothing_is_stated(found: dict[str, Findings]) -> None:
    assert all(beyond_sentences(findings) == [] for findings in found.values())


def test_the_recommended_recipe_is_no_reason_for_an_unclear_verdict(found: dict[str, Findings]) -> None:
    findings = found["clear_gain"]
    assert (findings.verdict, every_baseline([findings])) == ("better", "every baseline")
    alike = findings.against["margin"]
    alike = replace(alike, difference=replace(found["no_gain"].against["random_sampling"].difference))
    unclear = replace(findings, against={**findings.against, "margin": alike})
    assert unclear.verdict == "unclear"
    beside = recommending(unclear, "margin")
    assert (beside.verdict, beside.beats_recommended) == ("better", False)
    assert every_baseline([beside]) == "every baseline but the recommended recipe"
    assert recommending(negated(findings, "margin"), "margin").verdict == "not better"
    assert recommending(findings, "margin").beats_recommended
    [first, *_] = answer_of_several({"digits": beside, "iris": findings}, altune.Recipe())
    assert first.startswith("The recipe beats every baseline but the recommended recipe on 2 of 2 data sets")


def test_each_of_several_data_sets_has_its_sentence(found: dict[str, Findings]) -> None:
    by_data = {name: recommending(found[name], "margin") for name in ("clear_gain", "worse_at_the_end")}
    lines = answer_of_several(by_data, altune.Recipe())
    assert [line.split(":")[0] for line in lines if ": Tuning gained" in line] == list(by_data)


def test_a_run_says_it_after_the_headline_and_a_baseline_of_the_space_is_not_altunes(tmp_path: Path) -> None:
    sizes = {"budget": 30, "loops": 4, "n_trials": 2, "n_blocks": 1, "select_blocks": 1, "report_blocks": 2}
    run = altune.tune("iris", "quick", ablation=False, **sizes)
    [place] = [place for place, line in enumerate(run.sentences) if "altune recommends without any label" in line]
    assert place == 2
    assert "the recommended recipe 0." in run.sentences[0] or run.findings.chosen == "recommended"
    own = SearchSpace.from_dict(
        {"query_strategy": ["margin", "random"], "baselines": {"recommended": {"query_strategy": "entropy"}}}
    )
    mine = altune.tune("iris", own, ablation=False, **sizes)
    assert mine.baselines["recommended"].recipe.query_strategy.method == "entropy"
    assert "altune recommends" not in mine.answer
