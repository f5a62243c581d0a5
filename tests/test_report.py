"""Figures by their numbers, and the page in a real browser."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altune.analysis.comparison import LabelsSaved, compare_recipes, labels_saved
from altune.curve import LearningCurve, Objective
from altune.errors import RequestError
from altune.report import (
    DifferenceRow,
    FigurePart,
    PageContent,
    TablePart,
    TrialPoint,
    plot_differences,
    plot_learning_curves,
    plot_search_history,
    render_page,
)
from altune.report.differences import difference_numbers
from altune.report.learning_curves import learning_curve_numbers
from altune.report.search_history import search_history_numbers
from altune.report.style import DIRECT, SERIES, safe_text, spread_apart

BUDGET = 200
BLOCKS = 20
EVIL = "<script>alert(1)</script>"
RECIPE = """version: 1
initial_sample: {method: typiclust, size: 20}
query_strategy:
  method: switch
  first: {method: typiclust}
  then: {method: margin}
  at: 60
loop_size: {method: geometric, start: 5, growth: 1.5}
"""


def simulated(rate: float, top: float, start: int, loop: int, seed: int) -> LearningCurve:
    """Return a curve of the shape that ten-class data give: a power law with noise."""
    rng = np.random.default_rng(seed)
    easy = np.random.default_rng(1000 + seed).normal(scale=0.008)  # what a block does to all recipes alike
    labels = np.arange(start, BUDGET + 1, loop)
    scores = top + easy - 0.9 * (labels / 4.0) ** -rate + rng.normal(scale=0.006, size=len(labels))
    zeros = np.zeros(len(labels))
    return LearningCurve(
        labels=labels,
        used=labels,
        cost=labels.astype(float),
        scores={"accuracy": scores},
        prior={"accuracy": 0.1},
        loop_rows=np.diff(labels, prepend=0),
        fit_seconds=zeros,
        query_seconds=zeros,
        evaluation_seconds=zeros,
        facts=({},) * len(labels),
        rows=np.arange(labels[-1]),
        stopped="budget",
    )


def played(rate: float, top: float, start: int = 10, loop: int = 10, first: int = 0) -> list[LearningCurve]:
    return [simulated(rate, top, start, loop, first + seed) for seed in range(BLOCKS)]


@pytest.fixture(scope="module")
def curves() -> dict[str, list[LearningCurve]]:
    return {
        "confirmed recipe": played(0.95, 0.965, start=20, loop=9),
        "random_sampling": played(0.72, 0.955, first=100),
        "vanilla": played(0.76, 0.96, first=200),
    }


@pytest.fixture(scope="module")
def matched() -> dict[str, list[LearningCurve]]:
    return {"random_sampling": played(0.84, 0.957, start=20, loop=9, first=300)}


@pytest.fixture(scope="module")
def trials() -> list[TrialPoint]:
    rng = np.random.default_rng(0)
    values = 0.86 - 0.05 * rng.beta(1.2, 3 + 0.05 * np.arange(60))
    odd = {7: "forbidden", 19: "forbidden", 33: "failed"}
    return [
        TrialPoint(n, None if n in odd else float(v), odd.get(n, "complete"), "margin") for n, v in enumerate(values)
    ]


def difference_rows(
    curves: dict[str, list[LearningCurve]], matched: dict[str, list[LearningCurve]]
) -> list[DifferenceRow]:
    both = {**curves, **{f"{name}, matched": runs for name, runs in matched.items()}}
    comparison = compare_recipes(both, Objective(end=BUDGET), n_train=1000, n_test=360)
    pairs = [pair for pair in comparison.differences if pair.a == "confirmed recipe"]
    return [
        DifferenceRow(
            pair.b.removesuffix(", matched"),
            pair.difference.mean,
            pair.difference.low,
            pair.difference.high,
            matched=pair.b.endswith("matched"),
            p=pair.p_holm,
        )
        for pair in pairs
    ]


def content(
    curves: dict[str, list[LearningCurve]],
    matched: dict[str, list[LearningCurve]],
    trials: list[TrialPoint],
    title: str = "digits, standard space",
) -> PageContent:
    saved = labels_saved(curves["confirmed recipe"], curves["random_sampling"], "accuracy", BUDGET)
    rows = difference_rows(curves, matched)
    objective = "area under the accuracy curve"
    return PageContent(
        title=title,
        verdict="better",
        answer=[
            f"The confirmed recipe reaches the accuracy of random sampling at {BUDGET} labels with "
            f"{saved.recipe_labels} labels ({saved.low} to {saved.high}).",
            f"Over the whole budget its accuracy is {100 * rows[0].mean:.1f} points higher than that "
            "of random sampling, on rows that nothing was ever scored on before.",
        ],
        highlights=[
            (
                f"{saved.recipe_labels} / {BUDGET}",
                "labels for the accuracy of random sampling at the whole budget",
            ),
            (
                f"{100 * rows[0].mean:+.1f}",
                "points of accuracy over random sampling, averaged over the budget",
            ),
            (
                f"{100 * rows[2].mean:+.1f}",
                "of these from the selection itself (matched start and loop sizes)",
            ),
        ],
        advice=["5 search blocks are few: the search may have missed a better recipe. Try --seeds 10."],
        figures=[
            FigurePart(
                "Is it better?",
                f"Accuracy on held-back rows as labels are bought. At {BUDGET} labels random sampling has "
                f"{saved.target:.3f}; the recipe has it with {saved.recipe_labels}.",
                plot_learning_curves(curves, "accuracy", BUDGET, matched=matched, saved=saved),
            ),
            FigurePart(
                "Is it better?",
                "An interval that does not cross the line at zero is a clear difference. Matched baselines "
                "use the recipe's own start and loop sizes: the rest is what the selection itself is worth.",
                plot_differences(rows, value=objective, blocks=BLOCKS),
            ),
            FigurePart(
                "How was it found?",
                "Each ring is one recipe, played on the search blocks. These values are biased upwards for "
                "the best and are never the result; the confirmation above is.",
                plot_search_history(trials, {"random_sampling": 0.815, "vanilla": 0.825}, value=objective),
            ),
        ],
        recipe_yaml=RECIPE,
        commands=[
            (
                "Label your own data with it:",
                "altune campaign start pool.csv --recipe recipe.yaml --out campaign",
            ),
            ("Play it again on other data:", "altune simulate wine --recipe recipe.yaml --seeds 10"),
        ],
        tables=[
            TablePart(
                "Confirmed recipes",
                ["recipe", "query strategy", "initial sample", "mean area", "95 % interval"],
                [
                    ["trial 41 (selected)", "switch", "typiclust, 20", "0.848", "0.842 to 0.854"],
                    ["trial 57", "margin", "typiclust, 24", "0.846", "0.840 to 0.852"],
                    ["random_sampling", "random", "random, 10", "0.812", "0.805 to 0.819"],
                ],
                "Mean area under the accuracy curve on the 10 fresh blocks that select among the best.",
            )
        ],
        facts=[
            ("Data", "digits: 1797 rows, 64 features, 10 classes"),
            ("Budget", "200 labels, at most 20 queries after the first sample"),
            (
                "Objective",
                "aulc: area under the accuracy curve over [0, 200]; each score holds until the next model",
            ),
            ("Test", "Nadeau–Bengio corrected t, adjusted by Holm"),
        ],
    )


# Figures


def test_learning_curves_show_the_mean_that_the_curves_have(curves, matched) -> None:
    numbers = learning_curve_numbers(curves, "accuracy", BUDGET, matched=matched)
    assert [(line.name, line.role) for line in numbers.lines] == [
        ("confirmed recipe", "recipe"),
        ("random_sampling", "baseline"),
        ("vanilla", "baseline"),
        ("random_sampling, matched", "matched"),
    ]
    recipe = numbers.lines[0].band
    here = int(np.flatnonzero(recipe.counts == 20)[0])
    at_20 = [curve.scores["accuracy"][0] for curve in curves["confirmed recipe"]]
    assert recipe.mean[here] == pytest.approx(np.mean(at_20))
    assert recipe.low[here] == pytest.approx(np.quantile(at_20, 0.1))
    assert numbers.low > 0.15, "the prior's score must not press the curves against the top"
    assert numbers.high > max(line.band.mean.max() for line in numbers.lines)


def test_learning_curves_are_steps_with_looks_of_their_own(curves, matched) -> None:
    figure = plot_learning_curves(curves, "accuracy", BUDGET, matched=matched)
    lines = [trace for trace in figure.data if trace.name]
    assert all(trace.line.shape == "hv" for trace in figure.data)
    looks = {(trace.line.dash, trace.marker.symbol) for trace in lines}
    assert len(looks) == len(lines) == 4
    widest = max(lines, key=lambda trace: trace.line.width)
    assert widest.name == "confirmed recipe"
    assert widest.line.dash == "solid"
    assert sum(trace.fill == "tonexty" for trace in figure.data) == 3
    assert "20 blocks" in figure.layout.title.text
    assert list(figure.layout.xaxis.range) == [0, BUDGET]


def test_without_baselines_every_recipe_has_a_colour(curves) -> None:
    figure = plot_learning_curves(curves, "accuracy", BUDGET, baselines=())
    colours = {trace.name: trace.line.color for trace in figure.data if trace.name}
    assert set(colours.values()) == {look.colour for look in SERIES[:3]}


def test_labels_saved_are_an_arrow_from_the_budget_to_the_recipes_count(curves) -> None:
    saved = labels_saved(curves["confirmed recipe"], curves["random_sampling"], "accuracy", BUDGET)
    arrows = [
        note
        for note in plot_learning_curves(curves, "accuracy", BUDGET, saved=saved).layout.annotations
        if note.showarrow
    ]
    assert len(arrows) == 1
    assert (arrows[0].ax, arrows[0].x) == (BUDGET, saved.recipe_labels)
    assert arrows[0].y == arrows[0].ay
    shapes = plot_learning_curves(curves, "accuracy", BUDGET, saved=saved).layout.shapes
    level = next(shape for shape in shapes if shape.y0 == shape.y1)
    assert (level.x0, level.x1) == (saved.recipe_labels, BUDGET)
    assert level.y0 == pytest.approx(saved.target)
    missed = LabelsSaved(0.99, None, None, None, BUDGET, BUDGET, None, False)
    without = plot_learning_curves(curves, "accuracy", BUDGET, saved=missed)
    assert not [note for note in without.layout.annotations if note.showarrow]


def test_history_draws_complete_trials_and_counts_the_rest(trials) -> None:
    numbers = search_history_numbers(list(reversed(trials)))
    assert dict(numbers.states) == {"complete": 57, "forbidden": 2, "failed": 1}
    assert 7 not in [trial.number for trial in numbers.trials]
    assert (np.diff(numbers.best) >= 0).all()
    assert numbers.best[-1] == max(trial.value for trial in trials if trial.value is not None)
    figure = plot_search_history(trials, {"vanilla": 0.83})
    assert "60 trials: 57 complete, 2 forbidden, 1 failed<" in figure.layout.title.text
    points = next(trace for trace in figure.data if trace.mode == "markers")
    assert len(points.x) == 57
    assert "margin" in points.text[0]
    assert figure.layout.yaxis.range[0] < min(trial.value for trial in trials if trial.value is not None)


def test_history_of_a_search_without_a_complete_trial_still_draws() -> None:
    figure = plot_search_history([TrialPoint(0, None, "failed")], {"vanilla": 0.83})
    assert "1 trial: 1 failed" in figure.layout.title.text
    assert "no trials" in plot_search_history([], {}).layout.title.text


def test_differences_are_judged_by_their_intervals() -> None:
    rows = [
        DifferenceRow("random", 0.02, 0.01, 0.03),
        DifferenceRow("random", 0.005, -0.002, 0.012, matched=True),
        DifferenceRow("oracle", -0.02, -0.03, -0.01),
        DifferenceRow("single", 0.1, -math.inf, math.inf),
        DifferenceRow("none", 0.1, None, None),
    ]
    numbers = difference_numbers(rows)
    assert [n.verdict for n in numbers] == ["better", "unclear", "worse", "no interval", "no interval"]
    assert numbers[0].value == "+0.020 [+0.010, +0.030]"
    assert numbers[1].label == "random, matched"
    assert numbers[2].value == "−0.020 [−0.030, −0.010]"
    figure = plot_differences(rows, blocks=20)
    by_mean = {trace.x[0]: trace for trace in figure.data}
    assert by_mean[0.02].error_x.array[0] == pytest.approx(0.01)
    assert by_mean[0.1].error_x.array is None
    assert len({trace.marker.symbol for trace in figure.data}) >= 4
    low, high = figure.layout.xaxis.range
    assert low < -0.03 < 0 < 0.1 < high
    assert "20 paired blocks" in figure.layout.title.text


def test_first_difference_is_on_top(curves, matched) -> None:
    rows = difference_rows(curves, matched)
    figure = plot_differences(rows)
    top = max(figure.data, key=lambda trace: trace.y[0])
    assert top.x[0] == pytest.approx(rows[0].mean)


def test_nothing_to_plot_is_refused() -> None:
    with pytest.raises(RequestError, match="no differences"):
        plot_differences([])
    with pytest.raises(RequestError, match="no learning curves"):
        plot_learning_curves({}, "accuracy", BUDGET)


def test_names_cannot_become_markup_in_any_figure(curves) -> None:
    evil = dict(zip([EVIL, f"{EVIL}2", f"{EVIL}3"], curves.values(), strict=True))
    figures = [
        plot_learning_curves(evil, "accuracy", BUDGET, matched={EVIL: curves["vanilla"]}),
        plot_search_history([TrialPoint(0, 0.5, detail=EVIL), TrialPoint(1, None, EVIL)], {EVIL: 0.4}, value=EVIL),
        plot_differences([DifferenceRow(EVIL, 0.1, 0.0, 0.2)], value=EVIL),
    ]
    for figure in figures:
        text = json.loads(figure.to_json())
        assert "<script" not in json.dumps(text)
        assert "&lt;script" in json.dumps(text)


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.01, 0.3))
def test_labels_never_overlap_and_keep_their_order(positions: list[float], gap: float) -> None:
    placed = spread_apart(positions, gap)
    assert len(placed) == len(positions)
    assert (np.diff(np.sort(placed)) >= gap - 1e-9).all()
    order = np.argsort(positions, kind="stable")
    assert (np.diff(np.array(placed)[order]) > 0).all()
    assert np.sum(placed) == pytest.approx(np.sum(positions))


def test_long_names_are_cut_before_they_are_escaped() -> None:
    assert safe_text("<" * 50, longest=4) == "&lt;&lt;&lt;…"


# The page as text


class Outline(HTMLParser):
    """What a page holds: its elements, and the text of those that are read aloud."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] != "script":
            self.text.append(data)


