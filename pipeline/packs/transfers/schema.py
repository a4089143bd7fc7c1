"""The columns of the pack transfers: an event, and what rules may ask of it. Pure."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.schema import UTC_TIME

KINDS: Final = ("transfer", "card", "cash")
COMPLETED, DECLINED, REVERSED = "completed", "declined", "reversed"
STATUSES: Final = (COMPLETED, DECLINED, REVERSED)
#: Of an event that is only asked about, by a check before it is booked. It counts as completed.
INTENDED: Final = "intended"
MOST_AMOUNT: Final = 10**13
LONGEST_ID: Final = 64

#: An event as it is taken, published and judged. Times are kept in whole milliseconds.
EVENT: Final = pl.Schema(
    {
        "transfer_id": pl.String(),
        "kind": pl.String(),
        "status": pl.String(),
        "account_id": pl.String(),
        "user_id": pl.String(),  # the account where nobody said
        "amount": pl.Int64(),  # minor units
        "currency": pl.String(),
        "country": pl.String(),
        "occurred_at": UTC_TIME,
        "payee_id": pl.String(),
        "card_id": pl.String(),
        "device_id": pl.String(),
        "merchant_id": pl.String(),
        "channel": pl.String(),
        "lat_e6": pl.Int32(),  # millionths of a degree
        "lon_e6": pl.Int32(),
        "account_opened": UTC_TIME,
    }
)
#: What may be missing in an event.
OPTIONAL: Final = (
    "user_id",
    "country",
    "payee_id",
    "card_id",
    "device_id",
    "merchant_id",
    "channel",
    "lat_e6",
    "lon_e6",
    "account_opened",
)

#: Fields that a rule may name, with their types.
FIELDS: Final = {
    "transfer_id": str,
    "kind": str,
    "status": str,
    "account_id": str,
    "user_id": str,
    "payee_id": str,
    "card_id": str,
    "device_id": str,
    "merchant_id": str,
    "channel": str,
    "currency": str,
    "country": str,
    "amount": int,
    "local_hour": int,  # 0..23 in the business zone
    "account_age_days": int,  # whole days since account_opened; unknown without it
}
#: Of these, the ones that are made from others: they cannot be matched or summed up.
DERIVED: Final = ("local_hour", "account_age_days")
#: What holds the same events together in a measure.
MATCHABLE: Final = (
    "account_id",
    "user_id",
    "payee_id",
    "card_id",
    "device_id",
    "merchant_id",
    "country",
    "channel",
    "currency",
    "kind",
)

#: Columns that hold a text of somebody else's, at most LONGEST_ID characters.
TEXTS: Final = (
    "transfer_id",
    "account_id",
    "user_id",
    "payee_id",
    "card_id",
    "device_id",
    "merchant_id",
    "channel",
    "country",
)
#: 0 or 1 in each counted event, by its status.
COUNTS: Final = tuple(f"{status}_count" for status in STATUSES)
#: One row per event: the counted rows of this pack are the events themselves, so that any of them can be
#: judged again, and what was before it read back.
COUNTED: Final = pl.Schema(
    {"minute": UTC_TIME, **EVENT, **dict.fromkeys(COUNTS, pl.Int64()), "completed_amount": pl.Int64()}
)
#: What was set aside: enough to find it at its source.
QUARANTINE: Final = pl.Schema(
    {
        **{
            name: EVENT[name]
            for name in ("transfer_id", "kind", "status", "account_id", "amount", "currency")
        },
        "occurred_at": UTC_TIME,
        "reason": pl.String(),
    }
)
SET_ASIDE: Final = pl.Schema({"minute": UTC_TIME, **QUARANTINE})


def is_id(text: str) -> bool:
    """May an event be called that?"""
    return 0 < len(text) <= LONGEST_ID and text.strip() != "" and "\0" not in text
