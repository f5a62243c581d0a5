"""Does altune take the estimators that people have? Area under the curve, or the one line that refuses.

    python benchmarks/estimators.py                 # all, about 15 minutes on one core
    python benchmarks/estimators.py --quick         # one block of each
    python benchmarks/estimators.py --only catboost "hard vote" --data digits

Each estimator is played on four data sets: two, three and ten classes, and three of which one is rare. The query
strategy is margin where the estimator scores classes, else random. The score is the balanced accuracy, so that the
prior predictor, which is given in the last line, has one over the number of classes. An estimator is at chance if its
area is less than ``CHANCE`` above that. In brackets is the share of loops in which it could not be trained on the
labels so far. A boosting library that is not installed is skipped.

Exit code 1 if an estimator crashes, or is at chance.
"""

from __future__ import annotations

import argparse
import json
import warnings
from typing import Any

import numpy as np
from lib.own_estimators import BOOSTING, ESTIMATORS, MORE, boosted
from sklearn.datasets import load_wine

import altune
from altune.models import as_model
from altune.report.texts.aligned import table

CHANCE = 0.05
RARE_ROWS = 12
BUDGETS = {"breast_cancer": 100, "wine": 100, "rare class": 60, "digits": 200}


def load(name: str) -> altune.Dataset:
    """Return a data set; the rare class is the third one of wine, of which 12 rows are kept."""
    if name != "rare class":
        return altune.load_dataset(name)
    X, y = load_wine(return_X_y=True)
    kept = np.flatnonzero((y < 2) | (np.cumsum(y == 2) <= RARE_ROWS))
    return altune.Dataset(X[kept], y[kept], name=name)


def make(name: str) -> Any:
    """Return an estimator by its short name, None where its library is not installed."""
    return boosted(name) if name in BOOSTING else (ESTIMATORS | MORE)[name]()


def play(estimator: Any, data: altune.Dataset, budget: int, blocks: int, loops: int) -> dict[str, Any]:
    """Return area, prior and share of loops without a model, the line that refuses, or the line of a crash."""
    try:
        model = as_model(estimator)
        strategy = "margin" if "class_scores" in model.able() else "random"
        played = altune.simulate(
            {"query_strategy": strategy},
            data,
            model=model,
            budget=budget,
            loops=loops,
            n_blocks=blocks,
            metric="balanced_accuracy",
        )
    except altune.AltuneError as error:
        return {"refused": str(error)}
    except Exception as error:
        return {"crash": f"{type(error).__name__}: {error}"}
    notes = [entry for curve in played.curves for entry in curve.notes]
    prior = float(np.mean([curve.prior["balanced_accuracy"] for curve in played.curves]))
    waits = float(np.mean(["no_model" in entry or "model_kept" in entry for entry in notes]))
    return {"area": float(played.aulc), "prior": prior, "without": waits, "strategy": strategy}


def word(result: dict[str, Any]) -> str:
    """Return a cell of the table.

    >>> word({"area": 0.8, "prior": 0.5, "without": 0.1}), word({"area": 0.51, "prior": 0.5, "without": 0.0})
    ('.800 (10 %)', '.510 AT CHANCE')
    """
    if "area" not in result:
        return "refused" if "refused" in result else "CRASH"
    chance = " AT CHANCE" if at_chance(result) else ""
    waits = f" ({result['without']:.0%})".replace("%", " %") if result["without"] else ""
    return f"{result['area']:.3f}".lstrip("0") + waits + chance


def at_chance(result: dict[str, Any]) -> bool:
    """Return whether a played estimator is hardly better than the prior predictor."""
    return "area" in result and result["area"] < result["prior"] + CHANCE


def main(arguments: list[str] | None = None) -> int:
    """Print the table, and the lines that refuse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*ESTIMATORS, *MORE, *BOOSTING]
    parser.add_argument("--only", nargs="+", default=names, choices=names, metavar="ESTIMATOR")
    parser.add_argument("--data", nargs="+", default=list(BUDGETS), choices=list(BUDGETS))
    parser.add_argument("--quick", action="store_true", help="one block and five loops")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    blocks, loops = (1, 5) if asked.quick else (3, 10)
    data = {name: load(name) for name in asked.data}
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for name in asked.only:
        estimator = make(name)
        if estimator is None:
            if not asked.json:
                print(f"{name}: not installed, so it is skipped", flush=True)
            continue
        results[name] = {key: play(estimator, dataset, BUDGETS[key], blocks, loops) for key, dataset in data.items()}
        if not asked.json:
            print(name, *map(word, results[name].values()), sep="  ", flush=True)
    played = [(name, key, result) for name, row in results.items() for key, result in row.items()]
    if asked.json:
        print(json.dumps(results, indent=2))
    else:
        rows = [
            {"estimator": name} | {key: word(result) for key, result in row.items()} for name, row in results.items()
        ]
        prior = {
            key: next((result["prior"] for _, at, result in played if at == key and "prior" in result), 0.0)
            for key in data
        }
        rows.append(
            {"estimator": "prior predictor"} | {key: f"{value:.3f}".lstrip("0") for key, value in prior.items()}
        )
        print(f"\n{table(rows)}\n")
        for name, key, result in played:
            if "area" not in result:
                print(f"{name}, {key}: {result.get('refused') or result['crash']}")
    return int(any("crash" in result or at_chance(result) for _, _, result in played))


if __name__ == "__main__":
    raise SystemExit(main())