@pytest.fixture(scope="module")
def page(curves, matched, trials) -> str:
    return render_page(content(curves, matched, trials))


def test_page_needs_nothing_from_outside(page: str) -> None:
    outline = Outline(page)
    sources = [value for _, name, value in outline.attributes if name in {"src", "href", "srcset", "data"}]
    assert set(sources) == {"#answer", "data:,"}
    assert "default-src 'none'" in page
    assert page.count("plotly.js v") <= 1


def test_page_answers_in_the_order_of_the_questions(page: str) -> None:
    wanted = ["Better than the baselines", "Before you rely on it", "Is it better?", "How was it found?"]
    wanted += ["The recipe", "How to use it", "Confirmed recipes", "How it was measured"]
    headings = [re.sub("<.*?>", "", text) for text in re.findall(r"<h2[^>]*>(.*?)</h2>", page)]
    assert [text.lstrip("✓ ") for text in headings] == wanted
    tags = Outline(page).tags
    assert tags.count("h1") == tags.count("main") == 1
    assert tags.count("figcaption") == tags.count("figure") == 3
    assert tags.count("caption") == tags.count("table") == 1
    assert '<html lang="en">' in page


def test_page_without_figures_carries_no_plotly() -> None:
    small = render_page(PageContent("digits", ["Nothing beats random sampling."], "not better"))
    assert len(small) < 20_000
    assert "✕ Not better" in small
    assert 'class="answer not-better"' in small


