"""Benchmarks: how long word_counter and its peers take for the same text, with results that are checked to be equal."""
