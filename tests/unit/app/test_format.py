from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.format import clock, count, day, duration, moment, time_of_day, won, won_short

SEOUL = ZoneInfo("Asia/Seoul")
MOMENT = datetime(2026, 11, 21, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "korean", "english"),
    [
        (0, "0원", "₩0"),
        (9_999, "9,999원", "₩9.99K"),
        (10_000, "1만원", "₩10K"),
        (123_456_789, "1.23억원", "₩123M"),
        (1_200_000_000, "12억원", "₩1.2B"),
        (1_234_000_000, "12.3억원", "₩1.23B"),
        (305_000_000_000, "3,050억원", "₩305B"),
        (10**12, "1조원", "₩1T"),
        (10**18, "1,000,000조원", "₩1,000,000T"),
        (-45_000, "-4.5만원", "₩-45K"),
    ],
)
def test_money_at_a_glance(amount: int, korean: str, english: str) -> None:
    assert (won_short(amount, "ko"), won_short(amount, "en")) == (korean, english)


@given(st.integers(0, 10**15))
def test_a_short_amount_is_cut_and_never_says_more_than_there_is(amount: int) -> None:
    units = {"조": 10**12, "억": 10**8, "만": 10**4}
    text = won_short(amount, "ko").removesuffix("원").replace(",", "")
    size = units.get(text[-1], 1)
    whole, _, rest = text.rstrip("조억만").partition(".")
    shown = int(whole) * size + (int(rest) * size // 10 ** len(rest) if rest else 0)
    assert shown <= amount
    assert amount - shown < max(1, size)


def test_exact_money_and_counts() -> None:
    assert won(1_234_567, "ko") == "1,234,567원"
    assert won(1_234_567, "en") == "₩1,234,567"
    assert count(1_234_567) == "1,234,567"


def test_times_are_written_in_the_business_zone() -> None:
    assert moment(MOMENT, SEOUL) == "2026-11-21 10:05 KST"
    assert moment(MOMENT, SEOUL, seconds=True) == "2026-11-21 10:05:09 KST"
    assert clock(MOMENT, SEOUL) == "11-21 10:05"
    assert time_of_day(MOMENT, SEOUL) == "10:05 KST"
    assert day(date(2026, 11, 21), "ko") == "11-21 (토)"
    assert day(date(2026, 11, 21), "en") == "11-21 (Sat)"


@pytest.mark.parametrize(
    ("seconds", "korean", "english"),
    [
        (-3, "0초", "0 s"),
        (0.9, "0초", "0 s"),
        (59, "59초", "59 s"),
        (60, "1분", "1 min"),
        (3_725, "1시간 2분", "1 h 2 min"),
        (3_605, "1시간", "1 h"),
        (90_000, "1일 1시간", "1 d 1 h"),
    ],
)
def test_durations_show_two_units(seconds: float, korean: str, english: str) -> None:
    span = timedelta(seconds=seconds)
    assert (duration(span, "ko"), duration(span, "en")) == (korean, english)
