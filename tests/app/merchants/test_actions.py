"""What is done about an incident's money, on its page: shown, proposed, approved by another, refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from pipeline.minute import MINUTE
from tests.app import seen as shown
from tests.app.merchants.home import add_incident, lead
from tests.app.seen import run_again

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

OPENED = datetime.now(UTC).replace(second=0, microsecond=0) - 30 * MINUTE
#: What we have proposed ourselves.
OURS = """
INSERT INTO action (pack, incident_id, entity_id, kind, amount, proposed_by, by_machine, helps_until)
VALUES ('merchants', :n, 'm1', 'hold_payout', 700000000, 'minuterisk', true, now() + interval '1 day')
"""


@pytest.fixture
def incident(state_engine: Engine) -> int:
    lead(state_engine, next_minute=OPENED + 29 * MINUTE)
    number = add_incident(state_engine, OPENED)
    with state_engine.begin() as connection:
        connection.execute(text(OURS), {"n": number})
    return number


def text_of(tested: AppTest) -> str:
    return " ".join(shown.text_of(tested).split())


def offered(tested: AppTest) -> list[str]:
    return [b.key.partition("-")[0] for b in tested.button if b.key and "_action-" in b.key]


def press(tested: AppTest, key: str) -> str:
    tested.button(key=key).click()
    tested.run()
    assert not tested.exception
    return text_of(tested)


def test_one_proposes_another_approves_and_a_third_only_looks(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int, state_engine: Engine
) -> None:
    signed_in("READ_ONLY")
    tested = page("incidents", incident=str(incident))
    seen = text_of(tested)
    assert "자금 조치" in seen
    assert "다음 지급 보류 700,000,000원" in seen
    assert offered(tested) == []
    signed_in("RISK_ANALYST")
    tested = page("incidents", incident=str(incident))
    assert offered(tested) == []
    tested.selectbox(key=f"action-kind-{incident}").select("call")
    tested.text_input(key=f"action-why-{incident}").set_value("they do not answer")
    assert "조치 제안 완료: 가맹점에 전화" in press(tested, f"propose-action-{incident}")
    assert offered(run_again(tested)) == ["withdraw_action"]
    signed_in("OPS_AGENT")
    tested = page("incidents", incident=str(incident))
    assert offered(tested) == ["approve_action", "decline_action"] * 2
    assert "'사유' 항목이 비어 있습니다" in press(tested, "decline_action-2")
    assert "조치 1: 승인 완료" in press(tested, "approve_action-1")
    seen = text_of(run_again(tested))
    assert "승인 kim OPS_AGENT" in seen
    assert offered(tested) == ["approve_action", "decline_action", "recall_action"]
    assert "다음 지급 보류: 승인됨" in seen  # in the timeline
    with state_engine.begin() as connection:
        told = connection.execute(text("SELECT event FROM outbox ORDER BY 1")).scalars().all()
    assert told == ["action", "action"]


def test_a_recall_that_was_not_taken_is_shown_and_can_be_told_again(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int, state_engine: Engine
) -> None:
    signed_in("OPS_AGENT")
    with state_engine.begin() as connection:
        ended = "UPDATE action SET status = 'withdrawn', ended_at = now(), ended_by = 'ann'"
        connection.execute(text(ended))
        for event, status in (("approved", "dead"), ("withdrawn", "dead")):
            called = (
                "INSERT INTO action_call (action_id, event, body, status) VALUES (1, :event, '{}', :status)"
            )
            connection.execute(text(called), {"event": event, "status": status})
    tested = page("incidents", incident=str(incident))
    assert "회사 시스템이 철회를 받지 않음" in text_of(tested)
    assert offered(tested) == ["retell_action"]


def test_what_is_not_known_is_said_so_and_what_came_of_it_is_shown(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int, state_engine: Engine
) -> None:
    signed_in("OPS_AGENT")
    with state_engine.begin() as connection:
        done = """
        UPDATE action SET status = 'confirmed', approved_by = 'ann', decided_at = now(), told_at = now(),
            ended_at = now(), amount = NULL,
            outcome = '{"kept": 650000000, "cycle_days_since": 2, "settled": true}'
        """
        connection.execute(text(done))
    tested = page("incidents", incident=str(incident))
    seen = text_of(tested)
    assert "다음 지급 보류 알 수 없음" in seen
    assert "실행 확인됨" in seen
    assert "지킨 금액 650,000,000원" in seen
    assert "이후 정산 주기 (영업일) 2" in seen
    assert "이후 정산 주기 (영업일) 2원" not in seen
    assert offered(tested) == []
