"""The categories of merchants: read from the trade database once a day, kept as changes in our own.

They are the prior of merchants without history (`baselines/categories.py`, `pipeline/budget.py`). A verdict
must follow from what is stored, so what was read holds from the next minute to judge on and never for
minutes judged before. Two exceptions keep that true: the very first read, before anything was judged, holds
for all of the past as well; and what was read for minutes that then were not judged is replaced.
A backtest, `explain` and a correction therefore use the categories that were in force at each minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import structlog

from baselines.categories import in_force
from pipeline.errors import SourceChanged
from pipeline.minute import EPOCH
from pipeline.schema import CATEGORY, CATEGORY_CHANGE

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.ornaments import Ornaments
    from pipeline.source import TradeSource
    from pipeline.state import State

log = structlog.get_logger()

#: More merchants than this are not read: the query then gives something else than merchants.
MOST_MERCHANTS: Final = 1_000_000
#: A category is a word or two; what is longer is cut.
NAME_LENGTH: Final = 80


def conform_categories(frame: pl.DataFrame, query: str) -> pl.DataFrame:
    """What the query `categories` gave as CATEGORY, sorted by merchant: one row where a category is known.

    Null and blank are unknown, and so is a merchant that is given two categories. Raises SourceChanged where
    the columns or their types are others, or where there are more than MOST_MERCHANTS rows.
    """
    missing = [name for name in CATEGORY if name not in frame.columns]
    if missing:
        msg = f"the extraction query {query} gives no column {', '.join(missing)}"
        raise SourceChanged(msg, f"it must give {', '.join(CATEGORY)}")
    if frame.height > MOST_MERCHANTS:
        msg = f"the extraction query {query} gives more than {MOST_MERCHANTS:,} rows"
        raise SourceChanged(msg, "let it give a row per merchant, of those in business")
    found = frame.schema["merchant_id"], frame.schema["category"]
    for column, dtype in zip(CATEGORY, found, strict=True):
        if dtype not in (pl.String, pl.Null) and not (column == "merchant_id" and dtype.is_integer()):
            msg = f"the extraction query {query} gives {column} as {dtype}; text is needed"
            raise SourceChanged(msg, f"cast {column} in the query")
    # It comes from outside and goes to people: nothing in it may act on a terminal, and jsonb takes no NUL.
    visible = pl.col("category").cast(pl.String).str.replace_all(r"[\p{Cc}\p{Cf}]+", " ")
    name = visible.str.replace_all(r"\s+", " ").str.strip_chars().str.slice(0, NAME_LENGTH).str.strip_chars()
    known = (
        frame.select(pl.col("merchant_id").cast(pl.String), name)
        .filter(pl.col("merchant_id").is_not_null() & (pl.col("category") != ""))
        .unique()
    )
    return known.filter(pl.col("merchant_id").is_unique()).sort("merchant_id")


def changes_since(stored: pl.DataFrame, read: pl.DataFrame, from_minute: datetime) -> pl.DataFrame:
    """What has to be stored (CATEGORY_CHANGE) so that `read` (CATEGORY) is in force from a minute on.

    `stored` are the changes known so far; those from that minute on do not count.
    """
    before = in_force(stored.filter(pl.col("from_minute") < from_minute))
    both = before.join(read, on="merchant_id", how="full", coalesce=True, suffix="_read")
    other = both.filter(pl.col("category").ne_missing(pl.col("category_read")))
    return other.select(
        pl.lit(from_minute, CATEGORY_CHANGE["from_minute"]).alias("from_minute"),
        "merchant_id",
        pl.col("category_read").alias("category"),
    ).sort("merchant_id")


def refresh_categories(
    source: TradeSource, state: State, next_minute: datetime, ornaments: Ornaments
) -> bool:
    """Read the categories and store what changed, in force from `next_minute` on; says whether it was read.

    Where the source does not give them now, the last known ones go on, and an alarm says so. Where there is
    no query for them (any more), none are in force.
    """
    try:
        read = source.categories()
    except Exception as error:  # noqa: BLE001 - whatever an optional query gives, no minute may wait for it
        log.warning("categories.not_read", error=str(error))
        ornaments.raised("categories", error)
        return False
    ornaments.works("categories")
    stored = state.categories()
    if read is None and stored.is_empty():
        return True
    start = next_minute
    if stored.is_empty() and state.published().last_judged is None:
        start = EPOCH
    changes = changes_since(stored, CATEGORY.to_frame() if read is None else read, start)
    if not changes.equals(stored.filter(pl.col("from_minute") >= start)):
        state.record_categories(start, changes)
        log.info("categories.changed", merchants=changes.height, from_minute=start.isoformat())
    return True
