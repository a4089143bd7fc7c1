"""Frauds, disputes and sales as the company's optional query `disputes` gives them. Pure.

Each row is taken by itself: what cannot be used is set aside with the value that was met, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.errors import SourceChanged
from pipeline.packs.merchants.programmes.rows import DISPUTE, FRAUD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

#: The optional queries of this room, each read whole.
DISPUTES: Final = "disputes"
CUSTODY: Final = "custody"
#: So many rows of either are read at most: 100,000 merchants, and some days of each.
MOST_ROWS: Final = 1_000_000

#: A row of it says how many were sold, where the lake cannot know: card not present, an older month.
SOLD: Final = "sales"
KINDS: Final = (FRAUD, DISPUTE, SOLD)
NEEDED: Final = ("merchant_id", "kind", "count")

#: Rows of one merchant, day and kind are added up. `cents` of US dollars; null: not given.
DISPUTE_ROW: Final = pl.Schema(
    {
        "merchant_id": pl.String(),
        "day": pl.Date(),
        "kind": pl.String(),
        "count": pl.Int64(),
        "cents": pl.Int64(),
    }
)
_MONTH_LENGTH: Final = len("2026-11")
#: More of one merchant on one day are typing errors: a billion of them, ten billion dollars. A million rows
#: of these sum up within 64 bits.
MOST_COUNT: Final = 10**9
MOST_CENTS: Final = 10**12
#: The same of what is held outside, minor units.
MOST_HELD: Final = 10**18


@dataclass(frozen=True, slots=True)
class Given:
    """What the query gave."""

    rows: pl.DataFrame  # DISPUTE_ROW
    wrong: Mapping[str, int]  # by reason: how many were set aside
    example: str = ""  # the first of them, with the value that was met
    monthly: bool = False  # a row is of a whole month, or of as much of it as there was

    @property
    def newest(self) -> date | None:
        """The newest day that is known of; None without a row."""
        return max(self.rows["day"].to_list(), default=None)


@dataclass(frozen=True, slots=True)
class Held:
    """What the query `custody` gave."""

    days: Sequence[tuple[date, int]] = ()  # minor units at the end of each day, oldest first
    wrong: Mapping[str, int] = field(default_factory=dict)  # by reason: how many were set aside
    example: str = ""


def read_disputes(frame: pl.DataFrame, query: str, today: date, zone: ZoneInfo) -> Given:
    """The rows of the query; SourceChanged where it lacks a column. Days after `today` are wrong.

    Of a time with its zone the business day in `zone` counts.
    """
    monthly = "day" not in frame.columns and "month" in frame.columns
    when = "month" if monthly else "day"
    missing = [name for name in (*NEEDED, when) if name not in frame.columns]
    if missing:
        gives = ", ".join(frame.columns)
        msg = f"the query {query} gives no column {', '.join(missing)}; it gives {gives}"
        raise SourceChanged(
            msg, "it must give merchant_id, day (or month), kind and count; amount_usd if known"
        )
    given = [*NEEDED, when, *(["amount_usd"] if "amount_usd" in frame.columns else [])]
    texts = _texts(frame, given, query, zone)
    amount = texts["amount_usd"] if "amount_usd" in texts.columns else pl.lit(None, pl.String)
    read = texts.select(
        "merchant_id",
        _day(when).alias("day"),
        pl.col("kind").str.to_lowercase().alias("kind"),
        pl.col("count").cast(pl.Decimal(38, 6), strict=False).alias("given"),
        amount.alias("amount_usd"),
        pl.col(when).alias("when"),
        pl.col("count").alias("text"),
    ).with_columns(
        pl.when(pl.col("given") == pl.col("given").floor())
        .then("given")
        .cast(pl.Int64, strict=False)
        .alias("count"),
        (pl.col("amount_usd").cast(pl.Decimal(32, 2), strict=False) * 100)
        .cast(pl.Int64, strict=False)
        .alias("cents"),
    )
    reasoned = read.with_columns(_reason(today).alias("wrong"))
    good = reasoned.filter(pl.col("wrong").is_null()).select(DISPUTE_ROW.names()).cast(DISPUTE_ROW)
    shown = {"merchant_id": "merchant_id", "when": "when", "kind": "kind", "count": "text"}
    return Given(good, *_wrong(reasoned, {**shown, "amount_usd": "amount_usd"}), monthly=monthly)


def _day(name: str) -> pl.Expr:
    """A date, the day of a time, or the first day of a month."""
    text = pl.col(name)
    whole = pl.when(text.str.len_chars() == _MONTH_LENGTH).then(text + "-01").otherwise(text)
    return whole.str.head(len("2026-11-30")).str.to_date("%Y-%m-%d", strict=False)


def _reason(today: date) -> pl.Expr:
    tests = {
        "merchant_missing": pl.col("merchant_id").fill_null("") == "",
        "day_unreadable": pl.col("day").is_null(),
        "day_future": pl.col("day") > today,
        "kind_unknown": ~pl.col("kind").fill_null("").is_in(KINDS),
        "count_too_large": pl.col("given") > MOST_COUNT,
        "count_not_whole": pl.col("count").is_null(),
        "count_negative": pl.col("count") < 0,
        "amount_unreadable": pl.col("amount_usd").is_not_null() & pl.col("cents").is_null(),
        "amount_negative": pl.col("cents") < 0,
        "amount_too_large": pl.col("cents") > MOST_CENTS,
    }
    return _first_of(tests)


def _first_of(tests: Mapping[str, pl.Expr]) -> pl.Expr:
    """The name of the first test that a row fails; null: none."""
    reason: pl.Expr = pl.lit(None, pl.String)
    for name, found in reversed(list(tests.items())):
        reason = pl.when(found).then(pl.lit(name)).otherwise(reason)
    return reason


def _wrong(reasoned: pl.DataFrame, shown: Mapping[str, str]) -> tuple[dict[str, int], str]:
    """How many rows are wrong by reason, and the first with its values: name in the query -> column."""
    wrong = reasoned.filter(pl.col("wrong").is_not_null())
    counts = dict(wrong.group_by("wrong", maintain_order=True).len().sort("wrong").iter_rows())
    if wrong.is_empty():
        return counts, ""
    first = wrong.row(0, named=True)
    values = {name: first[column] for name, column in shown.items()}
    said = ", ".join(f"{name} {'null' if value is None else value}" for name, value in values.items())
    return counts, f"{first['wrong']} ({said})"


def read_custody(frame: pl.DataFrame, query: str, today: date, zone: ZoneInfo) -> Held:
    """What is held outside the company at the end of each day. SourceChanged where a column is missing.

    Wrong is a row with no day up to `today`, or no whole amount, or one that differs from another of its day.
    """
    missing = [name for name in ("day", "amount") if name not in frame.columns]
    if missing:
        msg = f"the query {query} gives no column {', '.join(missing)}; it gives {', '.join(frame.columns)}"
        raise SourceChanged(msg, "it must give day and amount, in minor units of the currency")
    given, amount = pl.col("text").cast(pl.Decimal(38, 6), strict=False), pl.col("amount")
    texts = _texts(frame, ["day", "amount"], query, zone).rename({"amount": "text"})
    read = texts.with_columns(_day("day").alias("date"), amount=given)
    tests = {
        "day_unreadable": pl.col("date").is_null(),
        "day_future": pl.col("date") > today,
        "amount_not_whole": amount.is_null() | (amount != amount.floor()),
        "amount_negative": amount < 0,
        "amount_too_large": amount > MOST_HELD,
    }
    reasoned = read.with_columns(_first_of(tests).alias("wrong"))
    several = pl.col("wrong").is_null() & (amount.n_unique().over("date", "wrong") > 1)
    said = pl.when(several).then(pl.lit("amount_differs")).otherwise("wrong")
    reasoned = reasoned.with_columns(said.alias("wrong"))
    days = reasoned.filter(pl.col("wrong").is_null()).select("date", "amount").unique().sort("date")
    held = [(day, int(amount)) for day, amount in days.iter_rows()]
    return Held(held, *_wrong(reasoned, {"day": "day", "amount": "text"}))


def _texts(frame: pl.DataFrame, names: Sequence[str], query: str, zone: ZoneInfo) -> pl.DataFrame:
    """Every value as text: a company's query may give any type."""
    columns = [pl.col(name) for name in names]
    for place, name in enumerate(names):
        found = frame.schema[name]
        if isinstance(found, pl.Datetime) and found.time_zone is not None:
            columns[place] = pl.col(name).dt.convert_time_zone(zone.key).dt.date()
    try:
        return frame.select(column.cast(pl.String).str.strip_chars() for column in columns)
    except pl.exceptions.PolarsError as error:
        msg = f"the query {query} gives a column that cannot be read: {str(error).splitlines()[0]}"
        raise SourceChanged(msg, "cast it to text, a number or a date in the query") from error
