"""Outputs: the forms that results are written in, one a file, and the places that they are written to."""
