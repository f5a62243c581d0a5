"""Distances, coverings, clusterings and designs of points: arrays in, arrays out.

Nothing here depends on models or recipes. Memory is bounded: pairwise distances are computed in blocks, and no
function makes an N×N array of a large pool.
"""
