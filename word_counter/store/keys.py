"""The Redis keys: every key that this package writes, with its type and meaning.

Keys of a job (J is its id) carry the hash tag ``{J}``, so that they live on one shard and can be named together:

    wc:{J}:job            hash    the job: state, spec (JSON, signed), partitions (of all phases), phases, phase and
                                  first_chunks (which phase runs, and where each began), created and ended (ms since
                                  1970), made_by, epoch, master and held_until (who is in charge, and until when),
                                  master_bytes and master_peak_bytes (its memory), cursor and split (how far splitting
                                  is), bytes (of the input), retries, reason
    wc:{J}:sources        hash    index -> JSON [path, size in bytes, time of change in ns, packing, member]
    wc:{J}:files          hash    name -> content of a side file
    wc:{J}:chunks         hash    chunk id -> JSON [source, offset, length, first line, lines]; in later phases
                                  [partition, first segment, segments, 1, 0]
    wc:{J}:contents       hash    chunk id -> its bytes; of chunks that travel, until they are committed
    wc:{J}:batches        hash    batch id -> JSON; what is queued or running: the tasks one RQ job carries
    wc:{J}:leases         zset    batch id -> deadline (ms, the server's clock); which batches somebody works on
    wc:{J}:running        hash    task#attempt -> JSON batch, worker, started (ms); attempts under way
    wc:{J}:attempts       hash    task -> how many attempts were started; only of tasks that are not committed
    wc:{J}:waiting        zset    task -> when it may be queued again (ms)
    wc:{J}:failed         hash    task -> JSON; failed attempts that the master has not decided about
    wc:{J}:suspects       hash    task -> JSON; what the next attempt must know of a chunk that killed its process
    wc:{J}:raised         hash    task#attempt -> what it raised where; only of tasks that are not committed
    wc:{J}:quarantine     hash    task, or task#record -> JSON; chunks and records that were set aside
    wc:{J}:failures       list    JSON; every failed attempt: task, attempt, worker, kind, message, at, origin
    wc:{J}:receipts:map   hash    task -> JSON; the committed attempt: attempt, worker, when, how long, how much
    wc:{J}:receipts:reduce  hash  the same of the reduce tasks
    wc:{J}:totals         hash    lines, bytes, pairs, ... of all committed tasks
    wc:{J}:counters       hash    the user's own counters
    wc:{J}:partials:P     hash    chunk id -> JSON; what each chunk gives partition P
    wc:{J}:results:P      hash    segment -> JSON; the results of partition P in ever larger keys, or, when another
                                  phase maps them, a list of pairs
    wc:{J}:staged:P:A     hash    the same while attempt A at reduce task P is still writing them
    wc:{J}:events         stream  what happened lately; wakes the master

Keys of no one job:

    wc:jobs               zset    job id -> when it was made (ms)
    wc:workers            zset    worker -> when it last said that it is alive (ms)
    wc:worker:W           hash    a worker: host, pid, processes, queue, running, bytes and peak_bytes (of memory);
                                  expires when it stops
    wc:refused            stream  what workers were given and did not do, some 1000: action, reason, rq_job, job,
                                  worker, at (ms); expires a week after the last
    rq:...                        RQ's own: a queue is rq:queue:word_counter-F, F a fingerprint of the secret with
                                  which its batches are signed

All of them expire: the keys of a job a while after it ended (a day by default) and a week after it was last
worked on, the index with the last job. What stands on lists of RQ's that others use too is taken off them
(:mod:`word_counter.queue.rq_bookkeeping`). Nothing is ever flushed: the server may be somebody's.
"""

from __future__ import annotations

from word_counter.job.model import Stage

#: Index of jobs, and the prefix of workers.
JOBS = "wc:jobs"
WORKERS = "wc:workers"
WORKER_PREFIX = "wc:worker:"
#: What workers refused.
REFUSED = "wc:refused"
#: How long the keys of a job live while nobody ends it, in seconds.
RUNNING_TTL_SECONDS = 7 * 24 * 3600


class JobKeys:
    """The names of one job's keys."""

    def __init__(self, job_id: str) -> None:
        self.prefix = f"wc:{{{job_id}}}:"
        self.job = self.prefix + "job"
        self.sources = self.prefix + "sources"
        self.files = self.prefix + "files"
        self.chunks = self.prefix + "chunks"
        self.contents = self.prefix + "contents"
        self.batches = self.prefix + "batches"
        self.leases = self.prefix + "leases"
        self.running = self.prefix + "running"
        self.attempts = self.prefix + "attempts"
        self.waiting = self.prefix + "waiting"
        self.failed = self.prefix + "failed"
        self.suspects = self.prefix + "suspects"
        self.raised = self.prefix + "raised"
        self.quarantine = self.prefix + "quarantine"
        self.failures = self.prefix + "failures"
        self.totals = self.prefix + "totals"
        self.counters = self.prefix + "counters"
        self.events = self.prefix + "events"

    def receipts(self, stage: Stage) -> str:
        """Return the key of a stage's receipts."""
        return f"{self.prefix}receipts:{stage.value}"

    def partials(self, partition: int) -> str:
        """Return the key of a partition's partials."""
        return f"{self.prefix}partials:{partition}"

    def results(self, partition: int) -> str:
        """Return the key of a partition's results."""
        return f"{self.prefix}results:{partition}"

    def staged(self, partition: int, attempt: int) -> str:
        """Return the key under which an attempt writes a partition's results before it commits."""
        return f"{self.prefix}staged:{partition}:{attempt}"

    def every(self, partitions: int) -> list[str]:
        """Return all keys of the job that outlive its tasks; the first six as ``end.lua`` wants them."""
        return [
            self.job,
            self.batches,
            self.leases,
            self.running,
            self.receipts(Stage.REDUCE),
            self.contents,
            self.receipts(Stage.MAP),
            self.sources,
            self.files,
            self.chunks,
            self.attempts,
            self.waiting,
            self.failed,
            self.failures,
            self.suspects,
            self.raised,
            self.quarantine,
            self.totals,
            self.counters,
            self.events,
            *(self.partials(n) for n in range(partitions)),
            *(self.results(n) for n in range(partitions)),
        ]
