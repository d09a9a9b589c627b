"""Indexer: in which files each word occurs."""

import os
import re
from collections import namedtuple

KeyValue = namedtuple("KeyValue", "key value")


def map_func(filename, content):
    return [KeyValue(word, os.path.basename(filename)) for word in set(re.findall(r"[^\W\d_]+", content))]


def reduce_func(key, values):
    return f"{len(values)} {','.join(sorted(values))}"
