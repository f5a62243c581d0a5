"""Do the stated 95 % intervals hold the truth? Fresh subsamples of large tables, each confirmed as a run is.

    pip install "altune[datasets]"                                  # the tables, in the wheels of three packages
    python benchmarks/coverage.py --quick                           # a first look, about a minute
    python benchmarks/coverage.py --jobs 2                          # 40 subsamples of each case
    python benchmarks/coverage.py --no-play                         # the tables again, from what is stored

A population is a table. From it, subsamples of 300 and of 1,000 rows are drawn afresh; each is a study of its own, with
a held-back fifth and the report blocks of a confirmation, on which four recipes are played, each one knob from the one
before it. The truth is the mean over all subsamples and blocks of a population. An interval of a subsample is right
where it holds the truth. `width / oracle` is its width over that of a normal interval made by somebody who knows how
the estimates spread over the subsamples.

`--plan 20` are 20 report blocks. With several numbers, as in `--plan 10 20 40`, a comparison ends after the first of
them where its interval excludes zero; means and labels saved are those after the last. `--sequential` plays as many as
a confirmation would, and `--precision` as many as it needs for that; `--plan` says how many are stored.

A subsample is written whole or not at all, so an interrupted command resumes where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import joblib
import pandas as pd
from lib.coverage_numbers import DIFFERENCE, MEAN, SAVED, STEP, look_at_all
from lib.coverage_play import (
    BUDGET,
    LOOPS,
    MODELS,
    PATH,
    Case,
    file_of,
    play_and_store,
)
from lib.coverage_tables import by_share, claims, coverage, judged, power

from altune.core.errors import AltuneError, RequestError
from altune.core.files import write_text
from altune.data.blocks import HELD_BACK
from altune.tuning.report_blocks import ReportPlan

FOLDER = Path("runs/coverage")
SUBSAMPLES, QUICK = 40, 6
SIZES = (300, 1000)
POWER_SIZE, COMPARISONS = 300, 40
TWO, MANY = ("accuracy", "f1_macro", "roc_auc"), ("accuracy", "f1_macro", "balanced_accuracy")
POPULATIONS = {"satimage": MANY, "shuttle": TWO, "sylva": TWO, "mnist_5k": MANY}
SMALL = ("digits", "image_segments")
"""Tables of which only subsamples of 300 rows are a small part; accuracy alone."""
SHARES = (0.25, 1 / 3)
CASES = (
    *(Case(name, size, metrics=metrics) for size in SIZES for name, metrics in POPULATIONS.items()),
    Case("satimage", 300, coin=True, metrics=TWO),
    *(Case(name, 300) for name in SMALL),
    *(
        Case(name, 300, held_back=share, models=MODELS[:1])
        for share in SHARES
        for name in ("satimage", "shuttle", *SMALL)
    ),
)
QUICK_CASES = ("satimage_300", "shuttle_300", "satimage_coin_300")
KINDS = (MEAN, DIFFERENCE, STEP, SAVED)
SETTINGS = "settings.json"


def open_folder(folder: Path, blocks: int) -> None:
    """Begin the folder, or make sure that it was begun with the same recipes on at least as many blocks.

    Raises
    ------
    RequestError
        If it holds something else.
    """
    settings = {"budget": BUDGET, "loops": LOOPS, "path": {name: dict(recipe) for name, recipe in PATH.items()}}
    path = folder / SETTINGS
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({**settings, "blocks": blocks}))
        return
    stored = json.loads(path.read_text("utf-8"))
    if stored.pop("blocks", 0) < blocks or stored != settings:
        raise RequestError(f"{folder} holds other recipes or fewer than {blocks} blocks; give another --out")


def play_missing(cases: Sequence[Case], subsamples: int, blocks: int, folder: Path, jobs: int) -> None:
    """Play what is not stored yet, one subsample of every case in turn."""
    missing = [
        (case, number) for number in range(subsamples) for case in cases if not file_of(folder, case, number).exists()
    ]
    began = time.monotonic()
    calls = (joblib.delayed(play_and_store)(case, number, blocks, folder) for case, number in missing)
    played = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(calls)
    for done, name in enumerate(played, 1):
        took = time.monotonic() - began
        left = took / done * (len(missing) - done)
        print(f"{name}: {done} of {len(missing)} subsamples, {left / 60:.0f} min left", file=sys.stderr, flush=True)


def tables(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables that are printed, by their headings."""
    usual = rows[~rows["coin"] & (rows["held_back"] == HELD_BACK) & rows["kind"].isin(KINDS)]
    return {
        "Coverage": coverage(usual, ["kind"]),
        "By table": coverage(usual, ["kind", "population"]),
        "By size": coverage(usual, ["kind", "size"]),
        "By metric": coverage(usual, ["kind", "metric"]),
        "By model": coverage(usual, ["kind", "model"]),
        "A difference claimed where there is none": claims(rows),
        f"Power, {POWER_SIZE} rows": power(rows, POWER_SIZE, COMPARISONS),
        "More rows held back, 300 rows": by_share(rows),
    }


def markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown, with numbers of three digits."""
    lines = ["| " + " | ".join(map(str, table.columns)) + " |", "|" + "---|" * len(table.columns)]
    for _, row in table.iterrows():
        cells = ["" if pd.isna(cell) else f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Play what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = sorted({case.population for case in CASES})
    parser.add_argument("--data", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--subsamples", type=int, help=f"of each case; {SUBSAMPLES}, with --quick {QUICK}")
    parser.add_argument("--plan", nargs="+", type=int, default=[20], metavar="BLOCKS", help="report blocks; 20")
    parser.add_argument("--sequential", action="store_true", help="as many report blocks as a confirmation plays")
    parser.add_argument("--precision", type=float, metavar="WIDTH", help="with --sequential: what it is to reach")
    parser.add_argument("--quick", action="store_true", help="satimage and shuttle, 300 rows")
    parser.add_argument("--no-play", action="store_true", help="read what is stored and play nothing")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER", help="where subsamples are stored")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    subsamples = options.subsamples or (QUICK if options.quick else SUBSAMPLES)
    if min(subsamples - 1, options.jobs, *options.plan) < 1 or sorted(set(options.plan)) != options.plan:
        parser.error("--jobs must be at least 1, --subsamples at least 2, and --plan positive and increasing")
    cases = [case for case in (quick_cases() if options.quick else CASES) if case.population in options.data]
    try:
        open_folder(options.out, max(options.plan))
        if not options.no_play:
            play_missing(cases, subsamples, max(options.plan), options.out, options.jobs)
        plan = ReportPlan(options.precision) if options.sequential else options.plan
        rows = judged(look_at_all(cases, range(subsamples), plan, options.out, options.jobs))
    except AltuneError as error:
        print(f"coverage: {error}", file=sys.stderr)
        return 2
    rows.to_csv(options.out / "intervals.csv", index=False)
    printed = {heading: table for heading, table in tables(rows).items() if len(table)}
    if options.json:
        print(json.dumps({heading: table.to_dict("records") for heading, table in printed.items()}, indent=2))
        return 0
    for heading, table in printed.items():
        print(f"\n### {heading}\n\n{markdown(table)}")
    return 0


def quick_cases() -> list[Case]:
    """Return the cases of the short form, whose subsamples the whole form uses again."""
    return [case for case in CASES if case.name in QUICK_CASES]


if __name__ == "__main__":
    sys.exit(main())
