"""Map parallelism: each map says how many others it saw at work, and in which process it was."""

import os
import time

from parallel import nparallel


class KeyValue:
    def __init__(self, Key, Value):
        self.Key, self.Value = Key, Value


def map_func(filename, content):
    began, pid = time.time(), os.getpid()
    n = nparallel("map")
    return [KeyValue(f"times-{pid}", f"{began:.1f}"), KeyValue(f"parallel-{pid}", str(n))]


def reduce_func(key, values):
    return " ".join(sorted(values))
