"""What is read beside the rows: the optional queries of `Pack.beside`, in the very snapshot of the rows.

Minutes are published without one that fails. What was missed is found by comparing, see `prove.beside`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.errors import PassingError, SourceChanged, SourceTooSlow, SourceValueWrong
from pipeline.minute import Span, from_index, to_index
from pipeline.schema import UTC_SUFFIX
from pipeline.source.asked import ReadBeside, has_query
from pipeline.source.turns import again_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from pipeline.pack import Pack
    from pipeline.source.asked import Source

    #: Runs a query over [start, end): (its name, start, end, seconds that it has).
    Ask = Callable[[str, datetime, datetime, float], pl.DataFrame]

#: A query beside the rows of one minute, and its checksums of an hour, have so many seconds; one of a longer
#: span has what the rows have.
LIMIT_S: Final = 3.0
#: A query that is too slow for so few minutes is not made quicker by asking for fewer.
SHORT_MINUTES: Final = 60


@dataclass(slots=True)
class Beside:
    """The optional queries of a pack in one folder."""

    pack: Pack[Any, Any]
    queries: Path
    dialect: str
    currency: str
    timeout_s: float
    monotonic: Callable[[], float] = time.monotonic
    _failed: dict[str, tuple[float, Exception]] = field(default_factory=dict)  # by dataset: when to try again

    def has(self, dataset: str) -> bool:
        """Is there a query for the dataset? One that follows from the rows needs none."""
        query = self.pack.beside[dataset].query
        return query is None or has_query(self.queries, query, self.dialect)

    def read(self, ask: Ask, span: Span, datasets: Collection[str] | None = None) -> ReadBeside:
        """What the queries give of `span`. Raises where the source cannot be reached; all else is a failure.

        One that has failed is left alone for a while by single minutes, unless it is asked for by name; a
        failure ends the reading.
        """
        frames: dict[str, pl.DataFrame] = {}
        failed: dict[str, Exception] = {}
        outside: dict[str, int] = {}
        for name, beside in self.pack.beside.items():
            if (datasets is not None and name not in datasets) or beside.query is None or not self.has(name):
                continue
            waiting = self._failed.get(name)
            if waiting and span.minutes == 1 and datasets is None and self.monotonic() < waiting[0]:
                failed[name] = waiting[1]
                continue
            began = self.monotonic()
            try:
                frames[name], outside[name] = self._one(ask, name, span)
                self._failed.pop(name, None)
            except Exception as error:
                if isinstance(error, PassingError) and not isinstance(error, SourceTooSlow):
                    raise
                self._failed[name] = (again_at(began, self.monotonic()), error)
                failed[name] = error
                break
        return ReadBeside(frames, failed, {name: rows for name, rows in outside.items() if rows})

    @property
    def short_s(self) -> float:
        """What a question that is asked each minute may take."""
        return min(LIMIT_S, self.timeout_s)

    def time_of(self, dataset: str, names: Collection[str]) -> str:
        """What the query calls the column that says to which minute a row belongs. Raises SourceChanged."""
        beside = self.pack.beside[dataset]
        for name in (beside.time, f"{beside.time}{UTC_SUFFIX}"):
            if name in names:
                return name
        file, gives = self.queries / f"{beside.query}.sql", ", ".join(names)
        msg = f"the extraction query {file} gives no column {beside.time}; it gives {gives}"
        raise SourceChanged(msg, "name the column in the query")

    def _one(self, ask: Ask, name: str, span: Span) -> tuple[pl.DataFrame, int]:
        """The rows of a dataset, and how many others the query gave."""
        beside = self.pack.beside[name]
        limit = self.short_s if span.minutes == 1 else self.timeout_s
        given = ask(str(beside.query), span.start, span.end, limit)
        if beside.conform is not None:
            given = beside.conform(given, str(self.queries / f"{beside.query}.sql"), self.currency)
        at = pl.col(beside.time)
        inside = given.filter((at >= span.start) & (at < span.end))
        return inside, given.height - inside.height


def prints_of(frame: pl.DataFrame) -> dict[datetime, tuple[int, str]]:
    """What a source counted: by minute (minutes since the epoch) the number of rows and their checksum."""
    return {from_index(int(minute)): (int(rows), str(print_)) for minute, rows, print_ in frame.iter_rows()}


def read_around(
    source: Source, dataset: str, spans: Iterable[Span]
) -> Iterator[tuple[Span, pl.DataFrame | Exception]]:
    """The rows of a dataset in pieces, around minutes that cannot be read: these come as what is wrong.

    A piece that fails by a value, or takes too long, is halved. A short one that takes too long says that
    the query does: it ends the reading, as every other would be waited for in vain, and comes with all that
    lies behind it. Empty where there is no such query.
    """
    pieces = list(spans)[::-1]
    while pieces:
        piece = pieces.pop()
        read = source.beside([dataset], piece)
        error = read.failed.get(dataset)
        if dataset in read.frames:
            yield piece, read.frames[dataset]
        elif isinstance(error, SourceTooSlow) and piece.minutes <= SHORT_MINUTES:
            yield Span(piece.start, pieces[0].end if pieces else piece.end), error
            return
        elif isinstance(error, SourceTooSlow | SourceValueWrong) and piece.minutes > 1:
            middle = from_index((to_index(piece.start) + to_index(piece.end)) // 2)
            pieces += [Span(middle, piece.end), Span(piece.start, middle)]
        elif error is not None:
            yield piece, error
