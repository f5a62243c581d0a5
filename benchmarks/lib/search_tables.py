"""Tables of the comparison of searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.numerics.statistics import over_data_sets, paired_difference, resampled_ends
from lib.search_policies import TODAY

Array = NDArray[np.float64]
Regrets = dict[tuple[str, str], Array]
"""Regret by problem and policy, ``(n_seeds, n_counts)``."""
DRAWS = 4000
UNIT = 1e-4


def summary(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the tables of searches: one row for each policy and count over all problems, and one for each problem.

    Parameters
    ----------
    lines : one for each problem, policy and seed, with the same counts and with the same seeds for all.
    """
    problems, policies = (list(dict.fromkeys(line[name] for line in lines)) for name in ("problem", "policy"))
    regrets, counts = regrets_of(lines), lines[0]["counts"]
    overall, by_problem = [], []
    for place, count in enumerate(counts):
        for policy in policies:
            one = [regrets[problem, policy][:, place] for problem in problems]
            usual = [regrets[problem, TODAY][:, place] for problem in problems] if TODAY in policies else None
            own = [line for line in lines if line["policy"] == policy]
            row = {"trajectories": count, "policy": policy, "searches": len(own)} | against(one, usual)
            row |= {name: float(np.mean([line[name][place] for line in own])) for name in ("trials", "selecting")}
            overall.append(row)
            by_problem += [
                {"trajectories": count, "policy": policy, "problem": problem}
                | against([regret], None if usual is None else [usual[number]])
                for number, (problem, regret) in enumerate(zip(problems, one, strict=True))
            ]
    return {"problems": problems, "overall": overall, "by problem": by_problem}


def regrets_of(lines: Sequence[dict[str, Any]]) -> Regrets:
    """Return the regrets by problem and policy. Where the best recipe is not known, it is the best of all lines."""
    best: dict[str, float] = {}
    for line in lines:
        best[line["problem"]] = max(best.get(line["problem"], -np.inf), *line["value"])
    found: dict[tuple[str, str], list[list[float]]] = {}
    for line in sorted(lines, key=lambda line: int(line["seed"])):
        regret = [
            best[line["problem"]] - value if known is None else known
            for value, known in zip(line["value"], line["regret"], strict=True)
        ]
        found.setdefault((line["problem"], line["policy"]), []).append(regret)
    return {key: np.array(rows) for key, rows in found.items()}


def against(regrets: Sequence[Array], usual: Sequence[Array] | None) -> dict[str, Any]:
    """Return the mean regret over problems with its standard error, and how it compares with today's.

    Parameters
    ----------
    regrets : of one policy in each problem, each ``(n_seeds,)``.
    usual : those of today's default with the same seeds, None if it was not played.
    """
    means = [float(values.mean()) for values in regrets]
    row: dict[str, Any] = {"regret": float(np.mean(means)), "error": None}
    if min(map(len, regrets)) > 1:
        row["error"] = float(np.sqrt(np.sum([values.var(ddof=1) / len(values) for values in regrets])) / len(regrets))
    if usual is None:
        return row
    differences = [paired_difference(one, other) for one, other in zip(regrets, usual, strict=True)]
    difference = over_data_sets(differences) if len(differences) > 1 else differences[0]
    low, high = ratio_ends(regrets, usual)
    today = float(np.mean([values.mean() for values in usual]))
    ratio = {"mean": row["regret"] / today if today else None, "low": low, "high": high}
    return row | {"difference": difference.to_dict(), "ratio": ratio}


def ratio_ends(regrets: Sequence[Array], usual: Sequence[Array]) -> tuple[float, float]:
    """Return the ends of a 95 % interval of the ratio of mean regrets, by drawing seeds of each problem again."""
    rng = np.random.default_rng(0)
    above, below = np.zeros(DRAWS), np.zeros(DRAWS)
    for one, other in zip(regrets, usual, strict=True):
        chosen = rng.integers(len(one), size=(DRAWS, len(one)))
        above += one[chosen].mean(axis=1)
        below += other[chosen].mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return resampled_ends(np.sort(above / below), 0.95)


def show(told: dict[str, Any]) -> None:
    """Print the tables."""
    for count in dict.fromkeys(row["trajectories"] for row in told["overall"]):
        rows = [row for row in told["overall"] if row["trajectories"] == count]
        print(f"\n{count} trajectories: regret x 1e-4, mean over {', '.join(told['problems'])}")
        print(f"  {'policy':<16}{'regret':>12}{'difference to today':>26}{'ratio':>20}{'trials':>8}{'selecting':>11}")
        for row in rows:
            print(
                f"  {row['policy']:<16}{_plus_minus(row):>12}{_difference(row):>26}{_ratio(row):>20}"
                f"{row['trials']:>8.0f}{row['selecting']:>11.0f}"
            )
        for problem in told["problems"]:
            of_problem = [
                row for row in told["by problem"] if (row["trajectories"], row["problem"]) == (count, problem)
            ]
            cells = (
                f"{row['policy']} {_plus_minus(row)}" + f" ({_ratio(row)})" * ("ratio" in row) for row in of_problem
            )
            print(f"  {problem}: {'; '.join(cells)}")


def _plus_minus(row: dict[str, Any]) -> str:
    mean = f"{row['regret'] / UNIT:.0f}"
    return mean if row["error"] is None else f"{mean} ± {row['error'] / UNIT:.0f}"


def _difference(row: dict[str, Any]) -> str:
    if "difference" not in row or row["policy"] == TODAY:
        return ""
    ends = row["difference"]
    if ends["low"] is None:
        return f"{ends['mean'] / UNIT:+.0f}"
    return f"{ends['mean'] / UNIT:+.0f} [{ends['low'] / UNIT:+.0f}, {ends['high'] / UNIT:+.0f}]"


def _ratio(row: dict[str, Any]) -> str:
    if "ratio" not in row or row["ratio"]["mean"] is None:
        return ""
    ratio = row["ratio"]
    return "1" if row["policy"] == TODAY else f"{ratio['mean']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]"
