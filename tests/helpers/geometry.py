"""Coverings by brute force."""

from __future__ import annotations

from scipy.spatial.distance import cdist


def greedy_k_center(X, covered, size):
    apart = cdist(X, X)
    chosen, picks = list(covered), []
    for _ in range(size):
        to_nearest = apart[:, chosen].min(axis=1)
        to_nearest[chosen] = -1
        chosen.append(int(to_nearest.argmax()))
        picks.append(chosen[-1])
    return picks
