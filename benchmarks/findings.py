"""Does the simulator show what is known of active learning? Each published finding, measured on real data.

    python benchmarks/findings.py                       # 30 blocks on 5 data sets, all cores
    python benchmarks/findings.py --blocks 5            # a first look
    python benchmarks/findings.py --part late           # entropy on many classes, far beyond 120 labels

Each finding is a paired difference on the same blocks, with a 95 % interval that is corrected for splits sharing rows
(Nadeau & Bengio 2003) on each data set, and a plain one over all blocks of all data sets together.

The part ``late`` follows entropy from 20 to 600 or 1000 labels: beside its findings it prints entropy − random and
entropy − margin along the curve, and the label counts where entropy passes the one and draws level with the other.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import joblib
import numpy as np
from lib.findings_recipes import FIRST, PARTS, play_block
from numpy.typing import NDArray

import altune
from altune.core.errors import AltuneError
from altune.core.yaml import read_yaml_text
from altune.numerics.statistics import PairedDifference, paired_difference
from altune.simulation.curve import LearningCurve

EVEN = 0.01
"""A difference this small counts as none where none is expected."""


SHOWN = (60, 100, 140, 180, 220, 260, 300, 380, 460, 580, 740, 900, 980)
"""Label counts of the table along the curve: ends of loops of 20 as well as of 40."""


def area(curve: LearningCurve, low: float, high: float) -> float:
    """Return the mean current score from ``low`` to ``high`` labels."""
    counts = np.arange(round(low), round(high) + 1)
    return float(curve.at(counts, "accuracy").mean())


@dataclass(frozen=True)
class Finding:
    """A published finding as a difference: ``a`` minus ``b``, measured somewhere on the curve."""

    text: str
    a: str
    b: str
    where: Literal["all", "early", "late", "end"]
    expected: Literal["above", "zero"]
    only: Callable[[int], bool] = lambda n_classes: True

    def measure(self, played: Sequence[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the values of ``a`` and ``b`` on each block."""
        values: list[tuple[float, float]] = []
        for one in played:
            budget, turn = one["budget"], one["early"]
            parts = {"all": (FIRST, budget), "early": (FIRST, turn), "late": (turn, budget), "end": (budget, budget)}
            low, high = parts[self.where]
            values.append(tuple(area(one["curves"][name], low, high) for name in (self.a, self.b)))  # type: ignore[arg-type]
        return np.array([a for a, _ in values]), np.array([b for _, b in values])


def many(n_classes: int) -> bool:
    """Return whether a data set has the many classes that part entropy from margin."""
    return n_classes >= 7


MAIN = (
    Finding("margin is ahead of random", "margin", "random", "all", "above"),
    Finding("margin = least confidence for 2 classes", "margin", "least_confidence", "all", "zero", lambda k: k == 2),
    Finding("margin = entropy for 2 classes", "margin", "entropy", "all", "zero", lambda k: k == 2),
    Finding("entropy is behind random early, many classes", "random", "entropy", "early", "above", many),
    Finding("entropy is behind margin early, many classes", "margin", "entropy", "early", "above", many),
    Finding("TypiClust is ahead of random early", "typiclust", "random", "early", "above"),
    Finding("TypiClust and random are about even late", "typiclust", "random", "end", "zero"),
    Finding("a smart start moves the early curve", "smart_start", "margin", "early", "above"),
    Finding("a smart start does not move the end", "smart_start", "margin", "end", "zero"),
    Finding("smaller loops are better, slightly", "margin", "large_loops", "all", "above"),
    Finding("warm start on all = reset for a convex model", "warm", "margin", "all", "zero"),
    Finding("10 % label noise lowers the curve", "margin", "noise_10", "all", "above"),
    Finding("20 % label noise lowers it further", "noise_10", "noise_20", "all", "above"),
    Finding("a peeking oracle lies above margin", "oracle", "margin", "all", "above"),
    Finding("query model = task model is best", "rbf", "rbf_asked_by_linear", "all", "above"),
)
LATE = (
    Finding("entropy is behind random early", "random", "entropy", "early", "above", many),
    Finding("entropy is ahead of random at the end", "entropy", "random", "end", "above", many),
    Finding("entropy is behind margin early", "margin", "entropy", "early", "above", many),
    Finding("entropy is level with margin at the end", "entropy", "margin", "end", "zero", many),
    Finding(
        "why: least confidence, blind to how many classes share the tail, loses less",
        "least_confidence",
        "entropy",
        "early",
        "above",
        many,
    ),
    Finding(
        "why: of the 2 likeliest classes alone, it is level with margin",
        "entropy_of_2",
        "margin",
        "early",
        "zero",
        many,
    ),
    Finding(
        "why: of probabilities to the power 16, it is level with margin",
        "entropy_sharpened",
        "margin",
        "early",
        "zero",
        many,
    ),
)
FINDINGS = {"main": MAIN, "late": LATE}


def verdict(finding: Finding, difference: PairedDifference) -> str:
    """Return whether a difference agrees with a finding."""
    if finding.expected == "zero":
        if abs(difference.mean) <= EVEN:
            return "agrees"
        return "disagrees" if difference.low > 0 or difference.high < 0 else "unclear"
    if difference.low > 0:
        return "agrees"
    return "disagrees" if difference.high < 0 else "agrees in sign" if difference.mean > 0 else "unclear"