def test_numbers_are_set_right_and_words_left(page: str) -> None:
    assert '<td class="number">0.848</td>' in page
    assert "<td>switch</td>" in page


def test_every_text_of_the_page_is_escaped() -> None:
    figure = go.Figure(go.Scatter(x=[1], y=[1], name=EVIL))
    page = render_page(
        PageContent(
            title=EVIL,
            answer=[EVIL, EVIL],
            verdict="unclear",
            verdict_text=EVIL,
            highlights=[(EVIL, EVIL)],
            figures=[FigurePart(EVIL, EVIL, figure, '" onload="alert(1)')],
            recipe_yaml=EVIL,
            commands=[(EVIL, EVIL)],
            tables=[TablePart(EVIL, [EVIL, EVIL], [[EVIL, EVIL]], EVIL)],
            facts=[(EVIL, EVIL)],
            advice=[EVIL],
        )
    )
    assert EVIL not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 18
    outline = Outline(page)
    assert outline.tags.count("script") == 3, "one for the figure's data, plotly, and the page's own"
    assert not [name for _, name, _ in outline.attributes if name.startswith("on")]


def test_importing_the_report_does_not_load_plotly() -> None:
    code = "import sys, altune.report as r; assert 'plotly' not in sys.modules; r.plot_differences"
    code += "; assert 'plotly' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_unknown_name_of_the_report_is_an_attribute_error() -> None:
    import altune.report

    assert set(altune.report.__all__) <= set(dir(altune.report))
    with pytest.raises(AttributeError, match="plot_nothing"):
        _ = altune.report.plot_nothing


