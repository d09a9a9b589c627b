"""What runs a job: one contract, one file an engine."""
