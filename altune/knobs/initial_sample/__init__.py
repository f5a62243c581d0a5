"""Knob 1, ``initial_sample``: which rows, and how many, are labelled before the first model."""

from altune.knobs.initial_sample import classes, clustering, covering, density, design, random  # noqa: F401  (register)
from altune.knobs.initial_sample.base import InitialSample, default_initial_size

__all__ = ["InitialSample", "default_initial_size"]
