"""Streaming: the job that commands come to. Lines go in, and lines of key, tab and value come out, as under Hadoop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from word_counter.job.param import Param
from word_counter.loading.command_reference import COMMANDS, Commands, reference_of
from word_counter.mrjob.job import MRJob
from word_counter.mrjob.step import MRStep
from word_counter.mrjob.tasks.commands import found_files
from word_counter.mrjob.tasks.translation import Translated


class CommandSteps(MRJob):
    """One step of commands."""

    commands: ClassVar[Commands] = Commands()

    def steps(self) -> list[MRStep]:
        return [MRStep(mapper_cmd=self.commands.map, reducer_cmd=self.commands.reduce)]


class CommandJob(Translated):
    """The job of commands. They run in the current folder of the process that does the work."""

    mrjob = CommandSteps
    in_folder = False
    dialect = COMMANDS
    params: ClassVar[Mapping[str, Param]] = {}

    def code_files(self) -> set[str]:
        """Return the files that the commands name: they are to be the same wherever the job runs."""
        commands = self.mrjob.commands
        return {path for command in (commands.map, commands.reduce) for path in found_files(command)}


def job_of_commands(commands: Commands) -> type[CommandJob]:
    """Return the class of the job that commands come to."""
    steps = type("Commands", (CommandSteps,), {"commands": commands, "__module__": __name__})
    attributes: dict[str, Any] = {"mrjob": steps, "reference": reference_of(commands), "__module__": __name__}
    return type("Commands", (CommandJob,), attributes)
