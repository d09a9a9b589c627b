"""Runs of the real command over much input, with a limit for each figure: ``make scale``.

All text comes from a seed and is made in a temporary folder. The count that is expected is known from how the text is
made. Time is that of the whole command; memory is the peak of the process that has most of it, of the master and of the
workers, as Linux tells it (VmHWM).
"""
