"""The system calls that answering a question needs, as a program for the kernel's filter (seccomp, BPF).

Everything that is not named is refused with EPERM: no network, no other program, no new process, no file
opened for writing, removed or renamed, no signal to anybody, no new executable memory, no further right.
What the list lacks DuckDB meets as an error of the system.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

#: Without conditions. Which files these may look at and wait for, Landlock says.
PLAIN: Final[tuple[str, ...]] = (
    *("read", "readv", "pread64", "write", "writev", "close", "lseek", "fadvise64", "fcntl"),
    *("fstat", "newfstatat", "statx", "statfs", "fstatfs", "faccessat", "faccessat2", "readlinkat"),
    *("getdents64", "getcwd", "munmap", "mremap", "madvise", "brk", "membarrier"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
    *("futex", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "exit", "exit_group"),
    *(
        "sched_yield",
        "sched_getaffinity",
        "getcpu",
        "gettid",
        "getpid",
        "getuid",
        "geteuid",
        "getgid",
        "getegid",
    ),
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "times", "getrusage"),
    *("getrandom", "uname", "sysinfo", "ppoll", "pselect6"),
)
#: Calls that only the older of the two machines has.
PLAIN_X86: Final[tuple[str, ...]] = (
    "stat",
    "lstat",
    "access",
    "readlink",
    "poll",
    "select",
    "time",
    "getrlimit",
)


def _numbers(text: str) -> dict[str, int]:
    return {name: int(number) for name, _, number in (one.partition("=") for one in text.split())}


_X86: Final = _numbers(
    """
    read=0 write=1 open=2 close=3 stat=4 fstat=5 lstat=6 poll=7 lseek=8 mmap=9 mprotect=10 munmap=11
    brk=12 rt_sigaction=13 rt_sigprocmask=14 rt_sigreturn=15 pread64=17 readv=19 writev=20 access=21
    select=23 sched_yield=24 mremap=25 madvise=28 nanosleep=35 getpid=39 clone=56 exit=60 uname=63
    fcntl=72 getcwd=79 readlink=89 gettimeofday=96 getrlimit=97 getrusage=98 sysinfo=99 times=100
    getuid=102 getgid=104 geteuid=107 getegid=108 sigaltstack=131 statfs=137 fstatfs=138 gettid=186
    time=201 futex=202 sched_getaffinity=204 getdents64=217 set_tid_address=218 restart_syscall=219
    fadvise64=221 clock_gettime=228 clock_getres=229 clock_nanosleep=230 exit_group=231 openat=257
    newfstatat=262 readlinkat=267 faccessat=269 pselect6=270 ppoll=271 set_robust_list=273
    get_robust_list=274 prlimit64=302 getcpu=309 getrandom=318 membarrier=324 statx=332 rseq=334
    clone3=435 faccessat2=439
    """
)
_ARM: Final = _numbers(
    """
    getcwd=17 fcntl=25 statfs=43 fstatfs=44 faccessat=48 openat=56 close=57 getdents64=61 lseek=62
    read=63 write=64 readv=65 writev=66 pread64=67 pselect6=72 ppoll=73 readlinkat=78 newfstatat=79
    fstat=80 exit=93 exit_group=94 set_tid_address=96 futex=98 set_robust_list=99
    get_robust_list=100 nanosleep=101 clock_gettime=113 clock_getres=114 clock_nanosleep=115
    sched_getaffinity=123 sched_yield=124 restart_syscall=128 sigaltstack=132 rt_sigaction=134
    rt_sigprocmask=135 rt_sigreturn=139 times=153 uname=160 getrusage=165 getcpu=168
    gettimeofday=169 getpid=172 getuid=174 geteuid=175 getgid=176 getegid=177 gettid=178 sysinfo=179
    brk=214 munmap=215 mremap=216 clone=220 mmap=222 fadvise64=223 mprotect=226 madvise=233
    prlimit64=261 getrandom=278 membarrier=283 statx=291 rseq=293 clone3=435 faccessat2=439
    """
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the kernel calls a machine, and its numbers of the calls."""

    audit: int  # AUDIT_ARCH_…
    numbers: dict[str, int]
    seccomp: int
    capset: int


#: By platform.machine(). On others there is no filter, and whoever asks is told so (commands/analyst.py).
MACHINES: Final = {
    "x86_64": Machine(0xC000003E, _X86, 317, 126),
    "aarch64": Machine(0xC00000B7, _ARM, 277, 91),
}

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _UNKNOWN, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38, 0x80000000
_NUMBER, _MACHINE = 0, 4
#: O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND and the own bit of O_TMPFILE.
_WRITING: Final = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000 | 0o20000000
_EXECUTABLE: Final = 0x4
_THREAD: Final = 0x00010000  # CLONE_THREAD: part of this process, not a new one
#: The numbers of another calling convention (x32) begin here.
_OTHER_CONVENTION: Final = 0x40000000

Step = tuple[int, int, int, int]


def program(machine: Machine) -> bytes:
    """The filter, in the kernel's own form: 8 bytes an instruction."""
    names = [name for name in (*PLAIN, *PLAIN_X86) if name in machine.numbers]
    steps: list[Step] = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, machine.audit),
        _give(_KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _OTHER_CONVENTION),
        _give(_REFUSE),
    ]
    for name in names:
        steps += [(_EQUAL, 0, 1, machine.numbers[name]), _give(_ALLOW)]
    for name, block in _conditions().items():
        if name in machine.numbers:
            steps += [(_EQUAL, 0, len(block), machine.numbers[name]), *block]
    steps.append(_give(_REFUSE))
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def _conditions() -> dict[str, list[Step]]:
    """What depends on an argument. `clone3` hides its own: the C library then takes `clone`."""
    nothing_new = [  # of both halves of the pointer to new limits
        (_LOAD, 0, 0, _argument(2)),
        (_EQUAL, 1, 0, 0),
        _give(_REFUSE),
        (_LOAD, 0, 0, _argument(2) + 4),
        (_EQUAL, 1, 0, 0),
        _give(_REFUSE),
        _give(_ALLOW),
    ]
    return {
        "open": _unless(1, _WRITING),
        "openat": _unless(2, _WRITING),
        "mmap": _unless(2, _EXECUTABLE),
        "mprotect": _unless(2, _EXECUTABLE),
        "clone": [(_LOAD, 0, 0, _argument(0)), (_ANY_BIT, 1, 0, _THREAD), _give(_REFUSE), _give(_ALLOW)],
        "clone3": [_give(_UNKNOWN)],
        "prlimit64": nothing_new,
    }


def _unless(argument: int, bits: int) -> list[Step]:
    return [(_LOAD, 0, 0, _argument(argument)), (_ANY_BIT, 0, 1, bits), _give(_REFUSE), _give(_ALLOW)]


def _argument(index: int) -> int:
    """Where the lower half of an argument lies; both machines put it first."""
    return 16 + 8 * index


def _give(outcome: int) -> Step:
    return (_RETURN, 0, 0, outcome)
