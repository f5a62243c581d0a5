"""Results that trajectories with equal beginnings share: first samples, and models by everything that led to them.

What makes two beginnings equal: streams are drawn by purpose, not by recipe. On one block the first sample therefore
depends on its method and size alone, and a model on the rows and labels of all loops so far, in their order, and on
the methods that training reads. Two trajectories that agree in these are equal up to there, whatever else their
recipes contain, and the second one takes the results of the first. A shared model is never changed: further training
makes a new one.
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

MAX_SAMPLES = 256
MAX_FIRST_MODELS = 16
MAX_LATER_MODELS = 40
"""The later models of two trajectories of the usual length. Recipes that are played one after the other share them, and
forests are large, so more are not worth their memory."""


class LRUCache:
    """A cache of the values that were used last.

    Parameters
    ----------
    size : most values that are kept; with 0 nothing is.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return the value of a key, building it if it is not in the cache."""
        value: T = self._values.pop(key) if key in self._values else build()
        self._values[key] = value
        if len(self._values) > self._size:
            self._values.popitem(last=False)
        return value


class PrefixCache:
    """First samples and models that the trajectories of one block share.

    Parameters
    ----------
    sharing : whether anything is kept; a loop outside of a simulation has no other trajectory to share with.
    """

    def __init__(self, sharing: bool = True) -> None:
        self._samples = LRUCache(MAX_SAMPLES * sharing)
        self._first_models = LRUCache(MAX_FIRST_MODELS * sharing)
        self._later_models = LRUCache(MAX_LATER_MODELS * sharing)

    def sample(self, method: Method, size: int, held_out: RowNumbers, build: Callable[[], RowNumbers]) -> RowNumbers:
        """Return a first sample: the rows that are labelled before there is a model."""
        return self._samples.get((type(method), method.model_dump_json(), size, held_out.tobytes()), build)

    def model(
        self, key: PrefixKey, first: bool, build: Callable[[], tuple[Model, FittedModel]]
    ) -> tuple[Model, FittedModel]:
        """Return the model of a loop before and after training.

        Parameters
        ----------
        key : everything that led to the model.
        first : whether it is the first model of a trajectory. Far more trajectories share first models than later
            ones, so they have a cache of their own, from which later models cannot push them out.
        build : trains the model.
        """
        return (self._first_models if first else self._later_models).get(key, build)


class PrefixKey(NamedTuple):
    """Everything that led to a model, as a key.

    The key of a loop contains the digest of the loop before, so equal keys mean equal rows, labels and weights in
    *all* loops so far, not in the last alone. A warm start needs that: it depends on every model before. A model
    trained from scratch on the same rows bought in another order has another key, and is trained once more.

    Attributes
    ----------
    classes : classes of the methods that training reads; a class registered anew under the same name differs.
    methods : the parameters of these methods, as text.
    digest : hash of all that was trained on, loop by loop.
    """

    classes: tuple[type, ...]
    methods: tuple[str, ...]
    digest: bytes = b""

    @classmethod
    def of(cls, methods: Iterable[Method]) -> PrefixKey:
        """Return the key of a trajectory before its first training."""
        read = tuple(methods)
        return cls(tuple(map(type, read)), tuple(method.model_dump_json() for method in read))

    def then(self, *arrays: NDArray[Any] | None) -> PrefixKey:
        """Return the key after one more training on the given arrays."""
        digest = hashlib.blake2b(self.digest, digest_size=16)
        for array in arrays:
            # the type goes in front: equal bytes of two types are not equal values
            digest.update(b"none" if array is None else array.dtype.str.encode() + array.tobytes())
        return self._replace(digest=digest.digest())
