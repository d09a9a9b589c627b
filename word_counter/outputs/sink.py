"""Sink: where results and quarantine go. They are drafted, confirmed, then shown: readers see all of them or none."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, cast

from word_counter.errors import OutputError, UsageError
from word_counter.files.drafts import Digested, Draft, Fill, KeepAlive, Rows, Written, no_check, unchanged
from word_counter.files.locations import checked, files_at, is_database
from word_counter.job.job_spec import JobSpec
from word_counter.outputs.formats import check_form, form_of, writer_of
from word_counter.outputs.part_files import part_path, parts_at
from word_counter.outputs.quarantine import check_free, quarantine_path, remove_quarantine
from word_counter.outputs.receipt_file import (
    Receipt,
    check_receipt_free,
    input_list_path,
    receipt_path,
    remove_input_list,
    write_input_list,
)
from word_counter.outputs.result_order import arranged, sorts_on_disk
from word_counter.settings.config import Settings
from word_counter.settings.user_folders import room_for

#: Forms whose rows are on disk before they are written.
_SPOOLED = frozenset({"sqlite", "parquet", "postgresql"})


@dataclass(frozen=True, slots=True)
class Sink:
    """Where results go ("-", a path or a URL), their form, their order, and how many are written (0: all)."""

    output: str
    form: str = "json"
    sort: str = "key"
    top: int = 0

    @classmethod
    def of(cls, settings: Settings, own_form: str) -> Sink:
        """Return the sink for these settings; ``own_form`` is the form of the job.

        Raises:
            OutputError: the output cannot have that form, or its URL contains a password.
            UsageError: results of that form have a fixed order.
        """
        output = checked(settings.output)
        form = form_of(output, settings.output_format, own_form)
        if form in {"lines", "mr-out"} and (settings.sort != "key" or settings.top):
            what = "the job's own lines" if form == "lines" else "the parts of mr-out"
            message = f"{what} are sorted by key, and all of them are written: leave --sort and --top out"
            raise UsageError(message)
        return cls(output, form, settings.sort, settings.top)

    @classmethod
    def of_spec(cls, spec: JobSpec) -> Sink:
        """Return the sink that a job was made with."""
        return cls(spec.output, spec.form, spec.sort, spec.top)

    def check(self, job_id: str = "") -> None:
        """Raise OutputError, which says what to do, unless the results could be written.

        Leaves nothing behind. It is called before a job starts, so that the error does not come after hours of work.
        """
        check_form(self.form, self.output)
        if self.form in _SPOOLED or sorts_on_disk(self.sort, self.top):
            with room_for("write results for a while", OutputError):
                pass
        aside = quarantine_path(self.output, job_id)
        if is_database(self.output):
            from word_counter.outputs.postgres import check_table

            check_table(self.output)
        elif self.output != "-":
            beside = (aside, receipt_path(self.output, job_id), input_list_path(self.output, job_id))
            files_at(self.output).check(self.output, beside)
        elif sys.stdout is None or sys.stdout.closed:
            message = "standard output is closed; name a file with --output"
            raise OutputError(message)
        if self.form == "sqlite" and files_at(self.output).there(self.output):
            from word_counter.outputs.sqlite import HEAD_BYTES, is_ours

            if not is_ours(files_at(self.output).head(self.output, HEAD_BYTES)):
                message = (
                    f"the output {self.output} is there, and is no database of results: all of it would be replaced; "
                    "move it, or give another --output"
                )
                raise OutputError(message)
        check_free(aside)
        check_receipt_free(self.output, job_id)

    def files(self, job_id: str) -> list[str]:
        """Return the paths that a job may write: its results, its quarantine, its receipt and its list of inputs."""
        results = [] if self.output == "-" or is_database(self.output) else [self.output]
        if self.form == "mr-out":
            results = list(parts_at(self.output).values())
        beside = (receipt_path(self.output, job_id), input_list_path(self.output, job_id))
        return [*results, quarantine_path(self.output, job_id), *filter(None, beside)]

    def holds(self, job_id: str, parts: int = 1) -> bool:
        """Return whether there are results, in so many parts; for a table, whether they are those of this job."""
        if self.output == "-":
            return False
        if is_database(self.output):
            from word_counter.outputs.postgres import job_in

            return job_in(self.output) == job_id
        if self.form == "mr-out":
            return parts_at(self.output).keys() >= set(range(parts))
        return files_at(self.output).there(self.output)

    def write(
        self,
        parts: Sequence[Rows],
        job_id: str = "",
        *,
        aside: Iterable[str] | None = None,
        confirm: Callable[[], None] = no_check,
        keep_alive: KeepAlive = unchanged,
        receipt: Receipt | None = None,
    ) -> None:
        """Write results.

        The quarantine is shown before the results, and that of an earlier job is removed after them. So where there are
        results but no quarantine, nothing was set aside. The receipt is shown last: where it is, its results are too.

        Args:
            parts: the content of each file: key texts with their values, sorted and unique. Only "mr-out" has several.
            job_id: names the quarantine when results go to standard output, and the job in a database.
            aside: the quarantine entries, a JSON object each; None: there are none.
            confirm: is called when all is written, just before it is shown. If it raises, the earlier output stays.
            keep_alive: passes rows on, and renews the leader lease meanwhile.
            receipt: what the receipt is made of; None: there is no receipt.

        Raises:
            OutputError: the results cannot be written; the earlier output is still there.
        """
        quarantine = quarantine_path(self.output, job_id)
        ordered = [arranged(part, self.sort, self.top, keep_alive=keep_alive) for part in parts]
        with contextlib.ExitStack() as drafts:
            ready: list[Draft] = []
            set_aside: list[Written] = []
            if aside is not None:
                # A file name that is not UTF-8 has lone surrogates, which JSON writes as escapes.
                listed = (f"{entry}\n".encode("utf-8", "backslashreplace") for entry in aside)
                ready.append(_drafted(quarantine, lambda file: file.writelines(listed), set_aside))
                drafts.enter_context(ready[0])
            if self.output != "-":
                written: list[Written] = []
                ready.extend(map(drafts.enter_context, self._drafts(ordered, job_id, keep_alive, written)))
                if receipt is not None:
                    ready.extend(map(drafts.enter_context, self._receipt(receipt, written, set_aside, job_id)))
                confirm()
                for draft in ready:
                    draft.check()
                for draft in ready:
                    draft.show()
            else:

                def before_the_end() -> None:
                    confirm()
                    for draft in ready:
                        draft.show()

                _print(lambda file: writer_of(self.form)(ordered[0], file, before_the_end))
        if aside is None:
            remove_quarantine(quarantine)
        self._remove_earlier(len(parts), receipt, job_id)

    def _receipt(
        self, receipt: Receipt, written: Sequence[Written], set_aside: Sequence[Written], job_id: str
    ) -> Iterable[Draft]:
        """Draft the list of inputs, if the receipt wants one, and the receipt, which is shown after it."""
        listed: list[Written] = []
        if receipt.inputs is not None:
            lines = receipt.inputs()
            yield _drafted(input_list_path(self.output, job_id), partial(write_input_list, lines, job_id), listed)
        path = receipt_path(self.output, job_id)
        text = receipt.text(written, next(iter(set_aside), None), next(iter(listed), None))
        content = text.encode("utf-8", "backslashreplace")
        yield files_at(path).draft(path, lambda file: file.writelines([content]))

    def _drafts(
        self, parts: Sequence[Rows], job_id: str, keep_alive: KeepAlive, written: list[Written]
    ) -> Iterable[Draft]:
        if is_database(self.output):
            from word_counter.outputs.postgres import TableDraft

            yield TableDraft(self.output, parts[0], job_id, keep_alive)
            return
        write = writer_of(self.form)
        if self.form == "parquet":
            write = partial(write, keep_alive=keep_alive)
        many = self.form == "mr-out"
        for number, part in enumerate(parts):
            path = part_path(self.output, number) if many else self.output
            fill: Fill = partial(write, part)
            yield _drafted(path, fill, written)

    def _remove_earlier(self, parts: int, receipt: Receipt | None, job_id: str) -> None:
        """Remove what only an earlier job had: more than so many parts, and a list of inputs."""
        for number, path in parts_at(self.output).items() if self.form == "mr-out" else ():
            if number >= parts:
                with contextlib.suppress(OSError):
                    files_at(path).remove(path)
        if receipt is not None and receipt.inputs is None:
            remove_input_list(input_list_path(self.output, job_id))


def _drafted(path: str, fill: Fill, written: list[Written]) -> Draft:
    """Draft a file, and add its name, size and digest to ``written``."""

    def fill_digested(file: BinaryIO) -> None:
        digested = Digested(file)
        fill(cast("BinaryIO", digested))
        written.append(digested.written(os.path.basename(path)))

    return files_at(path).draft(path, fill_digested)


class _Decoding:
    """Writes bytes to a text file that has replaced standard output."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, content: bytes) -> int:
        self._file.write(content.decode("utf-8", "replace"))
        return len(content)


def _print(write: Callable[[BinaryIO], None]) -> None:
    """Print results. If ``write`` raises, their end is missing, so that no reader takes them for complete."""
    try:
        sys.stdout.flush()
        file: Any = getattr(sys.stdout, "buffer", None) or _Decoding(sys.stdout)
        write(file)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"cannot write to standard output: {error.strerror}; name a file with --output"
        raise OutputError(message) from error
