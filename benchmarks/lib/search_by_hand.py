"""A search over recipes written by hand with Optuna and scikit-activeml: what altune is compared to in search.py.

    python benchmarks/lib/search_by_hand.py --how well         # two processes, one thread each
    python benchmarks/lib/search_by_hand.py --how usual        # one process, as many threads as the libraries like

It searches what ``search.py`` lets altune search: sizes of the first sample and of the loops and one of six query
strategies, on digits with logistic regression. ``well`` asks four trials at a time and plays their trajectories side by
side with joblib, pins threads, and does not let a strategy fit the model again. ``usual`` is what the two libraries'
examples add up to. ``--list FILE`` plays the recipes of a JSON list in place of those that Optuna draws. It prints one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

BUDGET = 200
STRATEGIES = ("random", "margin", "entropy", "kcenter", "badge", "typiclust")


def trajectory(start: int, step: int, strategy: str, seed: int, *, well: bool) -> float:
    """Play one recipe on one split and return the area under its curve, each score held until the next."""
    import numpy as np
    from skactiveml import pool as strategies
    from skactiveml.classifier import SklearnClassifier
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    X, y = load_digits(return_X_y=True)
    X, _, y, _ = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
    X_pool, X_test, y_pool, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X_pool)
    X_pool, X_test = scaler.transform(X_pool), scaler.transform(X_test)
    made = {
        "random": strategies.RandomSampling,
        "margin": lambda **given: strategies.UncertaintySampling(method="margin_sampling", **given),
        "entropy": lambda **given: strategies.UncertaintySampling(method="entropy", **given),
        "kcenter": strategies.CoreSet,
        "badge": strategies.Badge,
        "typiclust": strategies.TypiClust,
    }
    query = made[strategy](random_state=seed)
    known = np.full(len(y_pool), np.nan)
    first = np.random.default_rng(seed).choice(len(y_pool), size=start, replace=False)
    known[first] = y_pool[first]
    labels, scores = [0], [float(np.mean(y_test == np.bincount(y_pool).argmax()))]
    while True:
        model = SklearnClassifier(LogisticRegression(max_iter=1000), classes=np.arange(10), random_state=seed)
        model.fit(X_pool, known)
        labels.append(int(np.isfinite(known).sum()))
        scores.append(float(np.mean(model.predict(X_test) == y_test)))
        if labels[-1] >= BUDGET:
            return float(np.dot(scores[:-1], np.diff(labels)) / BUDGET)
        given: dict[str, Any] = {"X": X_pool, "y": known, "batch_size": min(step, BUDGET - labels[-1])}
        if strategy in ("margin", "entropy", "badge"):
            given |= {"clf": model} | ({"fit_clf": False} if well else {})
        rows = query.query(**given)
        known[rows] = y_pool[rows]


def asked(trial: Any) -> dict[str, Any]:
    """Return the recipe of a trial."""
    return {
        "start": trial.suggest_int("start", 5, 60, log=True),
        "step": trial.suggest_int("step", 5, 40, log=True),
        "strategy": trial.suggest_categorical("strategy", STRATEGIES),
    }


def search_well(study: Any, trials: int, seeds: int) -> None:
    """Search with two processes of one thread each, four trials at a time."""
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1), Parallel(n_jobs=2) as parallel:
        for first in range(0, trials, 4):
            batch = [study.ask() for _ in range(min(4, trials - first))]
            recipes = [asked(trial) for trial in batch]
            areas = parallel(
                delayed(trajectory)(**recipe, seed=seed, well=True) for recipe in recipes for seed in range(seeds)
            )
            for place, trial in enumerate(batch):
                study.tell(trial, sum(areas[place * seeds : (place + 1) * seeds]) / seeds)


def search_as_usual(study: Any, trials: int, seeds: int) -> None:
    """Search one trial after the other in one process."""
    study.optimize(
        lambda trial: sum(trajectory(**asked(trial), seed=seed, well=False) for seed in range(seeds)) / seeds,
        n_trials=trials,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--how", choices=["well", "usual"], default="well")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of Optuna's sampler")
    parser.add_argument("--list", type=Path, help="JSON list of recipes to play in place of drawn ones")
    given = parser.parse_args()
    if given.how == "well":
        # Before numpy is imported, which reads them once.
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    began = time.time()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=given.seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for recipe in json.loads(given.list.read_text("utf-8")) if given.list else []:
        study.enqueue_trial(recipe)
    (search_well if given.how == "well" else search_as_usual)(study, given.trials, given.blocks)
    trials = [
        {"params": trial.params, "value": trial.value, "at": trial.datetime_complete.timestamp() - began}
        for trial in study.trials
        if trial.datetime_complete is not None
    ]
    print(json.dumps({"best": study.best_params, "value": study.best_value, "trials": trials}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
