"""Logs: what a job needs to read log lines and their times, and to put them into windows of time."""

from word_counter.logs.clock import Clock
from word_counter.logs.formats import reader
from word_counter.logs.mapper import LINE_PARAMS, TIME_PARAMS, LogMapper
from word_counter.logs.record import Record, Unreadable
from word_counter.logs.template import template
from word_counter.logs.windows import Span, spans, utc, window_starts

__all__ = [
    "LINE_PARAMS",
    "TIME_PARAMS",
    "Clock",
    "LogMapper",
    "Record",
    "Span",
    "Unreadable",
    "reader",
    "spans",
    "template",
    "utc",
    "window_starts",
]
