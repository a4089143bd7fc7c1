"""Values of PostgreSQL that Python has no equal for (infinite dates, years past 9999): they come as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import DataError
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.abc import Buffer


def read_as_text_what_does_not_fit(connection: Connection[Any]) -> None:
    """Let one value that does not fit not fail the whole answer of a query."""
    connection.adapters.register_loader("date", _Date)
    connection.adapters.register_loader("timestamp", _Timestamp)
    connection.adapters.register_loader("timestamptz", _Timestamptz)


class _Date(DateLoader):
    def load(self, data: Buffer) -> Any:  # noqa: ANN401 - a date, or its text
        try:
            return super().load(data)
        except DataError:
            return _text(data)


class _Timestamp(TimestampLoader):
    def load(self, data: Buffer) -> Any:  # noqa: ANN401 - a time, or its text
        try:
            return super().load(data)
        except DataError:
            return _text(data)


class _Timestamptz(TimestamptzLoader):
    def load(self, data: Buffer) -> Any:  # noqa: ANN401 - a time, or its text
        try:
            return super().load(data)
        except DataError:
            return _text(data)


def _text(data: Buffer) -> str:
    return bytes(data).decode("utf-8", "replace")
