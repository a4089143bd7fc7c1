"""One snapshot of the rows of a MySQL source: whole, or around what cannot be read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from pipeline.errors import SourceChanged
from pipeline.source.asked import TooManyRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from pipeline.minute import Span
    from pipeline.source.asked import Fence, ReadBeside

#: A statement reads at most this much, so that the timeout bounds a query and never a day of history.
STATEMENT_SPAN = timedelta(hours=1)


class MySqlReading:
    """The rows of one snapshot; see `halve.Reading`."""

    def __init__(
        self,
        ask: Callable[..., pl.DataFrame],
        names: Callable[[datetime], list[str]],
        fence: Callable[[], Fence],
        at_most: int | None,
        key: str,
        beside: Callable[[Span], ReadBeside],
    ) -> None:
        self._ask = ask
        self._key = key
        self._at_most = at_most
        self.beside = beside
        self.fence = fence
        self.names = names

    def rows(
        self,
        start: datetime,
        end: datetime,
        columns: Sequence[str] = (),
        ids: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of [start, end), of some columns alone, or of some ids alone."""
        wrap = "{query}"
        if columns or ids is not None:
            chosen = ", ".join(f"given.`{name}`" for name in columns) or "given.*"
            wrap = f"SELECT {chosen} FROM (\n{{query}}\n) AS given"  # noqa: S608 - around the company's query
        if ids is not None:
            wrap += f" WHERE CAST(given.{self._key} AS CHAR) IN %(ids)s"
        values = {} if ids is None else {"ids": list(ids)}
        read: list[pl.DataFrame] = []
        for a, b in parts(start, end):
            read.append(self._ask(wrap, start=a, end=b, **values))
            if self._at_most is not None and sum(part.height for part in read) > self._at_most:
                raise TooManyRows
        return self._together(read)

    def _together(self, read: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Binary text shows only where a part has some: parts without rows say nothing of their types."""
        try:
            return pl.concat([part for part in read if part.height] or read[:1], how="vertical_relaxed")
        except pl.exceptions.PolarsError as error:
            msg = f"the extraction query of the rows gives a column in two types: {error}"
            raise SourceChanged(msg.splitlines()[0], "cast the column in the query") from error

    def count(self, start: datetime, end: datetime) -> int:
        """How many rows there are; the server computes no column for it."""
        wrap = "SELECT COUNT(*) AS `rows` FROM (\n{query}\n) AS given"
        return int(self._ask(wrap, start=start, end=end)["rows"][0])


def prints_around(time: str, names: Sequence[str]) -> str:
    """Around a query: of its rows by minute their number and a checksum, in whatever order they come."""
    columns = ", ".join(f"COALESCE(CAST(given.`{name}` AS CHAR), '-')" for name in names)
    minute = f"CAST(FLOOR(UNIX_TIMESTAMP(given.`{time}`) / 60) AS SIGNED) AS minute"
    print_ = f"CAST(SUM(CRC32(CONCAT_WS('|', {columns}))) AS CHAR) AS print"
    return f"SELECT {minute}, COUNT(*) AS `rows`, {print_} FROM (\n{{query}}\n) AS given GROUP BY 1"  # noqa: S608


def parts(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """A span in pieces of an hour at most; at least one, which may be empty."""
    while True:
        until = min(start + STATEMENT_SPAN, end)
        yield start, until
        start = until
        if start >= end:
            return
