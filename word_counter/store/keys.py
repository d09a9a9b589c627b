"""The Redis keys: every key that this package writes, with its type and meaning.

Keys of a job (J is its id) carry the hash tag ``{J}``, so that they live on one shard and can be named together:

    wc:{J}:job            hash    the job: state, spec (JSON, signed), partitions (of all phases), phases, phase and
                                  first_chunks (which phase runs, and where each began), created and ended (ms since
                                  1970), made_by, epoch, master and held_until (the leader lease: its fencing token,
                                  who holds it, until when), master_bytes and master_peak_bytes (the master's memory),
                                  cursor and split (how far splitting is), bytes (of the input), retries, reason,
                                  refused:W (why worker W leaves the job to others)
    wc:{J}:sources        hash    index -> JSON [path, size in bytes, time of change in ns, packing, member,
                                  encoding unless it is UTF-8]
    wc:{J}:files          hash    name -> content of a side file
    wc:{J}:chunks         hash    chunk id -> JSON [source, offset, length, first line, lines]; in later phases
                                  [partition, first segment, segments, 1, 0]
    wc:{J}:contents       hash    chunk id -> its bytes, until it is committed; only of chunks whose source workers
                                  cannot read themselves
    wc:{J}:batches        hash    batch id -> JSON; what is queued or running: the tasks one RQ job carries
    wc:{J}:leases         zset    batch id -> deadline (ms, the server's clock); the batches that workers work on
    wc:{J}:running        hash    task#attempt -> JSON batch, worker, started (ms); running attempts
    wc:{J}:attempts       hash    task -> how many attempts were started; only of tasks that are not committed
    wc:{J}:waiting        zset    task -> when it may be queued again (ms)
    wc:{J}:failed         hash    task -> JSON; failed attempts that the master has not decided about
    wc:{J}:suspects       hash    task -> JSON; what is known of a chunk that killed its process, for the next attempt
    wc:{J}:raised         hash    task#attempt -> what user code raised where; only of tasks that are not committed
    wc:{J}:quarantine     hash    task, or task#record -> JSON; bad chunks and records
    wc:{J}:failures       list    JSON; every failed attempt: task, attempt, worker, kind, message, at, origin
    wc:{J}:receipts:map   hash    task -> JSON; the committed attempt: attempt, worker, when, how long, how much
    wc:{J}:receipts:reduce  hash  the same of the reduce tasks
    wc:{J}:totals         hash    lines, bytes, pairs, ... of all committed tasks
    wc:{J}:counters       hash    the user's own counters
    wc:{J}:partials:P     hash    chunk id -> JSON; the partial of each chunk for partition P
    wc:{J}:results:P      hash    segment -> JSON; the results of partition P, sorted by key, or, when another phase
                                  maps them, a list of pairs
    wc:{J}:staged:P:A     hash    the same while attempt A at reduce task P is still writing them
    wc:{J}:events         stream  what happened lately; wakes the master

Keys that belong to no single job:

    wc:jobs               zset    job id -> when it was made (ms)
    wc:jobs:expiry        zset    job id -> when its keys expire (ms)
    wc:workers            zset    worker -> when it last sent a heartbeat (ms)
    wc:worker:W           hash    a worker: host, pid, processes, queue, since (ms), running, bytes and peak_bytes (of
                                  memory); expires when it stops
    wc:refused            stream  what workers refused, the last 1000 or so: action, reason, rq_job, job, worker,
                                  at (ms); expires a week after the last
    rq:...                        RQ's own: a queue is rq:queue:word_counter-F, F a fingerprint of the secret with
                                  which its batches are signed

All of them expire: the keys of a job some time after it ended (a day by default) and a week after it was last
worked on, the index with the last job. Entries in lists of RQ that other programs use too are removed
(:mod:`word_counter.queue.rq_bookkeeping`). Nothing is ever flushed: other programs may use the same server.
"""

from __future__ import annotations

from word_counter.job.model import Stage

#: Index of jobs, when each of them expires, and the prefix of workers.
JOBS = "wc:jobs"
JOB_EXPIRIES = "wc:jobs:expiry"
WORKERS = "wc:workers"
WORKER_PREFIX = "wc:worker:"
#: What workers refused.
REFUSED = "wc:refused"
#: How long the keys of an unfinished job live, in seconds.
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
        """Return all keys of the job that outlive its tasks; the first six in the order that ``end.lua`` takes."""
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
