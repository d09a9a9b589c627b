"""The proxy of the storm, before a server that sends back what it gets."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import Proxy
from tests.processes import eventually


class _Echo(socketserver.ThreadingTCPServer):
    """Sends back every block, and keeps in ``heard`` what has come in."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.heard = bytearray()
        super().__init__(("127.0.0.1", 0), _EchoOne)


class _EchoOne(socketserver.BaseRequestHandler):
    server: _Echo

    def handle(self) -> None:
        try:
            while block := self.request.recv(65536):
                self.server.heard += block
                self.request.sendall(block)
        except ConnectionError:
            pass


@pytest.fixture
def echo() -> Iterator[_Echo]:
    with _Echo() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: _Echo) -> Iterator[Proxy]:
    with Proxy(echo.server_address[1]) as running:
        yield running


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with _connected(proxy) as connection:
        yield connection


def _connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def _asked(client: socket.socket, question: bytes = b"question") -> bytes:
    client.sendall(question)
    return client.recv(100)


def test_what_is_said_comes_through(client: socket.socket) -> None:
    assert _asked(client) == b"question"


def test_a_dropped_connection_ends_in_good_order(proxy: Proxy, client: socket.socket) -> None:
    _asked(client)

    proxy.drop()

    assert client.recv(1) == b""
    with _connected(proxy) as another:
        assert _asked(another) == b"question"


def test_a_reset_connection_breaks_off(proxy: Proxy, client: socket.socket) -> None:
    _asked(client)

    proxy.reset()

    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_a_stalled_connection_goes_on_when_it_is_healed(proxy: Proxy, client: socket.socket) -> None:
    proxy.stall()
    client.settimeout(0.2)

    with pytest.raises(TimeoutError):
        _asked(client)

    proxy.heal()
    client.settimeout(5)
    assert client.recv(100) == b"question"


def test_refused_connections_are_let_in_again_on_the_same_port(proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        _connected(proxy)

    proxy.heal()

    with _connected(proxy) as client:
        assert _asked(client) == b"question"


def test_a_swallowed_answer_is_to_a_request_that_came_through(proxy: Proxy, client: socket.socket, echo: _Echo) -> None:
    proxy.swallow()

    with pytest.raises(ConnectionResetError):
        _asked(client)

    assert echo.heard == b"question"


def test_the_answer_to_one_request_is_lost(proxy: Proxy, client: socket.socket) -> None:
    proxy.lose_answer_to(b"second")

    assert _asked(client, b"first") == b"first"
    assert not proxy.has_lost
    with pytest.raises(ConnectionResetError):
        _asked(client, b"the second")

    assert proxy.has_lost
    with _connected(proxy) as another:
        assert _asked(another, b"second") == b"second"


def test_half_of_a_cut_request_comes_through(proxy: Proxy, client: socket.socket, echo: _Echo) -> None:
    proxy.cut()

    with pytest.raises(ConnectionResetError):
        _asked(client)

    eventually(lambda: echo.heard == b"ques")


def test_a_server_that_is_gone_ends_the_connection(proxy: Proxy, echo: _Echo) -> None:
    echo.shutdown()
    echo.server_close()

    with _connected(proxy) as client:
        assert client.recv(1) == b""
