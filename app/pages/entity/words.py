"""The texts of this screen, in Korean and English by the same keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KOREAN: Final[Mapping[str, str]] = {
    "screen.entity": "{entity}",
    "entity.search": "{entity} 검색",
    "entity.search.hint": "이름, 번호, 초성(ㄱㅅㅅㅎ)",
    "entity.found": "{count}곳",
    "entity.found.cut": "{count}곳 중 {shown}곳. 더 입력하면 좁혀집니다.",
    "entity.found.none": "찾는 것이 없습니다.",
    "entity.offered": "사건이 있는 곳부터",
    "entity.open": "⚠ 진행 중 {count}",
    "entity.all": "전체 보기",
    "entity.everybody": "전체",
    "entity.place": "최근 거래량 {among}곳 중 {place}위",
    "entity.unknown": "알 수 없는 {entity}입니다: {id}",
    "entity.unknown.note": "게시된 집계, 이름, 사건 어디에도 없는 번호입니다. 위에서 찾아 보십시오.",
    "entity.incidents": "사건",
    "entity.incidents.none": "사건이 없었습니다.",
    "entity.incident.open": "{time}부터",
    "entity.incident.over": "{time} – {until}",
    "period": "기간",
    "period.3h": "3시간",
    "period.24h": "24시간",
    "period.8d": "8일",
    "period.own": "날짜 지정",
    "period.days": "날짜",
    "period.step.1": "1분 단위",
    "period.step.10": "10분 단위",
    "period.step.60": "1시간 단위",
    "period.step.day": "하루 단위",
    "period.note": "{from} – {to} · {step}",
    "period.published": "게시된 구간: {from} – {to}",
    "period.nothing": "이 기간에는 게시된 분이 없습니다. 최근 구간을 보여 줍니다.",
}

ENGLISH: Final[Mapping[str, str]] = {
    "screen.entity": "{entity}",
    "entity.search": "Search {entity}",
    "entity.search.hint": "Name, id or Korean initials",
    "entity.found": "{count} found",
    "entity.found.cut": "{shown} of {count}. Type more to narrow it down.",
    "entity.found.none": "Nothing fits.",
    "entity.offered": "With incidents",
    "entity.open": "⚠ open {count}",
    "entity.all": "Show all together",
    "entity.everybody": "all together",
    "entity.place": "no. {place} of {among} by recent volume",
    "entity.unknown": "Unknown {entity}: {id}",
    "entity.unknown.note": "Neither a published row nor a name or an incident has this id. Search above.",
    "entity.incidents": "Incidents",
    "entity.incidents.none": "There was none.",
    "entity.incident.open": "since {time}",
    "entity.incident.over": "{time} – {until}",
    "period": "Period",
    "period.3h": "3 hours",
    "period.24h": "24 hours",
    "period.8d": "8 days",
    "period.own": "Choose days",
    "period.days": "Days",
    "period.step.1": "per minute",
    "period.step.10": "per 10 minutes",
    "period.step.60": "per hour",
    "period.step.day": "per business day",
    "period.note": "{from} – {to} · {step}",
    "period.published": "published: {from} – {to}",
    "period.nothing": "Nothing is published in this period. The newest is shown.",
}
