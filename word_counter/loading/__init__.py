"""How a job's code is named, imported, and known to be the same everywhere."""
