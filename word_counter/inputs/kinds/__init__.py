"""The kinds of sources, one a file, and how packed files and archives are read."""
