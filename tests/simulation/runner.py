"""Runs the command line with faults and short waits. A file of the tests: the product knows nothing of it.

MINUTERISK_TEST_CRASH=kind:n     die at the n-th file write, fsync, rename, delete (unlink), before (commit)
                                 or right after (committed) the n-th commit; kind:n:power is a power cut that
                                 takes along what was not synced, kind:n:deaf one on a disk that never syncs
MINUTERISK_TEST_SHORT=1          waits of minutes and hours become seconds
MINUTERISK_TEST_PIECE_ROWS=n     history is read in pieces of about n rows
MINUTERISK_TEST_TALK=1           Slack is told without its pace, and what a crash has left is taken up soon
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pipeline.service
import pipeline.source.pieces
import pipeline.store.compact
import scheduler
from pipeline.cli import main
from pipeline.store.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What os._exit leaves behind, so that a test can tell this death from any other.
CRASHED = 86


class Disk:
    """What a power cut takes along: bytes that were not synced, names whose folder was not."""

    def __init__(self, *, deaf: bool = False) -> None:
        self._deaf = deaf
        self._unsynced: set[Path] = set()
        self._renamed: list[tuple[Path, Path, bytes | None]] = []

    def writes(self, path: Path) -> None:
        """Its bytes are in memory only."""
        self._unsynced.add(path.resolve())

    def renames(self, old: Path, new: Path) -> None:
        """Until its folder is synced the name is the old one, and what it replaces is still there."""
        old, new = old.resolve(), new.resolve()
        self._renamed.append((old, new, new.read_bytes() if new.is_file() else None))
        if old in self._unsynced:
            self._unsynced.add(new)

    def syncs(self, descriptor: int) -> None:
        """A file or a folder."""
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if not self._deaf:
            self._unsynced.discard(path)
            self._renamed = [entry for entry in self._renamed if entry[1].parent != path]

    def cut(self) -> None:
        """The power fails."""
        for path in self._unsynced:
            if path.is_file():
                os.truncate(path, path.stat().st_size // 2)
        for old, new, replaced in reversed(self._renamed):
            if new.is_file():
                os.rename(new, old)  # noqa: PTH104 - Path.replace is what is watched here
            if replaced is not None:
                WRITE_BYTES(new, replaced)


class Crash:
    """Counts events of one kind and dies at the n-th."""

    def __init__(self, kind: str, at: int, disk: Disk | None = None) -> None:
        self.kind, self.at, self.seen, self.disk = kind, at, 0, disk

    def point(self, kind: str) -> None:
        """An event happens now."""
        if kind == self.kind:
            self.seen += 1
            if self.seen == self.at:
                if self.disk:
                    self.disk.cut()
                os._exit(CRASHED)

    def around(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with a point before it; the disk is told what it does."""
        told: dict[str, Callable[..., None]] = {}
        if self.disk:
            told = {"rename": self.disk.renames, "fsync": self.disk.syncs}

        def crashing(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - it stands for any function
            self.point(kind)
            if kind in told:
                told[kind](*args)
            return function(*args, **kwargs)

        return crashing

    def half_write(self, path: Path, content: bytes) -> int:
        """Half of the bytes reach the disk before it dies."""
        dies = self.kind == "write" and self.seen + 1 == self.at
        if self.disk:
            self.disk.writes(path)
        written = WRITE_BYTES(path, content[: len(content) // 2] if dies else content)
        self.point("write")
        return written

    @contextmanager
    def commit(self, state: State) -> Iterator[Any]:
        """Die right before the commit (`commit`) or right after it (`committed`)."""
        with COMMIT(state) as connection:
            yield connection
            self.point("commit")
        self.point("committed")


WRITE_BYTES: Callable[[Path, bytes], int] = Path.write_bytes
COMMIT: Callable[[State], Any] = State.committing


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """A plain function, which a class binds to its instances (a bound one it would not)."""
    return lambda *args, **kwargs: function(*args, **kwargs)  # noqa: PLW0108


def crash_of(wanted: str) -> Crash:
    """`kind:n`, `kind:n:power` or `kind:n:deaf`."""
    kind, number, power = (wanted + "::").split(":")[:3]
    return Crash(kind, int(number), Disk(deaf=power == "deaf") if power else None)


def inject(crash: Crash) -> None:
    """Put the points where the disk and the database are reached."""
    os.fsync = crash.around("fsync", os.fsync)
    Path.replace = crash.around("rename", Path.replace)  # type: ignore[method-assign]
    Path.unlink = crash.around("unlink", Path.unlink)  # type: ignore[method-assign]
    Path.write_bytes = _method(crash.half_write)  # type: ignore[method-assign]
    State.committing = _method(crash.commit)  # type: ignore[method-assign]


def shorten() -> None:
    """Seconds for minutes: a simulation lasts one minute, not one day."""
    shorter: list[tuple[Any, str, Any]] = [
        (pipeline.service, "SEARCH_S", 1),
        (pipeline.service, "DEEP_SEARCH_S", 4),
        (scheduler, "CATALOG_S", 2),
        (scheduler, "HOUSEKEEPING", timedelta(seconds=4)),
        (scheduler, "RECONCILE", timedelta(seconds=6)),
        (pipeline.service, "RECONCILED", timedelta(hours=6)),
        (pipeline.store.compact, "GRACE", timedelta(seconds=15)),
    ]
    for module, name, value in shorter:
        getattr(module, name)  # one that has moved must not stay long in silence
        setattr(module, name, value)


def shorten_talk() -> None:
    """Slack's second between messages is gone; what a dead process held is taken up after seconds."""
    import pipeline.talk.listener  # noqa: PLC0415 - most simulations talk to nobody
    import pipeline.talk.presses  # noqa: PLC0415 - the same
    from pipeline.tell.channels import Slack  # noqa: PLC0415 - the same
    from pipeline.tell.deliver import LIMITS  # noqa: PLC0415 - the same

    Slack.gap = timedelta()
    shorter: list[tuple[Any, str, Any]] = [
        (pipeline.talk.presses, "LEFT_S", 1.0),
        (pipeline.talk.listener, "SETTLE_LEFT_S", 0.3),
        (LIMITS, "lease", timedelta(seconds=4)),
        (LIMITS, "call", timedelta(seconds=2)),
        (LIMITS, "margin", timedelta(seconds=0.5)),
        (LIMITS, "look_gap", timedelta(seconds=0.1)),
        (LIMITS, "look_patience", timedelta(days=1)),
        (LIMITS, "back_off_most_s", 1),
        (LIMITS, "tries", 1_000),
        (LIMITS, "storm", 10_000),  # a digest has no buttons
    ]
    for owner, name, value in shorter:
        getattr(owner, name)
        object.__setattr__(owner, name, value)  # the limits are frozen, and every sender has these very ones


def shorten_pieces(rows: int) -> None:
    """As if this machine had little memory."""
    pipeline.source.pieces.PIECE_ROWS, pipeline.source.pieces.MOST_ROWS = rows, 3 * rows


if __name__ == "__main__":
    if "MINUTERISK_TEST_PIECE_ROWS" in os.environ:
        shorten_pieces(int(os.environ["MINUTERISK_TEST_PIECE_ROWS"]))
    if "MINUTERISK_TEST_SHORT" in os.environ:
        shorten()
    if "MINUTERISK_TEST_TALK" in os.environ:
        shorten_talk()
    wanted = os.environ.get("MINUTERISK_TEST_CRASH")
    if wanted:
        inject(crash_of(wanted))
    sys.exit(main(sys.argv[1:]))
