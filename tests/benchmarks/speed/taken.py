"""What a piece of work takes: by the clock, of our processors, of the server's; and how loaded all was.

Times by the clock mean little beside other work, so the load stands beside every one of them. Processor time
is read from Linux: the process's own, and of a PostgreSQL that of the whole server with its two databases.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from pipeline.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
_LIBRARIES = ("adbc-driver-postgresql", "duckdb", "numpy", "polars", "pyarrow")


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds of one piece of work, or of a series of them, and the load average at its end."""

    wall_ms: float
    client_ms: float  # processor time of our processes, all threads
    server_ms: float  # processor time of the server; 0 where none was asked
    load: float

    def as_json(self) -> dict[str, float]:
        """Rounded."""
        return {name: round(value, 1 if name != "load" else 2) for name, value in asdict(self).items()}


def middle(series: Sequence[Taken]) -> Taken:
    """Medians; of the server's time, which ended processes tell in steps of 10 ms, the mean."""
    wall, client, load = (
        statistics.median(getattr(one, name) for one in series) for name in ("wall_ms", "client_ms", "load")
    )
    return Taken(wall, client, statistics.fmean(one.server_ms for one in series), load)


class Used(Protocol):
    """Other processes whose time counts."""

    def used_ms(self) -> float:
        """Their processor time so far."""
        ...


class Server:
    """All processes of the PostgreSQL at `url`, also those that have ended."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            self._main = int(_stat(connection.info.backend_pid)[1])
            row = connection.execute("SHOW server_version").fetchone()
        self.version = str(row[0]).partition(" ")[0] if row else "?"

    def used_ms(self) -> float:
        """Of its processes that live, and of those that it has waited for."""
        main = _stat(self._main)
        ended = (int(main[13]) + int(main[14])) * _TICK_MS
        return ended + sum(_used_ms(pid) for pid in (self._main, *_children(self._main)))


@dataclass(frozen=True, slots=True)
class Process:
    """One process of one thread."""

    pid: int

    def used_ms(self) -> float:
        """Its processor time so far."""
        return _used_ms(self.pid)


class Timer:
    """A piece of work that is measured; `taken` once it has ended."""

    taken: Taken


@contextmanager
def measured(server: Used | None = None, client: Used | None = None) -> Iterator[Timer]:
    """Measure the block; `client` is another process of ours that works for it."""
    timer, others = Timer(), [0.0 if one is None else one.used_ms() for one in (client, server)]
    cpu, wall = time.process_time(), time.perf_counter()
    yield timer
    wall_ms, cpu_ms = (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000
    now = [0.0 if one is None else one.used_ms() for one in (client, server)]
    ours, theirs = (end - begin for end, begin in zip(now, others, strict=True))
    timer.taken = Taken(wall_ms, cpu_ms + ours, theirs, os.getloadavg()[0])


class Clocked(Steps):
    """Steps of a minute, by the clock and by processor time."""

    def __init__(self) -> None:
        super().__init__(time.perf_counter)
        self.cpu_ms: dict[str, float] = {}

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Add the block to step `name`."""
        start = time.process_time()
        try:
            with super().time(name):
                yield
        finally:
            self.cpu_ms[name] = self.cpu_ms.get(name, 0.0) + (time.process_time() - start) * 1000

    def take_cpu(self) -> dict[str, float]:
        """Processor time by step so far; the next ones start from zero."""
        taken, self.cpu_ms = self.cpu_ms, {}
        return taken


def machine(server: Server | None = None) -> dict[str, Any]:
    """What was measured on: no name of a host."""
    about: dict[str, Any] = {
        "cores": os.cpu_count(),
        "processor": _line_of("/proc/cpuinfo", "model name") or platform.machine(),
        "memory_gb": round(int(_line_of("/proc/meminfo", "MemTotal").split()[0] or 0) / 2**20),
        "python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
    }
    return about if server is None else {**about, "postgresql": server.version}


def said(about: dict[str, Any]) -> str:
    """The machine in one line."""
    versions = [f"{name} {value}" for name, value in about.items() if name not in _HARDWARE]
    return (
        f"{about['cores']} cores ({about['processor']}), {about['memory_gb']} GB of memory; "
        f"{', '.join(versions)}"
    )


_HARDWARE = ("cores", "processor", "memory_gb")


def resident_mb(pid: int | None = None) -> float:
    """The memory that a process (None: this one) has in RAM now."""
    path = Path(f"/proc/{pid or os.getpid()}/status")
    return int(_line_of(str(path), "VmRSS").split()[0]) / 1024


def _line_of(path: str, name: str) -> str:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def _used_ms(pid: int) -> float:
    """0 for a process that has ended."""
    with suppress(OSError):  # to the nanosecond; `stat` knows steps of 10 ms
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e6
    with suppress(OSError):
        fields = _stat(pid)
        return (int(fields[11]) + int(fields[12])) * _TICK_MS
    return 0.0


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(child) for child in children.split()]
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if int(_stat(int(folder.name))[1]) == pid:
                    found.append(int(folder.name))
    return found
