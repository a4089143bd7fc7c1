"""Times, minutes, spans and business days."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.figures import moment as shown
from pipeline.minute import (
    EPOCH,
    MINUTE,
    TIME_END,
    Span,
    business_date,
    business_day,
    floor_minute,
    format_minute,
    from_index,
    last_due,
    offsets_of,
    parse_time,
    parse_time_in,
    split_by_day,
    to_index,
)

ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "Asia/Seoul",
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "America/Santiago",
            "America/Havana",
            "Asia/Kolkata",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Pacific/Kiritimati",
        )
    ]
)
indexes = st.integers(to_index(EPOCH), to_index(datetime(2037, 12, 1, tzinfo=UTC)))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
moments = st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by Hypothesis' rule


@given(indexes)
def test_an_index_and_its_minute_are_the_same(index: int) -> None:
    assert to_index(from_index(index)) == index


@given(moments, offsets)
def test_a_moment_belongs_to_the_minute_that_begins_before_it(moment: datetime, zone: timezone) -> None:
    minute = floor_minute(moment.astimezone(zone))
    assert minute <= moment < minute + MINUTE
    assert from_index(to_index(moment)) == minute


@given(indexes, st.integers(0, 3000))
def test_a_span_holds_as_many_minutes_as_it_says(start: int, length: int) -> None:
    span = Span(from_index(start), from_index(start + length))
    assert len(list(span)) == span.minutes == length


@given(indexes, st.integers(1, 3000))
def test_a_span_that_ends_before_it_starts_is_refused(start: int, length: int) -> None:
    with pytest.raises(UsageError, match="cannot end"):
        Span(from_index(start + length), from_index(start))


@given(indexes, st.integers(0, 5 * 1440), ZONES)
def test_cutting_at_business_days_loses_nothing_and_leaves_no_day_in_two_parts(
    start: int, length: int, zone: ZoneInfo
) -> None:
    span = Span(from_index(start), from_index(start + length))
    parts = list(split_by_day(span, zone))
    assert sum(part.minutes for part in parts) == length
    assert all(one.end == other.start for one, other in itertools.pairwise(parts))
    days = [business_date(part.start, zone) for part in parts]
    assert days == sorted(set(days))
    for day, part in zip(days, parts, strict=True):
        assert business_date(part.end - MINUTE, zone) == day
        assert part.minutes > 0


@given(st.dates(date(1990, 1, 1), date(2037, 1, 1)), ZONES)
def test_a_business_day_holds_exactly_the_minutes_of_its_date(day: date, zone: ZoneInfo) -> None:
    span = business_day(day, zone)
    assert span.end == business_day(day + timedelta(days=1), zone).start
    if span.minutes:  # a date that a zone skipped has none
        assert business_date(span.start, zone) == day == business_date(span.end - MINUTE, zone)
        assert business_date(span.start - MINUTE, zone) < day < business_date(span.end, zone)


@given(moments, st.integers(0, 3600))
def test_the_newest_due_minute_has_ended_and_the_next_one_has_not(clock: datetime, delay_s: int) -> None:
    delay = timedelta(seconds=delay_s)
    minute = last_due(clock, delay)
    assert minute + MINUTE + delay <= clock < minute + 2 * MINUTE + delay


@given(moments, offsets)
def test_a_time_is_read_back_as_it_was_written_whatever_its_zone(moment: datetime, zone: timezone) -> None:
    assert parse_time(moment.astimezone(zone).isoformat()) == moment
    assert parse_time(moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")) == moment


@given(moments)
def test_a_time_without_a_zone_is_refused(moment: datetime) -> None:
    with pytest.raises(UsageError, match="has no time zone"):
        parse_time(moment.replace(tzinfo=None).isoformat())


@given(st.one_of(st.text(max_size=40), st.datetimes(timezones=st.timezones()).map(lambda m: m.isoformat())))
def test_any_text_is_a_time_within_the_calendar_or_a_usage_error(text: str) -> None:
    try:
        moment = parse_time(text)
    except UsageError:
        return
    assert EPOCH <= moment < TIME_END
    assert moment.tzinfo is UTC


@given(st.one_of(st.text(max_size=40), st.datetimes().map(str)), ZONES)
def test_any_text_of_people_is_a_time_within_the_calendar_or_a_usage_error(text: str, zone: ZoneInfo) -> None:
    try:
        found, _ = parse_time_in(zone, text)
    except UsageError:
        return
    assert EPOCH <= found < TIME_END
    assert found.tzinfo is UTC


@given(indexes, ZONES)
def test_a_time_as_it_is_shown_to_people_is_read_back(index: int, zone: ZoneInfo) -> None:
    minute = from_index(index)
    assert parse_time_in(zone, shown(minute, zone)) == (minute, False)


@given(indexes)
def test_a_written_minute_sorts_like_its_time(index: int) -> None:
    assert format_minute(from_index(index)) < format_minute(from_index(index + 1))


@given(indexes, st.integers(0, 400 * 1440), ZONES, st.data())
def test_the_offsets_of_a_zone_give_every_local_time_of_a_span(
    first: int, minutes: int, zone: ZoneInfo, data: st.DataObject
) -> None:
    span = Span(from_index(first), from_index(first + minutes))
    offsets = offsets_of(zone, span)
    assert [at for at, _ in offsets] == sorted({at for at, _ in offsets})
    moment = from_index(data.draw(st.integers(first, first + max(minutes - 1, 0))))
    offset = [offset for at, offset in offsets if at <= moment][-1]
    assert moment + offset == moment.astimezone(zone).replace(tzinfo=UTC)
