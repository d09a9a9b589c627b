"""Files of this machine and behind URLs: read in ranges, written whole or not at all."""
