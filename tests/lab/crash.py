"""Crash: maps and reduces that at random end their process, or stall."""

import os
import random
import time

import nocrash
from nocrash import map_func, reduce_func

__all__ = ["map_func", "reduce_func"]
_chance = random.SystemRandom()


def maybe_crash():
    rolled = _chance.randrange(1000)
    if rolled < 330:
        os._exit(1)
    elif rolled < 660:
        time.sleep(_chance.uniform(0, float(os.environ.get("LAB_STALL", "10"))))


nocrash.maybe_crash = maybe_crash
