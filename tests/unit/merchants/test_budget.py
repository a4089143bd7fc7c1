"""What the policy `budgeted` takes for ordinary, and what not: days alike, hours, windows, evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from baselines.calendar import like_days
from baselines.facts import Facts
from baselines.merchants.rules import load_rules
from baselines.merchants.windows import Windows
from pipeline.minute import business_day
from pipeline.packs.merchants.rules.cancel_surge import Beside
from pipeline.packs.merchants.rules.drop_windows import (
    HourNumbers,
    find_collapses,
    find_drops,
    hours_of,
    usual_for_the_day,
)
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.rules.surge_spans import Portfolio, WindowNumbers
from pipeline.packs.merchants.rules.surge_windows import find_surges
from pipeline.packs.merchants.rules.volume_drop import DropNumbers
from pipeline.packs.merchants.schema import MERCHANT_MINUTE, PRIORS
from pipeline.schema import conform

if TYPE_CHECKING:
    from pipeline.packs.merchants.rules.strongest import Strongest

RULES = load_rules(Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml")
SEOUL = ZoneInfo("Asia/Seoul")
BILLION = 1_000_000_000


def days(*numbers: int) -> tuple[date, ...]:
    """Days of September 2026: the 5th is a Saturday, the 24th to the 26th are Chuseok."""
    return tuple(date(2026, 9, number) for number in numbers)


@pytest.mark.parametrize(
    ("day", "others", "alike"),
    [
        (15, (8, 9, 10, 11, 12, 13, 14), (8, 9, 10, 11, 14)),
        (12, (5, 6, 7, 8, 9, 10, 11), (5,)),  # Saturdays are not as Sundays
        (13, (6, 7, 8, 9, 10, 11, 12), (6,)),
        (24, (17, 18, 19, 20, 21, 22, 23), (20,)),  # a public holiday is as a Sunday
        (26, (19, 20, 21, 22, 23, 24, 25), (20, 24, 25)),  # also one on a Saturday
        (12, (6, 7, 8), (6,)),  # no Saturday is known: the other days of rest
        (12, (7, 8, 9), (7, 8, 9)),  # no day of rest either: all
    ],
)
def test_days_are_compared_with_days_of_their_class(
    day: int, others: tuple[int, ...], alike: tuple[int, ...]
) -> None:
    assert like_days(date(2026, 9, day), days(*others), "KR") == days(*alike)


def test_without_a_calendar_of_holidays_a_holiday_is_a_working_day() -> None:
    assert like_days(date(2026, 9, 24), days(20, 21, 23), "none") == days(21, 23)


def drop(today: int, like: list[int]) -> DropNumbers:
    """One merchant at the day's end, with 7 baseline days of 2 billion each on average."""
    one = np.array([1], np.int64)
    whole = 7 * 2 * BILLION * one
    return DropNumbers(
        one * 0, one * today, whole, whole, 7, judged=True,
        paced_like=np.array([[amount] for amount in like], np.int64), approvals_week=100_000 * one,
    )  # fmt: skip


def test_a_shop_that_closes_on_sundays_is_not_down_on_sunday_nor_after_an_odd_saturday_holiday() -> None:
    closed = drop(40_000_000, [45_000_000])
    assert usual_for_the_day(closed, RULES).tolist() == [True]
    # A holiday on which it opened is one of three like days; the median does not follow it.
    mixed = drop(25_000_000, [1_200_000_000, 40_000_000, 45_000_000])
    assert find_drops(mixed, RULES).passed.tolist() == [False]


def test_one_like_day_proves_less_than_five() -> None:
    one, five = (drop(800_000_000, n * [2 * BILLION]) for n in (1, 5))
    assert find_drops(one, RULES).evidence[0] < find_drops(five, RULES).evidence[0]
    assert find_drops(five, RULES).passed.tolist() == [True]


