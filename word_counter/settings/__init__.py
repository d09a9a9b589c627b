"""What can be set, where it comes from, and what this machine has by default."""
