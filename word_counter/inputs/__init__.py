"""Where records come from: found, opened, cut into chunks, read."""