def hour(approvals: int, like: list[int], level_percent: int = 100) -> HourNumbers:
    """One large merchant with payments of 50,000; before the hour it had `level_percent` of like days."""
    one = np.array([1], np.int64)
    rows = np.array([[count] for count in like], np.int64)
    paced = 950_000_000 + 50_000 * rows
    today = 9_500_000 * level_percent + 50_000 * approvals
    large, whole = np.array([True]), 7 * BILLION * one
    sums = one * today, paced.sum(axis=0), whole, one * 140_000
    return HourNumbers(one * 0, one * approvals, rows, paced, large, *sums, days=7)


def test_half_of_an_hour_missing_is_a_collapse_and_two_thirds_present_are_not() -> None:
    assert find_collapses(hour(500, 5 * [1000]), RULES).passed.tolist() == [True]
    assert find_collapses(hour(660, 5 * [1000]), RULES).passed.tolist() == [False]


def test_an_hour_of_a_quiet_day_is_measured_by_that_day() -> None:
    quiet = find_collapses(hour(500, 5 * [1000], level_percent=70), RULES)
    assert quiet.expected_window.tolist() == [715]  # of 1,000, one usual hour counts as well
    assert quiet.passed.tolist() == [False]


def test_the_first_hour_of_a_day_says_nothing_of_its_level() -> None:
    """Nothing was sold before it: what is left after the hour is dear payments, and days wander."""
    later, amounts = hour(530, 5 * [1000]), np.full((5, 1), 50_100_000)
    first = replace(later, paced_like=amounts, amount_today=np.array([27_400_000]))
    found = find_collapses(first, RULES)
    assert 950 <= found.expected_window[0] <= 1050
    assert found.passed.tolist() == [False]
    assert find_collapses(later, RULES).passed.tolist() == [True]


def test_the_hour_of_a_busy_day_that_falls_to_the_usual_is_no_collapse() -> None:
    assert find_collapses(hour(900, 5 * [1000], level_percent=190), RULES).passed.tolist() == [False]


def test_an_hour_that_began_yesterday_is_not_judged_by_today() -> None:
    """A shop that is closed on Sundays: Sunday 23:01 to Monday 00:00 is no collapse of a Monday."""
    shop = Windows(SEOUL, 7)
    first = date(2026, 9, 5)
    for day in (first + timedelta(days=n) for n in range(9)):
        span = business_day(day, SEOUL)
        count = 0 if day.weekday() == 6 else 10
        shop.add_many(span.start, span.end, minutes(list(span), count))
    monday = business_day(date(2026, 9, 14), SEOUL).start
    shop.add(monday, minutes([monday], 10))
    hours = hours_of(Situation(shop, RULES, "budgeted", Facts()))
    assert hours.positions.tolist() == [0]  # six sevenths of a usual hour are missing
    assert find_collapses(hours, RULES).passed.tolist() == [False]


def minutes(when: list[datetime], approvals: int) -> pl.DataFrame:
    rows = when if approvals else []
    amount = approvals * 200_000
    columns = dict.fromkeys(MERCHANT_MINUTE.names()[2:], 0)
    columns |= {"approval_count": approvals, "approval_amount": amount}
    frame = pl.DataFrame({"minute": rows}, schema={"minute": MERCHANT_MINUTE["minute"]})
    return conform(
        frame.with_columns(
            pl.lit("A").alias("merchant_id"), *(pl.lit(n).alias(c) for c, n in columns.items())
        ),
        MERCHANT_MINUTE,
    )


def span(cancels: int, *, local: bool, minutes: int = 60, blocks: int = 28) -> WindowNumbers:
    """A merchant of 20,000 approvals a day with 5 % cancels in its week and in the hours before."""
    one = np.array([1], np.int64)
    block = np.full((blocks, 1), 5_000, np.int64)
    around = (one * 1_700, one * 85) if local else (one * 0, one * 0)
    counts = one * 0, one * 830, one * cancels, block, block // 20, *around, one * 140_000, one * -1
    return WindowNumbers(minutes, local, *counts)


def surges(*spans: WindowNumbers) -> Beside:
    return Beside(spans, Portfolio(100_000, 21_000_000, 1_050_000))


