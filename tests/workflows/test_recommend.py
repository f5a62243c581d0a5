"""A recipe without any label: what it is, what is known of it, and when to doubt it."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import altune
from altune.analysis.recommendation import Recommendation, Request, doubts_of
from altune.core.errors import AltuneError
from altune.data import family_of
from altune.models import register_estimator
from altune.recipes.evidence import AGAINST, Evidence, Studied, shipped_evidence
from altune.recipes.recipe import Recipe
from altune.recipes.recommended import recommended_recipe
from altune.report.texts.recommendation import recommendation_text, snippet
from tests.helpers.raw_models import by_name, labels, of_words, people_table, reviews

ROWS = np.random.default_rng(0).normal(size=(60, 3))


def case(data: str, classes: int, gains: list[list[float]], **other: Any) -> Studied:
    usual: dict[str, Any] = {"family": data, "rows": 200, "features": 4, "model": "mlp", "budget": 100, "noise": 0.0}
    return Studied(data=data, classes=classes, gains=np.array(gains), **{**usual, **other})


def test_it_recommends_the_recipe_for_the_number_of_classes_and_the_model() -> None:
    found = altune.recommend(n_classes=12, budget=300, model="naive_bayes")
    assert found.recipe == recommended_recipe(Recipe(model="naive_bayes"), 12).replace(name=None)
    assert (found.request.budget, altune.recommend(n_classes=12).request.budget) == (300, 240)
    assert found.lines[0].startswith("For 12 classes and 300 labels: With naive_bayes, first label 12 rows chosen by")


def test_every_figure_is_the_mean_over_the_data_sets_it_speaks_of() -> None:
    cases = [
        case("a", 2, [[0.02, 0.04], [0.01, 0.01], [0.0, 0.0]]),
        case("a", 2, [[0.04, 0.06], [0.03, 0.03], [0.0, 0.0]], model="svm"),
        case("b", 3, [[-0.01, -0.03], [0.0, 0.0], [0.1, 0.1]]),
        case("c", 9, [[0.06, 0.06], [0.0, 0.0], [0.0, 0.0]]),
    ]
    everything, two, three, many = Evidence(cases, {}).by_classes()
    assert [group.n_data for group in (everything, two, three, many)] == [3, 1, 1, 1]
    assert everything.over["random_sampling"].mean == pytest.approx((0.04 - 0.02 + 0.06) / 3)
    assert two.over["vanilla"].mean == pytest.approx(0.02)
    assert (everything.hurt, two.hurt, three.hurt) == (("b",), (), ("b",))
    gain = everything.over["random_sampling"]
    assert gain.low < gain.mean < gain.high
    assert re.fullmatch(r"\+0\.0\d\d \[[+-]0\.0\d\d, \+0\.0\d\d\]", gain.words)
    assert two.over["margin"].words == "+0.000", "one data set has no interval"


def test_an_interval_is_wider_where_data_sets_are_of_few_families() -> None:
    gains = [[[value] * 4] * 3 for value in (0.0, 0.02, 0.04) for _ in range(4)]
    apart = Evidence([case(f"d{place}", 3, gain) for place, gain in enumerate(gains)], {}).gains()
    alike = [case(f"d{place}", 3, gain, family=f"f{place // 4}") for place, gain in enumerate(gains)]
    together = Evidence(alike, {}).gains()
    assert apart is not None
    assert together is not None
    widths = [gains.over["margin"].high - gains.over["margin"].low for gains in (apart, together)]
    assert widths[1] > 1.5 * widths[0]
    assert widths[0] == pytest.approx(4 * np.std([0.0, 0.02, 0.04]) / np.sqrt(12), rel=0.1)


@pytest.mark.parametrize("change", [{"cases": 3}, {"cases": ["a a x 3 4 m 5 0 | 1 | 2 | 3"]}, {"made": 3}])
def test_evidence_of_wrong_types_is_refused_in_one_line(change: dict[str, object]) -> None:
    plain = Evidence([case("a", 2, [[0.1] * 2] * 3)], {}).to_dict()
    with pytest.raises(AltuneError, match=r"^mine.yaml: not evidence: [^\n]*$"):
        Evidence.from_dict({**plain, **change}, "mine.yaml")


def test_a_case_is_read_as_it_was_written() -> None:
    written = case("a", 2, [[0.0123, -0.5], [0.0, 0.0001], [1.0, 0.25]], noise=0.1)
    read = Studied.from_line(written.to_line())
    assert vars(read) | {"gains": None} == vars(written) | {"gains": None}
    assert read.gains.tolist() == written.gains.tolist()
    with pytest.raises(AltuneError, match="must be data family classes"):
        Studied.from_line("a a 2 3 | 1 | 2 | 3")


def test_the_shipped_evidence_knows_its_families_and_how_it_was_made() -> None:
    evidence = shipped_evidence()
    assert {one.family for one in evidence.cases} == {family_of(one.data) for one in evidence.cases}
    assert all(one.gains.shape[0] == len(AGAINST) for one in evidence.cases)
    assert "command" in evidence.made


def test_the_family_of_a_built_in_pool_is_left_out_of_its_evidence() -> None:
    families = {one.family for one in shipped_evidence().cases if not one.noise}
    mine, built_in = altune.recommend(ROWS, n_classes=3), altune.recommend("iris", budget=40)
    n_data = {one.data for one in shipped_evidence().cases if one.family != family_of("iris")}
    assert family_of("iris") in families
    assert built_in.gains[0].n_data == len(n_data) < mine.gains[0].n_data
    assert built_in.request.n_classes == 3


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request(2, 100, 20, "mlp"), "with two classes it gained +0.000 [+0.000, +0.000] over margin"),
        (Request(4, 100, 20, "svm"), "the model svm was not studied; the figures are those of mlp"),
        (Request(4, 900, 20, "mlp"), "900 labels are outside of the budgets that were studied, 100 to 200"),
        (
            Request(4, 100, 20, "mlp", "mine", 50),
            "50 rows are fewer than those of any data set that was studied, which",
        ),
        (Request(4, 100, 20, "mlp", unusual="text"), "no text was studied"),
        (Request(7, 100, 20, "mlp"), "no data set with 6 or more classes was studied"),
    ],
)
def test_it_says_when_to_doubt_it(request_: Request, expected: str) -> None:
    flat = [[0.0, 0.0]] * 3
    cases = [case("a", 2, flat), case("b", 2, flat, budget=200), case("c", 4, flat), case("d", 4, flat, noise=0.1)]
    doubts = doubts_of(request_, Evidence(cases, {}))
    assert any(line.startswith(expected) for line in doubts)
    assert doubts[-1].startswith("more than 10 % of wrong labels")
    assert len(doubts) == 2, "and nothing that does not hold"


def test_a_pool_is_read_without_labels_whatever_its_kind(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS, columns=list("abc"))
    frame.to_csv(tmp_path / "plain.csv", index=False)
    frame.assign(label="").to_parquet(tmp_path / "labelled.parquet")
    frame.assign(kind="x").to_csv(tmp_path / "other.tsv", index=False, sep="\t")
    np.savez(tmp_path / "array.npz", X=ROWS)
    matrix = sparse.csr_array(np.where(ROWS > 1, ROWS, 0))
    np.savez(tmp_path / "sparse.npz", data=matrix.data, indices=matrix.indices, indptr=matrix.indptr, shape=(60, 3))
    for name, more in (
        ("plain.csv", {}),
        ("labelled.parquet", {}),
        ("other.tsv", {"target": "kind"}),
        ("array.npz", {}),
    ):
        found = altune.recommend(tmp_path / name, n_classes=2, budget=20, **more)
        assert (found.request.rows, found.request.features) == (60, 3), name
        assert found.notes == (
            f"It can be played on {Path(name).stem}: 60 rows; 3 columns become 3 features (3 numbers), "
            "scaled to mean 0 and variance 1.",
        )
    found = altune.recommend(tmp_path / "sparse.npz", n_classes=2, budget=20)
    assert any("no sparse data was studied" in line for line in found.doubts)
    assert altune.recommend(frame, n_classes=2, budget=50).notes[1].startswith("The budget is more than half of the 60")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_classes": 1}, "n_classes must be 2 or more, not 1"),
        ({}, "the number of classes is missing; give n_classes"),
        ({"n_classes": 5, "budget": 4}, "a budget of 4 labels is less than one for each of 5 classes"),
        ({"pool": "iris", "budget": 151}, "a budget of 151 labels is more than the 150 rows of the pool"),
        (
            {"n_classes": 3, "model": "logistic_regresion"},
            "model has no method 'logistic_regresion'; did you mean 'logistic_regression'",
        ),
        ({"pool": "nowhere.csv", "n_classes": 3}, "no file nowhere.csv"),
        ({"pool": "irsi", "n_classes": 3}, "no data set or file 'irsi'; did you mean 'iris'"),
        ({"pool": ROWS[:2], "n_classes": 3}, "pool: 2 rows are fewer than 3 classes"),
        ({"n_classes": 3, "target": "kind"}, "a target column needs a pool"),
    ],
)
def test_a_wrong_request_is_refused_in_one_line(given: dict[str, Any], message: str) -> None:
    with pytest.raises(AltuneError, match=re.escape(message)) as raised:
        altune.recommend(given.pop("pool", None), **given)
    assert "\n" not in str(raised.value)


def test_the_printed_python_runs_the_recipe_with_annotators(tmp_path: Path) -> None:
    found = altune.recommend("iris", budget=30)
    found.save(tmp_path / "recipe.yaml")
    campaign = run_printed(found, "iris", tmp_path, altune.load_dataset("iris").y)
    assert campaign.status().labels_bought == 30
    assert campaign.recipe == found.recipe


def run_printed(found: Recommendation, pool: str, folder: Path, y: Any, **reading: Any) -> Any:
    file = str(folder / "recipe.yaml")
    text, code = recommendation_text(found, pool, Path(file), reading), snippet(found, pool, file, reading)
    assert all(line.strip() in text for line in code.splitlines())
    names: dict[str, Any] = {"answers": lambda rows: [names["classes"][code] for code in y[rows]]}
    with contextlib.chdir(folder):
        exec(code, names)
    return names["campaign"]


@pytest.mark.usefixtures("own_models")
def test_a_model_of_raw_rows_is_recommended_where_it_can_be_played(tmp_path: Path) -> None:
    register_estimator("mine", by_name(), takes="frame")
    register_estimator("words", of_words(), takes="text")
    of_columns = make_column_transformer((StandardScaler(), [0, 3]))
    register_estimator("places", make_pipeline(of_columns, LogisticRegression()))
    assert altune.recommend(n_classes=2, budget=20, model="mine").recipe.takes_raw, "nothing is known of a pool"
    assert altune.recommend(n_classes=2, budget=20, model="places").recipe.model.method == "places"
    people_table().to_csv(tmp_path / "people.csv", index=False, sep=";")
    found = altune.recommend(tmp_path / "people.csv", model="mine", n_classes=2, budget=20, sep=";")
    found.save(tmp_path / "recipe.yaml")
    campaign = run_printed(found, str(tmp_path / "people.csv"), tmp_path, labels(), sep=";")
    assert campaign.status().labels_bought == 20
    for pool, model, why in (
        (reviews().raw, "mine", "names the column 'city', which pool does not have"),
        (people_table().drop(columns=["city", "grade"]), "words", "no column of text"),
        (ROWS, "mine", "only numbers without column names; give a DataFrame"),
        (ROWS, "places", r"chooses the columns \[0, 3\]; the data have 3"),
        (people_table().drop(columns="age").assign(age="old"), "mine", "mine could not be trained on 120 rows"),
    ):
        with pytest.raises(AltuneError, match=why) as raised:
            altune.recommend(pool, model=model, n_classes=2, budget=20)
        assert "\n" not in str(raised.value)


def test_scripts_and_notebooks_read_all_of_it() -> None:
    found = altune.recommend("iris", budget=30)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert Recipe.from_dict(plain["recipe"]) == found.recipe
    assert plain["request"]["n_classes"] == 3
    assert plain["gains"][0]["group"] == "all"
    assert found.lines[0] in str(found)
    assert "<table>" in found._repr_html_()
