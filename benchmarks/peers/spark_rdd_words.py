"""Words by PySpark with Python functions: flatMap, map and reduceByKey."""

from __future__ import annotations

import re
from operator import add

from benchmarks.peers.answer import RULE, asked, write
from benchmarks.peers.spark_session import session


def main() -> None:
    """Count the words of the corpus."""
    corpus, results, workers = asked()
    find = re.compile(RULE).findall
    spark = session(workers)
    lines = spark.sparkContext.textFile(corpus)
    counts = lines.flatMap(lambda line: find(line.lower())).map(lambda word: (word, 1)).reduceByKey(add)
    write(counts.collectAsMap(), results)
    spark.stop()


if __name__ == "__main__":
    main()
