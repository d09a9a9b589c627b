"""Distribution: what this package is called where it is installed from, and how its extras are installed.

The package ``word_counter`` comes in the distribution ``word-counter-mapreduce``. Another program has the name
``word-counter`` on the package index.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

NAME = "word-counter-mapreduce"

_REQUIREMENT = re.compile(r"(?P<library>[\w.-]+(?:\[[\w,.-]+\])?).*;.*\bextra *== *['\"](?P<extra>[\w-]+)['\"]")
_OWN_EXTRAS = re.compile(rf"{NAME}\[(?P<extras>[\w,-]+)\]")


def version_text() -> str:
    """Return the version that is installed; "0" when this is a source tree that nobody installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(NAME)
    except PackageNotFoundError:
        return "0"


def how_to_install(extra: str) -> str:
    """Return the commands, of which one is enough, that install what an extra needs."""
    by_extra = f"pip install '{NAME}[{extra}]'"
    libraries = dict.fromkeys(libraries_of(extra))
    return f"{by_extra}, or pip install {shlex.join(libraries)}" if libraries else by_extra


def libraries_of(extra: str) -> Iterator[str]:
    """Yield the libraries that an extra needs, as pip takes them; none when the package is not installed."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        required = requires(NAME) or []
    except PackageNotFoundError:
        return
    for found in filter(None, map(_REQUIREMENT.match, required)):
        if found["extra"] != extra:
            continue
        own = _OWN_EXTRAS.fullmatch(found["library"])
        if own:
            for other in own["extras"].split(","):
                yield from libraries_of(other)
        else:
            yield found["library"]
