"""Amounts, durations and times as people read them."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline.figures import duration_text, exact_money, money
from pipeline.tell.render import render_text
from tests.unit.test_message import SEOUL, message


@pytest.mark.parametrize(
    ("amount", "korean"),
    [
        (0, "0원"),
        (9_999, "9,999원"),
        (10_000, "10,000원 (1만원)"),
        (12_345, "12,345원 (약 1만원)"),
        (100_000_000, "100,000,000원 (1억원)"),
        (1_234_567_890, "1,234,567,890원 (약 12억 3,456만원)"),
        (1_000_050_000_000, "1,000,050,000,000원 (약 1조원)"),
        (-12_345, "-12,345원 (약 -1만원)"),
    ],
)
def test_amounts_are_exact_and_in_the_units_people_speak_in(amount: int, korean: str) -> None:
    assert money(amount, "ko") == korean
    assert money(amount, "en") == f"KRW {amount:,}"


@pytest.mark.parametrize(
    ("minutes", "korean", "english"),
    [
        (0, "0분", "0 min"),
        (36, "36분", "36 min"),
        (96, "1시간 36분", "1 h 36 min"),
        (4479, "3일 2시간", "3 d 2 h"),
    ],
)
def test_durations_have_two_units(minutes: int, korean: str, english: str) -> None:
    length = timedelta(minutes=minutes)
    assert (duration_text(length, "ko"), duration_text(length, "en")) == (korean, english)


def test_minute_is_shown_in_the_zone_given() -> None:
    assert "2026-11-21 18:03 KST" in render_text(message(), "ko", SEOUL)
    assert "2026-11-21 13:03 UTC+04" in render_text(message(), "ko", ZoneInfo("Asia/Dubai"))


def test_an_exact_amount_has_one_unit_in_each_language() -> None:
    assert [exact_money(1_234_567, language) for language in ("ko", "en")] == ["1,234,567원", "KRW 1,234,567"]
