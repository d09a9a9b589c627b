"""Write into docs/ what the code says of settings, commands, shipped jobs, params and Redis keys: `make reference`.

A page has it between two comments, ``<!-- from the code: NAME -->`` and ``<!-- end -->``. A test compares.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from inspect import cleandoc
from pathlib import Path

import click

from tests.rooms import ORDER
from word_counter.cli.main import main as commands
from word_counter.job.param import Param
from word_counter.jobs import shipped
from word_counter.loading.job_reference import load_job
from word_counter.logs import TIME_PARAMS
from word_counter.logs.field_names import FIELD_NAMES
from word_counter.logs.levels import NUMBERS, SPELLINGS
from word_counter.settings import config
from word_counter.store import keys

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "word_counter"
_BLOCK = re.compile(r"(<!-- from the code: ([\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_DEFAULT = re.compile(r" ?\[default: (.*?)\]")
_CODE = re.compile(
    r"--[a-z][\w-]*|\b[A-Z0-9]+(?:_[A-Z0-9]+)+\b|\bTMPDIR\b|\b(?:s3|postgresql)://[^\s,]+[^\s,.]|\bmr-out(?:-N)?\b"
)
_PARAMS_OF_LOGS = "../howto/logs.md#params-of-jobs-over-logs"
_SETTINGS = {setting.name: setting for setting in fields(config.Settings)}


def all_commands() -> dict[str, click.Command]:
    """Return every command by its name, in the order in which they are needed."""
    context = click.Context(commands)
    found = {name: commands.get_command(context, name) for name in commands.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def _options(command: click.Command) -> list[click.Option]:
    return [param for param in command.params if isinstance(param, click.Option) and not param.hidden]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _coded(text: str) -> str:
    """Return a text of one line, with options, variables, URLs and JSON in it as code."""
    parts = re.split(r"(`[^`]*`|\{.*\})", " ".join(text.split()))
    return "".join(_CODE.sub(r"`\g<0>`", part) if part[:1] not in {"`", "{"} else _quoted(part) for part in parts)


def _quoted(code: str) -> str:
    return code if code.startswith("`") else f"`{code}`"


def _table(head: str, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield head
    yield re.sub(r"[^|]+", "---", head)
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |".replace("|  |", "| |")


def _called(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts[:-1])
    last = option.opts[-1] + (f" {option.metavar}" if option.metavar else "")
    return f"{names}, `{last}`" if names else f"`{last}`"


def _option_table(options: Iterable[click.Option]) -> Iterator[str]:
    return _table("| option | what it does |", [(_called(option), _meaning(option)) for option in options])


def _meaning(option: click.Option) -> str:
    default = default_of(option)
    return _coded(_about(option)) + (f" Default: {_coded(default)}." if default and not option.is_flag else "")


def default_of(option: click.Option) -> str:
    """Return the default that the help text of an option names."""
    found = _DEFAULT.search(option.help or "")
    return found[1] if found else "no" if option.is_flag else ""


def _about(option: click.Option) -> str:
    return _DEFAULT.sub("", option.help or "")


def settings_with_options() -> dict[str, click.Option]:
    """Return the option of each setting that has one."""
    some = all_commands()
    options = [*_options(some["run"]), *_options(some["worker"])]
    return {option.name: option for option in reversed(options) if option.name in _SETTINGS}


def _settings() -> Iterator[str]:
    options = settings_with_options()
    some = [options[name] for name in _SETTINGS if name in options]
    return _option_table(some)


def _settings_without_option() -> Iterator[str]:
    source = Path(config.__file__).read_text(encoding="utf-8")
    comments = dict(re.findall(r"((?:    #: .*\n)+)    (\w+): ", source))
    about = {name: re.sub(r"\s*#: ", " ", comment).strip() for comment, name in comments.items()}
    rows = [
        (
            f"`WORD_COUNTER_{name.upper()}`",
            _coded(about[name]) + (f" Default: {setting.default}." if setting.default else ""),
        )
        for name, setting in _SETTINGS.items()
        if name not in settings_with_options()
    ]
    return _table("| variable | what it does |", rows)


def _other_variables() -> Iterator[str]:
    some = {max(o.opts, key=len).lstrip("-"): o for command in all_commands().values() for o in _options(command)}
    named = {name: option for name, option in some.items() if option.name not in _SETTINGS}
    with_variable = {name: option for name, option in named.items() if isinstance(option.default, partial)}
    yield from (f"- `WORD_COUNTER_{name.upper()}` for `--{name}`" for name in with_variable)
    yield ""
    yield (
        "None, as they are for one call alone: " + ", ".join(f"`--{n}`" for n in named if n not in with_variable) + "."
    )


def _command_list() -> Iterator[str]:
    rows = [(f"[`{name}`](#{name})", cleandoc(c.help or "").split("\n\n")[0]) for name, c in all_commands().items()]
    return _table("| command | what it does |", [(name, _coded(about)) for name, about in rows])


def _each_command() -> Iterator[str]:
    some = all_commands()
    for name, command in some.items():
        context = click.Context(command, info_name=name)
        arguments = " ".join(command.collect_usage_pieces(context))
        yield from (f"## {name}", "", "```", f"word-counter {name} {arguments}", "```", "")
        for paragraph in cleandoc(command.help or "").split("\n\n"):
            yield from (_coded(paragraph), "")
        options = _options(command)
        names = {option.name for option in options}
        missing = [f"`{option.opts[-1]}`" for option in _options(some["run"]) if option.name not in names]
        if name != "run" and len(missing) < len(names):
            yield from (f"It takes the options of [`run`](#run), but for {' and '.join(missing)}.", "")
            continue
        yield from _option_table(options)
        yield ""


def _params(params: Mapping[str, Param]) -> Iterator[str]:
    return _table(
        "| param | default | what it is |", [(f"`{n}`", _param_default(p), _param_help(p)) for n, p in params.items()]
    )


def _param_default(param: Param) -> str:
    if param.required:
        return "must be given"
    value = ",".join(param.default) if isinstance(param.default, list) else param.default
    shown = {True: "yes", False: "no", "": "empty"}.get(value, value) if isinstance(value, (bool, str)) else value
    return f"`{shown}`" if shown == value else str(shown)


def _param_help(param: Param) -> str:
    choices = f" ({', '.join(f'`{choice}`' for choice in param.choices)})" if param.choices else ""
    return _coded(param.help + choices)


def _job_list() -> Iterator[str]:
    for name in shipped():
        job = load_job(name)
        about = cleandoc(sys.modules[job.__module__].__doc__ or "")
        yield from (f"## {name}", "", about, "")
        if own := {param: job.params[param] for param in job.params if param not in TIME_PARAMS}:
            yield from (*_params(own), "")
        if shared := [f"`{param}`" for param in job.params if param in TIME_PARAMS]:
            yield from (f"The [params of jobs over logs]({_PARAMS_OF_LOGS}): {', '.join(shared)}.", "")


def _field_names() -> Iterator[str]:
    rows = [(what, ", ".join(f"`{name}`" for name in names)) for what, names in FIELD_NAMES.items()]
    return _table("| what | names, in the order in which they are looked for |", rows)


def _levels() -> Iterator[str]:
    rows = [
        (f"`{level}`", ", ".join(f"`{name}`" for name in (*others, *(n for n, of in NUMBERS.items() if of == level))))
        for level, others in SPELLINGS.items()
    ]
    return _table("| level | other spellings |", rows)


def _keys() -> Iterator[str]:
    rows: list[list[str]] = []
    for line in (keys.__doc__ or "").split("\n"):
        if found := re.match(r"    ((?:wc|rq):\S+)\s+(?:(hash|zset|list|stream)\s+)?(.*)", line):
            rows.append(
                [f"`{found[1].rstrip('.')}`" if found[1].startswith("wc") else "`rq:...`", found[2] or "", found[3]]
            )
        elif rows and re.match(r" {20,}\S", line):
            rows[-1][2] += " " + line.strip()
    rows = [[name, kind.replace("zset", "sorted set"), about.replace("->", "→")] for name, kind, about in rows]
    return _table("| key | type | what is in it |", [tuple(row) for row in rows])


def _rooms() -> Iterator[str]:
    rows = []
    for name in (name for row in ORDER for name in row):
        room = PACKAGE / name / "__init__.py"
        if room.exists():
            about = (ast.get_docstring(ast.parse(room.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
            rows.append((f"[{name}/](../word_counter/{name}/)", " ".join(about.split())))
    return _table("| room | what it is for |", rows)


BLOCKS: dict[str, Callable[[], Iterator[str]]] = {
    "fields of JSON lines": _field_names,
    "levels": _levels,
    "settings": _settings,
    "settings without option": _settings_without_option,
    "other variables": _other_variables,
    "list of commands": _command_list,
    "commands": _each_command,
    "shipped jobs": _job_list,
    "params of log jobs": lambda: _params(TIME_PARAMS),
    "keys": _keys,
    "rooms": _rooms,
}


def filled(text: str) -> str:
    """Return the text of a page with what the code says between the comments."""
    return _BLOCK.sub(lambda found: found[1] + "\n".join(BLOCKS[found[2]]()).rstrip("\n") + "\n" + found[3], text)


def main() -> None:
    """Write all pages anew."""
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if (new := filled(text)) != text:
            page.write_text(new, encoding="utf-8")
            print(page.relative_to(DOCS.parent))


if __name__ == "__main__":
    main()
