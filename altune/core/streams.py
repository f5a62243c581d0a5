"""Random streams: one for each purpose, so that changing one decision does not change the draws of the others.

altune has no global random state. Every draw comes from a :class:`numpy.random.Generator` that is made from the seed of
the study, the name of the data set, the block and the purpose. Every loop of a trajectory has its own stream for each
purpose (common random numbers).
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass

import numpy as np


@functools.cache
def _word(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _halves(number: int) -> tuple[int, ...]:
    return (number,) if number < 1 << 32 else (number & 0xFFFFFFFF, *_halves(number >> 32))


@dataclass(frozen=True)
class Streams:
    """The random streams of one block.

    Parameters
    ----------
    seed : the study's seed, 0 or more.
    data : name of the data set. Its content has no effect, so that a corrected label changes no draw.
    part : role of the block: ``search``, ``select`` or ``report``; ``study`` for the rows that are held back.
    block : number of the block within its role, 0 or more.

    Examples
    --------
    >>> a = Streams(0, "digits", "search", 0)
    >>> int(a.generator("query", 3).integers(1000)) == int(a.generator("query", 3).integers(1000))
    True
    """

    seed: int
    data: str
    part: str
    block: int

    def sequence(self, purpose: str, *keys: int) -> np.random.SeedSequence:
        """Return the seed sequence of ``purpose`` and ``keys``, such as the number of a loop or an annotator."""
        entropy = [self.seed, _word(self.data), _word(self.part), self.block, _word(purpose), *keys]
        # SeedSequence gives the same result for an array of 32-bit words as for the integers, in a third of the time.
        words = [word for number in entropy for word in _halves(number)]
        return np.random.SeedSequence(np.array(words, dtype=np.uint32))

    def generator(self, purpose: str, *keys: int) -> np.random.Generator:
        """Return a new generator at the start of the stream of ``purpose``."""
        return np.random.default_rng(self.sequence(purpose, *keys))

    def integer(self, purpose: str, *keys: int) -> int:
        """Return a seed in ``[0, 2**31)`` for estimators that need an integer as ``random_state``."""
        return int(self.sequence(purpose, *keys).generate_state(1, np.uint32)[0] >> 1)
