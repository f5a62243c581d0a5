"""The table of ``lal``: a forest that predicts how much a label reduces the loss, as plain numbers in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import FormatError, reading
from altune.core.files import canonical_digest
from altune.core.system_errors import system_errors
from altune.core.types import Array
from altune.knobs.learned_tables import TableKind
from altune.numerics.forest import Forest

TABLE_VERSION = 1
"""Version of the file format."""
FEATURES = ("p1", "p2", "predicted_share", "balance", "confidence", "confidence_variance", "labels", "classes")
"""Features of a candidate, see :func:`lal_features`. With other features the version of the format would grow."""


@dataclass(frozen=True, eq=False)
class LalTable:
    """A forest over :data:`FEATURES`; equal tables have equal digests.

    Parameters
    ----------
    trees : lists ``feature``, ``threshold``, ``left``, ``right`` and ``value`` of each tree, see
        :class:`altune.numerics.forest.Forest`.
    training : how the forest was trained.

    Attributes
    ----------
    forest : the trees, to predict with.

    Raises
    ------
    ValueError
        If the lists are no trees over the features.
    """

    trees: tuple[Mapping[str, Any], ...]
    training: Mapping[str, Any] = field(default_factory=dict)
    forest: Forest = field(init=False, repr=False)

    def __post_init__(self) -> None:
        forest = Forest.from_trees([dict(tree) for tree in self.trees])
        if forest.feature.max() >= len(FEATURES):
            raise ValueError(f"a node has feature {forest.feature.max()}; there are {len(FEATURES)}")
        object.__setattr__(self, "forest", forest)

    def digest(self) -> str:
        """Return a hash of everything that affects a selection."""
        return canonical_digest({"trees": [dict(tree) for tree in self.trees]})

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values of the file."""
        return {
            "version": TABLE_VERSION,
            "method": "lal",
            "features": list(FEATURES),
            "training": dict(self.training),
            "trees": [dict(tree) for tree in self.trees],
        }

    def to_json(self) -> str:
        """Return the text of the file, with a line for each tree."""
        plain = self.to_dict()
        trees = ",\n".join(json.dumps(tree, separators=(",", ":"), allow_nan=False) for tree in plain.pop("trees"))
        head = json.dumps(plain, indent=1, allow_nan=False)
        return f'{head[:-2]},\n "trees": [\n{trees}\n]}}\n'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LalTable) and self.digest() == other.digest()

    def __hash__(self) -> int:
        return hash(self.digest())


def lal_features(probabilities: Array, rows: NDArray[np.intp], label_counts: NDArray[np.intp]) -> Array:
    """Return the features of some candidates, ``(n_rows, 8)``.

    p₁ and p₂, the two largest class probabilities; the share of the predicted class among the labels; the balance of
    the labels, which is the entropy of their class shares over ln K; mean and variance of p₁ over all candidates; ln of
    the number of labels; ln K.

    Parameters
    ----------
    probabilities : class probabilities of all candidates, ``(n_candidates, n_classes)``.
    rows : positions of the candidates that are described, ``(n_rows,)``.
    label_counts : number of labels of each class, ``(n_classes,)``.

    Examples
    --------
    >>> probabilities = np.array([[0.9, 0.1], [0.4, 0.6]])
    >>> lal_features(probabilities, np.array([1]), np.array([3, 1])).round(2).tolist()
    [[0.6, 0.4, 0.25, 0.81, 0.75, 0.02, 1.39, 0.69]]
    """
    top = np.sort(np.partition(probabilities, -2, axis=1)[:, -2:], axis=1)
    n_labels, n_classes = max(1, int(label_counts.sum())), len(label_counts)
    shares = label_counts / n_labels
    known = shares[shares > 0]
    balance = float(-(known * np.log(known)).sum() / np.log(n_classes))
    state = [balance, top[:, 1].mean(), top[:, 1].var(), np.log(n_labels), np.log(n_classes)]
    predicted = shares[np.argmax(probabilities[rows], axis=1)]
    return np.column_stack([top[rows, 1], top[rows, 0], predicted, np.tile(state, (len(rows), 1))])


def read_lal(plain: Mapping[str, Any], file: str = "") -> LalTable:
    """Read a table from plain values.

    Parameters
    ----------
    plain : values of a file.
    file : name of the file, for messages.

    Raises
    ------
    FormatError
        If the values are not those of a table, or of another version.
    """
    with reading("a table of lal", file=file):
        head = (plain.get("method"), plain.get("version"), plain.get("features"))
        if head != ("lal", TABLE_VERSION, list(FEATURES)):
            raise FormatError(
                f"not a table of lal in version {TABLE_VERSION} with its features; `altune learn lal` makes one",
                path="version",
                value=plain.get("version"),
            )
        with reading("a forest", path="trees"):
            return LalTable(tuple(plain["trees"]), dict(plain.get("training") or {}))


def load_json(path: Path) -> Mapping[str, Any]:
    """Return the plain values of a JSON file.

    Raises
    ------
    FormatError
        If it cannot be read or is not a JSON object.
    """
    try:
        with system_errors(path, FormatError):
            plain = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}", file=str(path)) from None
    if not isinstance(plain, dict):
        raise FormatError("not a JSON object", file=str(path))
    return plain


LAL_TABLES: TableKind[LalTable] = TableKind(
    method="lal",
    shipped={"default": Path(__file__).parent / "tables" / "lal.json"},
    suffix=".json",
    variable="ALTUNE_LAL",
    group="altune.lal",
    function="altune.register_lal",
    read=read_lal,
    load=load_json,
)
"""The tables of ``lal``."""
