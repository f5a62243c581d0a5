"""A recipe, its description in words, what it requires, and a search space: a recipe with its choices left open."""
