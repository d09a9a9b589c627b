"""Job reference: the name of a job class, by which another process can import the same code.

``pkg.module:Class`` names a class of an importable module, ``/path/my_job.py:Class`` one of a file. A job built
in place from a mapper and a reducer is named by both, joined with a ``+``. A shipped job also has its short name.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from word_counter import jobs
from word_counter.errors import JobLoadError
from word_counter.job.job import Job
from word_counter.job.mapper import Mapper
from word_counter.job.reducer import Reducer
from word_counter.job.step import missing_arguments
from word_counter.jobs import shipped
from word_counter.loading.command_reference import command_places, commands_of, is_command
from word_counter.loading.job_import import FILE_MODULE, FOR_MRJOB, folders_beside, import_place, is_file
from word_counter.loading.lab_app import APP, is_app, job_of_app
from word_counter.loading.main_guard import guarded_names
from word_counter.loading.user_code import user_traceback

#: The prefix of a reference to a class that is written in mrjob's API, and may import mrjob by name.
MRJOB = "mrjob+"
#: The method of a class in another API that returns the equivalent Job.
_TRANSLATE = "word_counter_job"


def refer_to(job: Job) -> str:
    """Return the reference of a job's code.

    Raises:
        JobLoadError: the class is defined where no other process can import it.
    """
    if job.reference:
        return job.reference
    if _is_made_of_its_class(job):
        return job.dialect + _refer_to_class(type(job))
    return f"{_refer_to_class(job.mapper)}+{_refer_to_class(job.reducer)}"


def _is_made_of_its_class(job: Job) -> bool:
    """Whether its class without arguments makes the same job. Then the class is its reference, else its parts are.

    Raises:
        JobLoadError: its parts are not enough, but the class cannot be made without arguments.
    """
    cls = type(job)
    same = all(getattr(job, role, None) is getattr(cls, role, None) for role in ("mapper", "reducer"))
    missing = missing_arguments(cls)
    if missing and (job.steps or job.params or job.partition is not None):
        message = f"workers make job {cls.__name__} anew, without arguments: {missing}; declare params instead"
        raise JobLoadError(message)
    return same and cls is not Job and not missing


def classes_of(job: Job) -> set[type]:
    """Return the classes that loading the reference of a job would give."""
    return {type(job), *job.classes()} if _is_made_of_its_class(job) else job.classes()


def _refer_to_class(cls: type) -> str:
    if "<locals>" in cls.__qualname__:
        message = f"{cls.__name__} is defined inside a function, where no worker can import it; move it to a module"
        raise JobLoadError(message)
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    spec = getattr(module, "__spec__", None)
    if cls.__module__ == "__main__" and spec is not None and spec.name != "__main__":
        return f"{spec.name.removesuffix('.__main__')}:{cls.__qualname__}"
    if cls.__module__ == "__main__" or cls.__module__.startswith(FILE_MODULE):
        if file is None:
            message = f"{cls.__name__} is defined in an interactive session; put it into a file, or use engine='inline'"
            raise JobLoadError(message)
        return f"{os.path.abspath(file)}:{cls.__qualname__}"
    return f"{cls.__module__}:{cls.__qualname__}"


def load_job(reference: str) -> type[Job] | Job:
    """Return the job class that a reference names, or the job built in place.

    ``FILE.py`` or ``pkg.module`` is enough when it defines one Job, or one Mapper and one Reducer. The name of a
    shipped job, such as ``grep``, always means that job.

    Raises:
        JobLoadError: it cannot be imported, or names no job; says why.
    """
    if is_command(reference):
        return _job_of_commands(reference)
    parts = _parts(reference)
    if len(parts) > 1:
        mapper, reducer = map(_load_class, parts)
        return Job(mapper=mapper, reducer=reducer)
    place, name = _parse(reference)
    if not place:
        message = f"no job is named: give FILE.py, pkg.module:Class or one of the shipped jobs: {', '.join(shipped())}"
        raise JobLoadError(message)
    if reference in shipped():
        place = f"{jobs.__name__}.{reference}"
    if reference.startswith(MRJOB):
        _answer_to_mrjob()
    module = import_place(place)
    if reference.startswith(APP):
        return job_of_app(module, name)
    if name:
        cls = _translated(_attribute(module, place, name), module, name)
        if not (isinstance(cls, type) and issubclass(cls, Job)):
            message = f"{reference} is not a subclass of Job{_hint(module)}"
            raise JobLoadError(message)
        return cls
    return _only_job(module, place)


def make_job(reference: str, params: Mapping[str, Any] | None = None) -> Job:
    """Return a checked instance of the job that a reference names, with these params; JobLoadError like `load_job`."""
    job = made(load_job(reference))
    job.given_params = dict(params or {})
    return job


def made(job: type[Job] | Job) -> Job:
    """Return a checked instance of a job; JobLoadError when it is none, cannot be made, or is incomplete."""
    if not (issubclass(job, Job) if isinstance(job, type) else isinstance(job, Job)):
        what = f"the class {job.__name__}" if isinstance(job, type) else repr(job)
        message = f"{what} is no job: give a subclass of word_counter.Job, or Job(mapper=M, reducer=R)"
        raise JobLoadError(message)
    try:
        instance = job() if isinstance(job, type) else job
        instance.check()  # again, as a subclass's __init__ may have skipped it
    except JobLoadError:
        raise
    except Exception as error:
        name = job.__name__ if isinstance(job, type) else type(job).__name__
        message = f"cannot make a {name}: {type(error).__name__}: {error}\n{user_traceback(error)}"
        raise JobLoadError(message) from error
    return instance


def places(reference: str) -> list[str]:
    """Return the modules and files that loading a reference would import, or the commands that it would run.

    Raises:
        JobLoadError: it is none.
    """
    if is_command(reference):
        return command_places(reference)
    return [_parse(part)[0] for part in _parts(reference)]


def folders_of(reference: str) -> set[str]:
    """Return the folders of the files that loading a reference would import; JobLoadError when it is none."""
    return {folder for place in places(reference) if is_file(place) for folder in folders_beside(place)}


#: The references of a mapper and a reducer. A + within a path does not match: there is no class before it.
_JOINED = re.compile(r"(.+?:[\w.]+)\+(.+:[\w.]+)", re.DOTALL)


def _parts(reference: str) -> list[str]:
    joined = _JOINED.fullmatch(reference)
    return [reference] if joined is None else [joined[1], joined[2]]


def _only_job(module: ModuleType, place: str) -> type[Job] | Job:
    found = _defined(module, Job)
    if len(found) == 1:
        only: type[Job] = found[0]
        return only
    if found:
        names = ", ".join(cls.__name__ for cls in found)
        message = f"{place} defines several jobs ({names}); say which: {place}:{found[0].__name__}"
        raise JobLoadError(message)
    mappers, reducers = _defined(module, Mapper), _defined(module, Reducer)
    if len(mappers) == 1 and len(reducers) == 1:
        return Job(mapper=mappers[0], reducer=reducers[0])
    foreign = {cls.__name__: cls for cls in _defined(module, object) if hasattr(cls, _TRANSLATE)}
    # Of several the file says itself which it runs; that may also be one that it has from elsewhere.
    chosen = list(foreign) if len(foreign) == 1 else _run_by_the_file(module)
    if len(chosen) == 1:
        translated: type[Job] = _translated(getattr(module, chosen[0]), module, chosen[0])
        return translated
    if foreign:
        message = f"{place} defines several jobs ({', '.join(foreign)}); say which: {place}:{next(iter(foreign))}"
        raise JobLoadError(message)
    message = f"{place} defines no Job, and not exactly one Mapper and one Reducer either{_hint(module)}"
    raise JobLoadError(message)


def _hint(module: ModuleType) -> str:
    """Return the option that a file in another API needs, as the end of a message."""
    classes = _defined(module, object)
    if any(base.__module__ == "mrjob.job" for cls in classes for base in cls.__mro__):
        return FOR_MRJOB
    return "; an app goes with --app" if any(map(is_app, [module, *classes])) else ""


def _defined(module: ModuleType, base: type) -> list[Any]:
    """Return the subclasses of ``base`` that the module itself defines, each once however many names it has."""
    values = dict.fromkeys(value for value in vars(module).values() if isinstance(value, type))
    return [cls for cls in values if issubclass(cls, base) and cls.__module__ == module.__name__]


def _answer_to_mrjob() -> None:
    """From now on, let imports of mrjob find this package's own modules."""
    from word_counter.loading.mrjob_aliases import answer_to_mrjob

    answer_to_mrjob()


