"""Pieces: a line of a container that is longer than its keeper's buffer is kept as several, and none of them is one.

How a keeper says that the line goes on: Kubernetes by the tag ``P`` in place of ``F``, which others pass on as a field;
Docker by no line break at the end of ``log``, and to its other drivers by fields of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

from word_counter.logs.record import Unreadable

_GOES_ON = "the line of the container goes on in the next one of its stream ({}), so this is a piece and no record"
_REST = "this is the rest of a line of the container that an earlier one of its stream begins, so it is no record"
#: The fields in which the tags of Kubernetes are passed on.
_TAGS = ("logtag", "_p")
#: The fields that tell the streams of several containers apart, where they are passed on into one file.
_STREAMS = ("stream", "kubernetes.pod_name", "kubernetes.container_name", "kubernetes.docker_id", "container_id")
#: The fields that Docker gives to each piece, with its drivers for Fluentd and journald.
_MARKS = ("partial_message", "CONTAINER_PARTIAL_MESSAGE", "CONTAINER_PARTIAL_ID")


class Pieces:
    """Knows, of the lines of one chunk in their order, which streams have a line that is not at its end."""

    def __init__(self) -> None:
        self._open: set[str] = set()

    def refuse(self, stream: str, mark: str) -> None:
        """Raise Unreadable when a line of a stream is a piece; ``mark`` says how one tells that it goes on; "": not."""
        if mark:
            self._open.add(stream)
            raise Unreadable(_GOES_ON.format(mark))
        if stream in self._open:
            self._open.remove(stream)
            raise Unreadable(_REST)

    def refuse_fields(self, fields: Mapping[str, str]) -> None:
        """Raise Unreadable when the fields of a JSON line say that it is a piece."""
        marked = next((name for name in _MARKS if fields.get(name, "false") != "false"), "")
        if marked:
            message = f"its {marked} says that this is a piece of a line of the container, and no record"
            raise Unreadable(message)
        tag = next((name for name in _TAGS if fields.get(name) in {"F", "P"}), "")
        if tag:
            stream = " ".join(fields.get(name, "") for name in _STREAMS)
            self.refuse(stream, f"{tag} P" if fields[tag] == "P" else "")
        elif _of_docker(fields):
            unbroken = "" if fields["log"].endswith("\n") else "its log has no line break at its end"
            self.refuse(fields["stream"], unbroken)


def _of_docker(fields: Mapping[str, str]) -> bool:
    """Return whether Docker itself wrote a line: who passes one on adds fields, and may leave out the line break."""
    if "log" not in fields or "stream" not in fields or "time" not in fields:
        return False
    return all(name in {"log", "stream", "time"} or name.startswith("attrs.") for name in fields)
