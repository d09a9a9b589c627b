"""Commands, each in a file of its own, and the options that they share."""
