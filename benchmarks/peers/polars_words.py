"""Words by Polars, streaming: the lines are one column, and the rule is a regular expression over it."""

from __future__ import annotations

import os

from benchmarks.peers.answer import CLASSES_RULE, asked, write


def main() -> None:
    """Count the words of the corpus."""
    corpus, results, workers = asked()
    os.environ["POLARS_MAX_THREADS"] = str(workers)  # is read on import
    import polars as pl

    lines = pl.scan_csv(
        corpus, has_header=False, new_columns=["line"], schema={"line": pl.String}, separator="\x01", quote_char=None
    )
    words = lines.select(pl.col("line").str.extract_all(CLASSES_RULE).alias("word")).explode("word").drop_nulls()
    keys = words.select(pl.col("word").str.normalize("NFC").str.to_lowercase().str.normalize("NFC"))
    counted = keys.group_by("word").len().collect(engine="streaming")
    write(dict(counted.iter_rows()), results)


if __name__ == "__main__":
    main()
