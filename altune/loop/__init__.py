"""The active-learning loop: a simulation and a campaign run the same one."""
