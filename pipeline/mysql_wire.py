"""A MySQL result as columns: rows are taken from the stream of the text protocol without an object for each.

PyMySQL makes Python values of every row, some 50,000 rows a second; a peak minute of 300,000 would take six.
So it opens the connection and sends the query, and the packets that follow are read here: one short loop
finds where each row begins, everything else is arithmetic on whole columns. This leans on three private names
of PyMySQL (`_result`, `_rfile`, `_force_close`); the contract tests notice if a new version moves them.

A packet is a 3-byte length, a sequence number and a payload; a row is one packet, a value its size and text:
https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset.html
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from pymysql import err
from pymysql.constants import CR, FIELD_TYPE

from pipeline.errors import SourceChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

#: Rows are decoded in pieces of about this size, so that hours of history never lie in memory as text.
_PIECE_BYTES: Final = 16 * 2**20
_READ_BYTES: Final = 2**18
_HEADER: Final = Struct("<I")  # three bytes of length, one of sequence
_LARGEST_PACKET: Final = 0xFFFFFF
_END, _END_SHORTER_THAN, _ERROR = 0xFE, 9, 0xFF  # the first byte of a packet that is no row
_NULL, _LENGTH_IN_2, _LENGTH_IN_3 = (
    0xFB,
    0xFC,
    0xFD,
)  # the first byte of a value without or with a long length
_BINARY_CHARSET: Final = 63

_INTEGERS: Final = {
    FIELD_TYPE.TINY,
    FIELD_TYPE.SHORT,
    FIELD_TYPE.INT24,
    FIELD_TYPE.LONG,
    FIELD_TYPE.LONGLONG,
    FIELD_TYPE.YEAR,
}
_TEXTS: Final = {
    FIELD_TYPE.VARCHAR,
    FIELD_TYPE.VAR_STRING,
    FIELD_TYPE.STRING,
    FIELD_TYPE.TINY_BLOB,
    FIELD_TYPE.MEDIUM_BLOB,
    FIELD_TYPE.LONG_BLOB,
    FIELD_TYPE.BLOB,
    FIELD_TYPE.BIT,
    FIELD_TYPE.GEOMETRY,
}
#: The suffix by which a query says that a DATETIME, which carries no zone, is in UTC.
UTC_SUFFIX: Final = "_utc"


@dataclass(frozen=True, slots=True)
class Field:
    """A column as the server describes it."""

    name: str
    type_code: int
    scale: int
    binary: bool
    table: tuple[str, str] | None  # database and table; None where the column is computed


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query and where its columns come from."""

    frame: pl.DataFrame
    fields: tuple[Field, ...]


def fetch(connection: Any, query: str) -> Answer:  # noqa: ANN401 - what is used here has no public type
    """Run `query` on a PyMySQL connection and give its rows in the declared types, times in UTC.

    Raises pymysql.err.Error, and SourceChanged for a column whose values are not certain; the rest of the
    answer then lies unread, so the connection has to be closed.
    """
    connection.query(query, unbuffered=True)
    result = connection._result  # noqa: SLF001
    if not result.unbuffered_active:  # a statement that gives no rows
        return Answer(pl.DataFrame(), ())
    result.unbuffered_active = False  # from here on the stream is ours
    fields = tuple(_field(described) for described in result.fields)
    try:
        texts = [_as_texts(data, starts, fields) for data, starts in _pieces(connection._rfile)]  # noqa: SLF001
    except OSError as error:
        connection._force_close()  # noqa: SLF001
        msg = f"lost the connection during the query ({error})"
        raise err.OperationalError(CR.CR_SERVER_LOST, msg) from error
    return Answer(_typed(pl.concat(texts), fields), fields)


def _field(described: Any) -> Field:  # noqa: ANN401 - PyMySQL's packet
    return Field(
        name=described.name,
        type_code=described.type_code,
        scale=described.scale,
        binary=described.charsetnr == _BINARY_CHARSET and described.type_code in _TEXTS,
        table=(described.db.decode(), described.org_table) if described.org_table else None,
    )


