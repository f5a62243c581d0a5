"""The data sets of ``speed.py``, all real: images, a table of 49,097 rows, and a sparse matrix of words."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from altune.data import Dataset, load_dataset

PACKAGES = ("numpy", "pandas", "scipy", "sklearn")
TEXTS_OF_EACH, LEAST_LETTERS, WORDS = 1000, 200, 20_000
ALL = ("random", "margin", "least_confidence", "entropy", "kcenter", "probcover", "typiclust", "badge")
LINEAR = ("random", "margin", "least_confidence", "entropy", "kcenter", "badge")


@dataclass(frozen=True)
class Part:
    """A data set and what is played on it.

    Attributes
    ----------
    models : settings of each model, by name.
    strategies : strategies played with logistic regression; other models are played with random and margin.
    trajectories : trajectories of one block that a mean is taken over.
    """

    name: str
    load: Callable[[], Dataset]
    models: dict[str, dict[str, Any]] = field(default_factory=lambda: {"logistic_regression": {}})
    strategies: tuple[str, ...] = ALL
    trajectories: int = 5


@cache
def load_text() -> Dataset:
    """Return documentation of Python packages as TF-IDF of words, CSR; the package is the class.

    The texts are the docstrings of functions in the installed NumPy, pandas, SciPy and scikit-learn, read from their
    files, 1,000 of each; the package's own name is left out of them.
    """
    texts, codes = [], []
    for code, package in enumerate(PACKAGES):
        found = sorted(set(docstrings(package)))
        chosen = np.random.default_rng(0).permutation(len(found))[:TEXTS_OF_EACH]
        texts += [found[place] for place in chosen]
        codes += [code] * len(chosen)
    words = TfidfVectorizer(max_features=WORDS, stop_words=[*PACKAGES, "np", "pd", "sp"], token_pattern=r"[a-z]{2,}")
    return Dataset(words.fit_transform(texts), np.array(codes), name="text")


def docstrings(package: str) -> Iterator[str]:
    """Yield the docstrings of a package's functions that have some length."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(package)
    for file in sorted(Path(spec.submodule_search_locations[0]).rglob("*.py")):
        if "tests" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_bytes())):
            text = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
            if text and len(text) >= LEAST_LETTERS:
                yield text


DATA: dict[str, Part] = {
    part.name: part
    for part in (
        Part(
            "digits",
            lambda: load_dataset("digits"),
            {
                "logistic_regression": {},
                "random_forest": {},
                "mlp": {},
                "hist_gradient_boosting": {"max_iter": 20},
            },
            trajectories=50,
        ),
        Part(
            "images",
            lambda: load_dataset("mnist_5k"),
            {"logistic_regression": {}, "random_forest": {}, "mlp": {}, "hist_gradient_boosting": {"max_iter": 2}},
        ),
        Part(
            "table",
            lambda: load_dataset("shuttle"),
            {"logistic_regression": {}, "random_forest": {}, "mlp": {}, "hist_gradient_boosting": {"max_iter": 20}},
            LINEAR,
        ),
        Part("text", load_text, {"logistic_regression": {}, "random_forest": {}, "mlp": {}}, LINEAR),
    )
}
