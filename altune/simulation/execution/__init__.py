"""Play many trajectories in parallel: in this process, in worker processes, or on a cluster."""
