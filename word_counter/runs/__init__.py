"""Runs: the shuffle by files. What a chunk gives a partition is a sorted file, and a partition merges its files."""
