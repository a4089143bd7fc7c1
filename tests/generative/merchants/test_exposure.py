"""The book of exposure, in whatever order its minutes came in and went out, against a plain recomputation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from baselines.calendar import is_rest_day
from baselines.facts import Facts
from baselines.merchants.rules import load_rules
from pipeline.minute import floor_minute
from pipeline.packs.merchants.money.book import MerchantBook, reach_days
from pipeline.packs.merchants.money.regret import losses
from pipeline.packs.merchants.money.schema import CANCEL_COHORT, EXPOSURE_ROW, SETTLEMENT
from pipeline.packs.merchants.schema import MERCHANT_MINUTE

ZONE = ZoneInfo("Asia/Seoul")
RULES = load_rules(Path(__file__).parents[3] / "baselines/merchants/rules.toml")
RULES = replace(RULES, exposure=replace(RULES.exposure, cancelable_days=4, curve_weight=2))
REACH = reach_days(RULES)
#: The Tuesday before Chuseok 2026, which makes Thursday to Saturday days of rest; a weekend follows.
FIRST = date(2026, 9, 15)
DAYS = 14
MERCHANTS = ("A", "B", "C")


@dataclass(frozen=True)
class Minute:
    """An approved amount, cancels by the age of their approval (None: not named), payouts."""

    at: datetime
    merchant: str
    approved: int
    cancels: tuple[tuple[int | None, int], ...]
    payouts: tuple[tuple[int, int, int, bool], ...]  # second, days since the sale, amount, is it wrong

    @property
    def day(self) -> date:
        return self.at.astimezone(ZONE).date()


amounts = st.integers(1, 1000)
minutes = st.builds(
    lambda day, hour, *rest: Minute(
        datetime.combine(FIRST + timedelta(day), time(hour), ZONE).astimezone(UTC), *rest
    ),
    st.integers(0, DAYS - 1),
    st.sampled_from([0, 10, 23]),
    st.sampled_from(MERCHANTS),
    st.one_of(st.just(0), amounts),
    st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 8), st.just(REACH + 9)), amounts), max_size=3).map(
        tuple
    ),
    st.lists(
        st.tuples(
            st.integers(0, 59),
            st.integers(0, 7),
            st.integers(-500, 1500),
            st.sampled_from([False] * 4 + [True]),
        ),
        max_size=3,
    ).map(tuple),
)
#: A lake that begins at 10:00 of a day, of which 490 were sold by its payout and a tenth is published.
CUT_DAY = [
    (made, None, True)
    for made in (
        Minute(datetime(2026, 9, 26, 1, tzinfo=UTC), "A", 100, ((0, 10),), ()),
        Minute(datetime(2026, 9, 28, 1, tzinfo=UTC), "A", 0, ((2, 30),), ((5, 2, 480, False),)),
    )
]
#: Of each minute what was seen first, if it was later another; and whether it is still there.
histories = st.lists(st.tuples(minutes, st.none() | minutes, st.booleans()), min_size=1, max_size=25)


def frames(minute: Minute) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    cancelled = sum(amount for _, amount in minute.cancels)
    row = (minute.at, minute.merchant, 1, len(minute.cancels), minute.approved, cancelled, 0, 0)
    named = [
        (minute.at, minute.merchant, minute.day - timedelta(age), 1, amount)
        for age, amount in minute.cancels
        if age is not None
    ]
    payouts = [
        (minute.at, minute.merchant, minute.day - timedelta(age), amount, paid_at(minute, second), said)
        for second, age, amount, wrong in minute.payouts
        for said in ["twice" if wrong else None]
    ]
    return pl.DataFrame([row], MERCHANT_MINUTE, orient="row"), {
        "cancel_cohort": pl.DataFrame(named, CANCEL_COHORT, orient="row"),
        "settlement": pl.DataFrame(payouts, SETTLEMENT, orient="row"),
    }


def paid_at(minute: Minute, second: int) -> datetime:
    return minute.at + timedelta(seconds=second)


def at_least(minute: Minute, begins: datetime) -> Minute:
    """Before the lake there are payouts alone."""
    return minute if minute.at >= begins else replace(minute, approved=0, cancels=())


class Plain:
    """Everything said once more, from all rows that are left, a merchant at a time.

    `begins`: the first published minute. Of the business day that it cuts not all sales are known.
    """

    def __init__(self, found: list[Minute], now: datetime, begins: datetime) -> None:
        self.found, self.now = found, now
        local = begins.astimezone(ZONE)
        whole = local.date() + timedelta(local.time() > time())
        self.today = now.astimezone(ZONE).date()
        self.first = self.today - timedelta(REACH)
        rows = [m.day for m in found if m.approved or m.cancels]
        counted = (day for day in rows if day >= max(self.first, whole))
        self.lake = min(counted, default=self.today + timedelta(1))
        self.days = [self.first + timedelta(n) for n in range(REACH + 1)]

    def payouts(self, merchant: str) -> dict[date, tuple[datetime, int]]:
        """The first of each business day."""
        rows = [
            (m.day - timedelta(age), paid_at(m, second), amount)
            for m in self.found
            if m.merchant == merchant
            for second, age, amount, wrong in m.payouts
            if not wrong
        ]
        return {day: (at, amount) for day, at, amount in sorted(rows, reverse=True) if day in self.days}

    def owed(self, merchant: str) -> int:
        """What negative payouts still owe: a later one pays it back before it pays anything."""
        owed = 0
        for _, _, amount in sorted((at, day, amount) for day, (at, amount) in self.payouts(merchant).items()):
            owed = max(owed - amount, 0)
        return owed

    def approved(self, merchant: str, day: date) -> int:
        return sum(m.approved for m in self.found if (m.merchant, m.day) == (merchant, day))

    def cancels(self, merchant: str) -> list[tuple[date, date | None, int]]:
        """Day of the cancel, day of its approval or None, amount."""
        return [
            (m.day, None if age is None else m.day - timedelta(age), amount)
            for m in self.found
            if m.merchant == merchant and m.day in self.days
            for age, amount in m.cancels
        ]

    def left(self, merchant: str, day: date) -> int:
        settled = self.payouts(merchant)
        before = day < self.lake and day in settled
        taken_off = sum(amount for at, _, amount in self.cancels(merchant) if at == day)
        approved = max(settled[day][1] + taken_off, 0) if before else self.approved(merchant, day)
        return approved - sum(amount for _, sold, amount in self.cancels(merchant) if sold == day)

    def row(self, merchant: str) -> dict[str, object] | None:
        """None: nothing was ever paid out."""
        settled, cancels = self.payouts(merchant), self.cancels(merchant)
        if not settled:
            return None
        inside = [day for day in self.days if (self.today - day).days <= RULES.exposure.cancelable_days]
        unnamed = sum(amount for day, sold, amount in cancels if sold is None and day in inside)
        open_days = [day for day in self.days if day not in settled]
        net = {
            day: self.approved(merchant, day) - sum(amount for at, _, amount in cancels if at == day)
            for day in open_days
        }
        did = [
            day for day in open_days if self.approved(merchant, day) or any(at == day for at, _, _ in cancels)
        ]
        due = {day: self.payday(merchant, day) for day in did}
        pays = {at: sum(net[day] for day in did if due[day] == at) for at in due.values()}
        owed, paid = self.owed(merchant), {}
        for at, amount in sorted(pays.items()):  # what a payday withholds is taken off those after it
            paid[at], owed = max(amount - owed, 0), max(owed - amount, 0)
        next_day = min((at for at, amount in paid.items() if amount > 0), default=None)
        return {
            "paid_out_cancelable": max(
                sum(self.left(merchant, d) for d in inside if d in settled) - unnamed, 0
            ),
            "unrecovered": self.owed(merchant)
            + sum(
                amount
                for day, sold, amount in cancels
                if day not in settled and (sold is None or sold in settled or sold < self.first)
            ),
            "pending_payout": sum(paid.values()),
            "next_payout_date": next_day,
            "next_payout": paid[next_day] if next_day else 0,
            "settled_through": max(settled),
        }

    def payday(self, merchant: str, sold: date) -> date:
        newest = sorted(self.payouts(merchant).items(), reverse=True)[:5]
        took = sorted(working_days(day, at.astimezone(ZONE).date()) for day, (at, _) in newest)
        day = sold
        while is_rest_day(day, "KR"):
            day -= timedelta(1)
        for _ in range(took[(len(took) - 1) // 2]):
            day = working_from(day + timedelta(1))
        return max(day, working_from(self.today))


@settings(max_examples=50, deadline=None)
@given(found=st.lists(minutes, min_size=1, max_size=25), later=st.integers(0, 12))
def test_what_regret_says_is_lost_is_what_the_book_says_is_unrecovered(
    found: list[Minute], later: int
) -> None:
    """Where nothing more is held. Each merchant's first payout is one of the oldest day that counts."""
    now = floor_minute(datetime.combine(FIRST + timedelta(DAYS - 1 + later), time(23, 30), ZONE))
    oldest = now.astimezone(ZONE).date() - timedelta(REACH)
    opened = [
        Minute(
            datetime.combine(FIRST, time(0), ZONE).astimezone(UTC),
            merchant,
            0,
            (),
            ((0, (FIRST - oldest).days, 0, False),),
        )
        for merchant in MERCHANTS
    ]
    book, parts = MerchantBook(ZONE, RULES, Facts()), [frames(minute) for minute in [*opened, *found]]
    rows = pl.concat([rows for rows, _ in parts])
    beside = {name: pl.concat([other[name] for _, other in parts]) for name in parts[0][1]}
    beside["settlement"] = beside["settlement"].filter(pl.col("business_date") >= oldest)
    book.add(rows, beside)
    until = now + timedelta(minutes=1)
    for row in book.snapshot(now, {}).iter_rows(named=True):
        own = pl.col("merchant_id") == row["merchant_id"]
        of_merchant = {name: frame.filter(own) for name, frame in beside.items()}
        assert losses(rows.filter(own), of_merchant, [until], until, ZONE) == [row["unrecovered"]]


