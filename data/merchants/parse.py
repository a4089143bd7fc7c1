"""Raw rows of a file to typed rows, strictly: nothing is guessed, what cannot be read gets a reason. Pure.

A raw frame has the file's own types: everything text (CSV), or what Parquet says. `parse` gives the
columns of COLUMNS in the types of the trade database, and `reason`, null for rows that could be read.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.errors import UsageError
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIRED: Final = ("transaction_id", "merchant_id", "kind", "amount", "occurred_at")
OPTIONAL: Final = ("original_transaction_id", "original_occurred_at", "customer_id", "country")
COLUMNS: Final = (*REQUIRED, *OPTIONAL)

#: Set by a reader on a raw row that has more or fewer fields than the header.
RAGGED: Final = "fields_malformed"

_INTEGER: Final = r"^[+-]?\d{1,30}$"
#: A number that an identifier may be without losing anything of its text: no sign, no leading zero.
_PLAIN_NUMBER: Final = r"^(0|[1-9]\d{0,17})$"
#: A second 60 is none: whoever reads it on would count the row in the next minute.
_DATE_TIME: Final = r"^(\d{4}-\d{2}-\d{2})[T ]((?:[01]\d|2[0-3]):[0-5]\d)(:[0-5]\d)?(\.\d{1,9})?"
_ZONE: Final = r" ?(Z|z|UTC|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)"
#: Outside of it, a time is a mistake of an export; Python and PostgreSQL cannot even hold all of them.
_EARLIEST: Final = pl.datetime(1970, 1, 1, time_zone="UTC", time_unit="us")
_LATEST: Final = pl.datetime(9999, 1, 1, time_zone="UTC", time_unit="us")


def looks_integer(raw: pl.DataFrame) -> bool:
    """Whether merchant_id of a raw frame is made of integers, so that a new table should have BIGINT.

    A leading zero makes it text: "007" and "7" would otherwise become one merchant.
    """
    merchant = raw["merchant_id"]
    if merchant.dtype.is_integer():
        return True
    present = merchant.cast(pl.String).drop_nulls()
    present = present.filter(present.str.strip_chars() != "")
    return present.len() > 0 and bool(present.str.contains(_PLAIN_NUMBER).all())


def parse(raw: pl.DataFrame, *, integer_merchants: bool) -> pl.DataFrame:
    """Columns COLUMNS plus `reason` (null, or why the row cannot be loaded), as many rows as `raw`.

    merchant_id comes as Int64 or String. Raises `UsageError` for a column type that cannot hold its values.
    """
    raw = raw.with_columns(pl.lit(None, pl.String).alias(name) for name in COLUMNS if name not in raw.columns)
    read_merchant = _read_number if integer_merchants else _read_text
    readers: dict[str, Callable[[pl.Series], tuple[pl.Series, pl.Series]]] = {
        "transaction_id": _read_integer,
        "merchant_id": read_merchant,
        "kind": _read_text,
        "amount": _read_integer,
        "occurred_at": _read_time,
        "original_transaction_id": _read_integer,
        "original_occurred_at": _read_other_time,
        "customer_id": _read_text,
        "country": _read_text,
    }
    read = {name: reader(raw[name]) for name, reader in readers.items()}
    reasons = [reason for _, reason in read.values()]
    if RAGGED in raw.columns:
        reasons.insert(0, _reason(raw[RAGGED], RAGGED))
    first = reduce(lambda a, b: a.fill_null(b) if a.null_count() else a, reasons)
    return pl.DataFrame([values.alias(name) for name, (values, _) in read.items()]).with_columns(
        first.alias("reason")
    )


def _reason(failed: pl.Series, reason: str) -> pl.Series:
    """`reason` where `failed`, else null."""
    frame = failed.alias("failed").fill_null(value=False).to_frame()
    return frame.select(pl.when("failed").then(pl.lit(reason)).otherwise(None)).to_series()


def _read_text(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    if not (column.dtype.is_integer() or column.dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)):
        raise _unusable(column, "text")
    text = column.cast(pl.String)
    malformed = text.str.contains("\0", literal=True)  # PostgreSQL has no such character
    return text.set(malformed.fill_null(value=False), None), _reason(
        malformed, f"{_short(column.name)}_malformed"
    )


def _read_integer(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Whole numbers; a text or a fraction that is none is malformed, one past 64 bits too."""
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        given = column.is_not_null() & (text != "")
        values = text.set(~text.str.contains(_INTEGER).fill_null(value=False), None).cast(
            pl.Int64, strict=False
        )
    elif column.dtype.is_float() or column.dtype.is_decimal():
        given = column.is_not_null()
        whole = (column == column.round(0)).fill_null(value=False)  # infinities fail the cast below
        values = column.set(~whole, None).cast(pl.Int64, strict=False)
    elif column.dtype.is_integer() or column.dtype == pl.Null:
        given = column.is_not_null()
        values = column.cast(pl.Int64, strict=False)
    else:
        raise _unusable(column, "whole numbers")
    return values, _reason(given & values.is_null(), f"{_short(column.name)}_malformed")


