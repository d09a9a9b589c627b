"""Redis over TLS, and under Redis users that have only the rights that they need."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme

from tests.oracle import count_words, results_bytes
from tests.processes import ROOT, Ended, eventually, started, word_counter
from word_counter.errors import StoreUnavailableError
from word_counter.local_cluster.embedded_redis import EmbeddedRedis, find_program
from word_counter.queue.batch_queue import queue_name

TEXT = b"secure the line\nthe line is secure\n" * 50
SECRET = "of master and worker"


def start_server(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(options, cwd=folder, stdout=log, stderr=subprocess.STDOUT)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- TLS --------------------------------------------------------------------------------------------


class Certificates:
    """A CA, what it issued to server and client, and a CA that nobody knows; files in a folder."""

    def __init__(self, folder: Path) -> None:
        ca, stranger = trustme.CA(), trustme.CA()
        self.folder = folder
        self.ca, self.stranger = self._file("ca.pem"), self._file("stranger.pem")
        ca.cert_pem.write_to_path(self.ca)
        stranger.cert_pem.write_to_path(self.stranger)
        self.server, self.server_key = self._issue(ca, "server", "localhost", "127.0.0.1")
        self.client, self.client_key = self._issue(ca, "client", "worker@example.org")
        self.forged, self.forged_key = self._issue(stranger, "forged", "worker@example.org")

    def _file(self, name: str) -> str:
        return str(self.folder / name)

    def _issue(self, ca: trustme.CA, name: str, *identities: str) -> tuple[str, str]:
        issued = ca.issue_cert(*identities)
        issued.cert_chain_pems[0].write_to_path(self._file(f"{name}.pem"))
        issued.private_key_pem.write_to_path(self._file(f"{name}.key"))
        return self._file(f"{name}.pem"), self._file(f"{name}.key")


class TlsFront:
    """Ends TLS in front of a server that has none of its own, as stunnel does; clients must have a certificate."""

    def __init__(self, certificates: Certificates, socket_path: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates.server, certificates.server_key)
        self._context.load_verify_locations(certificates.ca)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._socket_path = str(socket_path)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.socket(socket.AF_UNIX) as server:
            encrypted = self._context.wrap_socket(client, server_side=True)
            server.connect(self._socket_path)
            back = threading.Thread(target=_pump, args=(server, encrypted), daemon=True)
            back.start()
            _pump(encrypted, server)
            back.join()
            encrypted.close()

    def close(self) -> None:
        self._listener.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def tls_program() -> str | None:
    """Return a server program that was built with TLS, or None."""
    for name in ("redis-server", "valkey-server"):
        program = shutil.which(name)
        if program is not None:
            tried = subprocess.run(
                [program, "--port", "0", "--tls-port", "1"], capture_output=True, text=True, timeout=10, check=False
            )
            if "No tls-cert-file configured" in tried.stdout:
                return program
    return None


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", params=["by the server", "in front of it"])
def tls_port(
    request: pytest.FixtureRequest, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a server that speaks TLS alone, and with none but holders of our certificates."""
    if request.param == "in front of it":
        with EmbeddedRedis() as server:
            front = TlsFront(certificates, server.socket_path)
            yield front.port
            front.close()
        return
    program = tls_program()
    if program is None:
        pytest.skip("neither redis-server nor valkey-server on PATH was built with TLS (apt install redis-server is)")
    port, c = free_port(), certificates
    options = {
        "--bind": "127.0.0.1",
        "--port": "0",
        "--tls-port": str(port),
        "--tls-cert-file": c.server,
        "--tls-key-file": c.server_key,
        "--tls-ca-cert-file": c.ca,
        "--tls-auth-clients": "yes",
        "--save": "",
    }
    server_process = start_server(
        tmp_path_factory.mktemp("tls"), program, *(text for option in options.items() for text in option)
    )
    eventually(lambda: _listens(port))
    yield port
    server_process.terminate()
    server_process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def count_over(url: str, folder: Path, *options: str) -> Ended:
    (folder / "text.txt").write_bytes(TEXT)
    args = ["run", "text.txt", "--workers", "1", "-q", *options]
    return word_counter(*args, folder=folder, env={"REDIS_URL": url})


def test_a_whole_job_runs_over_tls_with_a_client_certificate(
    tls_port: int, certificates: Certificates, folder: Path
) -> None:
    c = certificates
    options = f"ssl_ca_certs={c.ca}&ssl_certfile={c.client}&ssl_keyfile={c.client_key}"
    for host in ("localhost", "127.0.0.1"):
        ended = count_over(f"rediss://{host}:{tls_port}/0?{options}", folder)
        assert (ended.code, ended.err) == (0, "")
        assert (folder / "output" / "results.json").read_bytes() == results_bytes(count_words(TEXT))


