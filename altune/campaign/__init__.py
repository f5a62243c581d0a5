"""The campaign: a recipe runs with people as annotators, over weeks, on rows that have no labels."""

from altune.campaign.campaign import Campaign
from altune.campaign.state import Batch

__all__ = ["Batch", "Campaign"]
