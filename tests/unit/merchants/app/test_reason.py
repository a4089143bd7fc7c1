from __future__ import annotations

from zoneinfo import ZoneInfo

from app.merchants.words import WORDS
from app.pages.incidents.reason import reason_rows
from app.texts import texts_of
from pipeline.packs.merchants import PACK
from tests.app.merchants.home import DROP_REASON, SURGE_REASON

SEOUL = ZoneInfo("Asia/Seoul")
KO, EN = (texts_of(PACK, WORDS, language) for language in ("ko", "en"))


def test_every_stored_number_is_shown_as_stored() -> None:
    latest = {**SURGE_REASON, "cancels_hour": 57}
    assert reason_rows(SURGE_REASON, latest, KO, SEOUL) == [
        ("최근 1시간 승인 건수", "120", "120"),
        ("최근 1시간 취소 건수", "48", "57"),
        ("직전 7일 승인 건수", "20,160", "20,160"),
        ("직전 7일 취소 건수", "806", "806"),
    ]


def test_amounts_are_written_as_money() -> None:
    assert reason_rows(DROP_REASON, DROP_REASON, EN, SEOUL)[0] == (
        "Approved today so far",
        "₩410,000,000",
        "₩410,000,000",
    )


def test_words_and_money_of_a_reason_are_the_packs() -> None:
    stored = {
        "cause": "more_cancels",
        "prior": "own",
        "kind": "fast",
        "krw_at_risk": 7,
        "days": 7,
        "tier": "top",
    }
    assert reason_rows(stored, stored, KO, SEOUL, ("krw_at_risk",)) == [
        ("등급", "상위 1%", "상위 1%"),
        ("기준일 수", "7", "7"),
        ("보인 방식", "짧은 구간", "짧은 구간"),
        ("원인", "취소 증가", "취소 증가"),
        ("기준이 된 취소율", "자신의 이력", "자신의 이력"),
        ("위험 금액", "7원", "7원"),
    ]
