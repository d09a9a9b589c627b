"""The word rule and the counting of words, for jobs and copies of shipped jobs."""

from word_counter.native.kernel import count_words, word_partials
from word_counter.native.word_rule import words_of

__all__ = ["count_words", "word_partials", "words_of"]
