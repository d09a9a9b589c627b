"""The command line: the only place that prints, configures logging, or imports click and rich."""

from __future__ import annotations

from word_counter.cli.main import main

__all__ = ["main"]
