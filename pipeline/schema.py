"""The columns that every pack has, and `conform`, which every frame passes before a write.

A Parquet file whose column is all null takes the type Null and breaks the next reader; integers that
arrive as floats lose digits. `conform` is where that stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.errors import SourceChanged

if TYPE_CHECKING:
    from collections.abc import Iterable

UTC_TIME: Final = pl.Datetime("us", "UTC")

#: Columns that rows have besides where one of them cannot be counted: why, and the amount that is no integer.
WRONG: Final = "wrong"
AMOUNT_GIVEN: Final = "amount_given"
#: Instead of `amount`, a query may give it in major units (19.99), and beside either its currency.
AMOUNT_MAJOR: Final = "amount_major"
CURRENCY: Final = "currency"
#: By this suffix a query says that a time, which carries no zone, is in UTC.
UTC_SUFFIX: Final = "_utc"

#: What is known of entities: one row where it is, and as changes, each from a minute on until the entity's
#: next row; null: unknown from then on.
FACT: Final = pl.Schema({"entity_id": pl.String(), "value": pl.String()})
FACT_CHANGE: Final = pl.Schema({"from_minute": UTC_TIME, **FACT})


def conform(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Give `frame` exactly the columns and types of `schema`, in its order.

    Raises TypeError for a cast that could lose something: a fraction to an integer, a naive time to UTC
    (Polars itself cuts the one and guesses the other).
    """
    for name, wanted in schema.items():
        found = frame.schema[name]
        naive = isinstance(found, pl.Datetime) and found.time_zone is None
        fraction = wanted.is_integer() and not (found.is_integer() or found == pl.Null)
        if fraction or (wanted == UTC_TIME and naive):
            msg = f"column {name} is {found}; {wanted} is needed"
            raise TypeError(msg)
    return frame.select(pl.col(name).cast(dtype, strict=True) for name, dtype in schema.items())


def conform_rows(frame: pl.DataFrame, schema: pl.Schema, query: str) -> pl.DataFrame:
    """What an extraction query gave, in the columns of `schema`; raises SourceChanged for others."""
    missing = [name for name in schema if name not in frame.columns]
    if missing:
        msg = f"the extraction query {query} gives no column {', '.join(missing)}"
        raise SourceChanged(msg, f"name the column in the query: it must give {', '.join(schema)}")
    return pl.DataFrame([source_column(frame[name], wanted, query) for name, wanted in schema.items()])


def unfit_columns(
    frame: pl.DataFrame, schema: pl.Schema, optional: Iterable[str], query: str
) -> dict[str, str]:
    """Optional columns that are not of their type, and so are not known, each with what was met."""
    found = {}
    for name in optional:
        try:
            if name in frame.columns:
                source_column(frame[name], schema[name], query)
        except SourceChanged as error:
            found[name] = error.what
    return found


def source_column(column: pl.Series, wanted: pl.DataType, query: str) -> pl.Series:
    """A column of an extraction query in the type it should have; an id keeps its own, integer or text."""
    found, name = column.dtype, column.name
    if found == wanted:
        return column
    if found == pl.Null:
        return column.cast(wanted)
    if name.endswith("_id") and (column.dtype.is_integer() or found == pl.String or found.is_decimal()):
        return _id_column(column, wanted)
    if isinstance(found, pl.Datetime) and found.time_zone is not None and isinstance(wanted, pl.Datetime):
        return column.cast(wanted)
    raise wrong_type(column, str(wanted), query)


def _id_column(column: pl.Series, wanted: pl.DataType) -> pl.Series:
    """An id in the type it has at the source, integer or text."""
    if wanted == pl.String and column.dtype in (pl.Int16, pl.Int32):
        return column
    if not column.dtype.is_integer():
        return column.cast(pl.String)
    integers = column.cast(pl.Int64, strict=False)
    return integers if integers.null_count() == column.null_count() else column.cast(pl.String)


def wrong_type(column: pl.Series, wanted: str, query: str) -> SourceChanged:
    """A column of an extraction query has a type that cannot be used; says how to write it."""
    msg = f"the extraction query {query} gives {column.name} as {column.dtype}; {wanted} is needed"
    if wanted == str(pl.Date()):
        return SourceChanged(msg, f"cast it in the query, of a time in its zone: CAST({column.name} AS date)")
    if isinstance(column.dtype, pl.Datetime):
        msg += ", and a time without a zone does not say when it was"
        name = column.name
        return SourceChanged(
            msg,
            f"write {name} AT TIME ZONE 'Asia/Seoul' AS {name},"
            f" or name it {name}{UTC_SUFFIX} if it holds UTC",
        )
    return SourceChanged(msg, f"cast {column.name} in the query")
