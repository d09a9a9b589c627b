"""What documents show: files to be written, and commands with what they print, as a reader would do them in turn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"(?P<before>[^\n]*)\n\n?```(?P<language>\w*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
#: A line that says what the block below it is the content of.
_FILE = re.compile(r"`([\w./-]+\.\w+)`[^`]*:$")
#: What differs from run to run: ids of jobs, times, speeds, and folders that are there for a while.
_CHANGING = [
    (re.compile(r"\b[a-z_]+-\d{8}-\d{6}-[0-9a-f]{4}\b"), "JOB"),
    (re.compile(r"\b[\d.]+ ?(s|ms|[kMG]?B/s)\b"), "TIME"),
    (re.compile(r"\b0:\d\d\b"), "CLOCK"),
    (re.compile(r"\b[\d,]+ records gave"), "RECORDS gave"),  # a check on a busy machine takes fewer
    (re.compile(r"/\S*/(word-counter-\w+|my-logs)\b"), "/FOLDER"),
    (re.compile(r"[─ ]+"), " "),
]


@dataclass(frozen=True)
class Block:
    """A block of a page, with the line that stands before it."""

    language: str
    text: str
    before: str

    @property
    def file(self) -> str:
        """The file that it is the content of; none when it is empty."""
        found = _FILE.search(self.before.strip())
        return found[1] if found else ""

    @property
    def content(self) -> str:
        """What the file holds; the first line of a notebook's cell may say that it writes one."""
        return self.text.removeprefix(f"%%writefile {self.file}\n")

    def commands(self) -> list[tuple[str, str]]:
        """Return each command of a console with what it prints."""
        parts = re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]
        found = []
        for part in parts:
            command, _, shown = re.sub(r" \\\n(?:> )? *", " ", part).partition("\n")
            found.append((command, shown))
        return found


def blocks(text: str) -> list[Block]:
    """Return the blocks of a page's text, in their order."""
    return [Block(found["language"], found["text"], found["before"]) for found in _FENCE.finditer("\n" + text)]


def told(page: Path) -> list[Block]:
    """Return the blocks of a page that tell a reader what to do: files and consoles."""
    some = blocks(page.read_text(encoding="utf-8"))
    return [block for block in some if block.language == "console" or block.file]


def alike(shown: str, printed: str) -> bool:
    """Say whether a command printed what a page shows, in which a line of three dots stands for any lines."""
    parts = [_settled(part) for part in re.split(r"^ *\.\.\.\n", shown, flags=re.MULTILINE)]
    return re.fullmatch(r"(?:.*\n)*?".join(map(re.escape, parts)), _settled(printed)) is not None


def _settled(text: str) -> str:
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    return re.sub(r" +$", "", text, flags=re.MULTILINE)
