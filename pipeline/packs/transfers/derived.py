"""Fields of an event that are made from others: the business hour, the age of the account. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
_DAY_US: Final = 86_400_000_000


def with_derived(events: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """The events with `local_hour` and `account_age_days`, Int64."""
    age_us = (pl.col("occurred_at") - pl.col("account_opened")).dt.total_microseconds()
    return events.with_columns(
        local_hour=pl.col("occurred_at").dt.convert_time_zone(zone.key).dt.hour().cast(pl.Int64),
        account_age_days=age_us // _DAY_US,
    )


def derived_one(event: Mapping[str, Any], zone: ZoneInfo) -> dict[str, int | None]:
    """The same of one event."""
    opened = event["account_opened"]
    return {
        "local_hour": event["occurred_at"].astimezone(zone).hour,
        "account_age_days": None if opened is None else (event["occurred_at"] - opened) // _DAY,
    }
