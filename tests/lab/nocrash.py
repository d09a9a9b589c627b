"""The calm twin of crash.py: the same, without anything that goes wrong."""

import os


def maybe_crash():
    pass


def map_func(filename, content):
    maybe_crash()
    name = os.path.basename(filename)
    return [("a", name), ("b", len(name)), ("c", len(content)), ("d", "xyzzy")]


def reduce_func(key, values):
    maybe_crash()
    return " ".join(sorted(values))
