"""An S3 server of the tests' own: moto's, in a thread of this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.request import Request, urlopen


@contextmanager
def s3_server() -> Iterator[Mapping[str, str]]:
    """Run a server on a port of its own; yield the environment in which libraries and processes find it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        reset = Request(f"http://{host}:{port}/moto-api/reset", method="POST")
        urlopen(reset, timeout=30).close()  # what one holds, all of this process do
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
    finally:
        server.stop()
