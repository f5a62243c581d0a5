"""What equal beginnings of trajectories share: first samples, and models with everything that led to them.

Streams are drawn by purpose, so on one block the first sample is a function of how it is drawn alone, and a model one
of the rows and labels of all loops so far, in their order, and of the decisions that training reads. Trajectories that
agree in these are alike up to there, whatever else their recipes say: what one has worked out serves the others. A
shared model is never changed: to go on from one makes another.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from altune.core.registry import Method
    from altune.core.types import RowNumbers
    from altune.models import FittedModel, Model

T = TypeVar("T")

SAMPLES_KEPT = 256
FIRST_MODELS_KEPT = 16
LATER_MODELS_KEPT = 40
"""Models of two trajectories of the usual length: others than the first are shared by recipes that are played in record,
and forests are large."""


class LRUCache:
    """The values that were looked at last, so many of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return the value of a key, building it where it is not there (any more)."""
        value: T = self._values.pop(key) if key in self._values else build()
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value


class PrefixCache:
    """What trajectories of one block share.

    Parameters
    ----------
    sharing : whether anything is kept; a loop that stands alone has nobody to share with.
    """

    def __init__(self, sharing: bool = True) -> None:
        self._samples = LRUCache(SAMPLES_KEPT * sharing)
        self._first = LRUCache(FIRST_MODELS_KEPT * sharing)
        self._later = LRUCache(LATER_MODELS_KEPT * sharing)

    def sample(self, how: Method, size: int, held_out: RowNumbers, build: Callable[[], RowNumbers]) -> RowNumbers:
        """Return a first sample: which rows are labelled before there is a model."""
        return self._samples.get((type(how), how.model_dump_json(), size, held_out.tobytes()), build)

    def model(
        self, history: PrefixKey, first: bool, build: Callable[[], tuple[Model, FittedModel]]
    ) -> tuple[Model, FittedModel]:
        """Return the model of a loop, and what it was trained by.

        Parameters
        ----------
        history : everything that led to it.
        first : whether it is a trajectory's first.
        build : trains it.
        """
        return (self._first if first else self._later).get(history, build)


class PrefixKey(NamedTuple):
    """Everything that led to a model, as a key.

    Attributes
    ----------
    classes : of the methods that training reads; one that is registered anew under the same name is another.
    methods : their parameters, as text.
    trained : a hash of all that was trained on, loop by loop.
    """

    classes: tuple[type, ...]
    methods: tuple[str, ...]
    trained: bytes = b""

    @classmethod
    def of(cls, methods: Iterable[Method]) -> PrefixKey:
        """Return the history of a trajectory that has trained nothing yet."""
        named = tuple(methods)
        return cls(tuple(map(type, named)), tuple(method.model_dump_json() for method in named))

    def then(self, *arrays: NDArray[Any] | None) -> PrefixKey:
        """Return the history after one more training on such arrays."""
        digest = hashlib.blake2b(self.trained, digest_size=16)
        for array in arrays:
            digest.update(b"none" if array is None else array.dtype.str.encode() + array.tobytes())
        return self._replace(trained=digest.digest())
