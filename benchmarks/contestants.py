"""Contestants: the programs that are compared, how each is called, and what it needs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do a job.

    Attributes:
        name: its name, here and with --only.
        label: its name in tables.
        module: the script among the peers; empty for word_counter itself.
        job: the job's reference, for word_counter.
        kernel: which kernel word_counter counts words with.
        packages: what must be importable.
        programs: what must be on PATH.
        ascii_only: it cannot say the word rule for other text.
        share: it gets one part in so many of the corpus, and a still smaller one, from which its time is extrapolated.
    """

    name: str
    label: str
    module: str = ""
    job: str = ""
    kernel: str = "auto"
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    ascii_only: bool = False
    share: int = 1

    @property
    def missing(self) -> str:
        """The packages and programs that it needs and that are missing; "" when it can run."""
        packages = [name for name in self.packages if find_spec(name) is None]
        programs = [name for name in self.programs if shutil.which(name) is None]
        return ", ".join(packages + programs)

    def command(self, corpus: Path, results: Path, workers: int, more: Sequence[str] = ()) -> list[str]:
        """Return the command that does the job; ``more`` are further arguments."""
        if self.module.endswith(".sh"):
            return ["sh", str(_PEERS / self.module), str(corpus), str(results), str(workers), *more]
        if self.module:
            module = self.module if "." in self.module else f"benchmarks.peers.{self.module}"
            return [sys.executable, "-m", module, str(corpus), str(results), str(workers), *more]
        ours = [sys.executable, "-m", "word_counter", "run", str(corpus), "--output", str(results)]
        ours += ["--workers", str(workers), "--log-format", "json"]
        return [*ours, *(["--job", self.job] if self.job else []), *more]

    @property
    def environment(self) -> dict[str, str]:
        """What it wants to have in its environment."""
        if self.module:
            return {}
        return {"WORD_COUNTER_KERNEL": self.kernel, "WORD_COUNTER_ALLOW": "benchmarks"}


OURS = Contestant("word_counter", "word_counter")
OURS_LOGS = Contestant("word_counter", "word_counter, Python mapper", job="benchmarks.jobs:Levels")
OURS_NOTHING = Contestant("word_counter", "word_counter, mapper that yields nothing", job="benchmarks.jobs:Nothing")
WARM = Contestant("warm", "word_counter, workers and Redis running", "benchmarks.warm")
POOL = Contestant("pool", "multiprocessing.Pool, Counter", "pool_words")
POOL_LOGS = Contestant("pool", "multiprocessing.Pool", "pool_logs")

#: Those who count words. The first is the one that ratios refer to.
WORDS = (
    OURS,
    Contestant("word_counter_python", "word_counter without its C kernel", kernel="python"),
    Contestant("pipeline", "tr, tr, mawk, sort", "pipeline_words.sh", programs=("tr", "mawk", "sort"), ascii_only=True),
    POOL,
    Contestant("polars", "Polars, streaming", "polars_words", packages=("polars",)),
    Contestant("duckdb", "DuckDB", "duckdb_words", packages=("duckdb",)),
    Contestant("dask", "Dask bag, processes", "dask_words", packages=("dask",)),
    Contestant("spark_df", "PySpark DataFrame", "spark_df_words", packages=("pyspark",), programs=("java",)),
    Contestant("spark_rdd", "PySpark RDD", "spark_rdd_words", packages=("pyspark",), programs=("java",)),
    Contestant("mrjob", "mrjob, local runner", "mrjob_words", packages=("mrjob",), share=10),
)
#: Those who count log lines with a Python function.
LOGS = (
    OURS_LOGS,
    POOL_LOGS,
    Contestant("dask", "Dask bag, processes", "dask_logs", packages=("dask",)),
    Contestant("spark_rdd", "PySpark RDD", "spark_rdd_logs", packages=("pyspark",), programs=("java",)),
)
#: Those whose times are followed from one megabyte to some thousand.
FOLLOWED = ("word_counter", "pipeline", "pool", "polars", "duckdb")


def names() -> list[str]:
    """Return the names of all contestants."""
    return list(dict.fromkeys(contestant.name for contestant in (*WORDS, *LOGS, WARM)))
