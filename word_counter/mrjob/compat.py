"""Hadoop's names of what a task is configured with: an old and a new one for most, and jobs ask for either.

While a task runs, its environment holds them, with underscores for dots; see
:mod:`word_counter.mrjob.tasks.environment`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

log = logging.getLogger(__name__)

#: The names of Hadoop 1, and what they became in Hadoop 2, as far as tasks and jobs ask for them.
_NEW_NAMES = {
    "io.sort.factor": "mapreduce.task.io.sort.factor",
    "io.sort.mb": "mapreduce.task.io.sort.mb",
    "job.local.dir": "mapreduce.job.local.dir",
    "map.input.file": "mapreduce.map.input.file",
    "map.input.length": "mapreduce.map.input.length",
    "map.input.start": "mapreduce.map.input.start",
    "mapred.cache.archives": "mapreduce.job.cache.archives",
    "mapred.cache.files": "mapreduce.job.cache.files",
    "mapred.cache.localArchives": "mapreduce.job.cache.local.archives",
    "mapred.cache.localFiles": "mapreduce.job.cache.local.files",
    "mapred.compress.map.output": "mapreduce.map.output.compress",
    "mapred.input.dir": "mapreduce.input.fileinputformat.inputdir",
    "mapred.jar": "mapreduce.job.jar",
    "mapred.job.id": "mapreduce.job.id",
    "mapred.job.name": "mapreduce.job.name",
    "mapred.job.priority": "mapreduce.job.priority",
    "mapred.local.dir": "mapreduce.cluster.local.dir",
    "mapred.map.max.attempts": "mapreduce.map.maxattempts",
    "mapred.map.output.compression.codec": "mapreduce.map.output.compress.codec",
    "mapred.map.tasks": "mapreduce.job.maps",
    "mapred.map.tasks.speculative.execution": "mapreduce.map.speculative",
    "mapred.max.split.size": "mapreduce.input.fileinputformat.split.maxsize",
    "mapred.min.split.size": "mapreduce.input.fileinputformat.split.minsize",
    "mapred.output.compress": "mapreduce.output.fileoutputformat.compress",
    "mapred.output.compression.codec": "mapreduce.output.fileoutputformat.compress.codec",
    "mapred.output.compression.type": "mapreduce.output.fileoutputformat.compress.type",
    "mapred.output.dir": "mapreduce.output.fileoutputformat.outputdir",
    "mapred.output.key.comparator.class": "mapreduce.job.output.key.comparator.class",
    "mapred.reduce.max.attempts": "mapreduce.reduce.maxattempts",
    "mapred.reduce.tasks": "mapreduce.job.reduces",
    "mapred.reduce.tasks.speculative.execution": "mapreduce.reduce.speculative",
    "mapred.task.id": "mapreduce.task.attempt.id",
    "mapred.task.is.map": "mapreduce.task.ismap",
    "mapred.task.partition": "mapreduce.task.partition",
    "mapred.task.timeout": "mapreduce.task.timeout",
    "mapred.text.key.comparator.options": "mapreduce.partition.keycomparator.options",
    "mapred.text.key.partitioner.options": "mapreduce.partition.keypartitioner.options",
    "mapred.tip.id": "mapreduce.task.id",
    "mapred.work.output.dir": "mapreduce.task.output.dir",
    "mapred.working.dir": "mapreduce.job.working.dir",
    "user.name": "mapreduce.job.user.name",
}
_OLD_NAMES = {new: old for old, new in _NEW_NAMES.items()}


def jobconf_from_env(variable: str, default: Any = None) -> Any:
    """Return what the environment of the running task says of a variable, by either name; else ``default``."""
    for name in _names(variable):
        value = os.environ.get(variable_of(name))
        if value is not None:
            return value
    return default


def jobconf_from_dict(jobconf: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """Return what a configuration says of a variable, by either name; else ``default``."""
    return next((jobconf[known] for known in _names(name) if known in jobconf), default)


def variable_of(name: str) -> str:
    """Return the environment variable that a name becomes."""
    return name.replace(".", "_")


def translate_jobconf(variable: str, version: str) -> str:
    """Return the name that a version of Hadoop has for a variable: itself when there is no other."""
    names = _NEW_NAMES if _has_new_names(version) else _OLD_NAMES
    return names.get(variable, variable)


def translate_jobconf_for_all_versions(variable: str) -> list[str]:
    """Return all names of a variable, sorted."""
    return sorted(_names(variable))


def translate_jobconf_dict(jobconf: Mapping[str, Any], hadoop_version: str | None = None) -> dict[str, Any]:
    """Return a configuration with the names of a version of Hadoop added, or those of all versions."""
    found = dict(jobconf)
    for variable, value in jobconf.items():
        names = _names(variable) if hadoop_version is None else {translate_jobconf(variable, hadoop_version)}
        for name in sorted(names - jobconf.keys()):
            found[name] = value
            if hadoop_version is not None:
                log.warning("%s is called %s in Hadoop %s", variable, name, hadoop_version)
    return found


def _names(variable: str) -> set[str]:
    return {variable, _NEW_NAMES.get(variable, variable), _OLD_NAMES.get(variable, variable)}


def _has_new_names(version: str) -> bool:
    """Whether a version of Hadoop has the new names: 0.21 up to 1, which went back to the old ones, and from 2 on."""
    parts = tuple(map(int, re.findall(r"\d+", version)[:2]))
    return (0, 21) <= parts < (1,) or parts >= (2,)


def map_version(version: str, version_map: Mapping[str, Any]) -> Any:
    """Return the value of the latest version in a map that is not later than this one; else that of the first.

    Raises:
        TypeError: there is no version.
        ValueError: there is nothing in the map.
    """
    if version is None:
        raise TypeError(version)
    changes = sorted(((_numbers(since), value) for since, value in dict(version_map).items()), key=itemgetter(0))
    if not changes:
        raise ValueError(version_map)
    return next((value for since, value in reversed(changes) if since <= _numbers(version)), changes[0][1])


def uses_yarn(version: str) -> bool:
    """Tell whether a version of Hadoop has YARN: from 2 on, and from 0.23 on before 1."""
    numbers = _numbers(version)
    return numbers >= (2,) or (0, 23) <= numbers < (1,)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
