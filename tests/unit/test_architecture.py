"""The architecture: imports go one way, and some things are done in one place only or nowhere."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import word_counter
from tests.rooms import FEWEST, MOST, PARTS, UNLIMITED, House, against_the_order, circles, of_rooms
from word_counter.job.model import Stage
from word_counter.store.keys import JobKeys

_PACKAGE = Path(word_counter.__file__).parent
_FILES = {
    ".".join(path.relative_to(_PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(_PACKAGE.rglob("*.py"))
}
_SCRIPTS = sorted((_PACKAGE / "store" / "lua").glob("*.lua"))

_HOUSE = House.of(_PACKAGE)
#: Rooms whose names users import from the room itself.
_PUBLIC_ROOMS = {"jobs", "logs", "mrjob"}
#: What decides, computes, reads and writes does so without Redis, as do the inline engine and commands that need none.
_WITHOUT_REDIS = [
    "master.scheduler",
    "job.snapshot",
    "compute.stages",
    "compute.merge",
    "shuffle.partitioning",
    "inputs.line_splitter",
    "inputs.sources",
    "inputs.prefetch",
    "inputs.chunk_reader",
    "outputs.sink",
    "outputs.read_back",
    "shuffle.run_files",
    "shuffle.orphan_cleanup",
    "worker.incremental_cache",
    "job.job_spec",
    "receipts.receipt",
    "engines.inline",
    "receipts.verify",
    "check.isolated_check",
]
#: The package itself hands names on to users, and is no part of the flow; ``__main__`` starts the commands.
_OUTSIDE = {"word_counter", "word_counter.__main__"}


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_FILES[module].read_text(encoding="utf-8"))


def _below_type_checking(tree: ast.Module) -> set[ast.AST]:
    """Return what runs for type checkers only."""
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    return {inner for block in blocks for statement in block.body for inner in ast.walk(statement)}


@cache
def _imported(module: str) -> frozenset[str]:
    """Return all that a module imports, wherever in it, as dotted names."""
    tree = _tree(module)
    skipped = _below_type_checking(tree)
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative name"
            assert node.module is not None
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


@cache
def _uses(module: str) -> frozenset[str]:
    """Return the modules of the package that a module imports."""
    ours = {name for name in _imported(module) if name in _FILES}
    return frozenset(ours - _OUTSIDE - {module})


def _reaches(module: str) -> set[str]:
    """Return the modules that importing a module brings in, directly or through others."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        for used in _uses(waiting.pop()):
            if used not in found:
                found.add(used)
                waiting.append(used)
    return found


def _full(name: str) -> str:
    return f"word_counter.{name}"


def _users_of(*packages: str) -> set[str]:
    return {
        module.removeprefix("word_counter.")
        for module in _FILES
        if any(name.partition(".")[0] in packages for name in _imported(module))
    }


def _calls(module: str) -> list[str]:
    """Return what a module calls, as it is written."""
    return [ast.unparse(node.func) for node in ast.walk(_tree(module)) if isinstance(node, ast.Call)]


class TestImports:
    def test_go_downwards_from_room_to_room(self) -> None:
        assert against_the_order(_HOUSE) == []

    def test_make_no_circle_of_modules_nor_of_rooms(self) -> None:
        assert circles(_HOUSE.imports) == []
        assert circles(of_rooms(_HOUSE.imports)) == []

    @pytest.mark.parametrize(
        ("module", "line"),
        [
            ("settings.config", "from word_counter.inputs.path_filter import Selection"),
            ("store.job_store", "from word_counter.receipts.accounting import Account"),
            ("worker.worker", "import word_counter.master.master"),
            ("cli.display.display", "def late():\n    from word_counter.cli.commands import run"),
        ],
    )
    def test_that_are_turned_round_are_noticed(self, module: str, line: str) -> None:
        turned = _HOUSE.changed(module, line)

        found = against_the_order(turned)

        assert len(found) == 1
        assert module.removeprefix("cli.") in found[0]

    def test_in_a_circle_are_noticed(self) -> None:
        assert circles(_HOUSE.changed("errors", "from word_counter.job.param import Param").imports)

    def test_master_and_worker_do_not_know_each_other(self) -> None:
        assert _full("worker.worker") not in _reaches(_full("master.master"))
        assert _full("master.master") not in _reaches(_full("worker.worker"))

    def test_errors_know_nobody(self) -> None:
        assert not _uses(_full("errors"))

    @pytest.mark.parametrize("name", ["job.mapper", "job.reducer"])
    def test_mapper_and_reducer_know_nothing_but_errors_and_plurals(self, name: str) -> None:
        assert _reaches(_full(name)) <= {_full("errors"), _full("settings.plurals")}

    @pytest.mark.parametrize("name", _WITHOUT_REDIS)
    def test_what_decides_and_computes_knows_nothing_of_redis(self, name: str) -> None:
        for module in {_full(name), *_reaches(_full(name))}:
            assert not any(used.partition(".")[0] in {"redis", "rq"} for used in _imported(module)), module

    def test_a_user_who_imports_the_package_does_not_wait_for_redis_or_the_command_line(self) -> None:
        brought_in = {used for name in _uses("word_counter") for used in {name, *_reaches(name)}}

        assert not any(used in _imported(module) for module in brought_in for used in ("redis", "rq", "click", "rich"))


