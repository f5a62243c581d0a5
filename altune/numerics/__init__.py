"""Numerical functions that several packages share: arrays in, arrays out.

A function that selects ``size`` rows, or all if there are fewer, returns their positions, distinct and in the order of
selection.
"""
