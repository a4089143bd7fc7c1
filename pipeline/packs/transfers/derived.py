"""Fields of an event that are made from others: the business hour, the age of the account. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
_DAY_US: Final = 86_400_000_000
#: No account is as old as that: the year 1 and minus infinity stand for a day that nobody knows.
OLDEST: Final = datetime(1900, 1, 1, tzinfo=UTC)


def with_derived(events: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """The events with `local_hour` and `account_age_days`, Int64."""
    opened = pl.col("account_opened")
    age = pl.when(opened >= OLDEST).then(pl.col("occurred_at") - opened)
    age_us = age.dt.total_microseconds()
    return events.with_columns(
        local_hour=pl.col("occurred_at").dt.convert_time_zone(zone.key).dt.hour().cast(pl.Int64),
        account_age_days=age_us // _DAY_US,
    )


def derived_one(event: Mapping[str, Any], zone: ZoneInfo) -> dict[str, int | None]:
    """The same of one event."""
    opened = event["account_opened"]
    known = opened is not None and opened >= OLDEST
    return {
        "local_hour": event["occurred_at"].astimezone(zone).hour,
        "account_age_days": (event["occurred_at"] - opened) // _DAY if known else None,
    }
