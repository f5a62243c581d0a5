"""Is altune's importance of knobs right? Searches replayed on a grid whose exact variance shares are known.

    python benchmarks/full_grid.py --grids svm forest few many --blocks 24     # once: the truth
    python benchmarks/importance.py                                           # some minutes: the table
    python benchmarks/importance.py --repetitions 3 --trials 50               # a first look

Each search asks Optuna for 100 recipes of the space of the grid (``random`` or ``tpe``) and gets their mean over 5
blocks of the grid, others in each repetition. The truth is exact: Shapley effects of the knobs over all recipes, of the
mean over all blocks. ``error`` is the mean absolute error of the shares (each side summing to 1), ``rank`` Spearman's
correlation, ``main`` the error against main effects alone, likewise summing to 1, which is what fANOVA means.
``inside`` is how often altune's 95 % interval holds the truth. ``behind`` marks the numbers in which altune is behind
an evaluator of Optuna's by more than two standard errors of the difference, over the same searches. ``all recipes`` is
what the chance of 5 blocks alone does: the exact shares of the whole grid on the search's blocks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from full_grid import FOLDER, Grid, load_grid
from lib.grids import GRIDS
from lib.output import give
from numpy.typing import NDArray
from scipy.stats import spearmanr

from altune.analysis.importance.knob_importance import knob_importance
from altune.analysis.importance.observations import Observation
from altune.analysis.importance.optuna import EVALUATORS, optuna_importance
from altune.analysis.importance.variance import Shares, exact_shares
from altune.core.errors import AltuneError

Array = NDArray[np.float64]

SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
}
DEFAULT = ("svm", "forest", "few", "many")
OUT = Path("runs/importance.json")
WANTED = 0.93
"""Share of the intervals that should hold the truth."""
ALTUNE, ALL = "altune", "all recipes"


def search(grid: Grid, sampler: str, seed: int, n_trials: int, values: Array) -> tuple[optuna.Study, list[int]]:
    """Replay a search: Optuna asks, the grid answers. Return the study and the recipes it drew."""
    study = optuna.create_study(direction="maximize", sampler=SAMPLERS[sampler](seed))
    places = grid.index()
    drawn: list[int] = []
    for _ in range(n_trials):
        trial = study.ask()
        grid.space.suggest(trial)
        drawn.append(places[frozenset(trial.params.items())])
        study.tell(trial, float(values[drawn[-1]].mean()))
    return study, drawn


def repetition(
    grid: Grid, truth: Shares, sampler: str, seed: int, n_trials: int, n_blocks: int
) -> list[dict[str, Any]]:
    """Return one line for each method: how far its shares are from the truth."""
    knobs = list(grid.space.decisions)
    blocks = np.random.default_rng([seed, 7]).choice(grid.n_blocks, min(n_blocks, grid.n_blocks), replace=False)
    values = grid.values[:, blocks]
    study, drawn = search(grid, sampler, seed, n_trials, values)
    answers: dict[str, tuple[Array, Array]] = {}
    for evaluator in EVALUATORS:
        found = optuna_importance(study, evaluator, seed=seed)
        shares = np.array([found.get(knob, 0.0) for knob in knobs])
        answers[evaluator] = (shares, shares)
    whole = exact_shares(grid.params, values.mean(axis=1), grid.weights, knobs)
    answers[ALL] = (whole.share, whole.main)
    trials = [Observation(grid.params[i], float(values[i].mean()), tuple(values[i])) for i in drawn]
    result = knob_importance(trials, grid.space, seed=seed)
    ours = [result[knob] for knob in knobs]
    answers[ALTUNE] = (np.array([knob.share for knob in ours]), np.array([knob.main for knob in ours]))
    lines = [
        {
            "grid": grid.name,
            "sampler": sampler,
            "seed": seed,
            "method": method,
            "shares": shares.tolist(),
            "error": float(np.abs(shares - truth.share).mean()),
            "main": float(np.abs(_summing_to_1(mains) - _summing_to_1(truth.main)).mean()),
            "rank": _rank(shares, truth.share),
        }
        for method, (shares, mains) in answers.items()
    ]
    inside = [bool(knob.low <= exact <= knob.high) for knob, exact in zip(ours, truth.share, strict=True)]
    lines[-1] |= {
        "inside": inside,
        "width": [knob.high - knob.low for knob in ours],
        "r2": result.r2,
        "recipes": result.n_trials,
        "matters": [knob.matters for knob in ours],
        "floor": result.floor.high,
    }
    return lines


def _summing_to_1(shares: Array) -> Array:
    return np.asarray(shares / shares.sum()) if shares.sum() > 0 else shares


def _rank(a: Array, b: Array) -> float:
    return float(spearmanr(a, b).statistic) if np.ptp(a) > 0 else 0.0


def summary(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each grid, sampler and method."""
    rows: list[dict[str, Any]] = []
    for key in dict.fromkeys((line["grid"], line["sampler"], line["method"]) for line in lines):
        some, ours = (_lines(lines, *key[:2], method) for method in (key[2], ALTUNE))
        row: dict[str, Any] = dict(zip(("grid", "sampler", "method"), key, strict=True))
        row |= {name: float(np.mean([line[name] for line in some])) for name in ("rank", "error", "main")}
        if key[-1] == ALTUNE:
            row["inside"] = float(np.mean([line["inside"] for line in some]))
            row["r2"] = float(np.mean([line["r2"] for line in some]))
        elif key[-1] in EVALUATORS:
            row["behind"] = [name for name, better in (("rank", 1), ("error", -1)) if _ahead(some, ours, name, better)]
        rows.append(row)
    return rows


