"""Rows and minutes that a query gives although they lie outside the span it was asked for. Pure.

A filter on another column than `occurred_at`, or a time shifted by its zone, gives them. They belong to other
minutes, whose own reads give them too: here they are counted for the alarm, and never as rows of this one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.minute import format_minute

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.minute import Span
    from pipeline.pack import Pack

_HINT: Final = (
    "let {query}.sql filter by occurred_at itself, from start (included) to end (excluded), in the same zone"
)


@dataclass(frozen=True, slots=True)
class Outside:
    """What lay outside of a span."""

    query: str
    span: Span
    count: int  # rows, or minutes
    of: int  # of so many that the query gave
    first: datetime
    last: datetime
    example: str = ""  # a row, by its id

    @property
    def what(self) -> str:
        """In a sentence."""
        unit = "rows" if self.example else "minutes"
        example = f", for example {self.example}" if self.example else ""
        return (
            f"{self.query}.sql, asked for {self.span}, gave {self.count:,} of {self.of:,} {unit} outside it:"
            f" from {self.first:%Y-%m-%dT%H:%M:%SZ} to {self.last:%Y-%m-%dT%H:%M:%SZ}{example}"
        )

    @property
    def hint(self) -> str:
        """The next step."""
        return _HINT.format(query=self.query)


def within(rows: pl.DataFrame, span: Span, pack: Pack[Any, Any]) -> tuple[pl.DataFrame, Outside | None]:
    """The pack's rows of `span`, and what lay outside; one without a time did not."""
    time = pl.col("occurred_at")
    first, last = rows.select(time.min().alias("first"), time.max().alias("last")).row(0)
    if first is None or (first >= span.start and last < span.end):  # the hot path: two numbers a minute
        return rows, None
    is_outside = ((time < span.start) | (time >= span.end)).fill_null(value=False)
    strangers = rows.filter(is_outside)
    example = f"{pack.row_noun} {strangers[pack.key[0]][0]}"
    found = _found(pack.rows_query, span, strangers["occurred_at"], rows.height)
    return rows.filter(~is_outside), replace(found, example=example)


def outside_minutes(frame: pl.DataFrame, span: Span, query: str) -> Outside | None:
    """Minutes (column `minute`) of an answer about `span` that lie outside it."""
    minutes = frame["minute"].drop_nulls()
    strangers = minutes.filter((minutes < span.start) | (minutes >= span.end))
    if strangers.is_empty():
        return None
    return _found(query, span, strangers, minutes.len())


def _found(query: str, span: Span, times: pl.Series, of: int) -> Outside:
    ordered: list[datetime] = times.sort().to_list()
    return Outside(query, span, len(ordered), of, ordered[0], ordered[-1])


def minutes_text(span: Span) -> str:
    """A span as `--from` and `--to` take it."""
    return f"--from {format_minute(span.start)}Z --to {format_minute(span.end)}Z"
