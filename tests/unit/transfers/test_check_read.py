"""A question is read as the pack's screen reads every event, the quick way and the slow one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.online.transfers.check.asked import from_plain, hash_of
from pipeline.online.transfers.check.read import Unfit, _plain, _screened, intended, object_of
from pipeline.packs.transfers.schema import INTENDED

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "transfer_id": "t-1",
    "kind": "transfer",
    "status": INTENDED,
    "account_id": "a-1",
    "amount": 5_000,
    "currency": "KRW",
    "occurred_at": "2026-11-30T11:59:59.123456+09:00",
}
TEXTS: st.SearchStrategy[Any] = st.sampled_from(
    ["a-1", "b-2", "", " ", "x" * 64, "x" * 65, "\0", "가맹", "\ud800", " a", 7, None, 1.5, True, [], {}]
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("transfer_id", "account_id", "user_id", "payee_id", "channel", "country"), TEXTS),
    "kind": st.sampled_from(["transfer", "card", "cash", "cheque", None, 1, [], {}]),
    "amount": st.sampled_from([0, 1, -1, 10**13, 10**13 + 1, 2**70, 1.0, True, "5", None, []]),
    "currency": st.sampled_from(["KRW", "USD", "krw", "XXX1", None, 1, [], {}]),
    "occurred_at": st.sampled_from(
        [
            "2026-11-30T03:00:00Z",
            "2026-11-30T03:00:00.0019Z",
            "2026-11-30T03:00:01Z",
            "2026-11-30T03:00:00",
            "0001-01-01T00:00:00+09:00",
            "yesterday",
            "2026-11-30",
            None,
            5,
        ]
    ),
    "account_opened": st.sampled_from([None, "2020-01-01T00:00:00+09:00", "2020-01-01", "x", 3]),
    "lat": st.sampled_from([None, 37.5, 91, "x"]),
    "lon": st.sampled_from([None, 127.1, 181]),
}


def read(way: Any, content: dict[str, Any]) -> Any:  # noqa: ANN401 - an event, or why not
    try:
        return way(content, NOW)
    except Unfit as error:
        return (error.what, error.field)


@settings(max_examples=300)
@given(st.fixed_dictionaries({}, optional=VALUES))
def test_both_ways_read_the_same(more: dict[str, Any]) -> None:
    content = {**GOOD, **more}
    quick = _plain(content, NOW)
    if quick is not None:
        assert quick == read(_screened, content)


def test_a_plain_event_is_read_the_quick_way_in_whole_milliseconds() -> None:
    event = _plain(GOOD, NOW)
    assert event is not None
    assert event["occurred_at"] == NOW - timedelta(seconds=1) + timedelta(milliseconds=123)
    assert (event["user_id"], event["payee_id"]) == ("a-1", None)
    assert from_plain(
        {**{k: v for k, v in event.items() if v is not None}, "occurred_at": GOOD["occurred_at"]}
    )


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": 10**13 + 1}, "amount"),
        ({"currency": "WON"}, "currency"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": "2026-11-30T01:00:00"}, "occurred_at"),
        ({"occurred_at": "2030-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "2026-11-30T01:59:59Z"}, "occurred_at"),
        ({"occurred_at": "1900-01-01T00:00:00Z"}, "occurred_at"),
        ({"currency": []}, "currency"),
        ({"kind": {}}, "kind"),
        ({"kind": "cheque"}, "kind"),
        ({"status": "completed"}, "status"),
        ({"account_id": "x" * 65}, "account_id"),
        ({"account_id": ""}, "account_id"),
        ({"payee_id": "a-1"}, "payee_id"),
        ({"payee": "b"}, "payee"),
        ({"channel": "a\0b"}, "channel"),
        ({"lat": 1.0}, "lat"),
    ],
)
def test_a_wrong_event_is_refused_with_its_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(Unfit) as refused:
        intended({**GOOD, **more}, NOW)
    assert refused.value.field == field
    assert refused.value.hint


def test_the_same_content_is_the_same_in_whatever_order_and_form() -> None:
    turned = dict(reversed(GOOD.items())) | {"occurred_at": "2026-11-30T02:59:59.123Z"}
    assert hash_of(intended(GOOD, NOW)) == hash_of(intended(turned, NOW))
    assert hash_of(intended(GOOD, NOW)) != hash_of(intended({**GOOD, "amount": 5_001}, NOW))


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Unfit):
        object_of(body)
