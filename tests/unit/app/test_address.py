from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.address import LONGEST, Param, day, moment, number, one_of, words

READERS: dict[str, Param[Any]] = {
    "number": Param("n", number),
    "words": Param("w", words),
    "one_of": Param("o", one_of({"open", "resolved"})),
    "moment": Param("m", moment),
    "day": Param("d", day),
}


@pytest.mark.parametrize(
    ("reader", "text", "said"),
    [
        ("number", "0", 0),
        ("number", "12", 12),
        ("number", "9223372036854775807", 2**63 - 1),
        ("number", "9223372036854775808", None),  # more than the database knows
        ("number", "-1", None),
        ("number", "+1", None),
        ("number", "1.0", None),
        ("number", "1 ", None),
        ("number", "١٢", None),  # digits of another script
        ("number", "1_000", None),
        ("number", "", None),
        ("words", " kim ", "kim"),
        ("words", "   ", None),
        ("words", "a\0b", None),  # no text of the database holds it
        ("words", "x" * LONGEST, "x" * LONGEST),
        ("words", "x" * (LONGEST + 1), None),
        ("one_of", "open", "open"),
        ("one_of", "Open", None),
        ("one_of", "", None),
        ("moment", "2026-11-21T10:00+09:00", datetime(2026, 11, 21, 1, tzinfo=UTC)),
        ("moment", "2026-11-21T10:00", None),  # of which zone?
        ("moment", "0001-01-01T00:00Z", None),
        ("moment", "yesterday", None),
        ("day", "2026-11-21", date(2026, 11, 21)),
        ("day", "2026-02-30", None),
        ("day", "2026-11-28T00:00", None),
        ("day", "9999-12-31", None),
        ("day", "0001-01-01", None),
        ("day", "21.11.2026", None),
    ],
)
def test_a_text_says_what_it_says_or_nothing(reader: str, text: str, said: object) -> None:
    assert READERS[reader].of(text) == said


@given(st.sampled_from(list(READERS)), st.text(max_size=300))
def test_no_text_is_an_error(reader: str, text: str) -> None:
    READERS[reader].of(text)


@given(st.integers(0, 3 * 10**9).map(lambda second: datetime.fromtimestamp(second + 10**8, UTC)))
def test_what_was_written_is_read_again(at: datetime) -> None:
    minute = at.replace(second=0, microsecond=0)
    assert READERS["moment"].of(minute.isoformat()) == minute
    assert READERS["day"].of(str(minute.date())) == minute.date()
