"""The feed: the input of a job, cut into pieces ahead of the master in a thread of its own.

Unpacking takes its time and standard input may keep silent for hours; the master has to look after its job meanwhile.
The thread stops reading when so much is cut that was not taken yet, so that memory stays bounded.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from word_counter.inputs.base import Cutting, Opened
from word_counter.inputs.chunker import Piece, split_sources
from word_counter.job.model import Cursor, Source
from word_counter.settings.memory import keep_what_is_freed

#: How much may be cut ahead, in bytes that travel and in pieces.
_AHEAD_BYTES = 32 * 1024 * 1024
_AHEAD_PIECES = 10_000


class Prefetch:
    """Pieces of the input from a cursor on.

    ``say`` gets a line when a stream turns out to look like no text, from whoever takes the pieces.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        cursor: Cursor,
        cutting: Cutting,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._before = sum(source.size for source in sources[: cursor.source]) + cursor.offset
        self._size = sum(source.size for source in sources[cursor.source :])  # as they lie there
        self._splitting: Iterator[Piece] = split_sources(sources, cursor, cutting, opened=self._note, say=self._hear)
        self._say = say
        self._heard: list[str] = []
        self._stream: Opened | None = None  # that is being read
        self._read = 0  # bytes of all that was read before, as they lie there
        self._changed = threading.Condition()
        self._pieces: deque[Piece] = deque()
        self._held = 0  # bytes of those
        self._cut = 0  # bytes of all there were so far
        self._taken_pieces = self._taken_content = 0
        self._error: BaseException | None = None
        self._ended = False
        self._closed = False
        keep_what_is_freed()
        threading.Thread(target=self._read_on, name="prefetch", daemon=True).start()

    def take(self, pieces: int, most_bytes: int, wait_seconds: float) -> list[Piece]:
        """Return the next pieces: as many as there are by now, up to so many and so many bytes, or one larger one.

        Waits for the first one; without any when time is up.

        Raises:
            InputError: a source cannot be read; what was cut before was returned before.
            InputChangedError: a source is not as it was when the job was made.
        """
        deadline = time.monotonic() + wait_seconds
        taken: list[Piece] = []
        size = 0
        with self._changed:
            while not self._pieces and not self._ended and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            while self._pieces and len(taken) < pieces:
                length = len(self._pieces[0].content or b"")
                if taken and size + length > most_bytes:
                    break
                size += length
                taken.append(self._pieces.popleft())
            self._held -= size
            self._taken_pieces += len(taken)
            self._taken_content += size
            heard, self._heard = self._heard, []
            self._changed.notify_all()
        for line in heard:
            self._say(line)
        if not taken and self._error is not None:
            raise self._error
        return taken

    @property
    def ended(self) -> bool:
        """Whether all pieces were taken."""
        with self._changed:
            return self._ended and not self._pieces and self._error is None

    @property
    def mean_bytes(self) -> int:
        """How many bytes a chunk travels with, on average so far."""
        return self._taken_content // max(1, self._taken_pieces)

    @property
    def input_bytes(self) -> int:
        """How many bytes the input has, unpacked; of what is still to be unpacked an estimate."""
        with self._changed:
            if self._ended:
                return self._before + self._cut
            read = self._read + (self._stream.read_bytes if self._stream is not None else 0)
            left = (self._size - read) * (self._cut / read if read else 1.0)
            return self._before + self._cut + max(0, int(left))

    def close(self) -> None:
        """Stop reading; what was not taken is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _note(self, stream: Opened) -> None:
        with self._changed:
            if self._stream is not None:
                self._read += self._stream.read_bytes
            self._stream = stream

    def _hear(self, line: str) -> None:
        with self._changed:
            self._heard.append(line)

    def _read_on(self) -> None:
        try:
            for piece in self._splitting:
                with self._changed:
                    while not self._closed and (self._held >= _AHEAD_BYTES or len(self._pieces) >= _AHEAD_PIECES):
                        self._changed.wait()
                    if self._closed:
                        return
                    self._pieces.append(piece)
                    self._held += len(piece.content or b"")
                    self._cut += piece.chunk.length
                    if piece.content is None:  # no stream tells of a file that workers read themselves
                        self._read += piece.chunk.length
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 (whoever takes is told, in the order of things)
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
