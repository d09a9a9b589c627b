"""The settings of a run, by the name that docs and jobs use: ``word_counter.config.Settings``."""

from word_counter.settings.config import Settings

__all__ = ["Settings"]