def working_from(day: date) -> date:
    while is_rest_day(day, "KR"):
        day += timedelta(1)
    return day


def working_days(after: date, until: date) -> int:
    return sum(not is_rest_day(after + timedelta(n), "KR") for n in range(1, (until - after).days + 1))


@settings(max_examples=50, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink))
@example(found=CUT_DAY, order=Random(0), looks=0, later=0, begins=(11, 10))
@given(
    found=histories,
    order=st.randoms(use_true_random=False),
    looks=st.integers(0, 9),
    later=st.integers(0, 12),
    begins=st.sampled_from([(0, 0), (11, 0), (11, 10)]),
)
def test_the_book_is_what_all_rows_that_are_left_say(
    found: list[tuple[Minute, Minute | None, bool]],
    order: Random,
    looks: int,
    later: int,
    begins: tuple[int, int],
) -> None:
    """Late, revised and deleted minutes in any order, also out before in; prices are asked for in between."""
    lake = datetime.combine(FIRST + timedelta(begins[0]), time(begins[1]), ZONE).astimezone(UTC)
    found = [(at_least(new, lake), old and at_least(old, lake), there) for new, old, there in found]
    steps = [(1, new) for new, _, there in found if there]
    for new, old, there in found:
        steps += [(1, old), (-1, old)] if old else []
        steps += [] if there else [(1, new), (-1, new)]
    order.shuffle(steps)
    now = floor_minute(datetime.combine(FIRST + timedelta(DAYS - 1 + later), time(23, 30), ZONE))
    book = MerchantBook(ZONE, RULES, Facts())
    book.begins(lake)
    for n, (times, minute) in enumerate(steps):
        book.add(*frames(minute), times=times)
        if n % 10 < looks:
            book.snapshot(now, {})
    if looks % 2:
        book.forget(now.astimezone(ZONE).date() - timedelta(REACH))
    snapshot = book.snapshot(now, {"A": ["cancel_surge", "volume_drop"]})
    assert snapshot.schema == EXPOSURE_ROW
    plain = Plain([new for new, _, there in found if there], now, lake)
    for row in snapshot.iter_rows(named=True):
        expected = plain.row(row["merchant_id"]) or dict.fromkeys(
            ("paid_out_cancelable", "unrecovered", "pending_payout", "next_payout_date", "next_payout")
        )
        assert {name: row[name] for name in expected} == expected, row["merchant_id"]
        if expected["paid_out_cancelable"] is None:
            assert row["expected_loss"] is None
        elif row["expected_loss"] is not None:
            assert row["expected_loss_low"] <= row["expected_loss"] <= row["expected_loss_high"]
            assert math.isfinite(row["expected_loss_high"])
