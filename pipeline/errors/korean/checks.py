"""Checks before a transfer and events handed in: why not, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKS: Final[Mapping[str, str]] = {
    "an event has no {field}": "이벤트에 {field} 항목은 없습니다",
    "ask again in a second, or raise MINUTERISK_MAX_RATE": (
        "1초 뒤에 다시 묻거나 MINUTERISK_MAX_RATE를 올리세요"
    ),
    "leave it out, or write digits": "빼거나 숫자로 쓰세요",
    "more than {most} questions a second by this key": "이 키로 1초에 {most}번 넘게 물었습니다",
    "ask about what happens now; look whether your clock is right": (
        "지금 일어나는 결제를 물으세요. 시계가 맞는지 확인하세요"
    ),
    "occurred_at is {occurred_at}, long ago": "occurred_at이 {occurred_at}로, 너무 오래전입니다",
    "nobody has asked about {id}": "{id} 결제는 아무도 묻지 않았습니다",
    "send at most {most}": "한 번에 {most}개까지만 보내세요",
    "status is not {status}": "status가 {status}이(가) 아닙니다",
    "the question is larger than {most} bytes": "질문이 {most}바이트보다 큽니다",
    "{count} events at once": "한 번에 이벤트 {count}개",
    "{field} cannot be taken: {reason}": "{field} 값을 받을 수 없습니다: {reason}",
    "{field} stands there twice": "{field} 항목이 두 번 있습니다",
    "{name} is no number": "{name} 값은 숫자가 아닙니다",
    "{id} has happened already": "{id} 결제는 이미 일어났습니다",
    "{id} was asked about with another content": ("{id} 결제를 다른 내용으로 물은 적이 있습니다"),
}
