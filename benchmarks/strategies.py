"""Which query strategy beats margin?

    pip install "altune[datasets]"                          # more data sets
    python benchmarks/strategies.py                         # all data sets x 20 blocks; hours
    python benchmarks/strategies.py --quick                 # 6 data sets x 3 blocks; two minutes
    python benchmarks/strategies.py --models logistic_regression --data-sets 30 --without peeking_expert

Every strategy has the same start (random, a twentieth of the budget), the same 20 equal loops and the same budget (20
labels for each class, at least 100, at most half the pool), so that only the strategy differs; `recommended` alone has
its own start and loops. With logistic regression all data sets are played, with the other models 10 of them on 10
blocks, without the expert. Of a data set with more than 3,000 rows a random part of 3,000 is used.

What is learned or tuned is played without the family of its data set: `lal` and `learned_ranker` with the tables that
`altune learn lal` and `altune learn ranker` write by `--keep-left-out FOLDER/lal` and `FOLDER/learned_ranker`, where
FOLDER is given by `--tables`; `tuned_mixture` is, for each family, the one of six mixtures that is best on all others.
`peeking_expert` reads the test rows and is no strategy, but the most that looking one step ahead could gain.

Intervals are of 95 %, by resampling data sets and then their blocks. Finished trajectories are stored in `--out`; an
interrupted command resumes there. The number of processes does not affect results. Exit code 1 where margin_cover or
the recommended recipe misses what is required of it, or a trajectory failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lib.data_sets import spread, studied
from lib.output import give
from lib.strategy_plays import play_all
from lib.strategy_recipes import ALL, ALWAYS, EXPERT, RECOMMENDED, Place, contestants
from lib.strategy_tables import (
    GROUPS,
    LEAST_SETS,
    complete,
    in_group,
    recommended_rows,
    strategy_rows,
    verdicts,
    with_tuned_mixture,
)

from altune.core.errors import AltuneError

FOLDER = Path("runs/strategies")
FIRST_MODEL = "logistic_regression"
MODELS = (FIRST_MODEL, "random_forest", "svm_rbf")
BLOCKS, OTHER_SETS, OTHER_BLOCKS = 20, 10, 10
QUICK_SETS, QUICK_BLOCKS = 6, 3
MOST_ROWS = 3000


def all_places(seed: int) -> list[Place]:
    """Return the data sets of a study, in the order of ``lib/data_sets.py``."""
    return [Place(info.name, info.family, info.n_classes, seed, MOST_ROWS) for info in studied()]


def table_of(model: str, options: argparse.Namespace, places: Sequence[Place]) -> dict[str, Any]:
    """Play every strategy with a model and return its part of the result."""
    first = model == FIRST_MODEL
    chosen = places if first else spread(places, min(len(places), OTHER_SETS))
    blocks = options.blocks if first else min(options.blocks, OTHER_BLOCKS)
    asked = [name for name in options.strategies if first or name != EXPERT]
    recipes, missing = contestants(asked, options.tables)
    for line in missing if first else ():
        print(line, file=sys.stderr)
    played = play_all(chosen, recipes, model, blocks, options.out / "trajectories", options.jobs)
    results, mixtures = with_tuned_mixture(complete(played))
    part: dict[str, Any] = {
        "model": model,
        "blocks": blocks,
        "sets": {group: [one.place.data for one in in_group(results, group)] for group in GROUPS},
        "families": len({one.place.family for one in results}),
        "missing": missing,
        "failures": [line for one in played for line in one.failures],
        "mixtures": mixtures,
        "strategies": [],
        "recommended": [],
        "verdicts": [],
    }
    if len(results) < LEAST_SETS:
        return part
    names = [name for name in ALL if name in results[0].areas]
    part["strategies"] = strategy_rows(results, names)
    part["recommended"] = recommended_rows(results) if RECOMMENDED in names else []
    part["verdicts"] = verdicts(part["strategies"], part["recommended"]) if first else []
    return part


def show(part: Mapping[str, Any]) -> None:
    """Print the tables of one model."""
    counts = {group: len(sets) for group, sets in part["sets"].items()}
    sets = f"{counts['all']} data sets of {part['families']} families x {part['blocks']} blocks"
    print(f"\n### {part['model']}: {sets}, at most {MOST_ROWS:,} rows of each\n")
    for line in (*part["missing"], *part["failures"]):
        print(f"- {line}")
    if not part["strategies"]:
        print(f"No table: it needs {LEAST_SETS} data sets or more on which nothing failed.")
        return
    shown = list(part["strategies"][0]["minus_margin"])
    beside_cover = part["strategies"][0]["minus_margin_cover"] is not None
    heads = ["strategy", "area", "mean rank", *(f"minus margin, {group} ({counts[group]})" for group in shown)]
    heads += ["ahead of margin on", *(["minus margin_cover, all"] if beside_cover else [])]
    print(f"| {' | '.join(heads)} |")
    print("|" + "---|" * len(heads))
    for row in part["strategies"]:
        cells = [row["strategy"], f"{row['area']:.4f}", "" if row["rank"] is None else f"{row['rank']:.2f}"]
        cells += [difference_text(row["minus_margin"][group]) for group in shown]
        cells.append(f"{row['minus_margin']['all']['better']:.0%}")
        cells += [difference_text(row["minus_margin_cover"])] if beside_cover else []
        print(f"| {' | '.join(cells)} |")
    if part["mixtures"]:
        chosen = list(part["mixtures"].values())
        counted = ", ".join(f"{name} {chosen.count(name)}" for name in dict.fromkeys(chosen))
        print(f"\nMixture, by number of families for which it was chosen: {counted}")
    show_recommended(part)


def show_recommended(part: Mapping[str, Any]) -> None:
    """Print what the recommended recipe gains, and what is required."""
    if part["recommended"]:
        print("\n| recommended recipe minus | random | least_confidence | margin | below random by more than .005 |")
        print("|---|---|---|---|---|")
    for row in part["recommended"]:
        cells = " | ".join(difference_text(gain) for gain in row["gain"].values())
        hurt = f"{len(row['hurt'])} of {row['sets']}: {', '.join(row['hurt'])}".rstrip(": ")
        print(f"| {row['group']} ({row['sets']}) | {cells} | {hurt} |")
    for line in part["verdicts"]:
        print(f"\n{'holds' if line['holds'] else 'MISSED'}: {line['what']}")


def difference_text(difference: Mapping[str, float]) -> str:
    """Return a difference with its interval."""
    return f"{difference['mean']:+.4f} [{difference['low']:+.4f}, {difference['high']:+.4f}]"


def read_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(MODELS), metavar="NAME", help=", ".join(MODELS))
    parser.add_argument("--data-sets", type=int, metavar="N", help="number of data sets; all")
    parser.add_argument("--data", nargs="+", metavar="NAME", help="these data sets alone")
    parser.add_argument("--blocks", type=int, help=f"blocks of each data set; {BLOCKS}")
    parser.add_argument("--only", nargs="+", choices=ALL, default=list(ALL), metavar="STRATEGY", help=", ".join(ALL))
    parser.add_argument("--without", nargs="+", choices=ALL, default=[], metavar="STRATEGY")
    parser.add_argument("--tables", type=Path, metavar="FOLDER", help="lal/ and learned_ranker/, by --keep-left-out")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SETS} data sets, {QUICK_BLOCKS} blocks, 1 model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes; 2")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER", help="where trajectories are stored")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if options.quick:
        options.models = [FIRST_MODEL]
        options.data_sets = options.data_sets or QUICK_SETS
    options.blocks = options.blocks or (QUICK_BLOCKS if options.quick else BLOCKS)
    if options.blocks < 1 or options.jobs < 1 or (options.data_sets is not None and options.data_sets < LEAST_SETS):
        parser.error(f"--blocks and --jobs must be at least 1, --data-sets at least {LEAST_SETS}")
    asked = set(options.only) - set(options.without)
    options.strategies = [name for name in ALL if name in asked or name in ALWAYS]
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Play what is missing and print the tables."""
    options = read_options(argv)
    try:
        places = all_places(options.seed)
        if options.data:
            places = [place for place in places if place.data in options.data]
            if missing := set(options.data) - {place.data for place in places}:
                print(f"strategies: no data set {min(missing)!r} to play on", file=sys.stderr)
                return 2
        places = spread(places, options.data_sets)
        parts = [table_of(model, options, places) for model in options.models]
    except AltuneError as error:
        print(f"strategies: {error}", file=sys.stderr)
        return 2
    give({"parts": parts}, options.out / "strategies.json", options.json, lambda: [show(part) for part in parts])
    failed = any(part["failures"] or not all(line["holds"] for line in part["verdicts"]) for part in parts)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
