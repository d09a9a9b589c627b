"""Run as owner: the entrypoint of docker-compose.yml, which runs a command as whoever owns a mounted folder.

``python -IS run_as_owner.py [--to-read] FOLDER COMMAND...`` starts as root, with the capabilities SETUID and SETGID
and no others. Before anything else is imported it looks whose FOLDER is, becomes that user, gives up all privileges
and runs COMMAND. Where root owns the folder the command stays root, without any capability. With ``--to-read`` it
becomes the user UNPRIVILEGED instead, if others may read the folder: only who writes there needs to own it.
Started as another user than root, it changes nothing.

As the first process of a container it stays, as that user, in place of Docker's own init, which would stay as root: it
hands signals on to the command, and reaps what other processes leave.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import sys
from collections.abc import Sequence
from typing import NoReturn

#: The user and the group of the image.
UNPRIVILEGED = 10001, 10001

_READABLE_BY_OTHERS = stat.S_IROTH | stat.S_IXOTH
_CANNOT_START = 126  # as a shell exits
#: What prctl(2) and capset(2) call these.
_NO_NEW_PRIVILEGES = 38
_CAPABILITIES_VERSION = 0x20080522
#: What a container is told, and what ends a child.
_HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_BLOCKED = {*_HANDED_ON, signal.SIGCHLD, signal.SIGTTOU}


def main(arguments: Sequence[str]) -> NoReturn:
    """Run a command as the owner of a folder."""
    to_read = arguments[:1] == ["--to-read"]
    folder, *command = arguments[to_read:]
    try:
        if os.geteuid() == 0:
            become(*chosen_user(os.stat(folder), to_read=to_read, real_root=is_real_root()))
        give_up_privileges()
    except OSError as error:
        needed = "the container needs that folder, and the capabilities SETUID and SETGID (cap_add)"
        _end(f"cannot run as the owner of {folder}: {error}; {needed}")
    if os.getpid() == 1:
        run_as_child(command)
    replace_by(command)


def chosen_user(folder: os.stat_result, *, to_read: bool, real_root: bool) -> tuple[int, int]:
    """Return the user id and the group id for the command, by the state of its folder."""
    if to_read and real_root and folder.st_uid == 0 and folder.st_mode & _READABLE_BY_OTHERS == _READABLE_BY_OTHERS:
        return UNPRIVILEGED
    return folder.st_uid, folder.st_gid


def is_real_root() -> bool:
    """Return whether user 0 is the machine's root, and not just called so here, as in rootless Docker."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as ranges:
            return ranges.readline().split()[:2] == ["0", "0"]
    except OSError:
        return True


def become(user: int, group: int) -> None:
    """Become a user with one group; OSError when this process may not."""
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def give_up_privileges() -> None:
    """Give up all capabilities, for this process and all that it will run; OSError when that is not possible."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable: each in two halves
    if libc.capset(header, nothing) or libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def run_as_child(command: Sequence[str]) -> NoReturn:
    """Run a command as a child, hand signals on to it, reap all children, and end as it ends."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)  # so that a terminal's Ctrl-C comes once
        if os.isatty(0):
            os.tcsetpgrp(0, os.getpgrp())
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        replace_by(command)
    while True:
        received = signal.sigwait(_BLOCKED)
        if received in _HANDED_ON:
            os.kill(child, received)
        elif (status := _reap(child)) is not None:
            code = os.waitstatus_to_exitcode(status)
            sys.exit(code if code >= 0 else 128 - code)


def replace_by(command: Sequence[str]) -> NoReturn:
    """Become a command; end with a message where there is none."""
    try:
        os.execvp(command[0], list(command))  # noqa: S606 (no shell is wanted)
    except OSError as error:
        _end(f"cannot run {command[0]}: {error}")


def _reap(child: int) -> int | None:
    """Reap all children that have ended; return the status of ``child`` when it is among them."""
    ended = None
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == child:
                ended = found[1]
    except ChildProcessError:
        pass
    return ended


def _end(message: str) -> NoReturn:
    os.write(2, f"Error: {message}\n".encode(errors="replace"))
    os._exit(_CANNOT_START)


if __name__ == "__main__":
    main(sys.argv[1:])
