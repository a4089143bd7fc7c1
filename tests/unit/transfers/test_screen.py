"""What is set aside, with its reason, whichever way an event comes in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SourceChanged
from pipeline.minute import MINUTE, Span
from pipeline.packs.transfers.count import count, sum_up
from pipeline.packs.transfers.schema import COUNTED, EVENT, MOST_AMOUNT
from pipeline.packs.transfers.screen import REASONS, conform_events, screen, screen_json
from pipeline.schema import AMOUNT_GIVEN, WRONG

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "transfer_id": "t1",
    "kind": "card",
    "status": "completed",
    "account_id": "a1",
    "amount": 1000,
    "currency": "KRW",
    "occurred_at": "2026-11-01T20:59:00.123456+09:00",
    "lat": 37.5,
    "lon": Decimal("-127.000001"),
}
#: A value, and the reason and field for which it sets its event aside.
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"occurred_at": "yesterday"}, "time_unreadable", "occurred_at"),
    ({"occurred_at": None}, "time_unreadable", "occurred_at"),
    ({"occurred_at": 1793534340}, "time_unreadable", "occurred_at"),
    ({"occurred_at": "9999-12-31T23:59:59-23:59"}, "time_unreadable", "occurred_at"),
    ({"occurred_at": "2026-11-01T11:59:00"}, "time_naive", "occurred_at"),
    ({"account_opened": "2020-01-01"}, "time_naive", "account_opened"),
    ({"occurred_at": "2030-01-01T00:00:00Z"}, "time_future", "occurred_at"),
    ({"occurred_at": "0001-01-01T00:00:00Z"}, "time_unreadable", "occurred_at"),  # infinity is read so
    ({"occurred_at": "1970-01-01T00:00:00Z"}, "time_unreadable", "occurred_at"),
    ({"amount": -1}, "amount_negative", "amount"),
    ({"amount": -(10**30)}, "amount_negative", "amount"),
    ({"amount": 1.5}, "amount_fraction", "amount"),
    ({"amount": 10.0}, "amount_fraction", "amount"),
    ({"amount": Decimal("0.1")}, "amount_fraction", "amount"),
    ({"amount": MOST_AMOUNT + 1}, "amount_too_large", "amount"),
    ({"amount": 10**30}, "amount_too_large", "amount"),
    ({"amount": True}, "amount_not_a_number", "amount"),
    ({"amount": "1000"}, "amount_not_a_number", "amount"),
    ({"amount": None}, "amount_missing", "amount"),
    ({"currency": "XBT"}, "currency_unknown", "currency"),
    ({"currency": "krw"}, "currency_unknown", "currency"),
    ({"transfer_id": None}, "id_missing", "transfer_id"),
    ({"account_id": "  "}, "id_missing", "account_id"),
    ({"account_id": "x" * 65}, "id_too_long", "account_id"),
    ({"channel": "x" * 10_000}, "id_too_long", "channel"),
    ({"device_id": "a\0b"}, "id_unreadable", "device_id"),
    ({"device_id": "\ud800"}, "id_unreadable", "device_id"),
    ({"device_id": ["x"]}, "value_unreadable", "device_id"),
    ({"country": {}}, "value_unreadable", "country"),
    ({"kind": "cheque"}, "kind_unknown", "kind"),
    ({"kind": "intended"}, "kind_unknown", "kind"),
    ({"status": "intended"}, "status_unknown", "status"),
    ({"payee_id": "a1"}, "self_transfer", "payee_id"),
    ({"lat": None}, "place_unreadable", "lat"),
    ({"lat": 90.1}, "place_unreadable", "lat"),
    ({"lon": float("nan")}, "place_unreadable", "lon"),
    ({"lon": 10**400}, "place_unreadable", "lon"),
]


@pytest.mark.parametrize(("value", "reason", "field"), BAD)
def test_a_bad_value_sets_its_event_aside_and_no_other(
    value: dict[str, Any], reason: str, field: str
) -> None:
    good, refused = screen_json([GOOD, {**GOOD, **value}], NOW)
    assert refused == [(1, reason, field)]
    assert reason in REASONS
    assert good.height == 1


def test_an_event_is_read_to_the_millisecond_and_to_a_millionth_of_a_degree() -> None:
    good, refused = screen_json([GOOD, {**GOOD, "transfer_id": 12, "user_id": "u", "amount": 0}], NOW)
    assert refused == []
    assert good.schema == EVENT
    first, second = good.to_dicts()
    assert first["occurred_at"] == datetime(2026, 11, 1, 11, 59, 0, 123000, tzinfo=UTC)
    assert (first["lat_e6"], first["lon_e6"], first["user_id"]) == (37_500_000, -127_000_001, "a1")
    assert (second["transfer_id"], second["user_id"]) == ("12", "u")


def test_nothing_later_than_it_may_be_is_taken_as_now() -> None:
    on_time = {**GOOD, "occurred_at": NOW.isoformat()}
    late = {**GOOD, "occurred_at": (NOW + timedelta(milliseconds=1)).isoformat()}
    assert [found[1] for found in screen_json([on_time, late], NOW)[1]] == ["time_future"]


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*EVENT, "lat", "lon"]),
            st.one_of(
                st.none(),
                st.booleans(),
                st.integers(),
                st.floats(),
                st.text(max_size=70),
                st.lists(st.none(), max_size=1),
            ),
        ),
        max_size=5,
    )
)
def test_whatever_json_holds_is_taken_or_refused_by_a_known_reason(items: list[dict[str, Any]]) -> None:
    good, refused = screen_json(items, NOW)
    assert good.height + len(refused) == len(items)
    assert {reason for _, reason, _ in refused} <= set(REASONS)


def rows(*changed: dict[str, Any]) -> pl.DataFrame:
    first = screen_json([GOOD], NOW)[0].to_dicts()[0]
    return pl.DataFrame([{**first, **more} for more in changed], EVENT, orient="row")


def test_of_several_rows_of_a_payment_in_a_minute_the_latest_status_counts() -> None:
    found = screen(rows({}, {"status": "reversed"}, {"transfer_id": "t2"}), NOW)
    assert [(row["transfer_id"], row["status"]) for row in found.good.to_dicts()] == [
        ("t1", "reversed"),
        ("t2", "completed"),
    ]
    assert found.bad.select("transfer_id", "status", "reason").rows() == [("t1", "completed", "id_again")]


def test_a_table_may_lack_what_is_optional_and_gives_amounts_as_they_stand() -> None:
    given = pl.DataFrame(
        {
            "transfer_id": [1, 2, 3],
            "kind": ["card"] * 3,
            "status": ["completed"] * 3,
            "account_id": ["a", "b", "c"],
            "amount": ["10", "10.5", "oops"],
            "currency": ["KRW"] * 3,
            "occurred_at": [NOW + timedelta(microseconds=1999)] * 3,
            "lat_e6": pl.Series([1, 2, 3], dtype=pl.Int64),
            "country": [1, 2, 3],
        },
        schema_overrides={"occurred_at": pl.Datetime("us", "UTC")},
    )
    conformed = conform_events(given, "events.sql")
    assert conformed["occurred_at"].to_list() == [NOW + timedelta(milliseconds=1)] * 3
    assert conformed["user_id"].to_list() == ["a", "b", "c"]
    assert conformed["country"].to_list() == [None] * 3
    assert conformed[WRONG].to_list() == [None, "amount_fraction", "amount_not_a_number"]
    assert conformed[AMOUNT_GIVEN].to_list() == [None, "10.5", "oops"]
    with pytest.raises(SourceChanged, match="gives no column status"):
        conform_events(given.drop("status"), "events.sql")


def test_what_is_counted_is_what_the_source_sums_up() -> None:
    good = screen(rows({}, {"transfer_id": "t2", "status": "declined", "amount": 7}), NOW)
    bad = screen(rows({"transfer_id": "t3", "amount": -5}), NOW).bad
    minute = datetime(2026, 11, 1, 11, 59, tzinfo=UTC)
    counted = count(good.good, Span(minute, minute + MINUTE))
    assert counted.schema == COUNTED
    assert counted.select("completed_count", "declined_count", "reversed_count").rows() == [
        (1, 0, 0),
        (0, 1, 0),
    ]
    sums = counted.group_by("minute").agg(pl.col("completed_count", "amount").sum())
    aside = bad.with_columns(minute=pl.lit(minute, EVENT["occurred_at"]))
    nothing = good.given.with_columns(minute=pl.lit(minute, EVENT["occurred_at"]))
    assert sum_up(sums, aside, nothing).rows() == [(minute, 2, "1002")]
