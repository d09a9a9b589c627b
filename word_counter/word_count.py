"""The word count under the name that it had before there were other shipped jobs."""

from word_counter.jobs.word_count import WordCount, WordMapper

__all__ = ["WordCount", "WordMapper"]
