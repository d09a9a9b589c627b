"""One contract for every kind of input: found, cut from any cursor on, read again, checked, and named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest

import word_counter
from tests import numbered_lines
from tests.numbered_lines import NumberedLines
from tests.packed import PACKERS
from tests.web import web_server
from word_counter import run
from word_counter.errors import InputChangedError, InputError
from word_counter.inputs import kind_table
from word_counter.inputs.base import Cutting, Kind
from word_counter.inputs.chunk_reader import ChunkReader
from word_counter.inputs.chunker import Piece, header_of, reread, split_sources, travels
from word_counter.inputs.input_format import InputFormat
from word_counter.inputs.kind_table import Openings, kind_of
from word_counter.inputs.kinds import stream_file
from word_counter.inputs.kinds.archive_member import ArchiveMember
from word_counter.inputs.kinds.packed_file import PackedFile
from word_counter.inputs.kinds.plain_file import PlainFile
from word_counter.inputs.kinds.stream_file import StreamFile
from word_counter.inputs.kinds.url import Url
from word_counter.inputs.sources import check_sources, find_sources
from word_counter.job.model import Chunk, Cursor, Source
from word_counter.jobs.line_lengths import LineLengths
from word_counter.receipts.verify import verify

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

_LINES = 23
CONTENT = b"".join(b"line,%d\n" % (number + 1) for number in range(_LINES))
CUTTING = Cutting(5)


@dataclass(frozen=True)
class Case:
    """An input that holds :data:`CONTENT`: how it is named, of which kind it is, and how it becomes another one."""

    name: str
    kind: type[Kind]
    change: Callable[[], object]


def _zip(content: bytes) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in.csv", content)
    return made.getvalue()


def _tar(content: bytes) -> bytes:
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        info = tarfile.TarInfo("in.csv")
        info.size = len(content)
        archive.addfile(info, BytesIO(content))
    return made.getvalue()


#: Files by the ends of their names: what makes them of content, and their kind.
_FILES: dict[str, tuple[Callable[[bytes], bytes], type[Kind]]] = {
    "csv": (bytes, PlainFile),
    "gzip": (PACKERS["gzip"], PackedFile),
    "zstd": (PACKERS["zstd"], PackedFile),
    "zip": (_zip, ArchiveMember),
    "tar": (_tar, ArchiveMember),
    "tar.gz": (lambda content: PACKERS["gzip"](_tar(content)), ArchiveMember),
}
#: Those that come from a web server, by the way in which it gives them.
_URLS = {"csv in ranges": ("ranges", "csv"), "csv whole": ("whole", "csv"), "zip in ranges": ("ranges", "zip")}
_URLS = _URLS if find_spec("aiohttp") else {}
KINDS = [*_FILES, *_URLS, "stdin", "packed stdin", "numbers"]


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    name: str = request.param
    with ExitStack() as stack:
        if name in _FILES:
            yield _file(folder, *_FILES[name], name)
        elif name in _URLS:
            way, ending = _URLS[name]
            make, kind = _FILES[ending]
            made = _file(folder, make, kind, ending)
            url = stack.enter_context(web_server(folder))
            yield Case(f"{url}/{way}/in.{ending}", Url if kind is PlainFile else kind, made.change)
        elif name == "numbers":
            monkeypatch.setattr(kind_table, "KINDS", (NumberedLines, *kind_table.KINDS))
            (folder / "count").write_text(str(_LINES))
            yield Case(f"numbers:{folder}/count", NumberedLines, lambda: (folder / "count").write_text("7"))
        else:
            (folder / "in").write_bytes(PACKERS["xz"](CONTENT) if name.startswith("packed") else CONTENT)
            monkeypatch.setattr(stream_file, "_begun", set())
            monkeypatch.setattr(sys, "stdin", stack.enter_context((folder / "in").open("rb")))
            yield Case("-", StreamFile, lambda: None)


def _file(folder: Path, make: Callable[[bytes], bytes], kind: type[Kind], ending: str) -> Case:
    path = folder / f"in.{ending}"
    path.write_bytes(make(CONTENT))

    def change() -> None:
        path.write_bytes(make(CONTENT + b"more\n"))
        os.utime(path, (1, 1))

    return Case(str(path), kind, change)


@pytest.fixture
def source(case: Case) -> Source:
    (found,) = find_sources(case.name)
    return found


def _pieces(source: Source, cutting: Cutting = CUTTING, cursor: Cursor = Cursor()) -> list[Piece]:  # noqa: B008
    return list(split_sources([source], cursor, cutting))


def test_a_name_is_found_by_its_kind_and_tells_people_where_it_is(case: Case, source: Source) -> None:
    assert kind_of(source) is case.kind
    assert source.name == "<stdin>" or source.name.startswith(case.name)
    assert case.kind.place(source, Chunk(1, 0, 5, 10, 3, 2)).startswith(source.name)


@pytest.mark.parametrize("chunk_size", [1, 5, 100])
def test_chunks_follow_each_other_and_can_be_read_unless_they_travel(source: Source, chunk_size: int) -> None:
    pieces = _pieces(source, Cutting(chunk_size))

    line = offset = 0
    contents = []
    with closing(ChunkReader({0: source})) as reader:
        for number, (chunk, _, content) in enumerate(pieces):
            assert (content is not None) == travels(source)
            assert (chunk.id, chunk.offset, chunk.line) == (number, offset, line + 1)
            lines = reader.read(chunk, content)
            assert len(lines) == chunk.lines == min(chunk_size, _LINES - line)
            assert lines.place(0).startswith(f"{source.name}, {kind_of(source).unit.name} {offset}, line {line + 1}: ")
            contents.append(lines.raw)
            offset, line = offset + chunk.length, line + chunk.lines
    assert b"".join(contents) == CONTENT


def test_cutting_goes_on_from_every_cursor_and_any_chunk_is_read_again(case: Case, source: Source) -> None:
    pieces = _pieces(source)

    for number, (chunk, cursor, content) in enumerate(pieces, 1):
        if case.kind.once:
            with pytest.raises(InputError, match="standard input"):
                reread(source, chunk)
            with pytest.raises(InputError, match="standard input"):
                _pieces(source, cursor=cursor)
        else:
            assert _pieces(source, cursor=cursor) == pieces[number:]
            again = reread(source, chunk)
            assert again == content or content is None
            assert again.count(b"\n") == chunk.lines


def test_all_may_travel_or_be_one_chunk_whatever_they_are(case: Case, source: Source) -> None:
    inline = _pieces(source, Cutting(5, inline=True))
    assert b"".join(piece.content or b"" for piece in inline) == CONTENT

    if not case.kind.once:
        (whole,) = _pieces(source, Cutting(5, inline=True, whole_files=True))
        assert whole.content == CONTENT
        assert header_of(source, InputFormat("csv")) == b"line,1\n"


def test_what_is_something_else_by_now_is_noticed_wherever_it_is_opened(case: Case, source: Source) -> None:
    if case.kind.once:
        check_sources([source], all_read=True)
        with pytest.raises(InputError, match="standard input, which cannot be read again"):
            check_sources([source])
        return
    chunk = _pieces(source)[0].chunk
    check_sources([source])

    case.change()

    with pytest.raises(InputChangedError, match="changed while the job was running"):
        check_sources([source])
    with pytest.raises(InputChangedError, match="changed"):
        _pieces(source)
    with pytest.raises(InputChangedError, match="changed"):
        reread(source, chunk)
    with pytest.raises(InputChangedError, match="changed"), closing(Openings()) as openings:
        openings.open(source).check()


def test_a_job_counts_all_of_it_and_its_receipt_holds(case: Case, folder: Path) -> None:
    output = folder / "results.json"

    outcome = run([case.name], LineLengths, engine="inline", output=str(output), chunk_size=4)

    assert outcome.lines == _LINES
    verified = verify(str(output))
    assert verified.faults == []
    assert bool(verified.unchecked) == case.kind.once
    if not case.kind.once:
        case.change()
        assert [fault.what for fault in verify(str(output)).faults]


def test_a_kind_plugs_in_with_one_file_and_one_line_in_the_table(folder: Path) -> None:
    package = folder / "copy" / "word_counter"
    shutil.copytree(Path(word_counter.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(str(numbered_lines.__file__), package / "inputs" / "kinds")
    table = package / "inputs" / "kind_table.py"
    imported = "from word_counter.inputs.kinds.numbered_lines import NumberedLines"
    head = "KINDS: tuple[type[Kind], ...] = (\n"
    table.write_text(table.read_text().replace(head, f"{imported}\n\n{head}    NumberedLines,\n"))
    (folder / "count").write_text("3000")

    args = ("run", f"numbers:{folder}/count", "--job", "line_lengths", "--chunk-size", "100", "--output", "-", "-q")
    ended = subprocess.run(
        [sys.executable, "-m", "word_counter", *args, "--workers", "2"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {"0": 3000}
