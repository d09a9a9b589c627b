"""From map to reduce: keys, partitions, sorted runs in memory, on disk and in shared folders."""