# The page in a browser


def _browser_paths() -> tuple[str, str]:
    browser = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
    driver = shutil.which("chromedriver")
    if browser and driver:
        return browser, driver
    missing = "Chromium and chromedriver are needed to check the report page and were not found on the path"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    binary, driver_path = _browser_paths()
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    yield driver
    driver.quit()


def _open(driver, page: str, path: Path, width: int, height: int = 900) -> None:
    path.write_text(page, encoding="utf-8")
    # A window cannot be made as narrow as a phone, so the device's size is emulated.
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.get("about:blank")
    driver.get_log("performance")
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(path.as_uri())
    from selenium.webdriver.support.ui import WebDriverWait

    plots = "[...document.querySelectorAll('.plot')]"
    drawn = f"return {plots}.every(plot => plot.dataset.narrow && plot.querySelector('.main-svg'))"
    WebDriverWait(driver, 30).until(lambda d: d.execute_script(drawn))


def _requests(driver) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("data:", "blob:"))]


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1200])
def test_page_works_in_a_browser_from_disk(browser, page: str, tmp_path: Path, width: int) -> None:
    path = tmp_path / "report.html"
    _open(browser, page, path, width)
    assert [entry for entry in browser.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}] == []
    assert _requests(browser) == [path.as_uri()]
    sizes = browser.execute_script(
        "return {scroll: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight,"
        " answer: document.getElementById('answer').getBoundingClientRect().bottom,"
        " plots: [...document.querySelectorAll('.plot .main-svg')].map(p => p.getBoundingClientRect().right)}"
    )
    assert sizes["scroll"] <= width
    assert max(sizes["plots"]) <= width
    assert 2000 < sizes["height"] < 6500
    assert sizes["answer"] < 900, "the answer must stand on the first screen"
    legends = browser.execute_script("return document.querySelectorAll('.plot .legend').length")
    names = browser.execute_script("return document.body.innerHTML.match(/confirmed recipe/g).length")
    assert legends == (2 if width < 600 else 0), "a phone shows legends, a wide screen names beside the lines"
    assert names > 0


