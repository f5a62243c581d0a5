"""Samplers of the search: which sampler draws each trial, and which spaces it can search."""

from altune.tuning.samplers.choosing import SAMPLERS, check_sampler, check_suitable
from altune.tuning.samplers.plan import SamplerPlan

__all__ = ["SAMPLERS", "SamplerPlan", "check_sampler", "check_suitable"]
