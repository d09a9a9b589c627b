"""Outputs with real targets: tables of a PostgreSQL server, and stores that fsspec knows."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.postgres import binaries, postgres_server
from tests.s3 import s3_server
from word_counter.errors import OutputError
from word_counter.outputs import postgres
from word_counter.outputs.sink import Sink

needs_postgres = pytest.mark.skipif(binaries() is None, reason="there is no PostgreSQL server here")

# PostgreSQL has no character NUL.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
# Larger floats come back from JSON there as the whole numbers that their digits spell.
_NUMBERS = st.integers(-(2**70), 2**70) | st.floats(-1e15, 1e15)
_NESTED = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)
_ROWS = st.one_of(
    *(st.dictionaries(_TEXT, values, max_size=6) for values in (st.integers(-9, 9), _NUMBERS, _TEXT, _NESTED))
).map(lambda results: sorted(results.items()))


def _refuse() -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres_server() as made:
        yield made


@needs_postgres
class TestATable:
    @pytest.fixture
    def ask(self, url: str) -> Iterator[Callable[..., list[Any]]]:
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

            def answer(statement: str) -> list[Any]:
                cursor = connection.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []

            yield answer

    @pytest.fixture
    def sink(self, url: str, ask: object) -> Sink:
        return Sink(f"{url}&table=words", "postgresql")

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
    @given(rows=_ROWS)
    def test_holds_the_results_whatever_it_held_before(
        self, sink: Sink, ask: Callable[..., list[Any]], rows: list[tuple[str, Any]]
    ) -> None:
        sink.write([iter(rows)], "job")

        assert dict(ask("SELECT key, value FROM words")) == dict(rows)

    @pytest.mark.parametrize(
        ("value", "kind"),
        [(1, "bigint"), (7.592320549250858e16, "double precision"), ("a", "text"), (True, "boolean"), ([1], "jsonb")],
    )
    def test_has_a_column_of_the_type_of_the_values(
        self, sink: Sink, ask: Callable[..., list[Any]], value: object, kind: str
    ) -> None:
        sink.write([[("a", value), ("b", None)]])

        assert ask("SELECT pg_typeof(value)::text, value FROM words ORDER BY key") == [(kind, value), (kind, None)]

    def test_keeps_what_was_there_until_the_new_is_confirmed(self, sink: Sink, ask: Callable[..., list[Any]]) -> None:
        sink.write([[("old", 1)]], "first")
        seen: list[Any] = []

        with pytest.raises(KeyboardInterrupt):
            sink.write([[("new", 2)]], "second", confirm=_refuse)
        assert ask("SELECT * FROM words") == [("old", 1)]
        sink.write([[("new", 2)]], "second", confirm=lambda: seen.extend(ask("SELECT * FROM words")))

        assert seen == [("old", 1)]
        assert ask("SELECT * FROM words") == [("new", 2)]

    def test_tells_whose_results_it_holds(self, sink: Sink) -> None:
        assert not sink.holds("first")
        sink.write([[("a", 1)]], "first")

        assert sink.holds("first")
        assert not sink.holds("second")

    def test_that_is_checked_is_not_made(self, sink: Sink, ask: Callable[..., list[Any]]) -> None:
        sink.check()

        assert ask("SELECT to_regclass('words')") == [(None,)]

    def test_that_is_somebody_elses_is_in_the_way_until_they_say_otherwise(
        self, sink: Sink, ask: Callable[..., list[Any]]
    ) -> None:
        ask("CREATE TABLE words (key text, value int); INSERT INTO words VALUES ('mine', 1)")

        with pytest.raises(OutputError, match=r"is in the way.*COMMENT ON TABLE") as caught:
            sink.check()
        with pytest.raises(OutputError, match="is in the way"):
            sink.write([[("a", 1)]])
        assert ask("SELECT * FROM words") == [("mine", 1)]
        ask(str(caught.value)[str(caught.value).index("COMMENT ON") :])
        sink.write([[("a", "text now")]])

        assert ask("SELECT * FROM words") == [("a", "text now")]

    def test_keeps_the_rights_and_views_that_hang_on_it(self, sink: Sink, ask: Callable[..., list[Any]]) -> None:
        sink.write([[("a", 1)]])
        ask("CREATE VIEW seen AS SELECT * FROM words")

        sink.write([[("b", 2)]])

        assert ask("SELECT * FROM seen") == [("b", 2)]

    def test_that_another_job_writes_is_waited_for_and_the_job_held_on_to(
        self, sink: Sink, ask: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held: list[float] = []
        blocked = threading.Event()

        def keep_alive(rows: Any) -> Iterator[tuple[str, Any]]:
            held.append(time.monotonic())
            if len(held) > 4:
                blocked.set()
            return iter(rows)

        second = threading.Thread(target=lambda: sink.write([[("b", 2)]], "second", keep_alive=keep_alive))

        def confirm() -> None:
            second.start()
            assert blocked.wait(30)

        sink.write([[("a", 1)]], "first", confirm=confirm)
        second.join(30)

        assert ask("SELECT * FROM words") == [("b", 2)]

    def test_that_is_never_free_is_told_of(
        self, sink: Sink, url: str, ask: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "_WAIT_SECONDS", 0.5)

        def confirm() -> None:
            with pytest.raises(OutputError, match="somebody else has been in the middle"):
                sink.write([[("b", 2)]])

        sink.write([[("a", 1)]], confirm=confirm)

    @pytest.mark.parametrize(("query", "said"), [("&table=", "must name a table"), ("&table=no.such", "no")])
    def test_that_cannot_be_is_told_of_in_a_line(self, url: str, query: str, said: str) -> None:
        with pytest.raises(OutputError, match=said) as caught:
            Sink(url + query, "postgresql").check()
        assert "\n" not in str(caught.value)

    def test_cannot_hold_a_nul_and_says_so(self, sink: Sink, ask: Callable[..., list[Any]]) -> None:
        sink.write([[("old", 1)]])

        with pytest.raises(OutputError, match="NUL"):
            sink.write([[("a\0b", 1)]])
        assert ask("SELECT * FROM words") == [("old", 1)]


def test_a_server_that_is_not_there_is_told_of_before_a_job_starts(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")

    with pytest.raises(OutputError, match="cannot write to postgresql"):
        Sink(f"postgresql:///d?host={tmp_path}&table=t", "postgresql").check()


class TestAStore:
    """The store in memory that comes with fsspec: one of s3 is asked for nothing else."""

    @pytest.fixture
    def store(self) -> Iterator[Any]:
        memory = pytest.importorskip("fsspec").filesystem("memory")
        memory.mkdir("/out")
        yield memory
        memory.rm("/out", recursive=True)

    @pytest.mark.parametrize("name", ["r.json", "r.csv", "r.sqlite", "r.parquet"])
    def test_gets_the_bytes_that_a_file_gets(self, store: Any, tmp_path: Path, name: str) -> None:
        form = {"csv": "csv", "sqlite": "sqlite", "parquet": "parquet"}.get(name.partition(".")[2], "json")
        rows = [(f"{n:05d}", n) for n in range(20_000)]

        Sink(str(tmp_path / name), form).write([iter(rows)])
        Sink(f"memory://out/{name}", form).write([iter(rows)])

        assert store.cat(f"/out/{name}") == (tmp_path / name).read_bytes()
        assert store.ls("/out", detail=False) == [f"/out/{name}"]

    def test_keeps_what_was_there_until_the_new_is_confirmed(self, store: Any) -> None:
        sink = Sink("memory://out/r.json")
        sink.write([[("old", 1)]])
        seen: list[bytes] = []

        with pytest.raises(KeyboardInterrupt):
            sink.write([[("new", 2)]], confirm=_refuse)
        assert json.loads(store.cat("/out/r.json")) == {"old": 1}
        sink.write([[("new", 2)]], confirm=lambda: seen.append(store.cat("/out/r.json")))

        assert json.loads(seen[0]) == {"old": 1}
        assert json.loads(store.cat("/out/r.json")) == {"new": 2}
        assert store.ls("/out", detail=False) == ["/out/r.json"]

    def test_has_the_quarantine_beside_the_results(self, store: Any) -> None:
        sink = Sink("memory://out/results.json")
        entry = json.dumps({"file": "f", "offset": 0, "line": 1, "text": "", "reason": "bad"})

        sink.write([[]], aside=[entry])
        assert store.cat("/out/quarantine.jsonl") == f"{entry}\n".encode()
        sink.check()
        sink.write([[]])

        assert store.ls("/out", detail=False) == ["/out/results.json"]

    def test_has_a_part_each_and_no_more_than_there_are(self, store: Any) -> None:
        sink = Sink("memory://out/mr-out-*", "mr-out")
        sink.write([[("a", 1)], [("b", 2)], []])
        assert sink.holds("", 3)
        assert not sink.holds("", 4)

        sink.write([[("a", 3)]])

        assert {path: store.cat(path) for path in store.ls("/out", detail=False)} == {"/out/mr-out-0": b"a 3\n"}

    def test_that_is_checked_holds_nothing_afterwards(self, store: Any) -> None:
        Sink("memory://out/r.json").check()

        assert store.ls("/out", detail=False) == []

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("memory://out", "is a folder"),
            ("memory://out/", "names a folder"),
            ("nosuch://b/r.json", "nosuch"),
            ("http://localhost:1/r.json", "."),
        ],
    )
    def test_that_cannot_be_is_told_of_in_a_line(self, store: Any, url: str, said: str) -> None:
        with pytest.raises(OutputError, match=said):
            Sink(url).check()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    s3fs = pytest.importorskip("s3fs")
    pytest.importorskip("moto")
    with s3_server() as environ:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()  # one remembers its server
        store = s3fs.S3FileSystem()
        store.mkdir("bucket")
        yield store
        s3fs.S3FileSystem.clear_instance_cache()


def test_an_object_of_s3_stays_until_the_new_one_is_confirmed(bucket: Any) -> None:
    sink = Sink("s3://bucket/new/results.json")
    many = {f"{n:06d}": n for n in range(20_000)}

    def there() -> dict[str, Any]:
        bucket.invalidate_cache()
        assert bucket.find("bucket") == ["bucket/new/results.json"]
        return dict(json.loads(bucket.cat("bucket/new/results.json")))

    sink.check()
    assert bucket.find("bucket") == []
    sink.write([[("old", 1)]])
    with pytest.raises(KeyboardInterrupt):
        sink.write([iter(many.items())], confirm=_refuse)
    assert there() == {"old": 1}
    sink.write([iter(many.items())])

    assert there() == many
    with pytest.raises(OutputError, match="does not exist"):
        Sink("s3://nowhere/results.json").check()
