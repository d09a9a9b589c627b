"""The control plane of one job: it observes, decides, dispatches, and commits the output."""
