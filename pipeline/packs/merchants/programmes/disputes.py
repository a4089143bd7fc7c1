"""Frauds, disputes and sales as the company's optional query `disputes` gives them. Pure.

Each row is taken by itself: what cannot be used is set aside with the value that was met, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.errors import SourceChanged
from pipeline.packs.merchants.programmes.rows import DISPUTE, FRAUD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

#: The optional queries of this room, each read whole.
DISPUTES: Final = "disputes"
CUSTODY: Final = "custody"
#: So many rows of `disputes` are read at most: 100,000 merchants, and some days of each.
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


def read_disputes(frame: pl.DataFrame, query: str, today: date) -> Given:
    """The rows of the query; SourceChanged where it lacks a column. Days after `today` are wrong."""
    monthly = "day" not in frame.columns and "month" in frame.columns
    when = "month" if monthly else "day"
    missing = [name for name in (*NEEDED, when) if name not in frame.columns]
    if missing:
        gives = ", ".join(frame.columns)
        msg = f"the query {query} gives no column {', '.join(missing)}; it gives {gives}"
        raise SourceChanged(
            msg, "it must give merchant_id, day (or month), kind and count; amount_usd if known"
        )
    texts = frame.select(pl.col(name).cast(pl.String).str.strip_chars() for name in frame.columns)
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
        pl.when(pl.col("given") == pl.col("given").floor()).then("given").cast(pl.Int64).alias("count"),
        (pl.col("amount_usd").cast(pl.Decimal(38, 2), strict=False) * 100)
        .cast(pl.Int64, strict=False)
        .alias("cents"),
    )
    reasoned = read.with_columns(_reason(today).alias("wrong"))
    good = reasoned.filter(pl.col("wrong").is_null()).select(DISPUTE_ROW.names()).cast(DISPUTE_ROW)
    return Given(good, *_wrong(reasoned), monthly=monthly)


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
        "count_not_whole": pl.col("count").is_null(),
        "count_negative": pl.col("count") < 0,
        "amount_unreadable": pl.col("amount_usd").is_not_null() & pl.col("cents").is_null(),
    }
    reason: pl.Expr = pl.lit(None, pl.String)
    for name, found in reversed(tests.items()):
        reason = pl.when(found).then(pl.lit(name)).otherwise(reason)
    return reason


def _wrong(reasoned: pl.DataFrame) -> tuple[dict[str, int], str]:
    wrong = reasoned.filter(pl.col("wrong").is_not_null())
    counts = dict(wrong.group_by("wrong", maintain_order=True).len().sort("wrong").iter_rows())
    if wrong.is_empty():
        return counts, ""
    first = wrong.row(0, named=True)
    shown = {name: first[name] for name in ("merchant_id", "when", "kind", "text", "amount_usd")}
    said = ", ".join(f"{name} {'null' if value is None else value}" for name, value in shown.items())
    return counts, f"{first['wrong']} ({said.replace('text ', 'count ')})"


def read_custody(frame: pl.DataFrame, query: str, today: date) -> tuple[list[tuple[date, int]], int]:
    """What is held outside the company at the end of each day, minor units, oldest first; and wrong rows.

    Wrong is a row with no day up to `today`, or no whole amount. SourceChanged where a column is missing.
    """
    missing = [name for name in ("day", "amount") if name not in frame.columns]
    if missing:
        msg = f"the query {query} gives no column {', '.join(missing)}; it gives {', '.join(frame.columns)}"
        raise SourceChanged(msg, "it must give day and amount, in minor units of the currency")
    amount = pl.col("amount").cast(pl.Decimal(38, 6), strict=False)
    read = _texts(frame, ["day", "amount"], query).select(_day("day").alias("day"), amount=amount)
    whole = read.filter((pl.col("amount") == pl.col("amount").floor()) & (pl.col("day") <= today))
    days = whole.unique("day", keep="last", maintain_order=True).sort("day")
    return [(day, int(amount)) for day, amount in days.iter_rows()], read.height - whole.height


def _texts(frame: pl.DataFrame, names: Sequence[str], query: str) -> pl.DataFrame:
    """Every value as text: a company's query may give any type."""
    try:
        return frame.select(pl.col(name).cast(pl.String).str.strip_chars() for name in names)
    except pl.exceptions.PolarsError as error:
        msg = f"the query {query} gives a column that cannot be read: {str(error).splitlines()[0]}"
        raise SourceChanged(msg, "cast it to text, a number or a date in the query") from error
