"""Numerical functions that several packages share: arrays in, arrays out."""
