"""Words by PySpark with Python functions: flatMap, map and reduceByKey."""

from __future__ import annotations

from operator import add

from benchmarks.peers.answer import asked, finder, key, write
from benchmarks.peers.spark_session import session


def main() -> None:
    """Count the words of the corpus."""
    corpus, results, workers = asked()
    find = finder()
    spark = session(workers)
    lines = spark.sparkContext.textFile(corpus)
    counts = lines.flatMap(find).map(lambda word: (key(word), 1)).reduceByKey(add)
    write(counts.collectAsMap(), results)
    spark.stop()


if __name__ == "__main__":
    main()
