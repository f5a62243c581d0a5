"""Play a recipe on labelled data: scenario, blocks, annotators, learning curves and objectives."""
