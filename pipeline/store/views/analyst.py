"""Read-only SQL over one version of the published files, each question in a process of its own.

Three walls, each of which holds alone: what the operating system refuses that process (walls/kernel.py),
DuckDB's own settings, locked (walls/child.py), and the check of the question (walls/reading.py). This side
says what is open to it, hands the question over, and takes what comes back for what somebody else wrote.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import ConfigurationError, Fault, UsageError
from pipeline.packs import load_pack
from pipeline.store.views.catalog import catalog_statements, newest_shelf, other_shelves
from pipeline.store.views.questions import Clock
from pipeline.store.views.walls import frames
from pipeline.store.views.walls.child import BATCH
from pipeline.store.views.walls.process import Process, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.settings import Settings
    from pipeline.store.views.questions import Values

#: Threads of one question; more cores than these belong to the pipeline.
_MOST_THREADS: Final = 4
_EPOCH: Final = date(1970, 1, 1)
#: Days since then that Python has a date for; DuckDB's infinity lies beyond them.
_FIRST_DAY, _LAST_DAY = (date.min - _EPOCH) // timedelta(days=1), (date.max - _EPOCH) // timedelta(days=1)
_IN_A_DAY: Final = {"s": 86_400, "ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
_CAST: Final = "make it text in the question: CAST(… AS VARCHAR)"


class Analyst:
    """The views over one published version; a question after the other, each in a new process."""

    def __init__(self, opening: Mapping[str, Any], clock: Clock) -> None:
        self._opening = opening
        #: By which the words for days and moments go that a question may be given.
        self.clock = clock
        #: The walls of the process that was asked last.
        self.stood: dict[str, str | None] = {}

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
                if len(parts) > 1:  # what is drawn for people is one piece
                    raise too_large(frames.LARGEST)
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
        self.stood = process.walls
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
        if any(_swells(field.type) for field in self.schema):
            process.end()
            msg = "the process of the question gave rows in a form that it does not use"
            raise Fault(msg, "report it with the question")

    def batches(self) -> Iterator[Any]:
        """Arrow's record batches, each looked through before anybody reads it. Raises MinuteriskError."""
        try:
            for batch in self._reader:
                batch.validate(full=True)
                if batch.num_rows > BATCH:
                    msg = f"the process of the question gave {batch.num_rows} rows at once"
                    raise Fault(msg, "report it with the question")
                yield batch
            self._pieces.finish()
        except pa.ArrowException as error:
            msg = f"the process of the question gave what are no rows: {error}"
            raise Fault(msg, "report it with the question") from error
        finally:
            self._process.end()

    def frames(self) -> Iterator[pl.DataFrame]:
        """A frame without rows, then the rows as they come. Raises UsageError for what no frame holds."""
        yield _frame(self.schema.empty_table())
        for batch in self.batches():
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                _require_dates(name, column)
            with convertible():
                frame = _frame(batch)
            yield frame

    def frame(self) -> pl.DataFrame:
        """All rows at once."""
        return pl.concat(self.frames())

    def rows(self) -> list[dict[str, Any]]:
        """All rows at once, as Python's values."""
        with convertible():
            return self.frame().to_dicts()


def _frame(rows: Any) -> pl.DataFrame:  # noqa: ANN401 - a table or batch of Arrow
    found = pl.from_arrow(rows)
    return found if isinstance(found, pl.DataFrame) else found.to_frame()


@contextmanager
def convertible() -> Iterator[None]:
    """What a value cannot be made into, as an error of the question; Polars panics beside Exception."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OverflowError, TypeError) as error:
        msg = f"a value of the answer has no such form: {str(error).partition(chr(10))[0]}"
        raise UsageError(msg, _CAST) from error


def _swells(kind: Any) -> bool:  # noqa: ANN401 - a type of Arrow
    """Whether few bytes of it can be many; our process makes text of these, so it sends none."""
    types = pa.types
    here = (types.is_dictionary, types.is_null, types.is_run_end_encoded)
    views = (types.is_list_view, types.is_large_list_view, types.is_string_view, types.is_binary_view)
    if any(is_so(kind) for is_so in (*here, *views)):
        return True
    return any(_swells(kind.field(at).type) for at in range(kind.num_fields))


def _require_dates(name: str, values: Any) -> None:  # noqa: ANN401 - an array of Arrow
    """Refuse a date or moment that is infinite or has no year of four digits. Raises UsageError."""
    kind = values.type
    if pa.types.is_date32(kind) or pa.types.is_timestamp(kind):
        numbers = values.cast(pa.int32()) if pa.types.is_date32(kind) else values.cast(pa.int64())
        per_day = 1 if pa.types.is_date32(kind) else _IN_A_DAY[kind.unit]
        found = pc.min_max(numbers).as_py()
        if found["min"] is None:
            return
        if found["min"] // per_day < _FIRST_DAY or found["max"] // per_day > _LAST_DAY:
            msg = f"{name} has a moment that is infinite or outside of the years 1 to 9999"
            raise UsageError(msg, _CAST)
    elif pa.types.is_map(kind):
        _require_dates(name, values.keys)
        _require_dates(name, values.items)
    elif kind.num_fields:
        inner = values.flatten()
        for part in inner if isinstance(inner, list) else [inner]:
            _require_dates(name, part)


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
