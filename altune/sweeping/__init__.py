"""Sweeps: data sets × models × spaces × budgets × seeds, each cell an ordinary run."""
