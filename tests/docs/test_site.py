"""The built site works without network and from disk; ``ALTUNE_SITE`` names its folder, as ``make docs`` does."""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.helpers.browser import open_browser

SITE = Path(os.environ.get("ALTUNE_SITE", "")).resolve()
pytestmark = pytest.mark.skipif("ALTUNE_SITE" not in os.environ, reason="no site was built; `make docs` builds one")

LOADS = {
    ("img", "src"),
    ("img", "srcset"),
    ("script", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("source", "srcset"),
    ("video", "src"),
    ("audio", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("link", "href"),
    ("use", "href"),
}
"""What a browser loads of its own accord; a link that is clicked is no such thing."""


class Resources(HTMLParser):
    """Collects what a page loads, and what is written in its own style sheets."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        given = dict(attrs)
        if tag == "link" and given.get("rel") in ("canonical", "prev", "next"):
            return
        self.found += [str(value) for name, value in attrs if (tag, name) in LOADS]
        self.found += urls_of(given.get("style") or "")

    def handle_data(self, data: str) -> None:
        if self._style:
            self.found += urls_of(data)


def urls_of(css: str) -> list[str]:
    return re.findall(r"(?:url\(|@import )[\s\"']*([^\"')\s]+)", css)


def outside(addresses: list[str]) -> list[str]:
    return [address for address in addresses if re.match(r"(https?:)?//", address)]


def test_there_are_pages():
    assert (SITE / "index.html").is_file()
    assert (SITE / "methods" / "query_strategy.html").is_file()


def test_no_page_loads_anything_from_elsewhere():
    for page in SITE.rglob("*.html"):
        resources = Resources()
        resources.feed(page.read_text("utf-8"))
        assert resources.found, page
        assert outside(resources.found) == [], page


def test_no_style_sheet_loads_anything_from_elsewhere():
    sheets = list(SITE.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert outside(urls_of(sheet.read_text("utf-8"))) == [], sheet


def test_every_page_can_be_opened_as_a_file():
    for page in SITE.rglob("*.html"):
        for target in re.findall(r'<a [^>]*href="([^"#]+)[^"]*"', page.read_text("utf-8")):
            if not re.match(r"\w+:", target) and page.name != "404.html":
                assert (page.parent / target).is_file(), f"{page}: {target}"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    yield from open_browser(tmp_path_factory.mktemp("profile"))


@pytest.mark.browser
def test_a_page_opens_from_disk_and_the_search_finds_a_method(driver):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    driver.get((SITE / "concepts.html").as_uri())
    assert driver.find_element(By.TAG_NAME, "h1").text.startswith("Concepts")
    driver.execute_script("document.querySelector('#__search').click()")
    field = driver.find_element(By.CSS_SELECTOR, "input.md-search__input")
    field.send_keys("typiclust")
    hits = WebDriverWait(driver, 20).until(lambda it: it.find_elements(By.CSS_SELECTOR, ".md-search-result__link"))
    assert any("methods/" in str(hit.get_attribute("href")) for hit in hits)
    requests = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [entry["params"]["request"]["url"] for entry in requests if entry["method"] == "Network.requestWillBeSent"]
    assert asked
    assert [url for url in asked if url.startswith("http")] == []


@pytest.mark.browser
@pytest.mark.parametrize("page", ["index.html", "concepts.html", "methods/stopping.html", "reference/commands.html"])
def test_pages_fit_a_narrow_screen(driver, page):
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get((SITE / page).as_uri())
    assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
