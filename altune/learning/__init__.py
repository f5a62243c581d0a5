"""Learning from other data sets: strategies and recipes that are trained on simulated trajectories."""
