"""What the two timing apps share: how many processes are at a phase at the same time, seen by the files they leave."""

import os
import time


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def nparallel(phase):
    mine = f"mr-worker-{phase}-{os.getpid()}"
    with open(mine, "w"):
        pass
    time.sleep(0.5)
    prefix = f"mr-worker-{phase}-"
    found = [name for name in os.listdir(".") if name.startswith(prefix) and alive(int(name.removeprefix(prefix)))]
    time.sleep(0.5)
    os.remove(mine)
    return len(found)
