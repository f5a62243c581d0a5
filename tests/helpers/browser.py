"""A real browser for tests of pages: Chromium without a window, and what it saw."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def _browser_paths() -> tuple[str, str]:
    browser = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
    driver = shutil.which("chromedriver")
    if browser and driver:
        return browser, driver
    missing = "Chromium and chromedriver are needed to check the report page and were not found on the path"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def open_browser(profile: Path) -> Iterator[Any]:
    """Yield a browser, or skip the test where there is none (in CI it fails)."""
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
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    yield driver
    driver.quit()


def show(driver: Any, page: str, path: Path, width: int, height: int = 900) -> None:
    """Open a page from disk at a size, and wait until its figures are drawn."""
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


def requests_of(driver: Any) -> list[str]:
    """Return what was requested since the page was opened, data in the page itself aside."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("data:", "blob:"))]


def accessibility_problems(driver: Any) -> list[str]:
    """Return what axe-core finds wrong with the page that is shown, by the rules of WCAG 2 and good practice."""
    from axe_core_python.selenium import Axe

    found = Axe().run(driver)["violations"]
    return [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