def read_model(text: str) -> dict[str, Any]:
    """Return the model that an option names: a method, or a mapping in YAML."""
    try:
        return altune.Recipe(model=read_yaml_text(f"model: {text}")["model"]).model.model_dump()
    except AltuneError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Print each finding, on each data set and over all; of the late part its course too."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=tuple(PARTS), default="main")
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--data", nargs="+", help="data sets; of 7 classes or more for the late part")
    parser.add_argument("--model", type=read_model, help="late: another model, a method or {method: ..., C: ...}")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    if options.model and options.part != "late":
        parser.error("--model goes with --part late; each main finding has its model")
    names = options.data or PARTS[options.part].data
    tasks = [(options.part, name, number, options.model) for name in names for number in range(options.blocks)]
    played = joblib.Parallel(n_jobs=options.jobs)(joblib.delayed(play_block)(*task) for task in tasks)
    by_data = {name: [one for task, one in zip(tasks, played, strict=True) if task[1] == name] for name in names}
    rows = judge(FINDINGS[options.part], by_data)
    courses = {name: course(some) for name, some in by_data.items()} if options.part == "late" else {}
    if options.json:
        print(json.dumps({"findings": rows, "courses": courses} if courses else rows, indent=2))
        return 0
    print_findings(rows)
    for name, lines in courses.items():
        print_course(name, lines)
    return 0


def judge(findings: Sequence[Finding], by_data: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return a line for each finding on each data set that it speaks of, and one over all of them."""
    rows = []
    for finding in findings:
        pooled: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        for name, some in by_data.items():
            if not finding.only(altune.load_dataset(name).n_classes):
                continue
            a, b = finding.measure(some)
            pooled.append((a, b))
            n_train, n_test = some[0]["sizes"]
            rows.append(row(finding, name, paired_difference(a, b, overlap=n_test / n_train)))
        if pooled:
            a, b = (np.concatenate([pair[side] for pair in pooled]) for side in (0, 1))
            rows.append(row(finding, f"all {len(pooled)}", paired_difference(a, b)))
    return rows


def print_findings(rows: Sequence[dict[str, Any]]) -> None:
    """Print the lines under their findings."""
    last = ""
    for one in rows:
        if one["finding"] != last:
            last = one["finding"]
            print(f"\n{last}  ({one['what']})")
        print(
            f"  {one['data']:16}{one['mean']:+.4f}  [{one['low']:+.4f}, {one['high']:+.4f}]"
            f"  {one['blocks']:4} blocks  {one['verdict']}"
        )


def course(played: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return entropy − random and entropy − margin with their intervals at the end of each loop."""
    n_train, n_test = played[0]["sizes"]
    lines = []
    for count in played[0]["curves"]["entropy"].labels.tolist():
        at = {
            name: [area(one["curves"][name], count, count) for one in played]
            for name in ("entropy", "random", "margin")
        }
        line = {"labels": count, **{name: float(np.mean(values)) for name, values in at.items()}}
        for other in ("random", "margin"):
            difference = paired_difference(at["entropy"], at[other], overlap=n_test / n_train)
            line[f"minus_{other}"] = {"mean": difference.mean, "low": difference.low, "high": difference.high}
        lines.append(line)
    return lines


def since(lines: Sequence[dict[str, Any]], holds: Callable[[dict[str, Any]], bool]) -> str:
    """Return from which label count on something holds to the end, in words."""
    first = None
    for line in reversed(lines):
        if not holds(line):
            break
        first = line["labels"]
    return "not at the end" if first is None else f"from {first} labels on"


def print_course(name: str, lines: Sequence[dict[str, Any]]) -> None:
    """Print a data set's differences along the curve, and where entropy passes random and reaches margin."""
    print(f"\n{name}\n  labels   entropy − random             entropy − margin")
    for line in lines:
        if line["labels"] in SHOWN or line is lines[-1]:
            cells = (line["minus_random"], line["minus_margin"])
            told = "".join(f"   {one['mean']:+.4f} [{one['low']:+.4f}, {one['high']:+.4f}]" for one in cells)
            print(f"  {line['labels']:6}{told}")
    queried = lines[1:]
    level = since(queried, lambda line: abs(line["minus_margin"]["mean"]) <= EVEN)
    print(f"  ahead of random: {since(queried, lambda line: line['minus_random']['mean'] > 0)}")
    print(f"  interval wholly above random: {since(queried, lambda line: line['minus_random']['low'] > 0)}")
    print(f"  within {EVEN} of margin: {level}")
    above = sum(line["minus_margin"]["low"] > 0 for line in queried)
    print(f"  interval wholly above margin: at {above} of {len(queried)} label counts")


def row(finding: Finding, data: str, difference: PairedDifference) -> dict[str, Any]:
    """Return one line of the table."""
    what = f"{finding.a} - {finding.b}, {finding.where}, expected {'> 0' if finding.expected == 'above' else '= 0'}"
    numbers = {"mean": difference.mean, "low": difference.low, "high": difference.high, "blocks": difference.blocks}
    return {"finding": finding.text, "what": what, "data": data, **numbers, "verdict": verdict(finding, difference)}


if __name__ == "__main__":
    sys.exit(main())
