"""Reduce parallelism: each reduce says how many others it saw at work."""

from parallel import nparallel


def map_func(filename, content):
    return [{"key": letter, "value": "1"} for letter in "abcdefghij"]


def reduce_func(key, values):
    return str(nparallel("reduce"))