class TestNevers:
    def test_redis_is_known_in_few_places_only(self) -> None:
        allowed = {
            "store.connection",
            "store.lua_scripts",
            "store.retry",
            "store.job_store",
            "queue.batch_queue",
            "queue.rq_worker",
            "worker.task_runner",
            "worker.worker",
            "queue.rq_bookkeeping",
        }
        allowed |= {"local_cluster.embedded_redis", "engines.redis"}

        assert _users_of("redis", "rq") <= allowed

    def test_the_terminal_is_known_in_the_command_line_only(self) -> None:
        assert all(name.startswith("cli") for name in _users_of("rich", "click"))

    def test_text_for_rich_is_never_markup(self) -> None:
        makers = {"Console", "TextColumn"}  # what reads markup in bare text, unless it is told otherwise
        for module in _FILES:
            if not module.startswith("cli"):
                continue
            tree = _tree(module)
            assert "from_markup" not in ast.unparse(tree), module
            for node in ast.walk(tree):
                makes = isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in makers
                subclass = isinstance(node, ast.ClassDef) and makers & {ast.unparse(base) for base in node.bases}
                if makes or subclass:
                    assert "markup=False" in ast.unparse(node), f"{module}: {ast.unparse(node)}"

    def test_the_libraries_of_sketches_are_optional(self) -> None:
        assert not _users_of("datasketches", "ddsketch")  # sketches.py asks for them by name, when a job needs one

    def test_the_libraries_of_outputs_are_optional(self) -> None:
        assert not _users_of("pyarrow", "psycopg", "fsspec", "s3fs")  # outputs ask for them by name

    def test_nothing_is_ever_pickled(self) -> None:
        assert not _users_of("pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib")

    def test_rq_is_told_to_use_json_wherever_it_serialises(self) -> None:
        for module in _FILES:
            made = {name.rpartition(".")[2] for name in _imported(module) if name.startswith("rq.")}
            for node in ast.walk(_tree(module)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in made & {"Queue", "Job", "RqJob"}:
                    given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                    assert given.get("serializer") == "JSONSerializer", f"{module}, line {node.lineno}"

    def test_the_environment_is_read_by_the_settings_only(self) -> None:
        reads = re.compile(r"\bos\.(environ|getenv|environb)\b")
        # Jobs written for mrjob ask their environment about their task: that one is made and read there.
        of_tasks = {_full(f"mrjob.{name}") for name in ("compat", "util", "tasks.environment")}

        found = {module for module in _FILES if reads.search(ast.unparse(_tree(module)))}

        assert found - of_tasks == {_full("settings.config")}

    def test_no_salted_hash_is_used(self) -> None:
        assert not [module for module in _FILES if "hash" in _calls(module)]

    def test_nothing_below_the_command_line_prints_or_sets_up_logging(self) -> None:
        never = {"print", "click.echo", "sys.stdout.write", "sys.stderr.write"}
        never |= {f"logging.{name}" for name in ("basicConfig", "StreamHandler", "FileHandler")}
        never |= {"dictConfig", "fileConfig", "logging.config.dictConfig", "logging.config.fileConfig"}
        for module in _FILES:
            # mrjob.util has what jobs call to set up logging by themselves.
            if not module.startswith("word_counter.cli") and module != _full("mrjob.util"):
                found = {call for call in _calls(module) if call in never or call.endswith(".addHandler")}
                assert not found, module

    def test_redis_is_never_flushed(self) -> None:
        texts = [path.read_text(encoding="utf-8").lower() for path in [*_FILES.values(), *_SCRIPTS]]

        assert not [text for text in texts if re.search(r"flush(db|all)\b", text)]

    def test_keys_are_never_searched_for(self) -> None:
        for module in _FILES:
            assert not [call for call in _calls(module) if re.search(r"(connection|redis)\.(keys|scan)$", call)], module
        for script in _SCRIPTS:
            assert not re.search(r"call\('(KEYS|SCAN)'", script.read_text(encoding="utf-8"), re.IGNORECASE), script.name


class TestRooms:
    @pytest.mark.parametrize("room", sorted(set(_HOUSE.rooms()) - PARTS - UNLIMITED))
    def test_are_neither_empty_nor_crowded(self, room: str) -> None:
        assert FEWEST <= len(_HOUSE.rooms()[room]) <= MOST

    @pytest.mark.parametrize("room", sorted(_HOUSE.rooms()))
    def test_say_in_a_line_what_they_are_for_and_import_nothing(self, room: str) -> None:
        tree = _HOUSE.trees[f"{room}.__init__"]
        lines = (ast.get_docstring(tree) or "").splitlines()

        assert lines
        assert len(lines) == 1 or room in _PUBLIC_ROOMS
        assert room in _PUBLIC_ROOMS or len(tree.body) == 1


class TestModules:
    @pytest.mark.parametrize("module", sorted(_FILES))
    def test_say_what_they_are_for(self, module: str) -> None:
        assert len(ast.get_docstring(_tree(module)) or "") > 20

    @pytest.mark.parametrize("module", sorted(_FILES))
    def test_stay_short(self, module: str) -> None:
        assert len(_FILES[module].read_text(encoding="utf-8").splitlines()) <= 320

    @pytest.mark.parametrize("module", sorted(_FILES))
    def test_are_named_after_one_thing(self, module: str) -> None:
        vague = {
            "manager",
            "handler",
            "util",
            "utils",
            "helper",
            "helpers",
            "common",
            "data",
            "info",
            "misc",
            "base_utils",
        }

        assert not vague & set(re.split(r"[._]", module)) or module == _full("mrjob.util")  # mrjob's own name


def _without_comments(script: Path) -> str:
    return "\n".join(line for line in script.read_text(encoding="utf-8").splitlines() if not line.startswith("--"))


@pytest.mark.parametrize("script", _SCRIPTS, ids=lambda path: path.stem)
class TestScripts:
    def test_begin_with_what_they_do_and_what_goes_in_and_out(self, script: Path) -> None:
        head = re.match(r"((?:--.*\n)+)", script.read_text(encoding="utf-8"))

        assert head is not None
        assert re.match(r"-- [A-Z][^.]+\.", head[1])
        assert re.search(r"^-- KEYS: \S", head[1], re.MULTILINE)
        assert re.search(r"^-- ARGV: \S", head[1], re.MULTILINE)
        assert re.search(r"^-- Returns: \S", head[1], re.MULTILINE)

    def test_touch_no_key_but_those_they_are_given(self, script: Path) -> None:
        text = _without_comments(script)
        calls = re.findall(r"redis\.call\(\s*'(\w+)'\s*(?:,\s*([^,)]+))?", text)

        chosen = set(re.findall(r"local (\w+) = [^\n]*\bKEYS\[\d+\]$", text, re.MULTILINE))
        chosen |= set(re.findall(r"for _, (\w+) in ipairs\(KEYS\)", text))
        for command, first in calls:
            assert command == "TIME" or first.startswith("KEYS[") or first in chosen, f"{command} {first}"
        assert "wc:" not in text

    def test_are_used(self, script: Path) -> None:
        name = f'"{script.stem}"'

        assert any(
            name in _FILES[_full(module)].read_text()
            for module in ("store.job_index", "store.job_store", "store.task_store", "queue.rq_bookkeeping")
        )


class TestKeyCatalogue:
    @pytest.fixture
    def catalogue(self) -> set[str]:
        docstring = ast.get_docstring(_tree(_full("store.keys"))) or ""
        return set(
            re.findall(r"^\s*(wc:\{J\}:\S+)\s+(?:string|hash|list|set|zset|stream)\s+\S", docstring, re.MULTILINE)
        )

    @pytest.fixture
    def made(self) -> set[str]:
        keys = JobKeys("J")
        plain = {value for name, value in vars(keys).items() if name != "prefix"}
        numbered = {keys.partials(7), keys.results(7), keys.staged(7, 8)}
        return {
            *plain,
            *(keys.receipts(stage) for stage in Stage),
            *(name.replace("7", "P").replace("8", "A") for name in numbered),
        }

    def test_lists_every_key_of_a_job_with_its_type_and_no_other(self, catalogue: set[str], made: set[str]) -> None:
        assert catalogue == made

    def test_every_key_that_outlives_the_tasks_is_among_those_that_expire(self, made: set[str]) -> None:
        every = {re.sub(r":\d$", ":P", name) for name in JobKeys("J").every(2)}

        assert every == {name for name in made if ":staged:" not in name}

    def test_all_keys_of_a_job_carry_one_hash_tag(self) -> None:
        assert all(name.startswith("wc:{my-job}:") for name in JobKeys("my-job").every(3))
