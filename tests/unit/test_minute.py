"""Minutes and times: what is refused, and what is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline.errors import UsageError
from pipeline.minute import (
    MINUTE,
    Span,
    business_date,
    business_day,
    last_due,
    one_minute,
    parse_time,
    parse_time_in,
    require_minute,
    split_by_day,
)

SEOUL = ZoneInfo("Asia/Seoul")
NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-03-01T09:00Z", "2026-03-01T18:00+09:00", "2026-03-01T09:00:00+00:00", "20260301T090000Z"]
)
def test_a_time_with_a_zone_is_read(text: str) -> None:
    assert parse_time(text) == NINE


@pytest.mark.parametrize("text", ["2026-03-01", "2026-03-01T09:00", "2026-03-01 09:00:30.5"])
def test_a_time_without_a_zone_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_time(text)
    assert "no time zone" in caught.value.what
    assert caught.value.hint.endswith(f"+09:00, in UTC {datetime.fromisoformat(text).isoformat()}Z")


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("2026-03-01 18:00", True),
        ("2026-03-01T18:00", True),
        ("2026-03-01 18:00:00 KST", False),
        ("2026-03-01 18:00 KST", False),
        ("2026-03-01 09:00 UTC", False),
        ("2026-03-01 12:00 UTC+03", False),
        ("2026-03-01T09:00Z", False),
        ("2026-03-01T18:00+09:00", False),
    ],
)
def test_a_time_as_people_read_it_in_a_message_is_one_of_the_business_zone(text: str, *, taken: bool) -> None:
    assert parse_time_in(SEOUL, text) == (NINE, taken)


def test_a_bare_date_is_the_start_of_its_business_day() -> None:
    assert parse_time_in(SEOUL, "2026-03-02") == (datetime(2026, 3, 1, 15, tzinfo=UTC), True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-10-25 02:30", ["twice", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"]),
        ("2026-03-29 02:30", ["never", "2026-03-29T02:30+01:00", "2026-03-29T02:30+02:00"]),
        ("2026-03-29 12:30 KST", ["Europe/Berlin has no time", "2026-03-29T12:30+02:00"]),
        ("0001-01-01", ["outside 1970 to 2199"]),
        ("9999-12-31 23:59", ["outside 1970 to 2199"]),
    ],
)
def test_a_time_that_the_clocks_show_twice_or_never_is_refused_with_both_spellings(
    text: str, told: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        parse_time_in(ZoneInfo("Europe/Berlin"), text)
    assert all(part in str(caught.value) for part in told)


def test_a_time_shown_twice_is_told_apart_by_the_name_of_its_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    summer, winter = (parse_time_in(berlin, f"2026-10-25 02:30 {name}")[0] for name in ("CEST", "CET"))
    assert winter - summer == 60 * MINUTE


@pytest.mark.parametrize(
    "text", ["", "now", "yesterday", "2026-13-01T00:00Z", "2026-02-30T00:00Z", "1772355600", "09:00Z"]
)
def test_what_is_no_time_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        parse_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00+09:00",
        "9999-12-31T23:59-09:00",
        "9999-12-31T23:59Z",
        "1969-12-31T23:59Z",
        "2200-01-01T00:00Z",
    ],
)
def test_a_time_outside_the_calendar_of_payments_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_time(text)


def test_a_time_within_a_minute_is_refused_with_the_minute_that_holds_it() -> None:
    with pytest.raises(UsageError) as caught:
        require_minute(NINE + timedelta(seconds=30))
    assert "2026-03-01T09:00:00+00:00" in caught.value.hint


def test_a_naive_moment_is_refused_everywhere() -> None:
    naive = datetime(2026, 3, 1, 9)  # noqa: DTZ001 - naive is the point
    for use in (require_minute, one_minute):
        with pytest.raises(UsageError, match="no time zone"):
            use(naive)


def test_a_minute_is_due_when_it_has_ended_and_the_delay_has_passed() -> None:
    delay = timedelta(seconds=5)
    assert last_due(NINE + MINUTE + timedelta(seconds=5), delay) == NINE
    assert last_due(NINE + MINUTE + timedelta(seconds=4, microseconds=999_999), delay) == NINE - MINUTE
    assert last_due(NINE, timedelta(0)) == NINE - MINUTE


def test_the_business_day_of_seoul_begins_at_15_utc() -> None:
    day = business_date(NINE, SEOUL)
    assert business_day(day, SEOUL) == Span(
        datetime(2026, 2, 28, 15, tzinfo=UTC), datetime(2026, 3, 1, 15, tzinfo=UTC)
    )
    assert business_date(datetime(2026, 3, 1, 14, 59, tzinfo=UTC), SEOUL) == day
    assert business_date(datetime(2026, 3, 1, 15, tzinfo=UTC), SEOUL) > day


@pytest.mark.parametrize(("month", "day", "minutes"), [(3, 28, 1440), (3, 29, 23 * 60), (10, 25, 25 * 60)])
def test_a_day_on_which_the_clock_changes_has_its_true_length(month: int, day: int, minutes: int) -> None:
    assert (
        business_day(datetime(2026, month, day, tzinfo=UTC).date(), ZoneInfo("Europe/Berlin")).minutes
        == minutes
    )


def test_a_span_over_three_days_is_cut_at_both_midnights() -> None:
    parts = list(split_by_day(Span(NINE, NINE + timedelta(days=2)), SEOUL))
    assert [part.minutes for part in parts] == [6 * 60, 1440, 18 * 60]
    assert list(split_by_day(Span(NINE, NINE), SEOUL)) == []
