from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pages.entity.period import PRESETS, asked_period, days_period, preset_period
from pipeline.minute import MINUTE, Span, from_index, to_index

END = datetime(2026, 11, 21, 1, 7, tzinfo=UTC)  # 10:07 in Seoul
SEOUL = ZoneInfo("Asia/Seoul")
WEEKS = Span(END - timedelta(days=40), END)


@pytest.mark.parametrize(("preset", "steps", "step"), [("3h", 180, 1), ("24h", 144, 10), ("8d", 192, 60)])
def test_a_preset_ends_with_the_newest_minute_and_its_length_says_the_step(
    preset: str, steps: int, step: int
) -> None:
    found = preset_period(preset, WEEKS, SEOUL)
    assert (len(found.edges) - 1, found.step, from_index(int(found.edges[-1]))) == (steps, step, END)
    assert found.span.end == END


def test_a_long_period_is_shown_by_business_day() -> None:
    start, end = days_period(date(2026, 10, 20), date(2026, 11, 8), SEOUL)
    found = asked_period(start, end, WEEKS, SEOUL)
    assert found is not None
    assert (len(found.edges) - 1, found.cut) == (20, False)
    assert {from_index(int(edge)).astimezone(SEOUL).hour for edge in found.edges} == {0}


def test_what_is_not_published_is_cut_and_what_has_nothing_is_none() -> None:
    found = asked_period(END - timedelta(hours=2), END + timedelta(hours=9), WEEKS, SEOUL)
    assert found is not None
    assert (found.span.end, found.cut) == (END, True)
    assert asked_period(END + MINUTE, None, WEEKS, SEOUL) is None
    assert asked_period(END, END - timedelta(hours=1), WEEKS, SEOUL) is None
    assert asked_period(None, WEEKS.start, WEEKS, SEOUL) is None


@given(st.integers(-60_000, 5_000), st.integers(-60_000, 5_000))
def test_steps_are_whole_and_lie_inside(start: int, length: int) -> None:
    first = END + start * MINUTE
    found = asked_period(first, first + length * MINUTE, WEEKS, SEOUL)
    if found is None:
        return
    edges = found.edges.tolist()
    assert edges == sorted(set(edges))
    assert to_index(WEEKS.start) <= edges[0]
    assert edges[-1] <= to_index(END)
    assert {b - a for a, b in pairwise(edges)} <= {found.step} or found.step == 1440
    assert (to_index(found.span.start), to_index(found.span.end)) == (edges[0], edges[-1])


def test_every_preset_is_shorter_than_what_is_kept() -> None:
    assert list(PRESETS) == ["3h", "24h", "8d"]
