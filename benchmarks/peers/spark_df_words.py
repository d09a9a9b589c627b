"""Words by PySpark's DataFrames: no Python touches the lines."""

from __future__ import annotations

from pyspark.sql import functions

from benchmarks.peers.answer import CLASSES_RULE, asked, write
from benchmarks.peers.spark_session import session


def main() -> None:
    """Count the words of the corpus."""
    corpus, results, workers = asked()
    spark = session(workers)
    lower = functions.lower(functions.col("value"))
    found = functions.regexp_extract_all(lower, functions.lit(CLASSES_RULE), functions.lit(0))
    counts = spark.read.text(corpus).select(functions.explode(found).alias("word")).groupBy("word").count()
    write({row["word"]: row["count"] for row in counts.collect()}, results)
    spark.stop()


if __name__ == "__main__":
    main()
