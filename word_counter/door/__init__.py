"""The closed door: what a worker lets in, may load and may read, and what proves that it may."""
