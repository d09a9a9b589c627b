"""Chaos: real commands over a real server, a seeded storm of faults, and an oracle for every result.

``make chaos`` or ``python -m tests.chaos --help``. The parts:

* ``guard`` ends all that was started, whichever way the storm itself ends
* ``commands`` the real command as a process that signals can be sent to
* ``server`` a Redis-compatible server on a port of its own, with an append-only file, that survives being killed
* ``proxy`` a TCP proxy between the commands and the server that drops, resets, stalls and swallows
* ``fleet`` the workers, replaced when they die
* ``work`` the jobs: what each is to come to, its masters, and the verdict
* ``slow_jobs`` job classes that take their time, so that faults hit in the middle
* ``faults`` the kinds of fault, and the seeded plan of them
* ``watch`` how long it takes from a death until the work runs elsewhere
* ``storm`` all of it at once
* ``report`` what it came to
"""
