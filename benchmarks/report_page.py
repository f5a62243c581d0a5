"""How long does the page of a run take to be written, and to open in a real Chromium?

    python benchmarks/report_page.py                          # a run of 500 trials is made first, a few minutes
    python benchmarks/report_page.py --run runs/digits        # the page of a run that is there

Times are wall seconds since the address was asked for, the median of --repeats, at desktop and phone width: until
something is seen, until the page is loaded and answers its reader, and until the last figure is drawn.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import altune
from altune.report.pages.run.page import run_page

WIDTHS = (1200, 390)
WANTED = 2.0
LOADED = """
const page = performance.getEntriesByType("navigation")[0];
const paint = performance.getEntriesByType("paint").map(one => one.startTime);
return [Math.max(...paint, 0) / 1000, page.loadEventEnd / 1000];
"""
DRAWN = """
const plots = [...document.querySelectorAll(".plot")];
return plots.every(one => one.dataset.narrow && one.querySelector(".main-svg"));
"""


def main() -> int:
    """Print the table; return 1 where a page takes longer than two seconds to load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="folder of a run; by default one is made")
    parser.add_argument("--trials", type=int, default=500, help="trials of the run that is made")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = made(chosen.trials, Path(folder) / "run") if chosen.run is None else altune.open_run(chosen.run)
        began = time.perf_counter()
        text = run_page(run)
        print(f"{len(run.trials)} trials: the page takes {time.perf_counter() - began:.1f} s to write, ", end="")
        print(f"{len(text.encode()) / 1e6:.1f} MB")
        page = Path(folder) / "page.html"
        page.write_text(text, "utf-8")
        slowest = 0.0
        for width in WIDTHS:
            seen, loaded, drawn = opened(page, width, chosen.repeats, Path(folder) / f"profile{width}")
            print(f"{width} px: seen after {seen:.2f} s, loaded {loaded:.2f} s, last figure {drawn:.2f} s")
            slowest = max(slowest, loaded)
    return int(slowest > WANTED)


def made(trials: int, folder: Path) -> altune.Run:
    """Return a run on digits with a number of trials."""
    return altune.tune(
        "digits", model="logistic_regression", budget=100, loops=10, n_trials=trials, n_blocks=3, n_jobs=-1, out=folder
    )


def opened(page: Path, width: int, repeats: int, profile: Path) -> tuple[float, float, float]:
    """Return the median seconds until something is seen, until the page is loaded, until the last figure is drawn."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    try:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        times = [_once(driver, page) for _ in range(repeats + 1)][1:]
    finally:
        driver.quit()
    seen, loaded, drawn = (statistics.median(column) for column in zip(*times, strict=True))
    return seen, loaded, drawn


def _once(driver: Any, page: Path) -> tuple[float, float, float]:
    driver.get("about:blank")
    began = time.perf_counter()
    driver.get(page.as_uri())
    while not driver.execute_script(DRAWN):
        time.sleep(0.02)
    drawn = time.perf_counter() - began
    seen, loaded = driver.execute_script(LOADED)
    return seen, loaded, drawn


if __name__ == "__main__":
    raise SystemExit(main())
