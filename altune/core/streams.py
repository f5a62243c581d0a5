"""Random streams: one for each purpose, so that changing one decision leaves the draws of all others as they were.

There is no global random state anywhere in altune. Every draw comes from a
:class:`numpy.random.Generator` made from (study seed, data set name, block, purpose), and every loop of a
trajectory has a stream of its own for each purpose (common random numbers).
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
    data : the data set's name (never its content, so that a changed label changes no draw).
    part : what the block is for: ``search``, ``select`` or ``report``; ``study`` for the rows held back.
    block : the block's number within its part, 0 or more.

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
        """Return the seed sequence of ``purpose``, refined by ``keys`` (a loop's number, an annotator's, …)."""
        entropy = [self.seed, _word(self.data), _word(self.part), self.block, _word(purpose), *keys]
        # An array of 32-bit words says the same as the list of integers, in a third of the time.
        words = [word for number in entropy for word in _halves(number)]
        return np.random.SeedSequence(np.array(words, dtype=np.uint32))

    def generator(self, purpose: str, *keys: int) -> np.random.Generator:
        """Return a fresh generator at the start of the stream of ``purpose``."""
        return np.random.default_rng(self.sequence(purpose, *keys))

    def integer(self, purpose: str, *keys: int) -> int:
        """Return a seed in ``[0, 2**31)`` for estimators that want one integer as ``random_state``."""
        return int(self.sequence(purpose, *keys).generate_state(1, np.uint32)[0] >> 1)
