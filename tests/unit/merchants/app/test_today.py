from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.merchants.today import SUMS, deviation, figures_of, paced_spans
from pipeline.minute import MINUTE, Span, business_date

SEOUL = ZoneInfo("Asia/Seoul")
#: Wednesday, 02:00 in Seoul.
UNTIL = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)


def row(minutes: int, number: int) -> dict[str, object]:
    return {"minutes": minutes, "sums": dict.fromkeys(SUMS, number)}


def test_a_working_day_stands_beside_working_days_up_to_the_same_time() -> None:
    today, *others = paced_spans(UNTIL, SEOUL, "KR")
    assert today == Span(UNTIL - timedelta(hours=2), UNTIL)
    days = [business_date(span.start, SEOUL) for span in others]
    assert days == [date(2026, 11, day) for day in (24, 23, 20, 19, 18)]
    assert {span.minutes for span in others} == {120}


def test_the_last_minute_of_a_day_is_still_that_days() -> None:
    midnight = UNTIL - timedelta(hours=2)
    assert paced_spans(midnight, SEOUL, "KR")[0] == Span(midnight - timedelta(days=1), midnight)


def test_a_day_with_a_hole_is_compared_with_nothing() -> None:
    spans = [Span(UNTIL - n * MINUTE, UNTIL - (n - 10) * MINUTE) for n in (10, 100, 200, 300)]
    found = figures_of(UNTIL, spans, [row(10, 7), row(9, 1_000), row(10, 4), None])
    assert found.sums == dict.fromkeys(SUMS, 7)
    assert found.expected == dict.fromkeys(SUMS, 4)
    assert (found.days, found.missing) == (1, 0)


def test_the_expectation_is_the_middle_and_of_no_day_it_is_not_known() -> None:
    spans = [Span(UNTIL - 10 * MINUTE, UNTIL)] * 4
    whole = figures_of(UNTIL, spans, [row(8, 7), row(10, 1), row(10, 5), row(10, 900)])
    assert whole.expected == dict.fromkeys(SUMS, 5)
    assert whole.missing == 2
    none = figures_of(UNTIL, spans[:1], [None])
    assert none.sums == none.expected == dict.fromkeys(SUMS)
    assert (none.days, none.missing) == (0, 10)


@pytest.mark.parametrize(
    ("found", "expected", "said"),
    [
        (None, 10, ("unknown", {})),
        (10, None, ("unknown", {})),
        (10, 0, ("unknown", {})),
        (104, 100, ("usual", {})),
        (95, 100, ("less", {"percent": "5"})),
        (0, 100, ("less", {"percent": "100"})),
        (112, 100, ("more", {"percent": "12"})),
        (199, 100, ("more", {"percent": "99"})),
        (200, 100, ("times", {"times": "2.0"})),
    ],
)
def test_how_far_a_number_is_from_what_is_expected(
    found: int | None, expected: int | None, said: tuple[str, dict[str, str]]
) -> None:
    word, fields = said
    assert deviation(found, expected) == (f"today.deviation.{word}", fields)
