"""Do altune's query strategies pick what scikit-activeml's do? The same rows, labels and fitted model for both.

    python benchmarks/parity.py                      # every comparison, about 15 s
    python benchmarks/parity.py --only badge margin  # some of them

Needs the extra ``skactiveml``. Exit code 0 where all agree, 1 where not.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lib.parity_cases import CASES, Case
from lib.parity_inputs import make_inputs

import altune.knobs
from altune.core.registry import methods


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    strategy: str
    counterpart: str
    data: str
    same_picks: bool | None
    correlation: float | None
    agrees: bool
    note: str


def run_case(case: Case, data: str) -> Line:
    """Compare on one data set."""
    inputs = make_inputs(data, case.rows, case.labelled, case.intercept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same, correlation = case.compare(inputs)
    agrees = same is not False and (correlation is None or correlation >= case.least)
    return Line(case.strategy, case.counterpart, data, same, correlation, agrees, case.note)


def uncompared() -> list[str]:
    """Return altune's methods that stand in no comparison."""
    ours = methods("query_strategy")
    own = {name for name, cls in ours.items() if cls.__module__.startswith(altune.knobs.__name__)}
    return sorted(own - {case.strategy for case in CASES})


def table(lines: Sequence[Line]) -> str:
    """Return the lines as text."""
    shown = [f"{'altune':17}{'scikit-activeml':38}{'data':14}{'same picks':>11}{'correlation':>12}  note"]
    for line in lines:
        same = "drawn" if line.same_picks is None else "yes" if line.same_picks else "no"
        correlation = "" if line.correlation is None else f"{line.correlation:.6f}"
        note = line.note if line.agrees else f"DISAGREES. {line.note}"
        shown.append(f"{line.strategy:17}{line.counterpart:38}{line.data:14}{same:>11}{correlation:>12}  {note}")
    return "\n".join(shown)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 where everything agrees, 1 where not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    known = sorted({case.strategy for case in CASES})
    parser.add_argument("--only", nargs="+", choices=known, default=known, metavar="STRATEGY")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    lines = [run_case(case, data) for case in CASES if case.strategy in given.only for data in case.data]
    if given.json:
        print(json.dumps({"lines": [asdict(line) for line in lines], "uncompared": uncompared()}))
    else:
        print(table(lines))
        agreeing = sum(line.agrees for line in lines)
        print(f"\n{agreeing} of {len(lines)} agree. Not compared: {', '.join(uncompared())}")
    return 0 if all(line.agrees for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
