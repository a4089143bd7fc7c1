"""Read-only SQL over one version of the published files, each question in a process of its own.

Three walls, each of which holds alone: what the operating system refuses that process (walls/kernel.py),
DuckDB's own settings, locked (walls/child.py), and the check of the question (walls/reading.py). This side
says what is open to it, hands the question over, and takes what comes back for what somebody else wrote.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl
import pyarrow as pa

from pipeline.errors import ConfigurationError, Fault
from pipeline.packs import load_pack
from pipeline.store.views.catalog import catalog_statements, newest_shelf, other_shelves
from pipeline.store.views.questions import Clock
from pipeline.store.views.walls import frames
from pipeline.store.views.walls.process import Process

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.settings import Settings
    from pipeline.store.views.questions import Values

#: Threads of one question; more cores than these belong to the pipeline.
_MOST_THREADS: Final = 4


class Analyst:
    """The views over one published version; a question after the other, each in a new process."""

    def __init__(self, opening: Mapping[str, Any], clock: Clock) -> None:
        self._opening = opening
        #: By which the words for days and moments go that a question may be given.
        self.clock = clock

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """The newest version; raises ConfigurationError when nothing is published yet."""
        newest = newest_shelf(load_pack(settings.pack), settings.manifest, settings.lake)
        if newest is None:
            msg = f"nothing is published under {settings.home} yet"
            raise ConfigurationError(msg, "start with `make demo`, or `minuterisk backfill`")
        manifest, shelf = newest
        shelves = [shelf, *other_shelves(settings.pack, settings.home, settings.lake)]
        return cls(
            {
                "statements": catalog_statements(shelves, settings.lake, settings.business_timezone),
                "files": [path for shelf in shelves for path in shelf.paths(settings.lake)],
                "seconds": int(settings.sql_seconds.total_seconds()),
                "memory_mb": settings.sql_memory,
                "threads": min(os.cpu_count() or 1, _MOST_THREADS),
            },
            Clock(manifest.published_through, settings.business_timezone, manifest.first_minute),
        )

    def ask(self, question: str, values: Values | None = None) -> Answer:
        """The rows of one question. Raises UsageError for what does more than read or is not understood."""
        return Answer(self._begin(question, values, as_text=False))

    def show(self, question: str, values: Values | None = None) -> str:
        """The answer as DuckDB draws it for people, long ones shortened. Raises as `ask`."""
        process = self._begin(question, values, as_text=True)
        parts = []
        try:
            while (heard := process.hear(frames.TEXT, frames.DONE))[0] == frames.TEXT:
                parts.append(heard[1])
        finally:
            process.end()
        return b"".join(parts).decode(errors="replace")

    def walls(self) -> dict[str, str | None]:
        """Which walls stand on this machine: None, or why one does not."""
        process = Process(self._opening)
        process.end()
        return process.walls

    def _begin(self, question: str, values: Values | None, *, as_text: bool) -> Process:
        process = Process(self._opening)
        process.ask({"question": question, "values": values or {}, "as_text": as_text})
        return process


class Answer:
    """The rows of one answer as they come; its process ends with it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._pieces = _Pieces(process)
        try:
            self._reader = pa.ipc.open_stream(pa.PythonFile(self._pieces, "r"))
        except pa.ArrowException as error:
            process.end()
            msg = f"the process of the question gave no rows: {error}"
            raise Fault(msg, "report it with the question") from error
        except BaseException:
            process.end()
            raise
        self.schema: Any = self._reader.schema

    def batches(self) -> Iterator[Any]:
        """Arrow's record batches, each looked through before anybody reads it. Raises MinuteriskError."""
        try:
            for batch in self._reader:
                batch.validate(full=True)
                yield batch
            self._pieces.finish()
        except pa.ArrowException as error:
            msg = f"the process of the question gave what are no rows: {error}"
            raise Fault(msg, "report it with the question") from error
        finally:
            self._process.end()

    def frame(self) -> pl.DataFrame:
        """All rows at once."""
        table = pa.Table.from_batches(list(self.batches()), self.schema)
        found = pl.from_arrow(table)
        return found if isinstance(found, pl.DataFrame) else found.to_frame()

    def rows(self) -> list[dict[str, Any]]:
        """All rows at once, as Python's values."""
        return self.frame().to_dicts()


class _Pieces:
    """A file to read from, of the pieces of an answer."""

    closed = False

    def __init__(self, process: Process) -> None:
        self._process = process
        self._left = b""
        self._done = False

    def read(self, count: int = -1) -> bytes:
        """So many bytes; fewer at the end alone."""
        while not self._done and (count < 0 or len(self._left) < count):
            kind, content = self._process.hear(frames.ROWS, frames.DONE)
            self._done = kind == frames.DONE
            self._left += content
        found, self._left = (self._left, b"") if count < 0 else (self._left[:count], self._left[count:])
        return found

    def finish(self) -> None:
        """Hear the end: until then the question may still fail."""
        while not self._done:
            self.read(1)

    def close(self) -> None:
        """The process is ended by the answer."""
