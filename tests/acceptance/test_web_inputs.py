"""Inputs on web servers, with and without range requests, while connections drop."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.oracle import count_words, results_bytes
from tests.packed import PACKERS
from tests.processes import word_counter
from tests.web import web_server
from word_counter import run
from word_counter.errors import InputChangedError, InputError
from word_counter.files.remote_reader import open_url
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.inputs.sources import find_sources
from word_counter.job.model import Chunk, Source
from word_counter.receipts.verify import verify
from word_counter.word_count import WordCount

pytest.importorskip("aiohttp", reason="the web is read by aiohttp: pip install 'word-counter-mapreduce[http]'")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

_TEXT = b"".join(b"%d of some words\n" % (n * n) for n in range(2_000))


@pytest.fixture
def site(folder: Path) -> Path:
    made = folder / "site"
    (made / "deep").mkdir(parents=True)
    (made / "a.txt").write_bytes(_TEXT)
    (made / "deep" / "b.txt.gz").write_bytes(PACKERS["gzip"](_TEXT))
    (made / "deep" / "c.csv").write_bytes(b"left out\n")
    return made


@pytest.mark.parametrize("way", ["ranges", "whole"])
def test_a_site_is_read_exactly_though_connections_drop_and_verified_later(
    folder: Path, site: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("word_counter.files.remote_reader._PAUSES_SECONDS", (0.0,) * 4)
    with web_server(site, dropping=True) as url:
        names = [f"{url}/{way}/", f"{url}/{way}/deep/*.gz", f"{url}/{way}/a.txt?of=it"]
        run(names, WordCount, engine="inline", output=str(folder / "r.json"), chunk_size=100, exclude=["*.csv"])
        found = verify(str(folder / "r.json"))

    assert (folder / "r.json").read_bytes() == results_bytes(count_words(_TEXT * 4))
    assert found.holds
    assert found.inputs == 4


@pytest.mark.parametrize("way", ["ranges", "whole"])
def test_workers_get_what_a_web_server_gives(folder: Path, site: Path, way: str) -> None:
    with web_server(site) as url:
        args = ["run", f"{url}/{way}/a.txt?of=it", "--workers", "1", "--chunk-size", "500", "--output", "r.json"]
        ended = word_counter(*args, folder=folder)

    assert ended.code == 0, ended.err
    assert (folder / "r.json").read_bytes() == results_bytes(count_words(_TEXT))
    (listed,) = json.loads((folder / "r.json.receipt.json").read_text())["inputs"]
    assert listed["packing"] == ("" if way == "ranges" else "whole")


def test_a_file_that_comes_as_a_whole_can_be_sought_in(site: Path) -> None:
    with web_server(site) as url, open_url(f"{url}/whole/a.txt") as file:
        for offset in (10_000, 500, len(_TEXT) - 5, len(_TEXT)):
            file.seek(offset)
            assert file.read(700) == _TEXT[offset:][:700]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("/ranges/nothing.txt", "no file matches"),
        ("/ranges/*.log", "no file matches"),
        ("/locked/a.txt", r"403.*\(the credentials have to be"),
        ("/unmeasured/a.txt", "does not say how long it is"),
    ],
)
def test_what_a_web_server_does_not_give_is_said_at_once(site: Path, name: str, says: str) -> None:
    with web_server(site) as url, pytest.raises(InputError, match=says):
        find_sources(url + name)


def test_a_worker_without_the_credentials_says_so_and_that_the_master_may_read(site: Path) -> None:
    says = r"this worker cannot read .*403.*\(the credentials have to be .*; or run with --transport inline"
    with web_server(site) as url, pytest.raises(InputError, match=says):
        ChunkReader({0: Source(f"{url}/locked/a.txt", 4, 0)}).read(Chunk(0, 0, 0, 4, 1, 1))


def test_a_web_server_that_does_not_answer_is_no_missing_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("word_counter.files.remote_reader._PAUSES_SECONDS", (0.0,) * 2)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and nobody listens
        for name in ("a.txt", "*.txt"):
            with pytest.raises(InputError, match=r"Cannot connect.*asked 3 times"):
                find_sources(f"http://127.0.0.1:{nobody.getsockname()[1]}/{name}")


def test_a_file_of_the_web_that_changes_while_it_is_read_is_noticed(site: Path) -> None:
    from word_counter.inputs.kind_table import Openings

    with web_server(site) as url:
        (source,) = find_sources(f"{url}/whole/a.txt")
        (site / "a.txt").write_bytes(_TEXT + b"more\n")
        with pytest.raises(InputChangedError), Openings().opened(source):
            pass