@pytest.mark.browser
def test_keyboard_reaches_the_copy_button_and_it_copies(browser, page: str, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    _open(browser, page, tmp_path / "report.html", 1200)
    for _ in range(30):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.get_attribute("data-copies") == "recipe":
            break
    button = browser.switch_to.active_element
    assert button.get_attribute("data-copies") == "recipe"
    button.send_keys(Keys.ENTER)
    WebDriverWait(browser, 5).until(lambda d: button.text == "Copied")
    assert "Copied" in browser.find_element(By.ID, "status").get_attribute("textContent")


@pytest.mark.browser
def test_evil_names_stay_text_in_a_browser(browser, curves, trials, tmp_path: Path) -> None:
    evil = dict(zip([EVIL, "<img src=x onerror=alert(1)>", "%{x} <b>"], curves.values(), strict=True))
    figure = plot_learning_curves(evil, "accuracy", BUDGET)
    made = PageContent(EVIL, [EVIL], "better", figures=[FigurePart(EVIL, EVIL, figure)], recipe_yaml=EVIL)
    _open(browser, render_page(made), tmp_path / "evil.html", 1200)
    from selenium.common.exceptions import NoAlertPresentException

    with pytest.raises(NoAlertPresentException):
        _ = browser.switch_to.alert.text
    assert browser.title == EVIL
    labels = browser.execute_script("return [...document.querySelectorAll('.annotation-text')].map(t => t.textContent)")
    assert EVIL[:25] in labels[0] or any(EVIL[:20] in label for label in labels)
    assert browser.execute_script("return document.querySelectorAll('.plot img').length") == 0


@pytest.mark.browser
def test_a_window_that_narrows_changes_names_into_a_legend(browser, page: str, tmp_path: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    _open(browser, page, tmp_path / "report.html", 1200)
    size = {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    ready = "return document.querySelectorAll('.plot .legend').length === 2"
    WebDriverWait(browser, 10).until(lambda d: d.execute_script(ready))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_direct_labels_are_marked_for_the_page(curves) -> None:
    figure = plot_learning_curves(curves, "accuracy", BUDGET)
    assert [note.name for note in figure.layout.annotations] == [DIRECT] * 3
    assert figure.layout.showlegend is False


@pytest.fixture(scope="module")
def run_page_of_evil_data() -> str:
    """The page of a real run on data whose name and classes are markup."""
    from sklearn.datasets import load_iris

    import altune
    from altune.report.run_page import run_page
    from altune.space import SearchSpace

    X, y = load_iris(return_X_y=True)
    names = np.array(["<script>document.title='evil'</script>", "<b>bold</b>", "plain"])
    data = altune.Dataset(X, names[y], name="<img src=x onerror=alert(1)>")
    space = SearchSpace.from_dict({"query_strategy": ["margin", "entropy", "random"]})
    sizes = {"select_among": 2, "select_seeds": 2, "report_seeds": 3}
    run = altune.tune(data, space, budget=40, loops=4, n_trials=4, seeds=2, **sizes)
    return run_page(run)


@pytest.mark.browser
def test_the_page_of_a_real_run_opens_from_disk(browser, run_page_of_evil_data: str, tmp_path: Path) -> None:
    for width in (1200, 390):
        _open(browser, run_page_of_evil_data, tmp_path / f"run{width}.html", width)
        assert browser.get_log("browser") == []
        assert [request for request in _requests(browser) if not request.startswith(("file:", "data:"))] == []
        assert browser.title != "evil"
        text = browser.find_element("tag name", "main").text
        for words in ("fresh splits", "Is it better?", "How was it found?", "The recipe", "query_strategy"):
            assert words in text
        plots = browser.find_elements("css selector", ".js-plotly-plot .main-svg")
        assert len(plots) >= 3
