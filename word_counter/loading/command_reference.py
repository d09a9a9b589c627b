"""References to commands: a job of ``--map-cmd`` and ``--reduce-cmd`` is named by its commands alone.

    cmd+{"map": "python3 map.py", "reduce": "python3 reduce.py"}

So a job's spec says, signed, what is to be run, and a worker runs only what it was allowed to, word for word:
``--allow 'cmd+python3 map.py'``.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from word_counter.errors import JobLoadError

#: What stands before such a reference, and before a command in the list of what a worker may load.
COMMANDS = "cmd+"


class Commands(NamedTuple):
    """The commands of a job; one that is empty passes on what it is given."""

    map: str = ""
    reduce: str = ""


def is_command(place: str) -> bool:
    """Whether a place, or a reference, is one of commands."""
    return place.startswith(COMMANDS)


def reference_of(commands: Commands) -> str:
    """Return the reference of commands."""
    return COMMANDS + json.dumps({name: text for name, text in commands._asdict().items() if text}, ensure_ascii=False)


def commands_of(reference: str) -> Commands:
    """Return the commands of a reference; JobLoadError when it is none of commands."""
    try:
        given = json.loads(reference.removeprefix(COMMANDS))
        commands = Commands(**given)
        if not any(given.values()) or not all(isinstance(text, str) for text in given.values()):
            raise TypeError  # noqa: TRY301 (one way to say that it is none)
    except (ValueError, TypeError, AttributeError):
        names = " and ".join(Commands._fields)
        message = f"{reference!r} does not name commands: give {COMMANDS} and a JSON object of {names}"
        raise JobLoadError(message) from None
    return commands


def command_places(reference: str) -> list[str]:
    """Return each command of a reference as a worker is allowed it; JobLoadError when it is none of commands."""
    return [COMMANDS + text for text in commands_of(reference) if text]
