"""The peers: one script each, as its own documentation would write it, with the same word rule."""
