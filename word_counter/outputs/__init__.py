"""Where results go and in which format. They are drafted, confirmed, then shown."""
