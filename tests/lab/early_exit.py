"""Early exit: some reduces take longer than others; when the command returns, all of them must be done."""

import time


def map_func(filename, content):
    return [(filename, "1")]


def reduce_func(key, values):
    if "sherlock" in key or "tom" in key:
        time.sleep(2)
    return str(len(values))
