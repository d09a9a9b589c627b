"""Settings: their values, where they come from, and defaults that depend on this machine."""
