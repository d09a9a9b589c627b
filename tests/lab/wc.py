"""Word count: how often each word occurs."""

import re


def map_func(filename, content):
    return [(word, "1") for word in re.findall(r"[^\W\d_]+", content)]


def reduce_func(key, values):
    return str(len(values))
