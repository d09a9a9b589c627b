"""How a job's code is named and imported, and how all processes know that they run the same version."""
