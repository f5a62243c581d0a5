"""What should a column of text become? Learning curves on real text by the width of LSA, and for TF-IDF.

    python benchmarks/text_features.py                       # all, 12 minutes on one core
    python benchmarks/text_features.py --data scipy --blocks 5 --features lsa tfidf

The text is that of docstrings of installed packages, up to their first section: which subpackage of SciPy, or which
package, does a docstring belong to? Margin sampling, 20 loops. A line for each data set, budget, model and encoding has
the area under the curve, the accuracy with all labels of the budget, and the seconds of a trajectory. The budget
``pool`` buys three quarters of the pool. The model ``own_words`` is a pipeline of scikit-learn that takes the text
itself: TF-IDF of the words of the labelled texts, and a logistic regression. It queries by altune's encoding.

    python benchmarks/text_features.py --data scipy --models logistic_regression own_words --features lsa tfidf
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import pkgutil
import re
import time
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import altune
from altune.report.texts.aligned import table

PACKAGES = {
    "scipy": [
        f"scipy.{name}" for name in ("linalg", "ndimage", "optimize", "signal", "sparse", "spatial", "special", "stats")
    ],
    "packages": ["numpy", "optuna", "pandas", "plotly", "pydantic", "scipy", "sklearn", "sqlalchemy"],
}
MOST_OF_A_CLASS, FEWEST_WORDS, MOST_CHARACTERS = 400, 5, 400
SECTION = re.compile(r"\n\s*(?:Parameters|Returns|Examples|Attributes|Notes|See Also|References|\.\. |>>>)")


def modules_of(package: str) -> Iterator[object]:
    """Yield a package and its modules, without tests and what cannot be imported."""
    root = importlib.import_module(package)
    yield root
    for module in pkgutil.walk_packages(root.__path__, f"{package}.", onerror=lambda name: None):
        if not re.search(r"test|conftest|__main__|f2py|\.cli", module.name) and module.name.count(".") < 4:
            try:
                yield importlib.import_module(module.name)
            except Exception:  # an optional dependency is missing
                continue


def docstrings(package: str) -> list[str]:
    """Return the beginnings of the docstrings of a package, sorted, each once."""
    texts = set()
    for module in modules_of(package):
        named = list(vars(module).values())
        parts = [part for item in named if inspect.isclass(item) for part in vars(item).values()]
        for item in [*named, *parts]:
            try:
                inside = str(getattr(item, "__module__", "")).startswith(package)
                text = (inspect.getdoc(item) or "") if inside and callable(item) else ""
            except Exception:  # a lazy object
                continue
            text = " ".join(SECTION.split(text)[0].split())[:MOST_CHARACTERS]
            if len(text.split()) >= FEWEST_WORDS:
                texts.add(text)
    return sorted(texts)


def load(data: str) -> altune.Dataset:
    """Return a data set of one column of text."""
    rng = np.random.default_rng(0)
    texts: list[str] = []
    labels: list[str] = []
    for package in PACKAGES[data]:
        known = docstrings(package)
        chosen = rng.permutation(len(known))[:MOST_OF_A_CLASS]
        texts += [known[index] for index in chosen]
        labels += [package] * len(chosen)
    return altune.Dataset(pd.DataFrame({"text": texts}), labels, name=data)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=list(PACKAGES), choices=list(PACKAGES))
    parser.add_argument("--features", nargs="+", default=["lsa", "100", "tfidf"])
    parser.add_argument("--models", nargs="+", default=["logistic_regression", "linear_svm"])
    parser.add_argument("--budgets", nargs="+", default=["160", "500", "pool"])
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    words = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=1000))
    altune.register_estimator("own_words", words, takes="text")
    rows = []
    for name in asked.data:
        data = load(name)
        for budget in asked.budgets:
            labels = int(data.n_rows * 0.6 * 0.75) if budget == "pool" else int(budget)
            for model in asked.models:
                for features in asked.features:
                    began = time.perf_counter()
                    played = altune.simulate(
                        {"query_strategy": {"method": "margin"}},
                        data,
                        model=model,
                        budget=labels,
                        n_blocks=asked.blocks,
                        n_jobs=asked.jobs,
                        text_features=int(features) if features.isdecimal() else features,
                    )
                    final = np.mean([curve.scores["accuracy"][-1] for curve in played.curves])
                    seconds = (time.perf_counter() - began) / asked.blocks
                    rows.append(
                        {"data": name, "budget": labels, "model": model, "text features": features}
                        | {"area": f"{played.aulc:.3f}", "at the end": f"{final:.3f}", "seconds": f"{seconds:.1f}"}
                    )
                    if not asked.json:
                        print(*rows[-1].values(), flush=True)
    print(json.dumps(rows) if asked.json else f"\n{table(rows)}")


if __name__ == "__main__":
    main()
