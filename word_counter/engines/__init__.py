"""Engines run jobs. They share one contract, and each has a file of its own."""
