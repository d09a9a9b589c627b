"""Where results go and in which form: drafted, confirmed, then shown."""
