"""Knob 1, ``initial_sample``: which rows, and how many, are labelled before the first model."""

from __future__ import annotations

from altune.knobs.initial_sample import classes, clustering, covering, density, design, random
from altune.knobs.initial_sample.base import InitialSample, default_initial_size

__all__ = [
    "InitialSample",
    "classes",
    "clustering",
    "covering",
    "default_initial_size",
    "density",
    "design",
    "random",
]
