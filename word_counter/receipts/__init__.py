"""The accounting of a job's tasks, the receipt beside its results, and verifying results by it."""
