"""The texts of this screen, in Korean and English by the same keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KOREAN: Final[Mapping[str, str]] = {
    "screen.now": "지금",
    "now.needed": "결정이 필요한 사건",
    "now.needed.count": "{count}건, 담당 없음 {untaken}건",
    "now.untaken": "담당 없음",
    "now.age": "{duration} 전",
    "now.all": "사건 {count}건 모두 보기",
    "now.changed": "그동안의 변화",
    "now.changed.visit": "지난 접속 {time} 이후",
    "now.changed.day": "오늘 {time}부터",
    "now.changed.opened": "발생",
    "now.changed.escalated": "격상",
    "now.changed.resolved": "해소",
    "now.changed.assigned": "나에게 배정",
    "now.changed.nothing": "달라진 사건이 없습니다.",
    "now.pipeline": "파이프라인",
    "now.alarm.more": "그 밖의 경보 {count}건",
    "now.health": "상태 화면에서 자세히 보기",
}

ENGLISH: Final[Mapping[str, str]] = {
    "screen.now": "Now",
    "now.needed": "Needs a decision",
    "now.needed.count": "{count} open, {untaken} nobody's",
    "now.untaken": "nobody's",
    "now.age": "{duration} ago",
    "now.all": "All {count} incidents",
    "now.changed": "What has changed",
    "now.changed.visit": "since your last visit, {time}",
    "now.changed.day": "today since {time}",
    "now.changed.opened": "opened",
    "now.changed.escalated": "worse",
    "now.changed.resolved": "resolved",
    "now.changed.assigned": "given to you",
    "now.changed.nothing": "No incident has changed.",
    "now.pipeline": "Pipeline",
    "now.alarm.more": "{count} more alarms",
    "now.health": "More on the health screen",
}
