"""The categories of merchants: read from the trade database once a day, kept as changes in our own.

They are the prior of merchants without history (`baselines/facts.py`, and surge_windows.py of the pack). A
verdict must follow from what is stored, so what was read holds from the next minute to judge on and never for
minutes judged before. Two exceptions keep that true: the very first read, before anything was judged, holds
for all of the past as well; and what was read for minutes that then were not judged is replaced.
A backtest, `explain` and a correction therefore use the categories that were in force at each minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import structlog

from baselines.facts import in_force
from pipeline.minute import EPOCH
from pipeline.schema import CATEGORY, CATEGORY_CHANGE

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.alarms.ornaments import Ornaments
    from pipeline.source.asked import Source
    from pipeline.store.state import State

log = structlog.get_logger()


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


def refresh_categories(source: Source, state: State, next_minute: datetime, ornaments: Ornaments) -> bool:
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
