"""Raw rows are read strictly or get a reason."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.merchants.parse import looks_integer, parse
from pipeline.errors import UsageError
from pipeline.schema import UTC_TIME

GOOD: dict[str, Any] = {
    "transaction_id": "1",
    "merchant_id": "m",
    "kind": "APPROVAL",
    "amount": "100",
    "occurred_at": "2026-01-01T00:00:00Z",
}


def one(column: str, value: object, *, integer_merchants: bool = False) -> dict[str, Any]:
    frame = pl.DataFrame({key: [value] for key, value in {**GOOD, column: value}.items()}, strict=False)
    return parse(frame, integer_merchants=integer_merchants).row(0, named=True)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("transaction_id", "1", None),
        ("transaction_id", "1.0", "transaction_id_malformed"),
        ("transaction_id", "x", "transaction_id_malformed"),
        ("transaction_id", "9223372036854775808", "transaction_id_malformed"),
        ("transaction_id", None, None),  # missing is what the common screening says
        ("amount", " 5 ", None),
        ("amount", "-5", None),  # negative: the same
        ("amount", "5.5", "amount_malformed"),
        ("amount", "1e3", "amount_malformed"),
        ("amount", "1,000", "amount_malformed"),
        ("amount", 5.5, "amount_malformed"),
        ("amount", 5.0, None),
        ("amount", float("nan"), "amount_malformed"),
        ("amount", float("inf"), "amount_malformed"),
        ("amount", Decimal("5.50"), "amount_malformed"),
        ("amount", 2**64 - 1, "amount_malformed"),
        ("original_transaction_id", "x", "original_transaction_id_malformed"),
        ("original_occurred_at", "2026-11-21T18:00:00", "original_occurred_at_malformed"),
        ("original_occurred_at", "yesterday", "original_occurred_at_malformed"),
        ("original_occurred_at", "", None),
        ("merchant_id", "a\0b", "merchant_malformed"),
        ("customer_id", "a\0b", "customer_id_malformed"),
        ("occurred_at", "2026-01-01T00:00:00", "time_naive"),
        ("occurred_at", "2026-01-01", "time_unreadable"),
        ("occurred_at", "2026-02-30T00:00Z", "time_unreadable"),
        ("occurred_at", "2026-01-01T25:00Z", "time_unreadable"),
        ("occurred_at", "2026-01-01T00:00:60Z", "time_unreadable"),
        ("occurred_at", "2026-01-01T00:60:00Z", "time_unreadable"),
        ("occurred_at", "2026-01-01T00:00+99:00", "time_unreadable"),
        ("occurred_at", "1767225600", "time_unreadable"),
        ("occurred_at", "0000-01-01T00:00Z", "time_out_of_range"),
        ("occurred_at", "1969-12-31T23:59:59Z", "time_out_of_range"),
        ("occurred_at", "9999-01-01T00:00Z", "time_out_of_range"),
        ("occurred_at", datetime(2026, 1, 1), "time_naive"),  # noqa: DTZ001
        ("occurred_at", datetime(2026, 1, 1, tzinfo=UTC), None),
        ("occurred_at", date(2026, 1, 1), "time_naive"),
        ("fields_malformed", True, "fields_malformed"),
        ("fields_malformed", False, None),
    ],
)
def test_a_value_is_read_or_gets_its_reason(column: str, value: object, reason: str | None) -> None:
    assert one(column, value)["reason"] == reason


def test_a_time_without_a_zone_is_not_guessed() -> None:
    assert one("occurred_at", "2026-01-01T00:00:00")["occurred_at"] is None
    assert one("occurred_at", datetime(2026, 1, 1))["occurred_at"] is None  # noqa: DTZ001


@pytest.mark.parametrize(
    ("merchant", "reason"),
    [
        ("7", None),
        (" ", None),
        (None, None),
        ("07", "merchant_malformed"),
        ("+7", "merchant_malformed"),
        ("a", "merchant_malformed"),
        ("9" * 19, "merchant_malformed"),
    ],
)
def test_a_number_column_takes_plain_numbers_only(merchant: str | None, reason: str | None) -> None:
    assert one("merchant_id", merchant, integer_merchants=True)["reason"] == reason


def test_numbers_become_text_for_a_text_column() -> None:
    assert one("merchant_id", 7)["merchant_id"] == "7"


@pytest.mark.parametrize(
    ("column", "value"),
    [("amount", [1]), ("occurred_at", 5), ("merchant_id", 1.5), ("kind", date(2026, 1, 1))],
)
def test_a_column_that_cannot_hold_its_values_is_refused_by_name(column: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"column {column} is"):
        one(column, value)


@pytest.mark.parametrize(
    ("merchants", "integer"),
    [
        ([1, 2], True),
        (["1", "20", None, ""], True),
        (["1", "02"], False),
        (["1", "a"], False),
        ([None], False),
    ],
)
def test_merchants_decide_the_type_of_a_new_table(merchants: list[object], integer: bool) -> None:  # noqa: FBT001
    assert looks_integer(pl.DataFrame({"merchant_id": merchants})) is integer


OFFSETS = st.integers(-14 * 60 + 1, 14 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC) | OFFSETS)  # noqa: DTZ001


@given(
    st.lists(TIMES, min_size=1), st.sampled_from("T "), st.sampled_from(["auto", "minutes", "milliseconds"])
)
def test_times_are_read_like_python_reads_them(times: list[datetime], between: str, detail: str) -> None:
    texts = [time.isoformat(between, detail) for time in times]
    frame = pl.DataFrame({**{k: [v] * len(texts) for k, v in GOOD.items()}, "occurred_at": texts})
    parsed = parse(frame, integer_merchants=False)
    assert parsed["reason"].null_count() == len(texts)
    expected = [datetime.fromisoformat(text).astimezone(UTC) for text in texts]
    assert parsed["occurred_at"].to_list() == expected
    assert parsed.schema["occurred_at"] == UTC_TIME
