"""Job count: each map leaves a file of its own, and the one result says how many there are."""

import os
import random
import time

count = 0


class JobCount:
    def map_func(self, filename, content):
        global count
        with open(f"mr-worker-jobcount-{os.getpid()}-{count}", "w"):
            count += 1
        time.sleep((2000 + random.randrange(3000)) / 20000)
        return [("a", "x")]

    def reduce_func(self, key, values):
        return str(sum(name.startswith("mr-worker-jobcount") for name in os.listdir(".")))
