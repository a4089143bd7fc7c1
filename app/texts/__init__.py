"""Every shared text of the dashboard, in Korean and English, by the same keys (a test compares them).

What a pack says in its own words lies over them: its `words`, and those of its own page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from app.pages.access import words as access
from app.pages.entity import words as entity
from app.pages.health import words as health
from app.pages.incidents import words as incidents
from app.pages.now import words as now
from app.pages.rules import words as rules
from app.pages.statistics import words as statistics
from app.texts import acts, states
from pipeline.judge.verdicts import TIERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.pack import Pack

#: Each screen's own texts stand beside it.
_SCREENS: Final = (now, incidents, entity, statistics, rules, health, access)

KOREAN: Final[Mapping[str, str]] = {
    **{key: text for screen in _SCREENS for key, text in screen.KOREAN.items()},
    **acts.KOREAN,
    **states.KOREAN,
    "title": "{entity} 관제",
    "everybody": "전체",
    "page": "관제",
    "packs.choose": "관제 대상",
    # who looks
    "who.nobody": "로그인하지 않음",
    "who.none": "아직 계정이 없어 보기만 할 수 있습니다.",
    "who.none.note": "첫 계정 만들기: minuterisk users add 이름 --role SUPER_ADMIN",
    "who.over": "세션이 끝났습니다.",
    "who.over.note": "계속하려면 다시 로그인하세요.",
    "who.in": "로그인",
    "who.account": "내 계정",
    "who.other": "English",
    "packs.unknown": "{name}: 그런 관제 대상은 없습니다.",
    "head.newest": "마지막 분 {minute}",
    "address.unread": "주소의 {name} 값을 읽을 수 없습니다: {text}",
    "address.unread.note": "그 값 없이 보여 줍니다. 주소를 확인하거나 화면에서 고르세요.",
    "download.button": "내려받기",
    "download.reason": "내려받는 이유 (감사에 남습니다)",
    "role.SUPER_ADMIN": "최고 관리자",
    "role.RULE_ADMIN": "규칙 관리자",
    "role.AUDITOR": "감사",
    "role.OPS_AGENT": "운영 담당",
    "role.RISK_ANALYST": "리스크 분석",
    "role.READ_ONLY": "보기 전용",
    # header
    "header.lag": "{duration} 지연",
    "header.heartbeat.age": "{duration} 전",
    "header.risk.unpriced": "{count}건은 알 수 없음",
    "money.not_known": "알 수 없음",
    "money.interval": "90% 구간 {low} ~ {high}",
    "header.budget": "오늘의 오탐 예산",
    "header.budget.value": "{spent}건 / {allowed}건",
    "header.budget.null": "우연만으로는 하루 {mean}건 ({low}–{high})",
    "header.undelivered": "아직 전달되지 않은 알림 {count}건",
    "header.undelivered.note": "가장 오래된 알림이 {duration}째 대기 중입니다. 파이프라인이 다시 시도합니다.",
    "header.dead": "전달에 실패한 알림 {count}건",
    "header.dead.note": "다시 시도하지 않습니다. 상태 화면에서 원인을 보고 다시 넣으세요.",
    "header.stray_past": "확정된 뒤에 바뀐 분 {count}개",
    "header.stray_past.note": "48시간이 지나 온 행입니다. 집계하지 않고 기록했습니다(stray_minute).",
    "header.stray_future": "앞선 시각의 행이 있는 분 {count}개",
    "header.stray_future.note": "원천 시계보다 앞선 시각입니다. 그 분이 되면 집계합니다(stray_minute).",
    "header.alarm.since": "{time}부터.",
    "alarm.source.unreachable": "원천 데이터베이스에 연결할 수 없습니다",
    "alarm.source.failing": "원천 데이터베이스의 조회가 실패합니다",
    "alarm.source.standby_lags": "원천이 복제본이며 뒤처져 있습니다",
    "alarm.source.clock_apart": "시계가 서로 다릅니다",
    "alarm.source.transaction_open": "원천에 오래 열린 트랜잭션이 있습니다",
    "alarm.rows.set_aside": "제외된 행이 많습니다",
    "alarm.rows.outside_span": "조회가 요청한 기간 밖의 행을 돌려줍니다",
    "alarm.rows.unreadable": "읽을 수 없는 값이 있어 제외했습니다",
    "alarm.book.doubtful": "노출 장부에 맞지 않는 행이 있습니다",
    "alarm.rows.rewritten": "게시된 뒤에 원천에서 바뀌거나 지워진 행이 있습니다",
    "alarm.rows.conflict": "이미 받은 행이 다른 값으로 다시 왔습니다",
    "alarm.minutes.differ": "원천의 합계와 읽은 행이 다릅니다",
    "alarm.data.wrong": "게시된 자료가 검사를 통과하지 못했습니다",
    "alarm.data.doubtful": "게시된 자료에서 검사가 의심스러운 것을 찾았습니다",
    "alarm.checks.differ": "바로 답한 판정이 다시 판정한 것과 다릅니다",
    "alarm.minutes.stray": "어느 분에도 집계되지 않는 행이 있습니다",
    "alarm.events.dead": "전달을 포기한 이벤트가 있습니다",
    "alarm.events.conflict": "같은 번호로 내용이 다른 이벤트가 왔습니다",
    "alarm.events.waiting": "이벤트가 아웃박스에서 기다리고 있습니다",
    "alarm.job.failing": "작업이 실패하고 있습니다",
    "alarm.limit.ahead": "외부 기준을 넘었거나 곧 넘습니다",
    "alarm.ornament.failing": "일부 정보를 알 수 없습니다",
    # states
    "state.lake": "게시된 파일을 읽을 수 없습니다.",
    "state.part_failed": "이 부분을 지금 보여줄 수 없습니다",
    "state.part_failed.note": "잠시 뒤 다시 시도합니다 ({what}). 계속되면 대시보드 로그를 확인하세요.",
    "state.lake.note": "{what} 잠시 뒤 다시 읽습니다. 계속되면 minuterisk check 를 실행하세요.",
    "state.settings": "설정을 읽을 수 없습니다.",
    # incidents
    "incidents.heading": "사건",
    "incidents.sorted": "잃을 금액이 큰 순서 · {count}건",
    "incidents.sorted.severity": "심각한 순서 · {count}건",
    "incidents.none": "진행 중인 사건이 없습니다.",
    "incidents.none.note": "새 사건이 열리면 몇 초 안에 여기에 나타납니다.",
    "incidents.choose": "왼쪽에서 사건을 고르면 판단 근거와 전달 내역이 나타납니다.",
    "incidents.unknown": "{id}번 사건이 없습니다.",
    "incidents.unknown.note": "주소의 번호를 확인하거나 목록에서 고르세요.",
    "incidents.since": "{time} 발생 · {duration} 경과",
    "incidents.ended": "{time} 발생 · {until} 해소",
    "incident.heading": "사건 {id}",
    "incident.everybody.note": "{everybody}에 관한 사건입니다. 끝날 때까지 개별 사건은 보류될 수 있습니다.",
    "incident.times": "{count}번째 발생",
    "incident.risk": "위험 금액",
    "incident.risk.not_known": "위험 금액 알 수 없음",
    "incident.breach": "마지막 위반 분",
    "incident.resolved": "해소 분",
    "incident.acknowledged": "확인",
    "incident.entity": "{entity} 번호",
    "incident.policy": "판단 정책",
    "reason.heading": "판단 근거",
    "reason.note": "판단할 때 저장된 값 그대로이며, 화면에서 다시 계산하지 않습니다.",
    "reason.item": "항목",
    "reason.first": "발생 시",
    "reason.latest": "최근",
    "reason.empty": "저장된 근거가 없습니다.",
    "events.attempts": "{count}회 시도",
    "events.ambiguous": "중복 전달되었을 수 있음",
    "events.next": "다음 시도 {time}",
    "chart.incident": "사건",
    # words of the database
    "severity.critical": "▲ 심각",
    "severity.high": "◆ 높음",
    "severity.medium": "● 보통",
    "status.open": "진행 중",
    "status.acknowledged": "확인됨",
    "status.resolved": "해소됨",
    "policy.literal": "원문 그대로",
    "policy.supported": "최소 건수",
    "policy.budgeted": "오경보 예산",
    "event.opened": "발생",
    "event.reopened": "다시 발생",
    "event.escalated": "격상",
    "event.repeated": "미확인 재알림",
    "event.priced": "수치 갱신",
    "event.acknowledged": "확인",
    "event.corrected": "정정",
    "event.resolved": "해소",
    "event.unsilenced": "알림 중지 종료",
    "delivery.pending": "대기",
    "delivery.sending": "전송 중",
    "delivery.sent": "전달됨",
    "delivery.dead": "실패",
    "delivery.silenced": "알림 중지",
    "kind.rule": "규칙",
    "answer.true": "예",
    "answer.false": "아니오",
    # numbers of a stored reason
    "number.rule": "규칙",
    "number.policy": "정책",
    "number.tier": "등급",
    "number.minute": "판단한 분",
    "number.passed": "정책 통과",
    "number.reason": "결과",
    "number.severity": "심각도",
    "number.kind": "보인 방식",
}

ENGLISH: Final[Mapping[str, str]] = {
    **{key: text for screen in _SCREENS for key, text in screen.ENGLISH.items()},
    **acts.ENGLISH,
    **states.ENGLISH,
    "title": "{entity} watch",
    "everybody": "everybody",
    "page": "Watch",
    "packs.choose": "Watched",
    # who looks
    "who.nobody": "not signed in",
    "who.none": "There is no account yet, so this page can only be looked at.",
    "who.none.note": "Add the first one: minuterisk users add NAME --role SUPER_ADMIN",
    "who.over": "Your session has ended.",
    "who.over.note": "Sign in again to go on.",
    "who.in": "Sign in",
    "who.account": "My account",
    "who.other": "한국어",
    "packs.unknown": "{name} is nothing that is watched here.",
    "head.newest": "newest minute {minute}",
    "address.unread": "The address says of {name} what cannot be read: {text}",
    "address.unread.note": "It is shown without it. Check the address, or choose on the screen.",
    "download.button": "Download",
    "download.reason": "Why it is taken along (the audit keeps it)",
    "role.SUPER_ADMIN": "super admin",
    "role.RULE_ADMIN": "rule admin",
    "role.AUDITOR": "auditor",
    "role.OPS_AGENT": "operations",
    "role.RISK_ANALYST": "risk analyst",
    "role.READ_ONLY": "read only",
    # header
    "header.lag": "{duration} behind",
    "header.heartbeat.age": "{duration} ago",
    "header.risk.unpriced": "of {count} not known",
    "money.not_known": "Not known",
    "money.interval": "90 % interval {low} to {high}",
    "header.budget": "False-alarm budget today",
    "header.budget.value": "{spent} of {allowed}",
    "header.budget.null": "chance alone: {mean} a day ({low}–{high})",
    "header.undelivered": "Messages not delivered yet: {count}",
    "header.undelivered.note": "The oldest has been waiting for {duration}. The pipeline tries again.",
    "header.dead": "Messages that could not be delivered: {count}",
    "header.dead.note": "They are not tried again. See why, and requeue them, on the screen Health.",
    "header.stray_past": "Minutes that changed after they were final: {count}",
    "header.stray_past.note": "Rows came over 48 hours late. They are recorded (stray_minute), not counted.",
    "header.stray_future": "Minutes ahead that have rows already: {count}",
    "header.stray_future.note": "Their time is ahead of the source's clock: counted when it comes.",
    "header.alarm.since": "Since {time}.",
    "alarm.source.unreachable": "The source database cannot be reached",
    "alarm.source.failing": "A query of the source database fails",
    "alarm.source.standby_lags": "The source is a standby that lags",
    "alarm.source.clock_apart": "Clocks differ",
    "alarm.source.transaction_open": "A transaction of the source has been open for long",
    "alarm.rows.set_aside": "Many rows are set aside",
    "alarm.rows.outside_span": "A query gives rows outside the span it was asked for",
    "alarm.rows.unreadable": "Values that cannot be read were left out",
    "alarm.book.doubtful": "Rows do not fit into the book of exposure",
    "alarm.rows.rewritten": "Rows were changed or deleted after they were published",
    "alarm.rows.conflict": "Rows came again with other values",
    "alarm.minutes.differ": "What was read is not what the source itself counts",
    "alarm.data.wrong": "The published data do not pass a check",
    "alarm.data.doubtful": "A check of the published data found something doubtful",
    "alarm.checks.differ": "Answers given at once differ from judging again",
    "alarm.minutes.stray": "Rows that no minute counts",
    "alarm.events.dead": "Events were given up",
    "alarm.events.conflict": "Events came again with another content",
    "alarm.events.waiting": "Events wait in the outbox",
    "alarm.job.failing": "A job fails",
    "alarm.limit.ahead": "A limit that binds us is breached, or will be",
    "alarm.ornament.failing": "Something is not known or not shown",
    # states
    "state.lake": "The published files cannot be read.",
    "state.part_failed": "This part cannot be shown now",
    "state.part_failed.note": "It is tried again shortly ({what}). If it lasts, see the dashboard's log.",
    "state.lake.note": "{what} They are read again shortly. If it lasts, run minuterisk check.",
    "state.settings": "The settings cannot be read.",
    # incidents
    "incidents.heading": "Incidents",
    "incidents.sorted": "most to lose first · {count}",
    "incidents.sorted.severity": "most severe first · {count}",
    "incidents.none": "No open incident.",
    "incidents.none.note": "A new one appears here within seconds.",
    "incidents.choose": "Choose an incident on the left to see its reason and its messages.",
    "incidents.unknown": "There is no incident {id}.",
    "incidents.unknown.note": "Check the number in the address, or choose one from the list.",
    "incidents.since": "since {time} · for {duration}",
    "incidents.ended": "from {time} · resolved {until}",
    "incident.heading": "Incident {id}",
    "incident.everybody.note": "{everybody}: incidents of single ones may be held back until it ends.",
    "incident.times": "opening no. {count}",
    "incident.risk": "At risk",
    "incident.risk.not_known": "Money at risk not known",
    "incident.breach": "Last breach",
    "incident.resolved": "Resolved",
    "incident.acknowledged": "Acknowledged",
    "incident.entity": "{entity} id",
    "incident.policy": "Policy",
    "reason.heading": "Reason",
    "reason.note": "The numbers as stored at the judgement; nothing is computed again here.",
    "reason.item": "Number",
    "reason.first": "When opened",
    "reason.latest": "Latest",
    "reason.empty": "No reason is stored.",
    "events.attempts": "attempts: {count}",
    "events.ambiguous": "may have arrived twice",
    "events.next": "next attempt {time}",
    "chart.incident": "incident",
    # words of the database
    "severity.critical": "▲ critical",
    "severity.high": "◆ high",
    "severity.medium": "● medium",
    "status.open": "open",
    "status.acknowledged": "acknowledged",
    "status.resolved": "resolved",
    "policy.literal": "literal",
    "policy.supported": "supported",
    "policy.budgeted": "budgeted",
    "event.opened": "opened",
    "event.reopened": "opened again",
    "event.escalated": "escalated",
    "event.repeated": "not acknowledged",
    "event.priced": "numbers moved",
    "event.acknowledged": "acknowledged",
    "event.corrected": "corrected",
    "event.resolved": "resolved",
    "event.unsilenced": "silence over",
    "delivery.pending": "waiting",
    "delivery.sending": "sending",
    "delivery.sent": "delivered",
    "delivery.dead": "failed",
    "delivery.silenced": "silenced",
    "kind.rule": "rule",
    "answer.true": "yes",
    "answer.false": "no",
    # numbers of a stored reason
    "number.rule": "Rule",
    "number.policy": "Policy",
    "number.tier": "Tier",
    "number.minute": "Judged minute",
    "number.passed": "Let through by the policy",
    "number.reason": "Outcome",
    "number.severity": "Severity",
    "number.kind": "Seen as",
}

LANGUAGES: Final[Mapping[str, Mapping[str, str]]] = {"ko": KOREAN, "en": ENGLISH}


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language: `texts("header.lag", duration="3분")`."""

    language: str
    own: Mapping[str, str] = field(default_factory=dict)  # a pack's, over the shared ones

    def __call__(self, key: str, **fields: object) -> str:
        """The text of `key` with its fields filled in; an unknown key is a programming error."""
        text = self.own[key] if key in self.own else LANGUAGES[self.language][key]
        return text.format(**fields) if fields else text

    def word(self, group: str, value: str) -> str:
        """A word of the database in this language; one we do not know is shown as it is."""
        key = f"{group}.{value}"
        return self.own.get(key) or LANGUAGES[self.language].get(key, value)

    @property
    def numbers(self) -> list[str]:
        """Names of a stored reason's numbers in the order in which people read them; the pack's come last."""
        shared = (key for key in LANGUAGES[self.language] if key not in self.own)
        return [key.removeprefix("number.") for key in (*shared, *self.own) if key.startswith("number.")]


def texts_of(pack: Pack[Any, Any], words: Mapping[str, Mapping[str, str]], language: str) -> Texts:
    """The texts of a pack's page: the shared ones, over them the pack's, and over these its own page's."""
    said, own = pack.words[language], words.get(language, {})
    named = {f"rule.{rule.name}": said[rule.name] for rule in pack.rules}
    named |= {f"tier.{tier}": said[tier] for tier in TIERS}
    named |= {f"number.{part}": said[part] for part in pack.parts}
    named |= {name: said[name] for name in ("entity", "everybody") if name in said}
    # What the own page says again stands where the own page has it.
    return Texts(language, {key: text for key, text in named.items() if key not in own} | dict(own))