@pytest.mark.parametrize("fault", ["no certificate", "forged certificate", "unknown ca", "no tls", "no such file"])
def test_without_the_right_certificates_nothing_runs_and_one_line_says_so(
    tls_port: int, certificates: Certificates, folder: Path, fault: str
) -> None:
    c = certificates
    server, client = f"ssl_ca_certs={c.ca}", f"ssl_certfile={c.client}&ssl_keyfile={c.client_key}"
    url = {
        "no certificate": f"rediss://localhost:{tls_port}/0?{server}",
        "forged certificate": f"rediss://localhost:{tls_port}/0?{server}&ssl_certfile={c.forged}"
        f"&ssl_keyfile={c.forged_key}",
        "unknown ca": f"rediss://localhost:{tls_port}/0?ssl_ca_certs={c.stranger}&{client}",
        "no tls": f"redis://localhost:{tls_port}/0",
        "no such file": f"rediss://localhost:{tls_port}/0?ssl_ca_certs=/no/such/ca.pem&{client}",
    }[fault]
    ended = count_over(url, folder)
    assert ended.code == StoreUnavailableError.exit_code
    assert "Traceback" not in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not (folder / "output" / "results.json").exists()


# -- users ------------------------------------------------------------------------------------------


class Guarded:
    """A server under docs/redis-acl.conf."""

    def __init__(self, folder: Path) -> None:
        self.socket_path = folder / "redis.sock"
        text = (ROOT / "docs" / "redis-acl.conf").read_text()
        self.passwords = {name.lower(): f"pw-{name.lower()}-0f3a" for name in re.findall(r"CHANGE-ME-(\w+)", text)}
        (folder / "acl.conf").write_text(re.sub(r"CHANGE-ME-(\w+)", lambda m: self.passwords[m[1].lower()], text))
        conf = f'include {folder}/acl.conf\nport 0\nunixsocket {self.socket_path}\nsave ""\n'
        (folder / "redis.conf").write_text(conf)
        self.process = start_server(folder, find_program(), str(folder / "redis.conf"))
        eventually(self.socket_path.exists)

    def url(self, user: str) -> str:
        return f"unix://{user}:{self.passwords[user]}@{self.socket_path}"

    def client(self, user: str) -> Any:
        return redis.Redis.from_url(self.url(user))

    def env(self, user: str) -> dict[str, str]:
        return {"REDIS_URL": self.url(user), "WORD_COUNTER_SECRET": SECRET}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    with EmbeddedRedis() as neighbour:  # its folder is short enough for a socket's path, and only ours
        folder = neighbour.socket_path.parent / "acl"
        folder.mkdir()
        made = Guarded(folder)
        yield made
        made.process.terminate()
        made.process.wait()


def test_each_role_can_do_all_that_it_needs(guarded: Guarded, folder: Path) -> None:
    # Given a worker and a master who are no more than that
    (folder / "text.txt").write_bytes(TEXT)
    (folder / "boom.txt").write_bytes(b"fine\nboom\n")
    guarded.client("admin").acl_log_reset()  # of what other tests were refused, which may have run before this one
    with started("worker", "--allow", "tests", "-v", folder=folder, env=guarded.env("worker")) as worker:
        run = ["master", "text.txt", "--job-id", "good", "-q", "--chunk-size", "5"]
        # When jobs are run that end well, with records set aside, and badly
        good = word_counter(*run, folder=folder, env=guarded.env("master"))
        bad = word_counter(
            *("master", "boom.txt", "--job", "tests.jobs:Failing", "--job-id", "bad", "-q"),
            folder=folder,
            env={**guarded.env("master"), "WORD_COUNTER_MAX_ATTEMPTS": "2"},
        )
        aside = word_counter(
            *("master", "boom.txt", "--job", "tests.jobs:Failing", "--job-id", "aside", "-q", "--output", "aside.json"),
            folder=folder,
            env={**guarded.env("master"), "WORD_COUNTER_MAX_BAD_RECORDS": "1"},
        )
        guarded.client("admin").hset("rq:job:evil", "data", "junk")
        guarded.client("admin").rpush(f"rq:queue:{queue_name(SECRET)}", "evil")
        eventually(lambda: guarded.client("admin").xlen("wc:refused"))
        looked = {
            command: word_counter(*command.split(), folder=folder, env=guarded.env("viewer"))
            for command in ("jobs", "status good", "inspect bad", "inspect good --chunk 0", "workers --json")
        }
    # Then they end as they should
    assert (good.code, good.err) == (0, "")
    assert (folder / "output" / "results.json").read_bytes() == results_bytes(count_words(TEXT))
    assert bad.code == 1
    assert "cannot digest boom" in bad.err
    assert (folder / "aside.json").read_text() == '{\n  "fine": 1\n}\n', aside.err
    # and so do those who look
    assert {command: (ended.code, ended.err) for command, ended in looked.items()} == dict.fromkeys(looked, (0, ""))
    # and a job can be purged by a master
    purged = word_counter("purge", "bad", folder=folder, env=guarded.env("master"))
    assert (purged.code, purged.err) == (0, "")
    # and nobody was refused anything
    assert "NOPERM" not in worker.err
    assert [entry for entry in guarded.client("admin").acl_log() if entry["username"] != "nobody"] == []


