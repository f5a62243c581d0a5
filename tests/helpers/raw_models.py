"""A table and texts with labels that can be learnt from them, and pipelines that take them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from altune.data import Dataset

N_ROWS = 120


def labels() -> np.ndarray:
    return np.arange(N_ROWS) % 2


def people_table() -> pd.DataFrame:
    """Return columns of several types: a number with gaps, whole numbers, text with gaps, booleans, ordered values."""
    rng, y = np.random.default_rng(0), labels()
    city = np.where(rng.random(N_ROWS) < 0.9, np.where(y == 1, "rome", "oslo"), "bern").astype(object)
    city[::23] = None
    income = rng.normal(size=N_ROWS) + y
    income[::17] = np.nan
    return pd.DataFrame(
        {
            "age": rng.integers(20, 60, N_ROWS),
            "income": income,
            "city": city,
            "member": rng.random(N_ROWS) < 0.5,
            "grade": pd.Categorical(rng.choice(["a", "b"], N_ROWS), categories=["c", "b", "a"], ordered=True),
        }
    )


def people() -> Dataset:
    return Dataset(people_table(), labels(), name="people")


def reviews(**columns: object) -> Dataset:
    """Return one column of text, and what else is given."""
    texts = [f"{'good' if y else 'bad'} thing number {row}" for row, y in enumerate(labels())]
    return Dataset(pd.DataFrame({"review": texts, **columns}), labels(), name="reviews")


def by_name() -> Pipeline:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    cities = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(
        make_column_transformer((cities, ["city"]), (numbers, ["age", "income"])), LogisticRegression()
    )


def of_words() -> Pipeline:
    return make_pipeline(TfidfVectorizer(), LogisticRegression())
