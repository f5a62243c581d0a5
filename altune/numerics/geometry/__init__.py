"""Distances, coverings, clusterings and designs of points: arrays in, arrays out.

Nothing here depends on models or recipes. Memory is bounded: pairwise distances are computed in blocks, and no
function makes an N×N array of a large pool.

A function that selects ``size`` points, or all if there are fewer, returns their positions, distinct and in the order
of selection. ``rng`` draws them and breaks ties.
"""
