"""Joins people with the country they live in: lines of CSV, of which the first column says what they are."""

import csv

from mrjob.job import MRJob
from mrjob.protocol import RawValueProtocol


class CsvJoin(MRJob):
    OUTPUT_PROTOCOL = RawValueProtocol
    SORT_VALUES = True

    def mapper(self, _, line):
        kind, *rest = next(csv.reader([line]))
        if kind == "country":
            code, name = rest
            yield code, ["a country", name]
        elif kind == "person":
            name, code = rest
            yield code, ["person", name]
        else:
            self.increment_counter("lines", f"of no kind, {kind}")

    def reducer(self, code, values):
        country = None
        for kind, name in values:
            if kind == "a country":
                country = name
            else:
                yield None, f"{name},{country or code}"


if __name__ == "__main__":
    CsvJoin.run()