def _pieces(stream: Any) -> Iterator[tuple[NDArray[np.uint8], list[int]]]:  # noqa: ANN401 - a buffered reader
    """Bytes of the stream and where in them the payload of each row begins, up to the last row."""
    buffer, starts, end, complete = bytearray(), list[int](), 0, False
    while not complete:
        more = stream.read1(_READ_BYTES)
        if not more:
            msg = "the server closed it"
            raise ConnectionError(msg)
        buffer += more
        end, complete = _walk(buffer, end, starts)
        if complete or end >= _PIECE_BYTES:
            yield np.frombuffer(bytes(memoryview(buffer)[:end]), dtype=np.uint8), starts
            del buffer[:end]
            starts, end = [], 0


def _walk(buffer: bytearray, position: int, starts: list[int]) -> tuple[int, bool]:
    """Add the payloads of the whole packets from `position` on; gives where they end and if all rows did."""
    size = len(buffer)
    while position + 4 < size:
        length = _HEADER.unpack_from(buffer, position)[0] & _LARGEST_PACKET
        payload = position + 4
        if payload + length > size:
            break
        position = payload + length
        first = buffer[payload]
        if first >= _END:
            if first == _END and length < _END_SHORTER_THAN:
                return position, True
            _refuse(bytes(buffer[payload:position]))
        starts.append(payload)
    return position, False


def _refuse(payload: bytes) -> None:
    if payload[0] == _ERROR:
        err.raise_mysql_exception(payload)
    msg = "the extraction query gives a value of 16 MB or more"
    raise SourceChanged(msg, "give only the columns that are asked for")


def _as_texts(data: NDArray[np.uint8], starts: list[int], fields: tuple[Field, ...]) -> pl.DataFrame:
    """The values of the rows that begin at `starts`, as text or bytes, one column for each field."""
    at = np.array(starts, dtype=np.int64)
    columns = []
    for field in fields:
        first = data[at] if len(at) else np.empty(0, np.uint8)
        lengths, at = first.astype(np.int64), at + 1
        for mark, bytes_of_length in ((_LENGTH_IN_2, 2), (_LENGTH_IN_3, 3)):
            long = np.flatnonzero(first == mark)
            lengths[long] = sum(
                data[at[long] + i].astype(np.int64) << (8 * i) for i in range(bytes_of_length)
            )
            at[long] += bytes_of_length
        missing = first == _NULL
        lengths[missing] = 0
        columns.append(_series(field, data, at, lengths, missing))
        at = at + lengths
    return pl.DataFrame(columns)


def _series(
    field: Field,
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    missing: NDArray[np.bool_],
) -> pl.Series:
    """One column: its values lie scattered over `data` and are brought together."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    scattered = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    buffers = [valid, pa.py_buffer(offsets), pa.py_buffer(data[scattered])]
    kind = pa.large_binary() if field.binary else pa.large_string()
    array = pa.Array.from_buffers(kind, len(lengths), buffers)
    array.validate(full=True)  # a server that sent something else than UTF-8 must not crash a reader
    return pl.Series(field.name, array)


def _typed(texts: pl.DataFrame, fields: tuple[Field, ...]) -> pl.DataFrame:
    try:
        return texts.select(_value(field) for field in fields)
    except pl.exceptions.PolarsError as error:
        msg = f"the extraction query gives a value that does not fit: {str(error).splitlines()[0]}"
        raise SourceChanged(
            msg, "integers must lie within 64 bits, and no two columns share a name"
        ) from error


def _value(field: Field) -> pl.Expr:
    """The column in its declared type; MySQL's zero dates become null, as they stand for no date."""
    column = pl.col(field.name)
    if field.type_code in _INTEGERS:
        return column.cast(pl.Int64)
    if field.type_code in (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL):
        return column.cast(pl.Decimal(38, field.scale), strict=False)
    return _OTHERS.get(field.type_code, _as_it_is)(column)


def _as_it_is(column: pl.Expr) -> pl.Expr:
    return column


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


_OTHERS: Final[Mapping[int, Callable[[pl.Expr], pl.Expr]]] = {
    FIELD_TYPE.FLOAT: lambda column: column.cast(pl.Float64),
    FIELD_TYPE.DOUBLE: lambda column: column.cast(pl.Float64),
    FIELD_TYPE.NULL: lambda column: column.cast(pl.Null),
    FIELD_TYPE.DATE: lambda column: column.str.to_date("%Y-%m-%d", strict=False),
    FIELD_TYPE.TIMESTAMP: _in_utc,
    FIELD_TYPE.DATETIME: _in_utc_for_certain,
}
