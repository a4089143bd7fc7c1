"""The toy pack with a book: what forced doors cost, and what of it the insurer has paid."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.money import AtRisk, Beside, Doubt, Exposures
from pipeline.schema import UTC_TIME, conform, conform_rows
from tests import doors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from pipeline.minute import Span
    from pipeline.money import Case

#: What a forced door costs.
COST: Final = 100
#: How far back its book goes; a test may have it go further.
DAYS: Final = {"reach": 4}
PAYMENT_ROW: Final = pl.Schema(
    {"door_id": pl.String(), "amount": pl.Int64(), "day": pl.Date(), "paid_at": UTC_TIME}
)
PAYMENT: Final = pl.Schema({"minute": UTC_TIME, **PAYMENT_ROW, "wrong": pl.String()})
FORCED_KIND: Final = pl.Schema({"minute": UTC_TIME, "door_id": pl.String(), "first_event": pl.Int64()})
EXPOSURE: Final = pl.Schema(
    {
        "minute": UTC_TIME,
        "door_id": pl.String(),
        "cost": pl.Int64(),
        "paid": pl.Int64(),
        "newest": pl.Date(),
        "breached": pl.Int64(),
        "expected_loss": pl.Int64(),
    }
)
#: What a part and a figure of its money are called.
WORDS: Final = {
    "ko": {"cost": "수리비", "expected_loss": "예상 손실"},
    "en": {"cost": "Repairs", "expected_loss": "Expected loss"},
}


def forced(events: pl.DataFrame, span: Span, zone: ZoneInfo) -> pl.DataFrame:
    """The first forced event of each door and minute."""
    del span, zone
    minute = pl.col("occurred_at").dt.truncate("1m").alias("minute")
    of_door = events.filter(pl.col("kind") == "forced").group_by(minute, "door_id")
    return conform(of_door.agg(first_event=pl.col("event_id").min()), FORCED_KIND).sort("minute", "door_id")


def paid(rows: pl.DataFrame, span: Span, zone: ZoneInfo) -> pl.DataFrame:
    """Payments; one without a door is wrong."""
    del span, zone
    wrong = pl.when(pl.col("door_id").is_null()).then(pl.lit("door_missing"))
    found = rows.with_columns(minute=pl.col("paid_at").dt.truncate("1m"), wrong=wrong)
    return conform(found, PAYMENT).sort("minute", "door_id", "paid_at", "amount")


class Costs:
    """Cost and payments by door; plain and slow."""

    def __init__(self) -> None:
        self.cost: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self.days: Counter[tuple[str, date]] = Counter()
        self.firsts: Counter[str] = Counter()

    def add(self, rows: pl.DataFrame, beside: Mapping[str, pl.DataFrame], *, times: int = 1) -> None:
        for row in rows.iter_rows(named=True):
            self.cost[row["door_id"]] += times * row["forced_count"] * COST
        for row in beside.get("forced", FORCED_KIND.to_frame()).iter_rows(named=True):
            self.firsts[row["door_id"]] += times
        good = beside.get("payment", PAYMENT.to_frame()).filter(pl.col("wrong").is_null())
        for row in good.iter_rows(named=True):
            self.paid[row["door_id"]] += times * row["amount"]
            self.days[row["door_id"], row["day"]] += times

    def begins(self, first: datetime) -> None:
        self.first = first

    def measure(self, cases: Sequence[Case]) -> dict[str, object]:
        self.cases = cases
        return {"cases": len(cases)}

    def doubts(self) -> list[Doubt]:
        """A door that was paid for and never forced."""
        odd = sorted(door for door, amount in (+self.paid).items() if not self.cost[door])
        return [Doubt("unforced", f"{odd[0]} was paid for", "ask the insurer")] if odd else []

    def know(self, tuned: object, facts: object) -> None:
        self.known = tuned, facts

    def forget(self, before: date) -> None:
        self.forgotten = before

    def of(
        self, minute: datetime, breached: Mapping[str, Collection[str]], entities: Collection[str]
    ) -> dict[str, AtRisk]:
        del minute
        return {door: self.price(door, breached) for door in entities if door in self.cost}

    def price(self, door: str, breached: Mapping[str, Collection[str]]) -> AtRisk:
        """A tenth of what is left may be lost, of a door with an incident two."""
        left = self.cost[door] - self.paid[door]
        loss = left * (1 + len(breached.get(door, ()))) // 10
        return AtRisk({"cost": left}, figures={"expected_loss": loss})

    def all_together(self, minute: datetime, breached: Mapping[str, Collection[str]]) -> AtRisk:
        del minute
        every = [self.price(door, breached) for door in self.cost]
        parts = {"cost": sum(one.parts["cost"] or 0 for one in every)}
        return AtRisk(parts, figures={"expected_loss": sum(one.expected_loss or 0 for one in every)})

    def snapshot(self, minute: datetime, breached: Mapping[str, Collection[str]]) -> pl.DataFrame:
        doors_ = sorted(self.cost)
        newest = {door: max((d for o, d in +self.days if o == door), default=None) for door in doors_}
        columns = {
            "minute": [minute] * len(doors_),
            "door_id": doors_,
            "cost": [self.cost[door] for door in doors_],
            "paid": [self.paid[door] for door in doors_],
            "newest": [newest[door] for door in doors_],
            "breached": [len(breached.get(door, ())) for door in doors_],
            "expected_loss": [self.price(door, breached).expected_loss for door in doors_],
        }
        return pl.DataFrame(columns, EXPOSURE)


def kept(book: Costs) -> tuple[Counter[str], ...]:
    """Everything that a book of doors holds, to compare two."""
    return +book.cost, +book.paid, +book.firsts


PACK: Final = replace(
    doors.PACK,
    beside={
        "forced": Beside(schema=FORCED_KIND, count=forced),
        "payment": Beside(
            schema=PAYMENT,
            count=paid,
            query="payments",
            row=PAYMENT_ROW,
            conform=lambda frame, query, _: conform_rows(frame, PAYMENT_ROW, query),
            time="paid_at",
            opening=timedelta(days=3),
        ),
    },
    exposures=Exposures(
        schema=EXPOSURE, book=lambda *_: Costs(), reach=lambda _: timedelta(days=DAYS["reach"])
    ),
    ornaments={"payments": "what the insurer has paid"},
    parts=("cost",),
    figures=("expected_loss",),
    words={language: {**doors.PACK.words[language], **words} for language, words in WORDS.items()},
)
