"""Builds of the native kernel for tests: with all warnings as errors, of either path, under sanitizers."""

from __future__ import annotations

import ctypes
import importlib.machinery
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

_SOURCE = Path(__file__).parents[1] / "word_counter" / "native" / "_kernel.c"
_MEMORY = Path(__file__).with_name("memory.h")
#: As the Python.h of 3.12 and later has these, with which a wheel may be built that runs on 3.11.
_LATER_PYTHON = "".join(
    f"#undef Py_RETURN_{name.upper()}\n#define Py_RETURN_{name.upper()} return Py_{name}\n"
    for name in ("None", "True", "False")
)
_WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wvla", "-Werror"]
PLAIN_C = ["-DWORD_COUNTER_PLAIN_C"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g"]


def compiler() -> list[str]:
    """Return the command of a C compiler that can build for this Python; nothing when there is none."""
    command = shlex.split(sysconfig.get_config_var("CC") or "cc")
    if not shutil.which(command[0]):
        command = ["cc"]
    found = shutil.which(command[0]) and Path(sysconfig.get_path("include"), "Python.h").exists()
    return command if found else []


@dataclass(frozen=True, slots=True)
class Build:
    """One build: the module, and how much memory it holds and may have (see ``memory.h``)."""

    module: ModuleType
    held: ctypes.c_long
    left: ctypes.c_long

    def starve(self, call: Callable[[], object]) -> int:
        """Make a call with no memory, with some for one request, for two, ... until it works.

        Returns how often it did not; each time all that it had taken must have been given back.
        """
        failures = 0
        while True:
            self.left.value = failures
            try:
                call()
            except MemoryError:
                failures += 1
            else:
                return failures
            finally:
                self.left.value = -1
            assert self.held.value == 0


def build(folder: Path, *flags: str) -> Path:
    """Compile the kernel into a folder and return the file."""
    target = folder / "_kernel.so"
    # not by -D: Python.h declares members of these names, and so has to come first
    unit = folder / "unit.c"
    unit.write_text(
        "#define Py_LIMITED_API 0x030b0000\n#define PY_SSIZE_T_CLEAN\n#include <Python.h>\n"
        f'{_LATER_PYTHON}#include "{_MEMORY}"\n'
        "#define malloc counted_malloc\n#define calloc counted_calloc\n"
        "#define realloc counted_realloc\n#define free counted_free\n"
        "#undef Py_LIMITED_API\n#undef PY_SSIZE_T_CLEAN\n"
        f'#include "{_SOURCE}"\n'
    )
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    command = [*compiler(), "-std=c11", "-O2", "-fPIC", "-fvisibility=hidden", *_WARNINGS, *flags, *shared]
    command += ["-isystem", sysconfig.get_path("include"), str(unit), "-o", str(target)]
    subprocess.run(command, check=True, env={**os.environ, "LC_ALL": "C"})
    return target


def load(path: Path) -> Build:
    """Load a build beside the installed one."""
    loader = importlib.machinery.ExtensionFileLoader("word_counter.native._kernel", str(path))
    spec = importlib.util.spec_from_file_location("word_counter.native._kernel", path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    library = ctypes.CDLL(str(path))
    return Build(module, ctypes.c_long.in_dll(library, "memory_held"), ctypes.c_long.in_dll(library, "memory_left"))
