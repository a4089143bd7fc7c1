"""What ADBC hands over of a PostgreSQL result, as plain Polars columns.

The driver leaves some types as bytes with a label: uuid, enums and other types of one's own, NUMERIC as text.
A column that nobody can use (an interval, an address) does no harm; only whoever needs it refuses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from pipeline.errors import SourceChanged, SourceValueWrong
from pipeline.schema import UTC_SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

#: The years 1 to 9999 in microseconds from 1970; PostgreSQL's infinity lies beyond.
_FIRST_US = -62_135_596_800_000_000
_LAST_US = 253_402_300_799_999_999
#: Where the dashes of a uuid stand: begin and length of each part.
_UUID_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))


def plain_frame(table: pa.Table, query: Path) -> pl.DataFrame:
    """The columns of an answer: uuid, NUMERIC, enum as text, CHAR without its padding, `x_utc` as x in UTC.

    Raises SourceChanged where two columns share a name or one is of type money, SourceValueWrong for text
    that is not UTF-8.
    """
    names = [name.removesuffix(UTC_SUFFIX) for name in table.column_names]
    if len(set(names)) < len(names):
        msg = f"the extraction query {query} gives a column twice"
        raise SourceChanged(msg, f"it gives {', '.join(table.column_names)}: give each its own name")
    money = next((field.name for field in table.schema if _label(field) == "money"), None)
    if money is not None:  # it comes as hundredths, whatever the currency has
        msg = f"the extraction query {query} gives {money} as money, whose unit nobody says"
        raise SourceChanged(msg, f"write {money}::numeric AS {money} (in minor units; or as amount_major)")
    try:
        return pl.DataFrame([_plain(table.column(n), table.field(n)) for n in range(table.num_columns)])
    except (pa.ArrowException, pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        msg = f"the extraction query {query} gives a value that cannot be read: {str(error).splitlines()[0]}"
        raise SourceValueWrong(msg, "correct the value at the source") from error


def _plain(column: pa.ChunkedArray, field: pa.Field) -> pl.Series:
    label = _label(field)
    if isinstance(field.type, pa.BaseExtensionType):
        column = column.cast(field.type.storage_type)
    if pa.types.is_interval(column.type):
        return pl.Series(field.name, [None] * len(column), pl.Object)
    uncopied = pl.from_arrow(pa.table([column], [field.name]), rechunk=False)
    values: pl.Series = uncopied[field.name]
    if label == "uuid":
        values = _uuid_text(values)
    elif label.startswith("unnamed<"):  # an enum, a domain of another schema: sent as its text
        values = values.cast(pl.String)
    elif label == "bpchar":
        values = values.str.strip_chars_end(" ")
    elif isinstance(values.dtype, pl.Datetime):
        values = _within_years(values)
    naive = isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is None
    if naive and field.name.endswith(UTC_SUFFIX):
        return values.dt.replace_time_zone("UTC").rename(field.name.removesuffix(UTC_SUFFIX))
    return values


def _within_years(times: pl.Series) -> pl.Series:
    """Infinite times as the first and the last that Python knows: they still compare as they did."""
    if times.dtype.time_unit != "us":  # type: ignore[attr-defined]
        return times
    if times.is_empty() or times.null_count() == len(times):
        return times
    stored = times.to_physical()
    if int(stored.min()) >= _FIRST_US and int(stored.max()) <= _LAST_US:  # type: ignore[arg-type]
        return times
    return stored.clip(_FIRST_US, _LAST_US).cast(times.dtype)


def _label(field: pa.Field) -> str:
    return ((field.metadata or {}).get(b"POSTGRESQL:type") or b"").decode()


def _uuid_text(values: pl.Series) -> pl.Series:
    digits = values.bin.encode("hex").to_frame("digits")
    parts = [pl.col("digits").str.slice(begin, length) for begin, length in _UUID_PARTS]
    return digits.select(pl.concat_str(parts, separator="-")).to_series().rename(values.name)
