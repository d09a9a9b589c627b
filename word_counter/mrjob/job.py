"""MRJob: what a job in mrjob's API is a subclass of."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from word_counter.errors import JobLoadError, UsageError
from word_counter.mrjob.options import FROM_SYS_ARGV as _READ_ARGS_FROM_SYS_ARGV
from word_counter.mrjob.protocol import JSONProtocol, RawValueProtocol
from word_counter.mrjob.script import Script
from word_counter.mrjob.step import FUNCTIONS, MRStep
from word_counter.mrjob.util import expand_path

if TYPE_CHECKING:
    from word_counter.job.job import Job

__all__ = ["_READ_ARGS_FROM_SYS_ARGV", "MRJob", "MRStep", "UsageError"]

log = logging.getLogger(__name__)


class MRJob(Script):
    """A job in mrjob's API: redefine mapper, combiner and reducer, or :meth:`steps`, and call :meth:`run`.

    Args:
        args: the command line without the program's name; None: that of this process. An error in it is a ValueError,
            or else ends the process.
    """

    INPUT_PROTOCOL: ClassVar[Any] = RawValueProtocol
    INTERNAL_PROTOCOL: ClassVar[Any] = JSONProtocol
    OUTPUT_PROTOCOL: ClassVar[Any] = JSONProtocol
    #: Whether reducers get the values of a key sorted by their lines.
    SORT_VALUES: ClassVar[bool | None] = None
    #: Is put into the environment of tasks.
    JOBCONF: ClassVar[dict[str, Any]] = {}
    #: Files, folders and packed files that are sent to the folders of tasks; relative to the file of the job.
    FILES: ClassVar[Any] = []
    DIRS: ClassVar[Any] = []
    ARCHIVES: ClassVar[Any] = []
    #: For Hadoop; a job that says something here is refused.
    LIBJARS: ClassVar[Any] = []
    HADOOP_INPUT_FORMAT: ClassVar[Any] = None
    HADOOP_OUTPUT_FORMAT: ClassVar[Any] = None
    PARTITIONER: ClassVar[Any] = None

    # -- what jobs redefine -------------------------------------------------------------------------------------

    def steps(self) -> list[MRStep]:
        """Return the steps; by default one, of the methods that are redefined.

        Raises:
            JobLoadError: one of them is for Spark.
        """
        redefined = {name: getattr(self, name) for name in (*FUNCTIONS, "spark") if self._redefines(name)}
        if "spark" in redefined:
            message = f"job {type(self).__name__}: spark is not supported: there is no Spark here"
            raise JobLoadError(message)
        for name, method in redefined.items():
            if name.endswith(("_cmd", "_pre_filter")):
                redefined[name] = method()
        return [MRStep(**redefined)] if redefined else []

    def _redefines(self, name: str) -> bool:
        method = getattr(self, name)
        return getattr(method, "__func__", method) is not getattr(MRJob, name)

    # Those that a job does not redefine raise when they are called, as under mrjob, whose jobs redefine but some:
    # abstract they cannot be.

    def mapper(self, key: Any, value: Any) -> Any:
        """Yield pairs of what was read of a line: by default a key that is None, and the line."""
        raise NotImplementedError

    def combiner(self, key: Any, values: Iterator[Any]) -> Any:
        """Yield pairs of some values of a key, in the place of these."""
        raise NotImplementedError

    def reducer(self, key: Any, values: Iterator[Any]) -> Any:
        """Yield pairs of all values of a key."""
        raise NotImplementedError

    def mapper_raw(self, input_path: str, input_uri: str) -> Any:
        """Yield pairs of a whole file of the input."""
        raise NotImplementedError

    def spark(self, input_path: str, output_path: str) -> Any:
        """Work on Spark; a job that does is refused."""
        raise NotImplementedError

    def _nothing(self) -> Any:
        """Yield pairs before the first record of a task (init), or after the last (final)."""
        raise NotImplementedError

    def _no_command(self) -> str:
        """Return the command that a part is (cmd), or that its lines go through before (pre_filter)."""
        raise NotImplementedError

    mapper_init = mapper_final = combiner_init = combiner_final = reducer_init = reducer_final = _nothing
    mapper_cmd = combiner_cmd = reducer_cmd = _no_command
    mapper_pre_filter = combiner_pre_filter = reducer_pre_filter = _no_command

    def input_protocol(self) -> Any:
        """Return the protocol that reads the input."""
        return self._protocol("INPUT_PROTOCOL")

    def internal_protocol(self) -> Any:
        """Return the protocol of all that goes from one part of the job to another."""
        return self._protocol("INTERNAL_PROTOCOL")

    def output_protocol(self) -> Any:
        """Return the protocol that writes the results."""
        return self._protocol("OUTPUT_PROTOCOL")

    def _protocol(self, name: str) -> Any:
        protocol = getattr(self, name)
        if not isinstance(protocol, type):
            log.warning(f"{name} should be a class, not %s", protocol)  # noqa: G004 (three names, not three messages)
        return protocol()

    def sort_values(self) -> bool | None:
        """Return whether the values of a key are sorted."""
        return self.SORT_VALUES

    def jobconf(self) -> dict[str, Any]:
        """Return what is put into the environment of tasks, by names with dots."""
        return dict(self.JOBCONF)

    def files(self) -> Any:
        """Return the files that are sent to the folders of tasks, as paths, or ``path#name``."""
        return self._beside_the_script("FILES")

    def dirs(self) -> Any:
        """Return the folders that are sent, likewise."""
        return self._beside_the_script("DIRS")

    def archives(self) -> Any:
        """Return the tar and zip files that are sent, likewise, and unpacked into folders of their names."""
        return self._beside_the_script("ARCHIVES")

    def libjars(self) -> Any:
        """Return the JAR files that Hadoop needs."""
        return list(self.LIBJARS or ())

    def hadoop_input_format(self) -> Any:
        """Return the Java class by which Hadoop reads the input."""
        return self.HADOOP_INPUT_FORMAT

    def hadoop_output_format(self) -> Any:
        """Return the Java class by which Hadoop writes the results."""
        return self.HADOOP_OUTPUT_FORMAT

    def partitioner(self) -> Any:
        """Return the Java class that says for Hadoop which keys go together."""
        return self.PARTITIONER

    def _beside_the_script(self, name: str) -> list[str]:
        paths = getattr(self, name)
        if isinstance(paths, str):
            message = f"{name} must be a list of paths, not {paths!r}"
            raise TypeError(message)
        folder = os.path.dirname(self.mr_job_script() or "")
        found = []
        for path in paths:
            if os.path.isabs(expand_path(path) or ""):
                found.append(path)
                continue
            if os.sep in path.rstrip(os.sep) and "#" not in path:
                log.warning("%s: %s is put right into the folder of a task, not into one below that", name, path)
            found.append(os.path.join(folder, path))
        return found

    def pick_protocols(self, step_num: int, step_type: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Return what reads and what writes the lines of a part of a step; ValueError when that is a command."""
        parts = [
            (number, part)
            for number, step in enumerate(self.steps())
            for part in ("mapper", "reducer")
            if step.description(number).get(part, {}).get("type") == "script"
        ]

        def written(part: tuple[int, str]) -> Any:
            return self.output_protocol() if part == parts[-1] else self.internal_protocol()

        if step_type == "combiner":
            mapper = step_num, "mapper"
            protocol = written(mapper) if mapper in parts else RawValueProtocol()
            return protocol.read, protocol.write
        part = step_num, step_type
        if part not in parts:
            message = f"the {step_type} of step {step_num} is a command, or is not there: no protocol is its"
            raise ValueError(message)
        read = self.input_protocol() if part == parts[0] else self.internal_protocol()
        return read.read, written(part).write

    @classmethod
    def word_counter_job(cls) -> type[Job]:
        """Return the class of the Job that this comes to."""
        from word_counter.mrjob.tasks.translation import job_class

        return job_class(cls)
