"""The pages: of a run, a comparison, the loops of a recipe, and a sweep."""
