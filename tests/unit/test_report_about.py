"""What a report is about, by the words that people write."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline.errors import UsageError
from pipeline.minute import Span
from pipeline.report.about import (
    DAY,
    WEEK,
    about_day,
    about_days,
    about_incident,
    about_week,
    clip,
    ended_in,
    incident_number,
)

SEOUL = ZoneInfo("Asia/Seoul")
#: Monday 2026-11-30 00:30 in Seoul, still Sunday in UTC.
NOW = datetime(2026, 11, 29, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "kind", "key"),
    [
        ("2026-11-29", DAY, "2026-11-29"),
        (" yesterday ", DAY, "2026-11-29"),
        ("TODAY", DAY, "2026-11-30"),
        ("2026-W48", WEEK, "2026-W48"),
        ("2026w48", WEEK, "2026-W48"),
        ("2020-W53", WEEK, "2020-W53"),
    ],
)
def test_days_and_weeks_are_those_of_the_business_zone(text: str, kind: str, key: str) -> None:
    about = about_days(text, SEOUL, NOW)
    assert (about.kind, about.key) == (kind, key)


def test_a_week_begins_on_monday_and_ends_with_sunday() -> None:
    about = about_days("2026-W48", SEOUL, NOW)
    assert about.span == Span(datetime(2026, 11, 22, 15, tzinfo=UTC), datetime(2026, 11, 29, 15, tzinfo=UTC))
    assert about_week(date(2021, 1, 3), SEOUL).key == "2020-W53"


@pytest.mark.parametrize(
    "text", ["", "2026-13-01", "2026-W54", "2025-W53", "0000-W01", "9999-12-31", "x", "29.11."]
)
def test_what_is_none_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(UsageError, match="no day, no week and no incident") as caught:
        about_days(text, SEOUL, NOW)
    assert "2026-W48" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "number"),
    [("17", 17), ("incident-17", 17), ("2026-11-29", None), ("1" * 19, None), ("-1", None)],
)
def test_a_number_is_an_incident(text: str, number: int | None) -> None:
    assert incident_number(text) == number


def test_an_incident_is_shown_with_the_day_before_it() -> None:
    about = about_incident(17, NOW.replace(minute=0), NOW)
    assert about.key == "incident-17"
    assert about.span == Span(NOW.replace(minute=0) - timedelta(hours=24), NOW)


def test_each_day_is_written_and_each_week_after_its_sunday() -> None:
    span = Span(
        about_day(date(2026, 11, 28), SEOUL).span.start, about_day(date(2026, 11, 30), SEOUL).span.end
    )
    assert [about.key for about in ended_in(span, SEOUL)] == [
        "2026-11-28",
        "2026-11-29",
        "2026-W48",
        "2026-11-30",
    ]


def test_a_day_on_which_the_clocks_change_has_its_own_length() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert about_day(date(2026, 10, 25), berlin).span.minutes == 25 * 60
    assert about_week(date(2026, 10, 25), berlin).span.minutes == (7 * 24 + 1) * 60


def test_only_what_is_published_is_told_of() -> None:
    about = about_day(date(2026, 11, 29), SEOUL)
    noon = about.span.start + timedelta(hours=12)
    assert clip(about, Span(about.span.start - timedelta(days=1), noon)) == Span(about.span.start, noon)
    assert clip(about, Span(about.span.end, about.span.end + timedelta(days=1))) is None
