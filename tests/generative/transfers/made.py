"""Events and measures by chance: few accounts, and times on and beside the borders of windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from baselines.transfers.measure import Between, Measure, OneOf
from pipeline.packs.transfers.schema import EVENT

if TYPE_CHECKING:
    import random

    from tests.generative.transfers.oracle import Event

END = datetime(2026, 3, 5, 10, 0, tzinfo=UTC)
MS = timedelta(milliseconds=1)
SECOND_MS, HOUR_MS = 1000, 3_600_000
DAY_MS = 24 * HOUR_MS
WIDTHS = (None, SECOND_MS, 60 * SECOND_MS, HOUR_MS, DAY_MS, 2 * DAY_MS, 30 * DAY_MS, 90 * DAY_MS)
MATCHES: tuple[dict[str, str], ...] = (
    {"account_id": "account_id"},
    {"user_id": "user_id"},
    {"payee_id": "account_id"},
    {"account_id": "account_id", "payee_id": "payee_id"},
    {"account_id": "payee_id", "payee_id": "account_id"},
    {"account_id": "account_id", "device_id": "device_id"},
    {"account_id": "account_id", "card_id": "card_id", "country": "country"},
    {"card_id": "card_id"},
    {"device_id": "device_id"},
    {"country": "country"},
    {},
)
WHERES: tuple[dict[str, OneOf | Between], ...] = (
    {},
    {},
    {},
    {"kind": OneOf(("transfer",))},
    {"amount": Between(100, 5000)},
    {"status": OneOf(("declined",)), "amount": Between(0, 5000)},
    {"status": OneOf(("declined", "completed"))},
    {"amount": OneOf((0, 5000))},
    {"country": OneOf(("KR", "US"))},
)
QUESTIONS = (
    ("count", None),
    ("sum", "amount"),
    ("mean", "amount"),
    ("distinct", "payee_id"),
    ("distinct", "card_id"),
    ("since_last", None),
    ("first_seen", None),
    ("previous", "payee_id"),
    ("previous", "country"),
    ("previous", "amount"),
    ("speed", "km"),
    ("speed", "kmh"),
)


def measure(chance: random.Random) -> Measure:
    of, value = chance.choice(QUESTIONS)
    return Measure(
        of,
        value,
        tuple(sorted(chance.choice(MATCHES).items())),
        chance.choice(WIDTHS),
        tuple(sorted(chance.choice(WHERES).items())),
        chance.choice((0, 0, 0, SECOND_MS, 60 * SECOND_MS, HOUR_MS)),
    )


def moment(chance: random.Random) -> datetime:
    """Mostly of the last two minutes; else beside a border of some window of the end."""
    if chance.random() < 0.7:
        return END - chance.randrange(0, 121) * 1000 * MS + chance.choice((-1, 0, 0, 0, 1)) * MS
    border = chance.choice([w for w in WIDTHS if w] + [DAY_MS + HOUR_MS, 5 * HOUR_MS])
    shift = chance.choice((-HOUR_MS, -SECOND_MS, -1, 0, 0, 1, SECOND_MS, 1800 * SECOND_MS))
    return min(END, END - (border + shift + chance.choice((0, 0, 30 * SECOND_MS, 60 * SECOND_MS))) * MS)


def event(chance: random.Random, number: int, accounts: int = 4) -> Event:
    account = f"A{chance.randrange(accounts)}"
    place = chance.random() < 0.7
    found: dict[str, Any] = dict.fromkeys(EVENT)
    found |= {
        "transfer_id": f"t{number}",
        "kind": chance.choice(("transfer", "card", "cash")),
        "status": chance.choice(("completed",) * 6 + ("declined", "reversed")),
        "account_id": account,
        "user_id": account if chance.random() < 0.8 else f"U{chance.randrange(2)}",
        "amount": chance.choice((0, 1, 99, 100, 5000, 5001, 10**13)),
        "currency": "KRW",
        "country": chance.choice(("KR", "KR", "US", "JP", None)),
        "occurred_at": moment(chance),
        "payee_id": chance.choice((None, "P0", *(f"A{n}" for n in range(accounts)))),
        "card_id": chance.choice((None, f"C{chance.randrange(60)}")),
        "device_id": chance.choice((None, "D0", "D1")),
        "lat_e6": chance.choice((37_500_000, 35_100_000, -10)) if place else None,
        "lon_e6": chance.choice((127_000_000, 129_000_000, -179_999_999)) if place else None,
    }
    return found


def frame(events: list[Event]) -> pl.DataFrame:
    return pl.DataFrame(events, schema=EVENT, orient="row")
