"""The report page in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from altune.report import (
    CodeBlock,
    FigureBlock,
    FrontAxis,
    FrontPoint,
    PageContent,
    plot_learning_curves,
    plot_pareto_front,
    plot_search_history,
    render_page,
)
from tests.helpers.browser import accessibility_problems, requests_of, show
from tests.helpers.report_samples import BUDGET, EVIL, content, example_curves, example_matched, example_trials


@pytest.fixture(scope="module")
def page() -> str:
    return render_page(content(example_curves(), example_matched(), example_trials()))


@pytest.mark.parametrize("width", [390, 1200])
def test_page_works_in_a_browser_from_disk(browser, page: str, tmp_path: Path, width: int) -> None:
    path = tmp_path / "report.html"
    show(browser, page, path, width)
    assert [entry for entry in browser.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}] == []
    assert requests_of(browser) == [path.as_uri()]
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


@pytest.mark.parametrize("width", [390, 1200])
def test_a_table_that_is_wider_than_the_screen_says_so(browser, page: str, tmp_path: Path, width: int) -> None:
    show(browser, page, tmp_path / "report.html", width)
    tables = browser.execute_script(
        "return [...document.querySelectorAll('.scroll')].map(box => ({"
        " wider: box.scrollWidth > box.clientWidth, hint: box.previousElementSibling.offsetHeight > 0,"
        " words: box.previousElementSibling.textContent, shadow: getComputedStyle(box).backgroundAttachment}))"
    )
    assert [table["wider"] for table in tables] == [width < 600]
    assert [table["hint"] for table in tables] == [width < 600]
    assert tables[0]["words"] == "Scroll sideways for all 5 columns →"
    assert tables[0]["shadow"] == "local, local, scroll, scroll"


@pytest.mark.parametrize("width", [390, 1200])
def test_titles_of_figures_and_axes_are_whole_on_any_screen(browser, tmp_path: Path, width: int) -> None:
    long = "area under the learning curve (average_precision_weighted_macro)"
    trials, baselines = example_trials(), {"random_sampling": 0.8}
    points = [FrontPoint("a", (0.9, 200.0)), FrontPoint("b", (0.8, 100.0))]
    axes = [FrontAxis(long), FrontAxis(f"mean {long}")]
    figures = [
        plot_search_history(trials, baselines, value=long),
        plot_pareto_front(points, axes, title=long),
    ]
    parts = [FigureBlock("Figures", "A figure.", figure) for figure in figures]
    show(browser, render_page(PageContent("t", ["a"], "better", parts=parts)), tmp_path / "page.html", width)
    titles = browser.execute_script(
        "return [...document.querySelectorAll('.plot')].flatMap(plot => {"
        " const box = plot.getBoundingClientRect();"
        " return [...plot.querySelectorAll('.gtitle, .xtitle, .ytitle, .g-gtitle text')].map(text => {"
        "  const at = text.getBoundingClientRect();"
        "  return [text.textContent, at.left >= box.left - 1 && at.right <= box.right + 1 && at.top >= box.top - 1"
        "   && at.bottom <= box.bottom + 1]; }) })"
    )
    assert len(titles) >= 6
    assert [text for text, inside in titles if not inside] == []
    assert not any("…" in text for text, _ in titles)
    assert sum("(average_precision_weighted_macro)" in text for text, _ in titles) >= 3


def test_keyboard_reaches_the_copy_button_and_it_copies(browser, page: str, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    show(browser, page, tmp_path / "report.html", 1200)
    for _ in range(30):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.get_attribute("aria-label") == "Copy the recipe":
            break
    button = browser.switch_to.active_element
    assert button.get_attribute("aria-label") == "Copy the recipe"
    button.send_keys(Keys.ENTER)
    WebDriverWait(browser, 5).until(lambda d: button.text == "Copied")
    assert "Copied" in browser.find_element(By.ID, "status").get_attribute("textContent")


def test_evil_names_stay_text_in_a_browser(browser, tmp_path: Path) -> None:
    evil = dict(zip([EVIL, "<img src=x onerror=alert(1)>", "%{x} <b>"], example_curves().values(), strict=True))
    figure = plot_learning_curves(evil, "accuracy", BUDGET)
    made = PageContent(EVIL, [EVIL], "better", parts=[FigureBlock(EVIL, EVIL, figure), CodeBlock(EVIL, EVIL, EVIL)])
    show(browser, render_page(made), tmp_path / "evil.html", 1200)
    from selenium.common.exceptions import NoAlertPresentException

    with pytest.raises(NoAlertPresentException):
        _ = browser.switch_to.alert.text
    assert browser.title == EVIL
    labels = browser.execute_script("return [...document.querySelectorAll('.annotation-text')].map(t => t.textContent)")
    assert EVIL[:25] in labels[0] or any(EVIL[:20] in label for label in labels)
    assert browser.execute_script("return document.querySelectorAll('.plot img').length") == 0


def test_a_window_that_narrows_changes_names_into_a_legend(browser, page: str, tmp_path: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    show(browser, page, tmp_path / "report.html", 1200)
    size = {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    ready = "return document.querySelectorAll('.plot .legend').length === 2"
    WebDriverWait(browser, 10).until(lambda d: d.execute_script(ready))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("width", [390, 1200])
def test_an_accessibility_checker_finds_nothing(browser, page: str, tmp_path: Path, width: int) -> None:
    show(browser, page, tmp_path / "report.html", width)
    assert accessibility_problems(browser) == []
    browser.execute_script("document.querySelector('html').lang = ''")
    assert any(problem.startswith("html-has-lang") for problem in accessibility_problems(browser)), "it does look"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_figure_is_written_as_a_picture(browser, tmp_path: Path, suffix: str) -> None:
    figure = plot_learning_curves(example_curves(), "accuracy", BUDGET)
    figure.write_image(tmp_path / f"curves.{suffix}", width=900)
    written = (tmp_path / f"curves.{suffix}").read_bytes()
    assert written.startswith(b"\x89PNG") if suffix == "png" else b"labels bought" in written
