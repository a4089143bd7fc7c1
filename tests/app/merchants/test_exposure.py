"""What merchants owe and may come to owe, as Streamlit runs it: ranked, of one, and on its incidents."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st
from sqlalchemy import text

from app.merchants.exposure.words import ENGLISH, KOREAN
from pipeline.minute import MINUTE
from tests.app.merchants.home import HOSTILE, add_incident, publish_exposure, recent
from tests.app.seen import html_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

SURGING = {
    "merchant_id": "m1",
    "state": "surge",
    "paid_out_cancelable": 800_000_000,
    "unrecovered": 3_456_789,
    "pending_payout": 2_345_678_901,
    "next_payout_date": date(2026, 3, 11),
    "next_payout": 1_111_111_111,
    "expected_loss": 61_728_394,
    "expected_loss_low": 20_576_131,
    "expected_loss_high": 185_185_182,
    "settled_through": date(2026, 3, 9),
}
LARGE = {
    "merchant_id": "m2",
    "paid_out_cancelable": 32_000_000_000,
    "unrecovered": 0,
    "expected_loss": 31_000,
}
ROWS: list[dict[str, Any]] = [
    LARGE,
    {"merchant_id": "m3"},
    SURGING,
    {"merchant_id": HOSTILE, "unrecovered": 5},
]
FIGURES = {
    name: value.isoformat() if isinstance(value, date) else value
    for name, value in SURGING.items()
    if name.startswith(("pending", "next", "expected"))
}


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def priced(home: Path, busy: dict[str, int]) -> dict[str, int]:
    publish_exposure(home, recent(1, datetime.now(UTC)).end - MINUTE, ROWS)
    return busy


def hrefs(tested: AppTest) -> list[str]:
    return [part.split('"')[0] for part in html_of(tested).split('href="/entity?id=')[1:]]


def test_merchants_stand_by_expected_loss_and_those_of_whom_nothing_is_known_last(
    page: Callable[..., AppTest], priced: dict[str, int], state_engine: Engine
) -> None:
    with state_engine.begin() as connection:
        connection.execute(text("INSERT INTO entity_name VALUES ('merchants', 'm1', '그린상회')"))
    tested = page("exposure")
    assert [way[:2] for way in hrefs(tested)] == ["m1", "m2", "%3", "m3"]
    seen = text_of(tested)
    assert "그린상회 m1" in seen
    assert "61,728,394원" in seen
    assert "90% 구간 20,576,131원 ~ 185,185,182원" in seen
    assert "1,111,111,111원 03-11 (수)" in seen
    assert "<img" not in html_of(tested)


def test_the_sums_leave_out_whose_money_is_not_known_and_say_how_many_they_are(
    page: Callable[..., AppTest], priced: dict[str, int]
) -> None:
    seen = text_of(page("exposure"))
    assert f"{61_728_394 + 31_000:,}원" in seen
    assert f"{32_800_000_000:,}원" in seen
    assert KOREAN["exposure.unknown"].format(count=2) in seen


def test_the_address_names_a_state(page: Callable[..., AppTest], priced: dict[str, int]) -> None:
    assert [way[:2] for way in hrefs(page("exposure", state="surge"))] == ["m1"]
    assert KOREAN["exposure.nobody"] in text_of(page("exposure", state="both"))
    assert "m2" in hrefs(page("exposure", state="nonsense"))


def test_without_a_snapshot_it_says_what_is_missing(
    page: Callable[..., AppTest], busy: dict[str, int]
) -> None:
    assert KOREAN["exposure.none"] in text_of(page("exposure"))


def test_the_screen_of_one_merchant_has_its_row(page: Callable[..., AppTest], priced: dict[str, int]) -> None:
    seen = text_of(page("entity", id="m1"))
    for amount in (803_456_789, 800_000_000, 3_456_789, 2_345_678_901, 1_111_111_111, 61_728_394):
        assert f"{amount:,}원" in seen
    assert "알 수 없음" in text_of(page("entity", id="m3"))


def test_an_incident_shows_what_the_book_says_and_what_a_hold_would_keep(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    opened = recent(60, datetime.now(UTC)).start
    number = add_incident(state_engine, opened, merchant_id="m7", figures=FIGURES)
    seen = text_of(page("incidents", incident=str(number)))
    for amount in (61_728_394, 20_576_131, 185_185_182, 2_345_678_901, 1_111_111_111):
        assert f"{amount:,}원" in seen
    assert KOREAN["saves.pending_payout"] in seen


def test_lists_stand_by_expected_loss_where_it_is_known_and_platforms_carry_the_sum(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    opened, total = recent(60, datetime.now(UTC)).start, {"expected_loss": 77_000_000}
    made: list[dict[str, Any]] = [
        {"merchant_id": "m7", "paid": 10**12, "figures": {"expected_loss": 2}},
        {"merchant_id": "m8", "figures": {"expected_loss": 900_000_000}},
        {
            "rule": "platform_outage",
            "merchant_id": "*",
            "merchant_name": None,
            "figures": total,
        },
    ]
    low, high, everybody = (add_incident(state_engine, opened, **one) for one in made)
    for tested in (page(), page("incidents")):
        ways = [str(element.proto.query_string) for element in tested.get("page_link")]
        found = [way for way in ways if way.startswith("incident=")]
        places = [found.index(f"incident={number}") for number in (everybody, high, busy["surge"], low)]
        assert places == sorted(places)
        labels = " ".join(str(element.proto.label) for element in tested.get("page_link"))
        assert "예상 손실 9억원" in labels
        assert r"예상 손실 7\,700만원" in labels


def test_both_languages_say_the_same() -> None:
    assert set(KOREAN) == set(ENGLISH)
