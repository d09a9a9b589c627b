"""A run's own Redis and workers on this machine, which end with the run."""
