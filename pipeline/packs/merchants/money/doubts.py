"""What of the payouts does not fit into the book of exposure, in words for people. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pipeline.figures import plain
from pipeline.minute import EPOCH
from pipeline.money import Doubt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    import polars as pl

#: So many reasons, and payouts of one day, are said.
SHOWN: Final = 5
_WRONG_HINT: Final = (
    "correct the rows at their source or in settlements.sql; they are read again, and until then the book"
    " does without them"
)
_TWICE_HINT: Final = (
    "ask whoever keeps the payouts which of them was made, and delete the other one at its source; until then"
    " the first counts"
)


class SetAside:
    """Payouts with `wrong`, by minute and reason; the same whatever the order of entry."""

    def __init__(self) -> None:
        self.changes = 0
        self._rows: dict[tuple[datetime, str], tuple[int, str]] = {}  # how many, and one of them in words

    def enter(self, rows: pl.DataFrame, times: int) -> None:
        """Enter SETTLEMENT rows, or take them out."""
        self.changes += bool(rows.height)
        for (minute, wrong), some in rows.partition_by("minute", "wrong", as_dict=True).items():
            key = minute, wrong.partition(" ")[0]
            count, said = self._rows.get(key, (0, ""))
            count += times * some.height
            if count:
                self._rows[key] = count, _said(some.row(0, named=True)) if times > 0 else said
            else:
                del self._rows[key]

    def forget(self, before: datetime) -> None:
        """Let go of minutes before this one."""
        self._rows = {key: held for key, held in self._rows.items() if key[0] >= before}
        self.changes += 1

    def doubt(self) -> Doubt | None:
        """What there is of them; None: nothing."""
        reasons: dict[str, int] = {}
        for (_, reason), (count, _) in self._rows.items():
            reasons[reason] = reasons.get(reason, 0) + count
        total = sum(count for count in reasons.values() if count > 0)
        if not total:
            return None
        most = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))[:SHOWN]
        _, first = self._rows[min(key for key, (count, _) in self._rows.items() if count > 0)]
        counts = ", ".join(f"{reason} {count:,}" for reason, count in most)
        what = f"{total:,} rows of the query settlements enter no book: {counts}; first {first}"
        return Doubt("wrong", what, _WRONG_HINT)


def _said(row: dict[str, object]) -> str:
    amount = "NULL" if row["amount"] is None else f"{row['amount']:,}"
    return (
        f"merchant {plain(row['merchant_id'])}, business date {plain(row['business_date'])}, amount {amount},"
        f" settled at {row['settled_at']:%Y-%m-%dT%H:%M:%SZ}: {plain(row['wrong'])}"
    )


def doubt_of_twice(count: int, merchant: str, day: date, rows: Sequence[tuple[int, int]]) -> Doubt:
    """So many business days have several payouts; of the first, which (microseconds since 1970, amount)."""
    paid = " and ".join(f"{amount:,} at {_time(at)}" for at, amount in rows[:SHOWN])
    days = "1 business day was" if count == 1 else f"{count:,} business days of merchants were"
    what = f"{days} paid out twice; first merchant {plain(merchant)}, business date {day}: {paid}"
    return Doubt("twice", what, _TWICE_HINT)


def _time(microseconds: int) -> str:
    return f"{EPOCH + timedelta(microseconds=microseconds):%Y-%m-%dT%H:%M:%SZ}"
