"""A local Spark with so many threads, set up so that it says little and writes nowhere but in its own folder."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession


def session(workers: int) -> Any:
    """Return a Spark session of this machine alone."""
    builder = SparkSession.builder.master(f"local[{workers}]").appName("benchmark")
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": str(4 * workers),  # 200 by default, which is meant for clusters
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
