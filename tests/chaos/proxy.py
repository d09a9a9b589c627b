"""A TCP proxy between the commands and the server, which fails as networks do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

_HOST = "127.0.0.1"
_BLOCK = 65_536
#: How long the proxy may take to do what it is told, in seconds.
_TOLD_SECONDS = 10.0


class _Link:
    """One connection: from a command to us, and from us to the server."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._writers = (client, server)
        self.doomed = False  #: whether it is to break off in place of the next answer

    def drop(self) -> None:
        """Close both ends in good order."""
        for writer in self._writers:
            writer.close()

    def reset(self) -> None:
        """Break both ends off: who reads or writes gets ECONNRESET."""
        for writer in self._writers:
            held: socket.socket | None = writer.get_extra_info("socket")
            if held is not None:
                with contextlib.suppress(OSError):
                    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Proxy:
    """Forwards what comes in on ``port`` to a server's port, in a thread of its own. A context manager.

    Every fault stays until :meth:`heal`, but for :meth:`drop` and :meth:`reset`, which are over at once.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._swallowing = False
        self._cutting = False
        self._losing = b""
        self._delay_seconds = 0.0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._tell(self._open())
        return self

    # -- what can be done to connections ---------------------------------------------------------------

    def drop(self) -> None:
        """Close every connection in good order."""
        self._tell(self._to_all(_Link.drop))

    def reset(self) -> None:
        """Break every connection off."""
        self._tell(self._to_all(_Link.reset))

    def stall(self) -> None:
        """Let nothing through, and keep connections open."""
        self._tell(self._stall())

    def refuse(self) -> None:
        """Break every connection off, and refuse new ones."""
        self._tell(self._refuse())

    def swallow(self) -> None:
        """Let requests through and break the connection off in place of the answer: it was done, but who knows."""
        self._swallowing = True

    def lose_answer_to(self, text: bytes) -> None:
        """Break the connection off in place of the answer to the next request that holds this text, and only then."""
        self._losing = text

    @property
    def has_lost(self) -> bool:
        """Whether there was such a request."""
        return not self._losing

    def cut(self) -> None:
        """Let half of the next request through, and break the connection off."""
        self._cutting = True

    def slow(self, seconds: float) -> None:
        """Hold up every block for so long."""
        self._delay_seconds = seconds

    def heal(self) -> None:
        """Be a good proxy again."""
        self._swallowing = self._cutting = False
        self._losing = b""
        self._delay_seconds = 0.0
        self._tell(self._heal())

    # -- in the proxy's thread ---------------------------------------------------------------------------

    def _tell(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(_TOLD_SECONDS)

    async def _open(self) -> None:
        self._flowing = asyncio.Event()
        self._flowing.set()
        await self._listen()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, _HOST, self.port, reuse_address=True)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _to_all(self, do: Callable[[_Link], None]) -> None:
        for link in list(self._links):
            do(link)

    async def _stall(self) -> None:
        self._flowing.clear()

    async def _refuse(self) -> None:
        self._listener.close()
        await self._to_all(_Link.reset)

    async def _heal(self) -> None:
        self._flowing.set()
        if not self._listener.is_serving():
            await self._listen()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(_HOST, self._server_port)
        except OSError:
            writer.close()
            return
        link = _Link(writer, server_writer)
        self._links.add(link)
        forth = asyncio.ensure_future(self._pump(reader, server_writer, link, is_request=True))
        back = asyncio.ensure_future(self._pump(server_reader, writer, link, is_request=False))
        self._tasks |= {forth, back}
        try:
            await asyncio.wait({forth, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (forth, back):
                task.cancel()
            self._tasks -= {forth, back}
            self._links.discard(link)
            link.drop()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link, *, is_request: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(_BLOCK):
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                await self._flowing.wait()
                if is_request and self._losing and self._losing in block:
                    self._losing = b""
                    link.doomed = True
                if is_request and self._cutting:
                    writer.write(block[: len(block) // 2])
                    await writer.drain()
                    link.reset()
                    return
                if not is_request and (self._swallowing or link.doomed):
                    link.reset()
                    return
                writer.write(block)
                await writer.drain()

    async def _close(self) -> None:
        self._listener.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await self._to_all(_Link.reset)
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_TOLD_SECONDS)
        self._loop.close()
