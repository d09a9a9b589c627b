"""Whether a job gives the same results however its input is cut, ordered and hashed."""