def _job_of_commands(reference: str) -> type[Job]:
    streaming = import_place("word_counter.mrjob.tasks.streaming")
    made: type[Job] = streaming.job_of_commands(commands_of(reference))
    return made


def _run_by_the_file(module: ModuleType) -> list[str]:
    """Return the names by which a file knows classes of another API that it runs when Python runs it."""
    try:
        with open(module.__file__ or "", "rb") as source:
            names = guarded_names(source.read())
    except OSError:
        return []
    return [name for name in names if hasattr(getattr(module, name, None), _TRANSLATE)]


def _translated(cls: Any, module: ModuleType, name: str) -> Any:
    """Return the Job that a class of another API comes to, which is found where the class was; others as they are."""
    if not (isinstance(cls, type) and hasattr(cls, _TRANSLATE)):
        return cls
    translated = getattr(cls, _TRANSLATE)()
    translated.__module__, translated.__qualname__ = module.__name__, name
    return translated


def _load_class(reference: str) -> Any:
    place, name = _parse(reference)
    return _attribute(import_place(place), place, name)


def _parse(reference: str) -> tuple[str, str]:
    reference = reference.removeprefix(MRJOB).removeprefix(APP)
    place, colon, name = reference.rpartition(":")
    if not colon or is_file(reference):  # a path may contain colons
        return reference, ""
    if not place or not all(part.isidentifier() for part in name.split(".")):
        message = f"{reference!r} does not name a job: give pkg.module:Class, FILE.py or FILE.py:Class"
        raise JobLoadError(message)
    return place, name


def _attribute(module: ModuleType, place: str, name: str) -> Any:
    value: Any = module
    for part in name.split("."):
        value = getattr(value, part, None)
        if value is None:
            message = f"{place} has no {name}"
            raise JobLoadError(message)
    return value
