"""Batches of tasks as signed RQ jobs, and which of them a worker admits."""
