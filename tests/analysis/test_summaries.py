"""What a Python prompt and a notebook show of runs, simulations, comparisons and recipes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import altune
from altune.core.html import html_table

EVIL = "<script>alert(1)</script>"
SIZES: dict[str, Any] = {"budget": 30, "loops": 3, "n_blocks": 2, "n_trials": 3, "select_blocks": 2}


@pytest.fixture(scope="module")
def evil_data() -> altune.Dataset:
    iris = altune.load_dataset("iris")
    return altune.Dataset(iris.X, iris.y, name=EVIL)


@pytest.fixture(scope="module")
def run(evil_data: altune.Dataset) -> altune.Run:
    return altune.tune(evil_data, "quick", **SIZES, report_blocks=5, ablation=False)


def cells(html: str) -> list[str]:
    return re.findall(r"<t[hd]>(.*?)</t[hd]>", html)


def test_a_run_shows_its_data_its_value_and_its_recipe(run: altune.Run) -> None:
    findings = run.findings
    assert findings is not None
    of, recipe = findings.recipe, run.best_recipe
    value = f"aulc of accuracy {of.mean:.3f} [{of.low:.3f}, {of.high:.3f}] on 5 blocks"
    how = f"{recipe.initial_sample.method} start, {recipe.query_strategy.method}"
    assert repr(run) == f"Run({EVIL!r}, 3 trials, {value}, {how})"
    shown = cells(run._repr_html_())
    assert shown[:6] == ["data", "&lt;script&gt;alert(1)&lt;/script&gt;", "trials", "3", "recipe", shown[5]]
    for name, against in findings.others.items():
        gain = shown[shown.index(f"over {name.replace('_', ' ')}") + 1]
        assert gain.startswith(f"{against.difference.mean:+.3f} [")


def test_a_run_without_confirmation_or_interval(evil_data: altune.Dataset, tmp_path: Path) -> None:
    bare = altune.tune(evil_data, "quick", **SIZES, confirm=False, out=tmp_path / "run")
    assert repr(bare) == f"Run({EVIL!r}, 3 trials, not confirmed, folder {str(tmp_path / 'run')!r})"
    assert cells(bare._repr_html_())[-2:] == ["confirmed", "not yet; run.confirm() does it"]
    few = altune.simulate("vanilla", evil_data, budget=20, n_blocks=2)
    assert repr(few) == f"Simulation(aulc of accuracy {few.mean:.3f} on 2 blocks, least_confidence)"
    assert "inf" not in few._repr_html_()


def test_a_comparison_shows_the_best_and_what_the_others_lack(evil_data: altune.Dataset) -> None:
    recipes = {EVIL: "random_sampling", "b": "vanilla"}
    compared = altune.compare(recipes, [evil_data, "wine"], budget=20, n_blocks=5)
    means = {name: of.mean for name, of in compared.result.recipes.items()}
    best, other = sorted(means, key=lambda name: -means[name])
    assert f"2 recipes on 10 blocks, best {best!r}: aulc of accuracy {means[best]:.3f} [" in repr(compared)
    html = compared._repr_html_()
    head, first, second = (re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in html.split("<tr>")[1:])
    assert first[1].startswith(f"{means[best]:.3f} [")
    assert second[2].startswith(f"{means[other] - means[best]:+.3f} [")
    assert len(head) == len(first) == 3
    assert "<script>" not in html


def test_a_recipe_shows_what_decides_it() -> None:
    recipe = altune.Recipe(
        name=EVIL,
        initial_sample={"method": "typiclust", "size": 10},
        query_strategy={"method": "switch", "first": "margin", "then": "random"},
        retrain="warm_start",
    )
    assert repr(recipe) == (
        f"Recipe({EVIL!r}, initial_sample=typiclust(size=10), retrain=warm_start, loop_size=constant, "
        "query_strategy=switch(first=margin, then=random), model=logistic_regression)"
    )
    assert repr(altune.Recipe()) == (
        "Recipe(initial_sample=random, loop_size=constant, query_strategy=margin, model=logistic_regression)"
    )
    html = recipe._repr_html_()
    assert "<script>" not in html
    assert html.count("<tr>") == 10


def test_no_line_breaks_and_no_markup(run: altune.Run) -> None:
    for shown in (run, run.best_recipe):
        assert "\n" not in repr(shown)
        assert not re.search(r"<(?!/?(table|thead|tbody|tr|th|td)>)", shown._repr_html_())
    assert html_table([(EVIL, EVIL)], (EVIL, EVIL)).count("&lt;script&gt;") == 4
