"""Recipes compared on the same blocks, on one data set or several."""
