"""The peers: one script for each, written as in its own documentation, with the same word rule."""
