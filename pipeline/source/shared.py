"""What the sources of both dialects share: where their queries lie, and how rows become the pack's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from pipeline.amounts import DEFAULT_CURRENCY
from pipeline.minute import Span, floor_minute
from pipeline.schema import unfit_columns
from pipeline.source.answers import conform_known
from pipeline.source.asked import Part, has_query, read_query
from pipeline.source.beside import Beside

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import timedelta
    from pathlib import Path

    from pipeline.pack import Pack
    from pipeline.source.asked import Fence, Known, ReadBeside
    from pipeline.source.halve import Reading


class SharedReading:
    """A snapshot that several read; see `asked.Shared`."""

    def __init__(
        self,
        name: str | None,
        reading: Reading,
        part: Callable[[pl.DataFrame, datetime, datetime], Part],
    ) -> None:
        self.name = name
        self._reading = reading
        self._part = part

    def fence(self) -> Fence:
        """The snapshot."""
        return self._reading.fence()

    def rows(self, start: datetime, end: datetime) -> Part:
        """Rows of [start, end), on the connection that holds the snapshot."""
        return self._part(self._reading.rows(start, end), start, end)

    def beside(self, span: Span) -> ReadBeside:
        """What is read beside the rows."""
        return self._reading.beside(span)


class SharedSource(ABC):
    """A company's database behind a role that may only SELECT."""

    dialect: str
    promise: str

    def __init__(
        self,
        pack: Pack[Any, Any],
        url: str,
        queries: Path,
        timeout: timedelta,
        currency: str = DEFAULT_CURRENCY,
    ) -> None:
        self.pack = pack
        self.url = url
        self._currency = currency
        self._queries = queries
        self._timeout = timeout
        self._entity_is_text = True
        self.on_query: Callable[[str, float], None] = lambda *_: None
        seconds = timeout.total_seconds()
        self._beside = Beside(pack, queries, self.dialect, currency, seconds)
        self._hold_nothing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _hold_nothing(self) -> None:
        """Begin without a connection: each dialect has its own."""

    @abstractmethod
    def close(self) -> None:
        """Give the connections back; the next read opens new ones."""

    def again(self) -> Self:
        """The same database through connections of its own, for another thread."""
        other = type(self)(self.pack, self.url, self._queries, self._timeout, self._currency)
        other.promise = self.promise
        other._entity_is_text = self._entity_is_text  # noqa: SLF001 - of this very class
        other.on_query = self.on_query
        return other

    def has_beside(self, dataset: str) -> bool:
        """Is there a query for a dataset of `Pack.beside`? One that follows from the rows needs none."""
        return self._beside.has(dataset)

    @abstractmethod
    def beside(self, datasets: Collection[str], span: Span) -> ReadBeside:
        """What the optional queries of some datasets give of `span`, from a snapshot of its own."""

    def _asks_beside(self) -> dict[str, Callable[[], object]]:
        """By query: read nothing, and raise what is wrong."""
        now = floor_minute(datetime.now(UTC))

        def ask(dataset: str) -> None:
            read = self.beside([dataset], Span(now, now))
            if dataset in read.failed:
                raise read.failed[dataset]

        given = {name: one.query for name, one in self.pack.beside.items() if one.query is not None}
        return {query: partial(ask, name) for name, query in given.items()}

    def known(self) -> Known | None:
        """What is known of every entity; None where there is no such query."""
        if self.pack.fact is None or not has_query(self._queries, self.pack.fact[0], self.dialect):
            return None
        name, column = self.pack.fact
        asked = self._whole(name)
        return conform_known(asked, str(self._file(name)), self.pack.entity, column, self.pack.entity_name)

    def whole(self, query: str) -> tuple[pl.DataFrame, str] | None:
        """All rows of an optional query without parameters, values as they come, and its file.

        None where there is no such query.
        """
        if not has_query(self._queries, query, self.dialect):
            return None
        return self._whole(query), str(self._file(query))

    @abstractmethod
    def _whole(self, name: str) -> pl.DataFrame:
        """All rows of a query without parameters."""

    def _conformed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows as the pack counts them; remembers whether its ids are text there."""
        found = self.pack.conform(rows, str(self._file(self.pack.rows_query)), self._currency)
        self._entity_is_text = found.schema[self.pack.entity] == pl.String
        return found

    def _part(self, given: pl.DataFrame, start: datetime, end: datetime) -> Part:
        """The same of a part of a span, with what the query gave beside it."""
        name, wanted = self.pack.rows_query, self.pack.row
        not_known = unfit_columns(given, wanted, self.pack.optional, f"{name}.sql")
        rows, time = self._conformed(given), pl.col("occurred_at")
        inside = rows.select(((time >= start) & (time < end)).sum()).item()
        return Part(rows, not_known, rows.height - inside)

    def _in_their_type(self, parameters: Mapping[str, object]) -> dict[str, Any]:
        """Lists are of ids, which are text here and perhaps integers there."""
        return {
            name: [int(one) for one in value]
            if isinstance(value, list) and not self._entity_is_text
            else value
            for name, value in parameters.items()
        }

    def _file(self, name: str) -> Path:
        return self._queries / f"{name}.sql"

    def _query(self, name: str) -> str:
        return read_query(self._queries, name, self.dialect)
