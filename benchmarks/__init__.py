"""Benchmarks: how long word_counter and its peers take over the same text, with results that were checked equal."""
