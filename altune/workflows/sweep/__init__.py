"""Sweeps over data sets, models, spaces, budgets and seeds."""
