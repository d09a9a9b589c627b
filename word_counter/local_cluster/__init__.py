"""A run's own Redis and workers on this machine, gone when it ends."""
