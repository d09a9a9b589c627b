"""What a user writes, and the values that all rooms speak of."""
