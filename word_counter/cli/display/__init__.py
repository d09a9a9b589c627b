"""Displays: what people, or log collectors, see of a run."""
