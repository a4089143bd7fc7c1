from __future__ import annotations

from zoneinfo import ZoneInfo

from app.pages.incidents.reason import reason_rows
from app.texts import texts_of
from tests.doors import PACK

SEOUL = ZoneInfo("Asia/Seoul")
KO = texts_of(PACK, {}, "ko")


def test_names_nobody_knows_come_last_and_nested_ones_by_their_path() -> None:
    stored = {
        "zeta": 1.5,
        "gate": {"limit": 30, "passed": True},
        "tier": "top",
        "days_left_out": ["2026-11-20"],
    }
    assert reason_rows(stored, {}, KO, SEOUL) == [
        ("등급", "주 출입문", "–"),
        ("days_left_out", '["2026-11-20"]', "–"),
        ("gate.limit", "30", "–"),
        ("gate.passed", "예", "–"),
        ("zeta", "1.5", "–"),
    ]


def test_times_are_shown_in_the_business_zone_and_other_texts_untouched() -> None:
    stored = {"minute": "2026-11-21T01:00:00+00:00", "other_minute": "soon", "note": "2026-11-21T01:00Z"}
    values = [first for _, first, _ in reason_rows(stored, {}, KO, SEOUL)]
    assert values == ["2026-11-21 10:00 KST", "2026-11-21T01:00Z", "soon"]


def test_an_amount_is_money_and_so_is_what_the_pack_names() -> None:
    stored = {"amount_day": 10, "fee": 20, "forced_hour": 30}
    values = [first for _, first, _ in reason_rows(stored, {}, KO, SEOUL, ("fee",))]
    assert values == ["10원", "20원", "30"]
