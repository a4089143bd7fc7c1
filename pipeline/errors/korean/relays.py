"""Events, dead ones, and the relays that deliver them: why not, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

RELAYS: Final[Mapping[str, str]] = {
    # things and words
    "dead event": "전달을 포기한 이벤트",
    "dead_event": "전달을 포기한 이벤트",
    "breaker": "차단기",
    "status": "상태",
    "completed": "완료",
    "declined": "거절",
    "reversed": "취소",
    "what it is now": "지금의 상태",
    # dead events and corrections
    "dead event {number} got through already": "전달을 포기한 이벤트 {number}번은 이미 전달되었습니다",
    "dead event {number} waits for its next try already": (
        "전달을 포기한 이벤트 {number}번은 이미 다시 전달되기를 기다리고 있습니다"
    ),
    "event {id} is {status} already": "이벤트 {id}의 상태는 이미 '{status}'입니다",
    "there is nothing to correct": "고칠 것이 없습니다",
    # the breaker
    "the breaker is held open already, since {at} by {by}": (
        "차단기는 이미 열려 있습니다: {at}부터, {by}이(가) 열었습니다"
    ),
    "close it to let relays deliver again": "릴레이가 다시 전달하게 하려면 차단기를 닫으세요",
    "nobody holds the breaker open": "열려 있는 차단기가 없습니다",
    "there is nothing to close": "닫을 것이 없습니다",
    # the outbox
    "the event outbox {url} refuses a relay: {said}": (
        "이벤트 아웃박스 {url}이(가) 릴레이를 거부합니다: {said}"
    ),
    "check MINUTERISK_TRANSFERS_EVENT_OUTBOX_URL, its queries and the rights of its role": (
        "MINUTERISK_TRANSFERS_EVENT_OUTBOX_URL, 조회, 역할의 권한을 확인하세요"
    ),
    "the event outbox {url} does not answer: {said}": (
        "이벤트 아웃박스 {url}이(가) 응답하지 않습니다: {said}"
    ),
    "it is tried again; check MINUTERISK_TRANSFERS_EVENT_OUTBOX_URL if it stays away": (
        "다시 시도합니다. 계속 응답이 없으면 MINUTERISK_TRANSFERS_EVENT_OUTBOX_URL을 확인하세요"
    ),
}
