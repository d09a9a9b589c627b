"""What a worker trusts: the secret, signatures, and what may be loaded, read and written."""
