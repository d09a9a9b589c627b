"""What is counted and summed natively where it can be, and the same in Python."""
