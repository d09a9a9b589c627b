"""Log lines by PySpark with Python functions: flatMap and reduceByKey, and the function that the mapper has."""

from __future__ import annotations

from collections.abc import Iterator
from operator import add

from benchmarks.peers.answer import asked, log_key, write
from benchmarks.peers.spark_session import session


def pairs(line: str) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield what one line says."""
    _, service, level, _ = line.split(" ", 3)
    yield (service, level), 1


def main() -> None:
    """Count the lines of each service and level."""
    corpus, results, workers = asked()
    spark = session(workers)
    counts = spark.sparkContext.textFile(corpus).flatMap(pairs).reduceByKey(add)
    write({log_key(*key): n for key, n in counts.collectAsMap().items()}, results)
    spark.stop()


if __name__ == "__main__":
    main()
