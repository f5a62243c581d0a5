"""Learning active learning from data: a regressor of the loss reduction that was trained on other data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, PrivateAttr, field_validator

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array
from altune.knobs.learned_tables import TableKind
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.query_strategy.lal_table import LAL_TABLES, LalTable, lal_features


@register
class Lal(ScoreStrategy):
    """Learning active learning: the rows whose labels reduce the loss most, as a forest predicts that was trained on
    other data sets.

    In training, altune plays episodes, labels single candidates at random points of them, trains again, and measures
    how much the loss on test rows falls; the forest learns to predict that from the state of the model and the
    candidate. ``altune learn lal`` trains one.

    The paper's features are those of a random forest on two classes. Those of altune suit any model and any number of
    classes: p₁ and p₂, the two largest class probabilities (the paper: the probability of class 0); the share of the
    predicted class among the labels and the entropy of all shares (the proportion of class 0); mean and variance of p₁
    over the candidates (out-of-bag accuracy, and the variance of the trees' predictions); ln of the numbers of labels
    and of classes (the number of labels). Variance of feature importances and depth of the trees have no counterpart.
    The loss is the mean of 1 − p of the true class, which is smoother than the error rate of the paper.

    A gain of one label is mostly noise. On other data sets the predictions hardly correlate with it, and ``margin`` is
    better on average.
    """

    needs = frozenset({"class_scores"})
    source = "Konyushkova, Sznitman and Fua, Learning Active Learning from Data, NeurIPS 2017"
    tables: ClassVar[TableKind[Any] | None] = LAL_TABLES

    method: Literal["lal"] = "lal"
    table: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        default="default", description="name of the forest: the shipped one, or one that was registered"
    )
    _content: LalTable = PrivateAttr()

    @field_validator("table")
    @classmethod
    def _exists(cls, name: str) -> str:
        LAL_TABLES.find(name)
        return name

    def model_post_init(self, context: Any, /) -> None:
        """Take the content of the table, which travels with the method to other processes."""
        self._content = LAL_TABLES.find(self.table)

    @property
    def content(self) -> LalTable:
        """The table."""
        return self._content

    def fingerprint(self) -> str:
        """Return a hash of the forest, of which a recipe has the name alone."""
        return f"lal {self._content.digest()}"

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the predicted reduction of the loss by the label of each candidate."""
        probabilities = pool.known().probabilities
        counts = np.bincount(pool.labels, minlength=pool.n_classes)
        return self._content.forest.predict(lal_features(probabilities, np.arange(len(probabilities)), counts))


def register_lal(name: str, table: str | Path | Mapping[str, Any] | LalTable) -> None:
    """Register a table of the query strategy ``lal`` under a name, for this process and its workers.

    A recipe names it: ``{method: lal, table: NAME}``. On the command line, the environment variable ``ALTUNE_LAL``
    names a folder whose files ``NAME.json`` are found in the same way, and packages offer tables through the entry
    point group ``altune.lal``.

    Parameters
    ----------
    name : letters, digits, ``_``, ``-`` and ``.``. A table that was registered under the name before is replaced.
    table : the file that ``altune learn lal`` has written, its plain values, or a table.

    Raises
    ------
    RequestError
        If the name is that of a shipped table, or the file is not a table or of another version.
    """
    LAL_TABLES.register(name, table)
