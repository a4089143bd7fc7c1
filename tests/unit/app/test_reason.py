from __future__ import annotations

from zoneinfo import ZoneInfo

from app.reason import reason_rows
from app.texts import Texts
from tests.app.home import DROP_REASON, SURGE_REASON

SEOUL = ZoneInfo("Asia/Seoul")
KO = Texts("ko")


def test_every_stored_number_is_shown_as_stored() -> None:
    latest = {**SURGE_REASON, "cancels_hour": 57}
    assert reason_rows(SURGE_REASON, latest, KO, SEOUL) == [
        ("최근 1시간 승인 건수", "120", "120"),
        ("최근 1시간 취소 건수", "48", "57"),
        ("직전 7일 승인 건수", "20,160", "20,160"),
        ("직전 7일 취소 건수", "806", "806"),
    ]


def test_amounts_are_written_as_money() -> None:
    assert reason_rows(DROP_REASON, DROP_REASON, Texts("en"), SEOUL)[0] == (
        "Approved today so far",
        "₩410,000,000",
        "₩410,000,000",
    )


def test_names_nobody_knows_come_last_and_nested_ones_by_their_path() -> None:
    stored = {
        "zeta": 1.5,
        "gate": {"limit": 30, "passed": True},
        "tier": "top",
        "days_left_out": ["2026-11-20"],
    }
    assert reason_rows(stored, {}, KO, SEOUL) == [
        ("등급", "상위 1%", "–"),
        ("days_left_out", '["2026-11-20"]', "–"),
        ("gate.limit", "30", "–"),
        ("gate.passed", "예", "–"),
        ("zeta", "1.5", "–"),
    ]


def test_times_are_shown_in_the_business_zone_and_other_texts_untouched() -> None:
    stored = {"minute": "2026-11-21T01:00:00+00:00", "other_minute": "soon", "note": "2026-11-21T01:00Z"}
    values = [first for _, first, _ in reason_rows(stored, {}, KO, SEOUL)]
    assert values == ["2026-11-21 10:00 KST", "2026-11-21T01:00Z", "soon"]