def _read_number(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Merchant ids for a BIGINT column; text that is not exactly such a number is malformed."""
    if column.dtype.is_integer():
        return _read_integer(column)
    text, _ = _read_text(column)
    plain = text.str.contains(_PLAIN_NUMBER).fill_null(value=False)
    given = (text.str.strip_chars() != "").fill_null(value=False)
    return text.set(~plain, None).cast(pl.Int64), _reason(given & ~plain, "merchant_malformed")


def _read_time(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Times in UTC. A time without a zone is not read: its zone would be a guess."""
    dtype = column.dtype
    if dtype == pl.String:
        times, reason = _parse_time(column)
    elif isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        times = column.dt.convert_time_zone("UTC").cast(UTC_TIME, strict=False)
        reason = _reason(times.is_null() & column.is_not_null(), "time_out_of_range")
    elif isinstance(dtype, pl.Datetime) or dtype in (pl.Date, pl.Null):
        times = pl.repeat(None, column.len(), dtype=UTC_TIME, eager=True)
        reason = _reason(column.is_not_null(), "time_naive")
    else:
        raise _unusable(column, "times with a zone")
    time = pl.col("time")
    outside = times.alias("time").to_frame().select((time < _EARLIEST) | (time >= _LATEST)).to_series()
    held = times.set(outside.fill_null(value=False), None)
    return held, reason.fill_null(_reason(outside, "time_out_of_range"))


def _read_other_time(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Times beside the transaction's own: whatever is wrong with one, the reason names its column."""
    times, reason = _read_time(column)
    return times, _reason(reason.is_not_null(), f"{_short(column.name)}_malformed")


def _parse_time(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """ISO 8601 with a zone, like 2026-11-21T18:00:00.123+09:00 or 2026-11-21 09:00Z."""
    frame = column.str.strip_chars().alias("text").to_frame().lazy()
    text = pl.col("text")
    date_time, zone = text.str.extract_groups(f"{_DATE_TIME}(?:{_ZONE})?$"), text.str.extract(f"{_ZONE}$", 1)
    parts = [date_time.struct.field(str(n)) for n in range(1, 5)]
    clock = pl.concat_str(
        parts[0], pl.lit("T"), parts[1], parts[2].fill_null(":00"), parts[3].fill_null(".0").str.slice(0, 7)
    )
    local = clock.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    offset = zone.str.replace_all(":", "", literal=True).str.replace(r"^([+-]\d\d)$", "${1}00")
    minutes = offset.str.slice(1, 2).cast(pl.Int64, strict=False) * 60 + offset.str.slice(3, 2).cast(
        pl.Int64, strict=False
    )
    signed = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes).fill_null(0)
    naive = local.is_not_null() & zone.is_null()
    read = frame.select(
        pl.when(~naive).then((local - pl.duration(minutes=signed)).dt.replace_time_zone("UTC")).alias("time"),
        pl.when(text.is_null() | (text == ""))
        .then(None)
        .when(local.is_null())
        .then(pl.lit("time_unreadable"))
        .when(naive)
        .then(pl.lit("time_naive"))
        .alias("reason"),
    ).collect()
    return read["time"], read["reason"]


def _short(name: str) -> str:
    return "merchant" if name == "merchant_id" else name


def _unusable(column: pl.Series, wanted: str) -> UsageError:
    msg = f"the column {column.name} is {column.dtype}; it must hold {wanted}"
    return UsageError(msg, f"cast {column.name} when writing the file")
