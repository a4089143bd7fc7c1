"""Set aside what is no event, with a reason each; one function for every way in. Pure.

The same reasons whether a row comes from a table, a relay or an HTTP client. Nothing is ever taken as "now":
a time that cannot be read, has no zone or lies ahead of the source's clock sets its row aside.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.amounts import whole_units
from pipeline.errors import SourceChanged
from pipeline.pack import Screened
from pipeline.packs.transfers.currencies import CURRENCIES
from pipeline.packs.transfers.read_json import WRONG_FIELD, read_events
from pipeline.packs.transfers.schema import (
    COMPLETED,
    DECLINED,
    EVENT,
    KINDS,
    LONGEST_ID,
    MOST_AMOUNT,
    OPTIONAL,
    QUARANTINE,
    STATUSES,
    TEXTS,
)
from pipeline.schema import AMOUNT_GIVEN, UTC_TIME, WRONG, source_column, unfit_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Reasons in the order they are tested; a row gets the first that fits. The first ones come from reading it.
REASONS: Final = (
    "value_unreadable",
    "amount_not_a_number",
    "time_unreadable",
    "time_naive",
    "place_unreadable",
    "id_missing",
    "id_unreadable",
    "id_too_long",
    "kind_unknown",
    "status_unknown",
    "amount_missing",
    "amount_fraction",
    "amount_negative",
    "amount_too_large",
    "currency_unknown",
    "time_future",
    "self_transfer",
    "id_again",
)
_NEEDED: Final = tuple(name for name in EVENT if name not in OPTIONAL)
_LAT, _LON = 90_000_000, 180_000_000
#: Before, a time is none: a zero, a default, or what a database calls infinity. The minutes' queries agree.
EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
_NOTHING_GIVEN = pl.DataFrame(schema={"occurred_at": UTC_TIME, AMOUNT_GIVEN: pl.String()})


def conform_events(frame: pl.DataFrame, query: str, currency: str = "") -> pl.DataFrame:
    """What an extraction query gave, in the columns of EVENT; times in whole milliseconds.

    A column of another type raises SourceChanged with its name; an optional one is null then. An amount that
    is no whole number of minor units has a reason in `wrong` and its text in `amount_given`. The currency is
    the row's own; that of the installation says nothing here.
    """
    del currency
    missing = [name for name in _NEEDED if name not in frame.columns]
    if missing:
        msg = f"the extraction query {query} gives no column {', '.join(missing)}"
        raise SourceChanged(msg, f"name the column in the query: it must give {', '.join(_NEEDED)}")
    known = set(frame.columns) - set(unfit_columns(frame, EVENT, OPTIONAL, query))
    columns = [_column(frame, name, dtype, query, known) for name, dtype in EVENT.items() if name != "amount"]
    rows = pl.DataFrame(columns).with_columns(_amounts(frame, query)).with_columns(_tidied())
    set_aside = [name for name in (WRONG, AMOUNT_GIVEN) if WRONG in rows.columns]
    return rows.select(*EVENT, *set_aside)


def _column(frame: pl.DataFrame, name: str, dtype: pl.DataType, query: str, known: set[str]) -> pl.Series:
    if name not in known:
        return pl.Series(name, [None], dtype).new_from_index(0, frame.height)
    if dtype.is_integer() and frame.schema[name].is_integer():
        return frame[name].cast(dtype, strict=False)
    column = source_column(frame[name], dtype, query)
    return column.cast(pl.String) if dtype == pl.String else column


def _tidied() -> list[pl.Expr]:
    """Whole milliseconds, and the account as the user where nobody said who it was."""
    times = [pl.col(name).dt.truncate("1ms") for name in ("occurred_at", "account_opened")]
    return [*times, pl.coalesce("user_id", "account_id").alias("user_id")]


def _amounts(frame: pl.DataFrame, query: str) -> list[pl.Series]:
    column = frame["amount"]
    if not (column.dtype.is_numeric() or column.dtype in (pl.String, pl.Null)):
        msg = f"the extraction query {query} gives amount as {column.dtype}; a whole number is needed"
        raise SourceChanged(msg, "cast amount in the query")
    found = whole_units(column, 0)
    if WRONG in frame.columns:  # set aside before, as a value of the row cannot be read
        found = found.with_columns(
            pl.coalesce(frame[WRONG], WRONG), pl.coalesce(frame[AMOUNT_GIVEN], AMOUNT_GIVEN)
        )
    return [found["amount"]] if found[WRONG].null_count() == found.height else found.get_columns()


def screen(
    rows: pl.DataFrame, not_after: datetime, statuses: Sequence[str] = STATUSES, *, by_minute: bool = True
) -> Screened:
    """Split `rows` (columns of EVENT, perhaps `wrong`) into good ones and bad ones, each with its reason.

    Of several rows with one transfer_id in a minute (or at all, where not `by_minute`) the one with the
    latest status is good: a table may write a row for each.
    """
    tests = tests_of(rows, not_after, statuses)
    unique = rows["transfer_id"].n_unique() == rows.height
    if unique and _all_good(rows, tests):
        return Screened(rows.select(EVENT.names()), QUARANTINE.to_frame(), _NOTHING_GIVEN)
    if not unique:
        rows = rows.sort(_latest_status(), "occurred_at", maintain_order=True)
        tests = tests_of(rows, not_after, statuses)
        key = ["transfer_id", *([pl.col("occurred_at").dt.truncate("1m")] if by_minute else [])]
        tests.append(("id_again", "transfer_id", ~pl.struct(key).is_first_distinct()))
    reasoned = rows.with_columns(reason_of(tests).alias("reason"))
    bad = reasoned.filter(pl.col("reason").is_not_null())
    given = bad.select(_NOTHING_GIVEN.columns).drop_nulls(AMOUNT_GIVEN) if WRONG in bad.columns else None
    aside = bad.select(pl.col(name).cast(dtype) for name, dtype in QUARANTINE.items())
    good = reasoned.filter(pl.col("reason").is_null()).select(EVENT.names())
    return Screened(good, aside, _NOTHING_GIVEN if given is None else given)


def screen_json(
    items: Sequence[Mapping[str, Any]], not_after: datetime, statuses: Sequence[str] = STATUSES
) -> tuple[pl.DataFrame, list[tuple[int, str, str]]]:
    """Events as JSON gives them, to rows of EVENT in their order, and what is refused: index, reason, field.

    Times are ISO 8601 with an offset, `lat` and `lon` degrees, an amount an integer of minor units. An event
    may come several times; whoever takes it tells what is new.
    """
    rows = read_events(items).with_columns(_tidied())
    if rows[WRONG].null_count() == rows.height:  # the usual case is quick
        good = rows.select(EVENT.names())
        if _all_good(good, tests_of(good, not_after, statuses)):
            return good, []
    rows = rows.with_row_index("place")
    tests = tests_of(rows, not_after, statuses)
    named = pl.coalesce(WRONG_FIELD, field_of(tests)).fill_null("")
    reasoned = rows.with_columns(reason_of(tests).alias("reason"), named.alias("field"))
    refused = reasoned.filter(pl.col("reason").is_not_null()).select("place", "reason", "field")
    good = reasoned.filter(pl.col("reason").is_null()).select(EVENT.names())
    return good, [(int(place), reason, name) for place, reason, name in refused.rows()]


def _all_good(rows: pl.DataFrame, tests: Sequence[Test]) -> bool:
    return not rows.select(pl.any_horizontal(bad for _, _, bad in tests).any()).item()


def _latest_status() -> pl.Expr:
    """Reversed before declined before completed: the last is what a later row of an event changes."""
    status = pl.col("status")
    return pl.when(status == COMPLETED).then(2).when(status == DECLINED).then(1).otherwise(0)


#: Reason, the field it is about, and which rows it fits.
Test = tuple[str, str, pl.Expr]


def reason_of(tests: Sequence[Test]) -> pl.Expr:
    """The first reason that fits, null: none."""
    first: pl.Expr = pl.lit(None, dtype=pl.String)
    for reason, _, fits in reversed(tests):
        first = pl.when(fits).then(pl.lit(reason)).otherwise(first)
    return first


def field_of(tests: Sequence[Test]) -> pl.Expr:
    """The field that the first reason is about."""
    first: pl.Expr = pl.lit(None, dtype=pl.String)
    for _, field, fits in reversed(tests):
        first = pl.when(fits).then(pl.lit(field)).otherwise(first)
    return first


def tests_of(rows: pl.DataFrame, not_after: datetime, statuses: Sequence[str]) -> list[Test]:
    """What is looked at in rows (columns of EVENT, perhaps `wrong`), in this order."""
    amount, occurred = pl.col("amount"), pl.col("occurred_at")
    wrong = [(reason, "", pl.col(WRONG) == reason) for reason in REASONS if WRONG in rows.columns]
    ids = [(name, pl.col(name)) for name in TEXTS]
    missing = [(n, c) for n, c in ids if n not in OPTIONAL]
    place = pl.col("lat_e6").is_null() != pl.col("lon_e6").is_null()
    place |= (pl.col("lat_e6").abs() > _LAT) | (pl.col("lon_e6").abs() > _LON)
    return [
        *wrong,
        *(("id_missing", n, c.is_null() | (c.str.strip_chars() == "")) for n, c in missing),
        *(("id_unreadable", n, c.str.contains("\0", literal=True)) for n, c in ids),
        *(("id_too_long", n, c.str.len_chars() > LONGEST_ID) for n, c in ids),
        ("kind_unknown", "kind", ~pl.col("kind").is_in(KINDS) | pl.col("kind").is_null()),
        ("status_unknown", "status", ~pl.col("status").is_in(statuses) | pl.col("status").is_null()),
        ("amount_missing", "amount", amount.is_null()),
        ("amount_negative", "amount", amount < 0),
        ("amount_too_large", "amount", amount > MOST_AMOUNT),
        (
            "currency_unknown",
            "currency",
            ~pl.col("currency").is_in(CURRENCIES) | pl.col("currency").is_null(),
        ),
        ("time_unreadable", "occurred_at", occurred.is_null() | (occurred < EARLIEST)),
        ("time_future", "occurred_at", occurred > not_after),
        ("place_unreadable", "lat", place),
        ("self_transfer", "payee_id", pl.col("payee_id") == pl.col("account_id")),
    ]