QUEUE = f"rq:queue:{queue_name(SECRET)}"


@pytest.mark.parametrize(
    ("user", "command"),
    [
        *(
            (user, command)
            for user in ("master", "worker", "viewer")
            for command in (
                "FLUSHALL",
                "FLUSHDB",
                "CONFIG GET requirepass",
                "CONFIG SET dir /tmp",
                "ACL SETUSER worker allcommands",
                "SHUTDOWN NOSAVE",
                "KEYS *",
                "MONITOR",
                "REPLICAOF localhost 1",
                "MODULE LIST",
                "SAVE",
                "FUNCTION LIST",
                "PUBLISH rq:pubsub:x y",
                "SUBSCRIBE rq:pubsub:x",
                "CLIENT KILL TYPE normal",
                "SET somebody_s key",
                "GET somebody_s",
                "HGETALL somebody_s",
                "DEL somebody_s",
            )
        ),
        ("worker", f"RPUSH {QUEUE} evil"),
        ("worker", f"LRANGE {QUEUE} 0 -1"),
        ("worker", "HSET wc:{good}:sources 0 x"),
        ("worker", "HGETALL wc:{good}:sources"),
        ("worker", "HSET wc:{good}:chunks 0 x"),
        ("worker", "ZADD wc:jobs 1 x"),
        ("worker", f"EVAL return(redis.call('RPUSH',KEYS[1],'evil')) 1 {QUEUE}"),
        ("master", f"BLMOVE {QUEUE} {QUEUE}:intermediate LEFT RIGHT 1"),
        ("master", "HSET wc:worker:x processes 5"),
        ("master", "ZADD wc:workers 1 x"),
        ("master", "HSET rq:worker:x a b"),
        ("master", "DEL wc:refused"),
        ("viewer", "HSET wc:{good}:job state done"),
        ("viewer", "DEL wc:{good}:job"),
        ("viewer", "EXPIRE wc:{good}:job 1"),
        ("viewer", "EVAL return(1) 0"),
        ("viewer", f"RPUSH {QUEUE} evil"),
        ("viewer", "XADD wc:refused * a b"),
    ],
)
def test_no_role_can_do_what_it_does_not_need(guarded: Guarded, user: str, command: str) -> None:
    with pytest.raises(redis.ResponseError, match=r"(?i)permission|NOPERM"):
        guarded.client(user).execute_command(*command.split())


def test_a_run_with_workers_of_its_own_needs_the_rights_of_both(guarded: Guarded, folder: Path) -> None:
    text = (guarded.socket_path.parent / "acl.conf").read_text()
    users = [line for line in text.splitlines() if line.startswith(("user master", "user worker"))]
    rules = " ".join(line.split(maxsplit=4)[4] for line in users)
    selector = rules[rules.index("(") : rules.index(")") + 1]
    plain = rules.replace(selector, "").split()
    guarded.passwords["both"] = "pw-both-0f3a"
    guarded.client("admin").execute_command("ACL", "SETUSER", "both", "on", ">pw-both-0f3a", *plain, selector)
    (folder / "text.txt").write_bytes(TEXT)
    ended = word_counter("run", "text.txt", "--workers", "1", "-q", folder=folder, env=guarded.env("both"))
    assert (ended.code, ended.err) == (0, "")
    guarded.client("admin").acl_deluser("both")


def test_without_a_user_no_command_runs_and_the_error_shows_no_password(guarded: Guarded, folder: Path) -> None:
    (folder / "text.txt").write_bytes(TEXT)
    for login in ("", "master:wrong-pw@", ":wrong-pw@"):
        ended = word_counter(
            "master", "text.txt", folder=folder, env={"REDIS_URL": f"unix://{login}{guarded.socket_path}"}
        )
        assert ended.code == StoreUnavailableError.exit_code
        assert "wrong-pw" not in ended.err
        assert len(ended.err.splitlines()) == 1


def test_a_worker_whose_user_may_too_little_says_so(guarded: Guarded, folder: Path) -> None:
    ended = word_counter("worker", "--burst", folder=folder, env=guarded.env("viewer"))
    assert ended.code == StoreUnavailableError.exit_code
    assert "Traceback" not in ended.err
    assert "permission" in ended.err
