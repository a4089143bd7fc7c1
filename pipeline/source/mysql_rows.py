"""A MySQL result as typed columns, through PyMySQL's own cursor.

The driver gives every value as the text that the server sent (a connection with `TEXT_ONLY`), and Polars
reads a column of them at once: that is quicker than a Python value for each, and a zero date is no error on
the way. Rows come in pieces, so that hours of history never lie in memory as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
from pymysql.constants import FIELD_TYPE
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from pipeline.errors import SourceChanged, SourceValueWrong
from pipeline.schema import UTC_SUFFIX
from pipeline.source.asked import TooManyRows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pymysql.connections import Connection

#: What a connection is opened with (`conv=`): parameters are written as ever, results stay text.
TEXT_ONLY: Final[Mapping[Any, Any]] = encoders
#: Characters of a DECIMAL of 38 digits, with its sign and point.
_DECIMAL_LENGTH: Final = 40
_PIECE_ROWS: Final = 50_000


def fetch(
    connection: Connection[Any], query: str, at_most: int | None = None, optional: Collection[str] = ()
) -> pl.DataFrame:
    """Run `query` on a connection with `TEXT_ONLY` and give its rows in the declared types, times in UTC.

    A time of `optional` columns whose zone is not said is given without one.

    Raises pymysql.err.Error, SourceChanged for a column whose values are not certain, SourceValueWrong for a
    value that cannot be read, and TooManyRows where there are more than `at_most`: the connection has to be
    closed then, as the rest is not read.
    """
    cursor = connection.cursor(SSCursor)
    try:
        cursor.execute(query)
        described: Any = cursor.description
        if described is None:
            msg = "the extraction query gives no rows: it is empty, or it writes"
            raise SourceChanged(msg, "write one SELECT")  # noqa: TRY301 - the cursor is closed below
        columns = [(name, code, length, scale) for name, code, _, _, length, scale, _ in described]
        pieces = [_typed(columns, (), optional)]
        while rows := cursor.fetchmany(_PIECE_ROWS):
            pieces.append(_typed(columns, rows, optional))
            if at_most is not None and sum(piece.height for piece in pieces) > at_most:
                cursor.connection = None  # type: ignore[assignment]  # its end would read the rest
                raise TooManyRows
    except UnicodeDecodeError as error:
        msg = f"the extraction query gives text that is not UTF-8: byte {error.start}"
        raise SourceValueWrong(msg, "correct the value at the source") from error
    except (SourceChanged, SourceValueWrong):
        cursor.close()  # reads the rest: left to the garbage collector it would read from a closed connection
        raise
    cursor.close()
    return pl.concat(pieces, how="vertical_relaxed")  # binary text shows only where a piece has some


def _typed(
    columns: Sequence[tuple[str, int, int, int]],
    rows: Sequence[tuple[Any, ...]],
    optional: Collection[str],
) -> pl.DataFrame:
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    try:
        texts = pl.DataFrame([_as_sent(name, v) for (name, *_), v in zip(columns, values, strict=True)])
        return texts.select(_value(*column, optional) for column in columns)
    except pl.exceptions.DuplicateError as error:
        msg = f"the extraction query gives a column twice: {', '.join(name for name, *_ in columns)}"
        raise SourceChanged(msg, "give each its own name") from error
    except pl.exceptions.PolarsError as error:
        msg = f"the extraction query gives a value that does not fit: {str(error).splitlines()[0]}"
        raise SourceValueWrong(msg, "integers must lie within 64 bits") from error


def _as_sent(name: str, values: Sequence[str | bytes | None]) -> pl.Series:
    first = next((value for value in values if value is not None), "")
    return pl.Series(name, values, pl.Binary if isinstance(first, bytes) else pl.String)


def _value(name: str, type_code: int, length: int, scale: int, optional: Collection[str]) -> pl.Expr:
    """The column in its declared type; MySQL's zero dates become null, as they stand for no date.

    A DECIMAL of more than 38 digits stays text: nothing holds it exactly.
    """
    column = pl.col(name)
    if type_code in (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL):
        return column if length > _DECIMAL_LENGTH else column.cast(pl.Decimal(38, scale), strict=False)
    if type_code == FIELD_TYPE.DATETIME and name in optional:
        # Without a zone it is not known, and nothing waits for it.
        return _in_utc(column).dt.replace_time_zone(None)
    return _VALUES.get(type_code, _as_it_is)(column)


def _as_it_is(column: pl.Expr) -> pl.Expr:
    return column


def _integer(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Int64)


def _in_utc(column: pl.Expr) -> pl.Expr:
    times = column.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    return times.dt.replace_time_zone("UTC")


def _in_utc_for_certain(column: pl.Expr) -> pl.Expr:
    return _in_utc(column).alias(_certain(column.meta.output_name()))


def _certain(name: str) -> str:
    """The name of a DATETIME column that says it is in UTC, without the suffix."""
    if name.endswith(UTC_SUFFIX):
        return name.removesuffix(UTC_SUFFIX)
    msg = f"the extraction query gives {name} as DATETIME, which does not say its time zone"
    raise SourceChanged(
        msg,
        f"name it {name}{UTC_SUFFIX} if it is in UTC, or convert it:"
        f" CONVERT_TZ({name}, '+09:00', '+00:00') AS {name}{UTC_SUFFIX}",
    )


_VALUES: Final[Mapping[int, Callable[[pl.Expr], pl.Expr]]] = {
    FIELD_TYPE.TINY: _integer,
    FIELD_TYPE.SHORT: _integer,
    FIELD_TYPE.INT24: _integer,
    FIELD_TYPE.LONG: _integer,
    FIELD_TYPE.LONGLONG: _integer,
    FIELD_TYPE.YEAR: _integer,
    FIELD_TYPE.FLOAT: lambda column: column.cast(pl.Float64),
    FIELD_TYPE.DOUBLE: lambda column: column.cast(pl.Float64),
    FIELD_TYPE.NULL: lambda column: column.cast(pl.Null),
    FIELD_TYPE.DATE: lambda column: column.str.to_date("%Y-%m-%d", strict=False),
    FIELD_TYPE.TIMESTAMP: _in_utc,
    FIELD_TYPE.DATETIME: _in_utc_for_certain,
}