def found_among(seen: Beside) -> Strongest:
    return find_surges(seen.spans, seen.portfolio, RULES)


def test_the_hours_before_tell_a_threefold_hour_that_a_drifting_week_does_not() -> None:
    """42 cancels were due: 110 are rare beside the hours before, and possible within a week."""
    assert found_among(surges(span(110, local=True))).passed.tolist() == [True]
    assert found_among(surges(span(110, local=False))).passed.tolist() == [False]


def test_windows_without_a_merchant_say_nothing() -> None:
    assert len(found_among(surges(span(110, local=True))).positions) == 1
    nobody = replace(span(110, local=True), positions=np.zeros(0, np.int64))
    assert len(found_among(surges(nobody)).positions) == 0


TICKETS, GROCERY, UNKNOWN = 0, 1, -1


def new_merchant(sold: int, cancels: int, category: int) -> Beside:
    """300 transactions of its last day, so many of them cancels; before that it sold without a cancel.

    Ticket shops cancel 15 of 100, groceries 0.5, everybody 4.
    """
    one = np.array([1], np.int64)
    blocks = np.zeros((28, 1), np.int64)
    approvals = blocks.copy()
    approvals[20] = sold
    nothing = one * 0
    counts = nothing, one * (300 - cancels), one * cancels, approvals, blocks, nothing, nothing, one * sold
    every = Portfolio(
        100_000,
        20_160_000,
        840_000,
        ("tickets", "grocery"),
        np.array([850_000, 9_950_000]),
        np.array([150_000, 50_000]),
    )
    spans = (WindowNumbers(1440, False, *counts, one * category),)  # noqa: FBT003 - against the week
    return replace(
        surges(*spans, *[replace(span(0, local=True), positions=nothing[:0])] * 6), portfolio=every
    )


@pytest.mark.parametrize(
    ("sold", "cancels", "category", "passes"),
    [
        (40, 75, TICKETS, False),  # a quarter, of a ticket shop
        (40, 75, UNKNOWN, True),
        (40, 75, GROCERY, True),
        (40, 150, TICKETS, True),  # half of it is a surge even there
        (20, 90, GROCERY, True),  # what everybody's rate would have hidden
        (20, 90, UNKNOWN, False),
        (20, 90, TICKETS, False),
    ],
)
def test_a_new_merchant_is_measured_against_its_category(
    sold: int, cancels: int, category: int, *, passes: bool
) -> None:
    found = found_among(new_merchant(sold, cancels, category))
    assert found.passed.tolist() == [passes]


@pytest.mark.parametrize(
    ("sold", "category", "rests_on"),
    [(9, TICKETS, "category"), (9, UNKNOWN, "all"), (10, TICKETS, "own"), (10, UNKNOWN, "own")],
)
def test_a_verdict_says_what_counts_most_in_its_baseline(sold: int, category: int, rests_on: str) -> None:
    found = found_among(new_merchant(sold, 75, category))
    assert [PRIORS[place] for place in found.prior.tolist()] == [rests_on]


def test_the_hours_before_a_window_are_the_merchants_own_as_well() -> None:
    new = new_merchant(0, 75, TICKETS)
    (first, *_) = new.spans
    today = replace(first, local=True, approvals_local=np.array([8]), cancels_local=np.array([2]))
    (before,) = found_among(replace(new, spans=(today,))).prior.tolist()
    assert PRIORS[before] == "own"


def test_a_category_with_little_traffic_knows_no_more_than_everybody() -> None:
    new = new_merchant(0, 75, TICKETS)
    small = replace(
        new.portfolio, approvals_by_category=np.array([300, 0]), cancels_by_category=np.array([100, 0])
    )
    found = found_among(replace(new, portfolio=small))
    assert [PRIORS[place] for place in found.prior.tolist()] == ["all"]
    # 100 of its own 400, and of 500 more 4 %: 120 of 900, 15.4 cancels to 100 approvals.
    assert found.prior_cancels_per_100k.tolist() == [15_384]
