"""Estimated time and memory as text."""

from __future__ import annotations

from altune.core.text import rough_bytes, rough_duration


def time_words(seconds: float, jobs: int) -> str:
    """Return an estimated time and the number of processes.

    >>> time_words(200.0, 2)
    'about 3 min with 2 processes'
    """
    return f"about {rough_duration(seconds)} with {jobs} process{'es' if jobs > 1 else ''}"


def memory_words(memory: int, jobs: int) -> str:
    """Return the estimated memory of each process.

    >>> memory_words(260_000_000, 2), memory_words(260_000_000, 1)
    ('about 260 MB for each of 2 processes and the one that leads them', 'about 260 MB')
    """
    others = f" for each of {jobs} processes and the one that leads them" if jobs > 1 else ""
    return f"about {rough_bytes(memory)}{others}"
