"""Payouts as the company's query `settlements` gives them: good ones, and wrong ones with a reason. Pure.

What is wrong is published like the others and enters no book. A column of another type stops the reading, as
half a minute must never be published.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.errors import SourceChanged
from pipeline.money import Beside
from pipeline.packs.merchants.money.schema import SETTLEMENT, SETTLEMENT_ROW
from pipeline.packs.merchants.schema import amounts_of
from pipeline.packs.merchants.screen import MERCHANT_ID_LIMIT
from pipeline.schema import AMOUNT_GIVEN, AMOUNT_MAJOR, WRONG, conform, source_column

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pipeline.minute import Span

#: Larger payouts (minor units, either sign) are typing errors; nine thousand of them sum up within 64 bits.
PAYOUT_LIMIT: Final = 10**15
#: Before the first published minute payouts are read so far back: the cancel period and the longest cycle.
OPENING: Final = timedelta(days=45)


def conform_settlements(frame: pl.DataFrame, query: str, currency: str) -> pl.DataFrame:
    """Check what the query gave against SETTLEMENT_ROW; `wrong` says of an amount why it is none.

    Raises SourceChanged for a column that is missing or of another type.
    """
    given = {*frame.columns, *(["amount"] if AMOUNT_MAJOR in frame.columns else [])}
    missing = [name for name in SETTLEMENT_ROW if name not in given]
    if missing:
        gives = ", ".join(frame.columns)
        msg = f"the extraction query {query} gives no column {', '.join(missing)}; it gives {gives}"
        raise SourceChanged(msg, f"name the column in the query: it must give {', '.join(SETTLEMENT_ROW)}")
    columns = [
        source_column(frame[name], wanted, query)
        for name, wanted in SETTLEMENT_ROW.items()
        if name != "amount"
    ]
    rows = pl.DataFrame([*columns, *amounts_of(frame, query, currency)])
    for name in (WRONG, AMOUNT_GIVEN):
        if name not in rows.columns:
            rows = rows.with_columns(pl.lit(None, pl.String).alias(name))
    said = pl.concat_str(WRONG, pl.lit(" "), AMOUNT_GIVEN)
    return rows.with_columns(pl.coalesce(said, WRONG).alias(WRONG)).select(*SETTLEMENT_ROW, WRONG)


def count_settlements(rows: pl.DataFrame, span: Span, zone: ZoneInfo) -> pl.DataFrame:
    """The rows of `span` as they are published (SETTLEMENT), sorted; none is left out.

    A row without a time is of no span: the reader has passed it over and counted it.
    Of two for one merchant and business day in one minute the later one is wrong; those of different minutes
    are told apart by the book. `wrong` has the reason, and behind it the value that was met where there is
    one. A minute gives the same rows whether it is counted alone or with others.
    """
    del span
    minute = pl.col("settled_at").dt.truncate("1m").alias("minute")
    if WRONG not in rows.columns:
        rows = rows.with_columns(pl.lit(None, pl.String).alias(WRONG))
    text = rows.with_columns(pl.col("merchant_id").cast(pl.String), minute)
    keys = ["minute", "merchant_id", "business_date", "settled_at", "amount"]
    reasoned = text.with_columns(_reason(zone).alias(WRONG)).sort(*keys, WRONG, nulls_last=True)
    good = pl.col(WRONG).is_null()
    later = pl.struct(WRONG, *keys[:3]).is_first_distinct().not_()
    twice = pl.when(good & later).then(pl.lit("twice")).otherwise(pl.col(WRONG))
    return conform(reasoned.with_columns(twice.alias(WRONG)), SETTLEMENT)


def _reason(zone: ZoneInfo) -> pl.Expr:
    merchant, amount, day = pl.col("merchant_id"), pl.col("amount"), pl.col("business_date")
    payday = pl.col("settled_at").dt.convert_time_zone(zone.key).dt.date()
    tests = [
        (merchant.is_null() | (merchant.str.strip_chars() == ""), pl.lit("merchant_missing")),
        (
            (merchant.str.len_bytes() > MERCHANT_ID_LIMIT) | merchant.str.contains("\0", literal=True),
            pl.lit("merchant_unreadable"),
        ),
        (day.is_null(), pl.lit("date_missing")),
        (day > payday, pl.format("date_after_payout {}", day)),
        (amount.is_null(), pl.lit("amount_missing")),
        (amount.abs() > PAYOUT_LIMIT, pl.format("amount_too_large {}", amount)),
    ]
    reason: pl.Expr = pl.lit(None, pl.String)
    for condition, said in reversed(tests):
        reason = pl.when(condition).then(said).otherwise(reason)
    return pl.coalesce(WRONG, reason)


SETTLEMENTS: Final = Beside(
    schema=SETTLEMENT,
    count=count_settlements,
    query="settlements",
    row=SETTLEMENT_ROW,
    conform=conform_settlements,
    time="settled_at",
    opening=OPENING,
)
