"""The native kernel in C, which counts words, groups pairs and adds up; and the same in Python."""