def _lines(lines: Sequence[dict[str, Any]], grid: str, sampler: str, method: str) -> list[dict[str, Any]]:
    return [line for line in lines if (line["grid"], line["sampler"], line["method"]) == (grid, sampler, method)]


def _ahead(theirs: Sequence[dict[str, Any]], ours: Sequence[dict[str, Any]], name: str, better: int) -> bool:
    """Return whether theirs is better by more than two standard errors of the differences over the same searches."""
    gaps = np.array([better * (their[name] - our[name]) for their, our in zip(theirs, ours, strict=True)])
    if len(gaps) < 2:
        return bool(gaps.mean() > 0)
    return bool(gaps.mean() > 2 * gaps.std(ddof=1) / np.sqrt(len(gaps)))


def show(truth: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """Print the table."""
    for grid, facts in truth.items():
        print(
            f"\n{grid}: {facts['recipes']} recipes x {facts['blocks']} blocks; shares "
            + ", ".join(f"{knob} {share:.3f}" for knob, share in facts["share"].items())
        )
        print(f"  {'sampler':<9}{'method':<24}{'rank':>7}{'error':>8}{'main':>8}{'inside':>8}{'R²':>7}  behind")
        for row in rows:
            if row["grid"] == grid:
                own = f"{row['inside']:>8.3f}{row['r2']:>7.2f}" if "inside" in row else " " * 15
                numbers = f"{row['rank']:>7.3f}{row['error']:>8.4f}{row['main']:>8.4f}"
                behind = ", ".join(row.get("behind", ()))
                print(f"  {row['sampler']:<9}{row['method']:<24}{numbers}{own}  {behind}".rstrip())


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; 0 where the intervals hold and altune is nowhere behind, 1 where not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", type=Path, default=FOLDER, metavar="FOLDER", help="where full_grid.py stored it")
    parser.add_argument("--grids", nargs="+", choices=GRIDS, default=list(DEFAULT), metavar="NAME")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--blocks", type=int, default=5, help="blocks that a search plays on")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help="where all lines go as JSON")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    if min(options.trials, options.repetitions, options.blocks) < 1:
        parser.error("--trials, --repetitions and --blocks must be at least 1")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    truths: dict[str, Any] = {}
    lines: list[dict[str, Any]] = []
    try:
        for name in options.grids:
            grid = load_grid(options.grid, name)
            knobs = list(grid.space.decisions)
            truth = exact_shares(grid.params, grid.values.mean(axis=1), grid.weights, knobs)
            truths[name] = {
                "recipes": len(grid.params),
                "blocks": grid.n_blocks,
                "share": dict(zip(knobs, truth.share.tolist(), strict=True)),
                "main": dict(zip(knobs, truth.main.tolist(), strict=True)),
            }
            for sampler in SAMPLERS:
                for seed in range(options.repetitions):
                    lines += repetition(grid, truth, sampler, seed, options.trials, options.blocks)
                    print(f"{name}, {sampler}: {seed + 1} of {options.repetitions}", file=sys.stderr, flush=True)
    except AltuneError as error:
        print(f"importance: {error}", file=sys.stderr)
        return 2
    rows = summary(lines)
    result = {"truth": truths, "rows": rows, "lines": lines}
    give(result, options.out, options.json, lambda: show(truths, rows))
    return 0 if holds(rows) else 1


def holds(rows: Sequence[dict[str, Any]]) -> bool:
    """Return whether the intervals hold the truth often enough, and altune is nowhere behind an evaluator."""
    return all(row.get("inside", 1.0) >= WANTED and not row.get("behind") for row in rows)


if __name__ == "__main__":
    sys.exit(main())
