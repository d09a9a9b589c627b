"""Words by PySpark's DataFrames: no Python touches the lines."""

from __future__ import annotations

from collections import Counter

from pyspark.sql import functions

from benchmarks.peers.answer import CLASSES_RULE, asked, key, write
from benchmarks.peers.spark_session import session


def main() -> None:
    """Count the words of the corpus."""
    corpus, results, workers = asked()
    spark = session(workers)
    found = functions.regexp_extract_all("value", functions.lit(CLASSES_RULE), functions.lit(0))
    words = spark.read.text(corpus).select(functions.explode(found).alias("word"))
    counts = words.groupBy(functions.lower("word").alias("word")).count()
    total: Counter[str] = Counter()
    for row in counts.collect():
        total[key(row["word"])] += row["count"]  # Spark has no NFC
    write(total, results)
    spark.stop()


if __name__ == "__main__":
    main()
