"""What the operating system refuses the process of a question. Off Linux each wall is said to be missing.

The walls stand for good: no process takes one down again, and whatever it starts stands behind them too. They
are raised while the process has one thread, before DuckDB starts its own and before the question is read.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from typing import TYPE_CHECKING, Final

from pipeline.store.views.walls.filters import MACHINES, program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: By name, whether it stands: None, or why not.
Walls = dict[str, str | None]

#: Each wall by name, as people are told of it where it does not stand.
WALLS: Final = {
    "limits": "limits of memory and time by the system",
    "rights": "rights given up",
    "files": "only published files",
    "calls": "no network and no other program",
}
NO_LINUX: Final = "this system is no Linux"
_SET_DUMPABLE, _SET_NO_NEW_PRIVILEGES, _DROP_FROM_BOUNDING_SET, _SET_PARENT_DEATH = 4, 38, 24, 1
#: Who may read files of other accounts still may; Landlock says which. A container's root has the second one.
_READ_SEARCH, _OVERRIDE, _SET_CAPABILITIES = 1 << 2, 1 << 1, 1 << 8
_CAPABILITY_VERSION: Final = 0x20080522
_FILTER, _ALL_THREADS = 1, 1
_CREATE_RULESET, _ADD_RULE, _RESTRICT = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
_READ_FILE: Final = 1 << 2
#: By the kernel's version of Landlock: how many rights of files it knows.
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_SINCE, _SCOPE_SINCE = 4, 6
_EVERY_CONNECTION, _EVERY_SCOPE = 0b11, 0b11


class MissingFile(Exception):
    """A file that was to be readable is not there."""


def limit(memory: int, seconds: int, threads: int) -> None:
    """Bound this process: `memory` bytes above what it has mapped now, processor time, no file of its own."""
    with open("/proc/self/statm") as given:  # noqa: PTH123 - pathlib takes a tenth of this process's start
        mapped = int(given.read().split()[0]) * resource.getpagesize()
    _bound(resource.RLIMIT_AS, mapped + memory)
    _bound(resource.RLIMIT_CPU, seconds * threads + 5)
    _bound(resource.RLIMIT_FSIZE, 0)
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_NOFILE, 8192)


def _bound(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def raise_walls(files: Sequence[str], memory: int, seconds: int, threads: int) -> Walls:
    """Leave this process `files` to read, its pipes, and so much memory and time. Raises MissingFile."""
    if sys.platform != "linux":
        return dict.fromkeys(WALLS, NO_LINUX)
    limit(memory, seconds, threads)
    rights = _give_up_rights()
    return {"limits": None, "rights": rights, "files": _only_files(files), "calls": _only_calls()}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    """A system call that the C library has no function for; -1 and errno where it fails."""
    return int(_libc().syscall(ctypes.c_long(number), *arguments))


def _give_up_rights() -> str | None:
    """No right more than the account has, none of root's but to read; nobody looks into this process."""
    libc = _libc()
    for what, value in ((_SET_PARENT_DEATH, signal.SIGKILL), (_SET_DUMPABLE, 0), (_SET_NO_NEW_PRIVILEGES, 1)):
        if libc.prctl(what, value, 0, 0, 0):
            return f"prctl {what} refuses: {_why()}"
    held = _held()
    if not held:
        return None
    # Without the right to, none can be taken from what a program may get; no new rights says the same of it.
    for capability in range(64 if held & _SET_CAPABILITIES else 0):
        if libc.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0):
            if ctypes.get_errno() == errno.EINVAL:
                break  # beyond the last one that this kernel knows
            return f"prctl {_DROP_FROM_BOUNDING_SET} refuses: {_why()}"
    return _keep(held & _READ_SEARCH or held & _OVERRIDE)


def _held() -> int:
    """The capabilities that this process may use, as bits; an account that is not root may have some too."""
    with open("/proc/self/status") as given:  # noqa: PTH123 - as above
        return int(given.read().partition("CapPrm:")[2].split()[0], 16)


def _keep(capabilities: int) -> str | None:
    machine = MACHINES.get(platform.machine())
    if machine is None:
        return f"no list of system calls for {platform.machine()}"
    head = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION, 0))
    kept = ctypes.create_string_buffer(struct.pack("=6I", capabilities, capabilities, *[0] * 4))
    return f"capset refuses: {_why()}" if _call(machine.capset, head, kept) else None


def _why() -> str:
    return os.strerror(ctypes.get_errno())


def _only_files(files: Sequence[str]) -> str | None:
    """Landlock: nothing but these files, to read; no connection; no signal to a process outside."""
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - as above
        return "a library has started a thread, which would stay outside"
    version = _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    if version < 1:
        return "this kernel has no Landlock, or it is switched off"
    ruleset = _call(_CREATE_RULESET, *_ruleset(version), ctypes.c_uint32(0))
    if ruleset < 0:
        return f"Landlock refuses: {_why()}"
    for file in files:
        try:
            descriptor = os.open(file, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise MissingFile(file) from error
        rule = ctypes.create_string_buffer(struct.pack("=Qi", _READ_FILE, descriptor))
        refused = _call(
            _ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0)
        )
        os.close(descriptor)
        if refused:
            os.close(ruleset)
            return f"Landlock refuses {file}: {_why()}"
    refused = _call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)
    return f"Landlock refuses: {_why()}" if refused else None


def _ruleset(version: int) -> tuple[object, ctypes.c_size_t]:
    """What the ruleset speaks of: everything that this version of Landlock knows."""
    rights = (1 << _FILE_RIGHTS.get(version, _FILE_RIGHTS[5])) - 1
    parts = [rights]
    parts += [_EVERY_CONNECTION] if version >= _NET_SINCE else []
    parts += [_EVERY_SCOPE] if version >= _SCOPE_SINCE else []
    packed = struct.pack(f"={len(parts)}Q", *parts)
    return ctypes.create_string_buffer(packed), ctypes.c_size_t(len(packed))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def _only_calls() -> str | None:
    """The filter of system calls, over every thread."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        return f"no list of system calls for {platform.machine()}"
    text = program(machine)
    steps = ctypes.create_string_buffer(text, len(text))
    given = _Program(len(text) // 8, ctypes.cast(steps, ctypes.c_void_p))
    refused = _call(machine.seccomp, ctypes.c_uint(_FILTER), ctypes.c_uint(_ALL_THREADS), ctypes.byref(given))
    return f"seccomp refuses: {_why()}" if refused else None


def missing(walls: Mapping[str, str | None]) -> list[str]:
    """What does not stand, for people."""
    return [f"{WALLS[name]}: {why}" for name, why in walls.items() if why is not None]
