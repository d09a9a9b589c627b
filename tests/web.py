"""A web server of the tests' own, over a folder, whose ways the first part of a path chooses.

``/ranges/a.txt`` is given in ranges, ``/whole/a.txt`` never, ``/unmeasured/a.txt`` without its length, and
``/locked/a.txt`` to nobody. With ``dropping`` every other answer with a file breaks off in its middle.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, *, dropping: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.dropping, self.answers = folder, dropping, 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Site

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        way, _, name = self.path.strip("/").partition("?")[0].partition("/")
        path = self.server.folder / name
        if way == "locked" or not path.exists():
            self.send_error(403 if way == "locked" else 404)
            return
        content, found = self._listing(path) if path.is_dir() else self._part(path, way)
        self.send_response(206 if "Content-Range" in found else 200)
        found |= {"Connection": "close"} if way == "unmeasured" else {"Content-Length": str(len(content))}
        for header, value in found.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[: self._length(path, len(content))])

    def _listing(self, path: Path) -> tuple[bytes, dict[str, str]]:
        names = ["?C=N;O=D", *(each.name + "/" * each.is_dir() for each in sorted(path.iterdir()))]
        return "".join(f'<a href="{each}">{each}</a>\n' for each in names).encode(), {"Content-Type": "text/html"}

    def _part(self, path: Path, way: str) -> tuple[bytes, dict[str, str]]:
        content = path.read_bytes()
        asked = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if way != "ranges" or not asked:
            return content, {}
        start, end = int(asked[1]), min(int(asked[2]), len(content) - 1)
        return content[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{len(content)}"}

    def _length(self, path: Path, length: int) -> int:
        """Return how much of an answer is given."""
        if path.is_file() and self.server.dropping:
            self.server.answers += 1
            if self.server.answers % 2:
                self.close_connection = True
                return length // 2
        return length


@contextmanager
def web_server(folder: Path, *, dropping: bool = False) -> Iterator[str]:
    """Serve a folder on a port of its own; yield the server's URL."""
    server = _Site(folder, dropping=dropping)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
