"""The command line: the only room that prints, sets up logging, or imports click and rich."""
