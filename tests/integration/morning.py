"""An ordinary morning of three merchants, for the tests of what a pipeline does with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.minute import MINUTE, Span

if TYPE_CHECKING:
    from tests.integration.trade_home import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MORNING = Span(NOON - 6 * HOUR, NOON)


def ordinary(trade: Trade, start: datetime = NOON - 6 * HOUR, end: datetime = NOON + HOUR) -> int:
    """Ten approvals and one cancel every five minutes; returns how many rows."""
    rows: list[Any] = []
    minute = start
    while minute < end:
        for n in range(10):
            rows.append((len(rows) + 1, f"M{n % 3}", "APPROVAL", 1000 + n, minute + timedelta(seconds=n)))
        rows.append((len(rows) + 1, "M0", "CANCEL", 1000, minute))
        minute += 5 * MINUTE
    trade.insert(*rows)
    return len(rows)
