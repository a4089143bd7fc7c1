"""A message is data first, then rendered. Pure: no I/O library, no clock.

The alert step writes the data into the outbox row, with every integer that led to the verdict. Here it
becomes text for people. Percentages and ratios are computed from those integers for display only and are
cut, not rounded, so that a number below a threshold is never shown as having reached it.

Merchant names and ids come from outside. `clean` takes away what could act in a chat or a terminal
(control and bidirectional characters, back-ticks, length), and they only ever stand in a code span.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import PermanentError, UsageError
from pipeline.minute import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

Block = dict[str, Any]

EVENTS: Final = ("opened", "escalated", "acknowledged", "corrected", "resolved")
REASON_NUMBERS: Final = (
    "approvals_hour",
    "cancels_hour",
    "approvals_week",
    "cancels_week",
    "amount_today",
    "amount_paced",
    "amount_days",
    "days",
)
#: The integers without which a rule's sentence cannot be written.
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "cancel_surge": REASON_NUMBERS[:4],
    "volume_drop": REASON_NUMBERS[4:],
}
NAME_LENGTH: Final = 80
DIGEST_LENGTH: Final = 10
LIGHTS: Final = {"critical": "🔴", "high": "🟠", "medium": "🟡"}
RESOLVED_LIGHT: Final = "✅"

#: Every text people read, in one place. Both languages say the same.
TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "ko": {
        "critical": "심각",
        "high": "높음",
        "medium": "보통",
        "cancel_surge": "취소 급증",
        "volume_drop": "거래액 급감",
        "top": "상위 1% 가맹점",
        "tail": "일반 가맹점",
        "state_opened": "새 사건",
        "state_escalated": "격상",
        "state_acknowledged": "확인됨",
        "state_corrected": "정정",
        "state_resolved": "해소",
        "opened": "새 사건이 열렸습니다.",
        "escalated": "심각도가 '{severity}' 단계로 올랐습니다 (발생 후 {duration}).",
        "acknowledged": "담당자가 확인했습니다 (발생 후 {duration}).",
        "corrected": "늦게 들어온 거래를 반영해 수치를 바로잡았습니다 (발생 후 {duration}).",
        "resolved": "해소되었습니다 (지속 시간 {duration}).",
        "surge": "최근 1시간 취소 {cancels_hour}건 / 승인 {approvals_hour}건(취소율 {rate_hour}), "
        "지난 7일 취소 {cancels_week}건 / 승인 {approvals_week}건(취소율 {rate_week})의 {ratio}배입니다.",
        "surge_no_ratio": "최근 1시간 취소 {cancels_hour}건 / 승인 {approvals_hour}건(취소율 {rate_hour}), "
        "지난 7일 취소 {cancels_week}건 / 승인 {approvals_week}건(취소율 {rate_week}).",
        "drop": "오늘 이 시각까지 승인액 {today}, 최근 {days}영업일 같은 시각까지 "
        "평균 {paced}보다 {drop} 적습니다. 하루 평균은 {daily}입니다.",
        "drop_no_ratio": "오늘 이 시각까지 승인액 {today}, 최근 {days}영업일 같은 시각까지 "
        "평균 {paced}. 하루 평균은 {daily}입니다.",
        "unknown": "계산 불가",
        "merchant": "가맹점",
        "at_risk": "위험 금액",
        "paid_out_cancelable": "지급 후 취소 가능",
        "cancelled_unrecovered": "취소 후 미회수",
        "minute": "판정 시각",
        "opened_minute": "발생 시각",
        "duration": "경과",
        "incident": "사건 {incident_id} · 정책 {policy}",
        "link": "대시보드에서 보기",
        "repeat": "중복 전송일 수 있음",
        "repeat_why": "앞선 전송이 도착했는지 확인하지 못해 다시 보냅니다.",
        "digest": "1분 사이 사건 {count}건이 열렸습니다. 위험 금액 합계 {total}.",
        "digest_header": "사건 {count}건 동시 발생",
        "digest_top": "위험 금액이 큰 {shown}건",
    },
    "en": {
        "critical": "Critical",
        "high": "High",
        "medium": "Medium",
        "cancel_surge": "Cancel surge",
        "volume_drop": "Volume drop",
        "top": "top 1 % merchant",
        "tail": "ordinary merchant",
        "state_opened": "new incident",
        "state_escalated": "escalated",
        "state_acknowledged": "acknowledged",
        "state_corrected": "corrected",
        "state_resolved": "resolved",
        "opened": "A new incident has opened.",
        "escalated": "Severity rose to '{severity}' ({duration} after it opened).",
        "acknowledged": "An operator has acknowledged it ({duration} after it opened).",
        "corrected": "Late transactions were counted and the numbers corrected ({duration} after it opened).",
        "resolved": "Resolved (it lasted {duration}).",
        "surge": "{cancels_hour} cancels to {approvals_hour} approvals in the last hour (rate {rate_hour}), "
        "{ratio} times the 7-day rate of {cancels_week} to {approvals_week} ({rate_week}).",
        "surge_no_ratio": "{cancels_hour} cancels to {approvals_hour} approvals in the last hour "
        "(rate {rate_hour}); {cancels_week} to {approvals_week} in the 7 days before (rate {rate_week}).",
        "drop": "{today} approved so far today, {drop} less than the average of {paced} by this time "
        "over {days} business days. A whole day averages {daily}.",
        "drop_no_ratio": "{today} approved so far today; the average by this time "
        "over {days} business days is {paced}. A whole day averages {daily}.",
        "unknown": "not defined",
        "merchant": "Merchant",
        "at_risk": "At risk",
        "paid_out_cancelable": "Paid out, still cancelable",
        "cancelled_unrecovered": "Cancelled, not recovered",
        "minute": "Judged minute",
        "opened_minute": "Opened",
        "duration": "Elapsed",
        "incident": "Incident {incident_id} · policy {policy}",
        "link": "Open in the dashboard",
        "repeat": "possible repeat",
        "repeat_why": "It is not known whether an earlier attempt arrived, so it is sent again.",
        "digest": "{count} incidents opened within a minute. At risk in total: {total}.",
        "digest_header": "{count} incidents at once",
        "digest_top": "The {shown} with most at risk",
    },
}


class MessageMalformed(PermanentError):
    """The outbox row holds something that is not a message; sending it again cannot help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What people are told about one event of one incident. Amounts are KRW, times aware UTC minutes."""

    incident_id: int
    event: str
    rule: str
    merchant_id: str
    merchant_name: str | None
    tier: str
    severity: str
    policy: str
    minute: datetime
    opened_minute: datetime
    krw_at_risk: int
    paid_out_cancelable: int
    cancelled_unrecovered: int
    reason: Mapping[str, int | None] = field(hash=False)

    @property
    def duration(self) -> timedelta:
        """From the opening to the minute this message is about, never negative."""
        return max(self.minute - self.opened_minute, timedelta())


def read_message(content: object, incident_id: int) -> Message:
    """Make a Message of the outbox row's JSON; MessageMalformed names the field that is wrong.

    The JSON's own incident_id may be null, written before the incident had one: the row's counts.
    """
    if not isinstance(content, dict):
        name = "content"
        raise _malformed(name, content, "an object")
    return Message(
        incident_id=incident_id,
        event=_known(content, "event", EVENTS),
        rule=_known(content, "rule", NEEDED),
        merchant_id=_text(content, "merchant_id"),
        merchant_name=None if content.get("merchant_name") is None else _text(content, "merchant_name"),
        tier=_known(content, "tier", ("top", "tail")),
        severity=_known(content, "severity", LIGHTS),
        policy=_text(content, "policy"),
        minute=_minute(content, "minute"),
        opened_minute=_minute(content, "opened_minute"),
        krw_at_risk=_number(content, "krw_at_risk"),
        paid_out_cancelable=_number(content, "paid_out_cancelable"),
        cancelled_unrecovered=_number(content, "cancelled_unrecovered"),
        reason=_reason(content, "reason"),
    )


def _malformed(name: str, value: object, wanted: str) -> MessageMalformed:
    # The value may be personal data in a damaged row: its type is enough to find the fault.
    what = f"the message's {name} is of type {type(value).__name__}; {wanted} is needed"
    return MessageMalformed(what, "correct the row, then `minuterisk outbox requeue`")


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _malformed(name, value, "text")
    return value


def _known(content: Mapping[str, Any], name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    value = _text(content, name)
    if value not in known:
        raise _malformed(name, value, "one of " + ", ".join(known))
    return value


def _number(content: Mapping[str, Any], name: str) -> int:
    value = content.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _malformed(name, value, "a whole number")
    return value


def _minute(content: Mapping[str, Any], name: str) -> datetime:
    try:
        return parse_time(_text(content, name))
    except UsageError:
        raise _malformed(name, content.get(name), "a time with its zone") from None


def _reason(content: Mapping[str, Any], name: str) -> dict[str, int | None]:
    given = content.get(name)
    if not isinstance(given, dict):
        raise _malformed(name, given, "an object")
    needed = NEEDED[_known(content, "rule", NEEDED)]
    return {
        name: _number(given, name) if name in needed or given.get(name) is not None else None
        for name in REASON_NUMBERS
    }


def clean(text: str) -> str:
    """Untrusted text made harmless for a code span: one visible line, no back-tick, at most 80, escaped."""
    spaced = "".join(" " if c in "\t\n\r" or unicodedata.category(c) in ("Zl", "Zp") else c for c in text)
    visible = "".join(c for c in spaced if not unicodedata.category(c).startswith("C") and c != "`")
    line = " ".join(visible.split())
    return escape(line if len(line) <= NAME_LENGTH else line[: NAME_LENGTH - 1] + "…")


def escape(text: str) -> str:
    """Text in which Slack finds no mention, link or channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The inverse of `escape`, for a terminal."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def render_text(message: Message, language: str, zone: ZoneInfo, *, repeat: bool = False) -> str:
    """One line: for the notification, for a client without blocks, and (after `unescape`) for the console."""
    words = TEXTS[language]
    parts = [
        f"[{words[message.severity]}] {words[message.rule]} · {words['state_' + message.event]}",
        _merchant(message),
        _what_happened(message, language).rstrip("."),
        _risk(message, language),
        _moment(message.minute, zone),
    ]
    if message.event != "opened":
        parts.insert(1, _event(message, language).rstrip("."))
    return (f"[{words['repeat']}] " if repeat else "") + " · ".join(parts)


def render_header(message: Message, language: str) -> str:
    """Severity, rule and state in a few words; holds nothing that came from outside."""
    words = TEXTS[language]
    light = RESOLVED_LIGHT if message.event == "resolved" else LIGHTS[message.severity]
    return f"{light} [{words[message.severity]}] {words[message.rule]} · {words['state_' + message.event]}"


def render_blocks(
    message: Message, language: str, zone: ZoneInfo, dashboard_url: str, *, repeat: bool = False
) -> list[Block]:
    """The message of an incident as Slack Block Kit: how it stands now, with the numbers needed first."""
    words = TEXTS[language]
    who = f"{words['merchant']} {_merchant(message)} · {words[message.tier]}"
    footer = words["incident"].format(incident_id=message.incident_id, policy=clean(message.policy))
    return [
        *_repeat_blocks(words, repeat=repeat),
        _header(render_header(message, language)),
        _section(f"{who}\n{_what_happened(message, language)}"),
        _section(f"*{_risk(message, language)}*\n{_event(message, language)}"),
        {
            "type": "section",
            "fields": [_mrkdwn(f"*{name}*\n{value}") for name, value in _facts(message, language, zone)],
        },
        _context(f"{footer} · <{escape(dashboard_url)}?incident={message.incident_id}|{words['link']}>"),
    ]


def render_reply_blocks(
    message: Message, language: str, zone: ZoneInfo, *, repeat: bool = False
) -> list[Block]:
    """What changed, short, for the thread under the incident's message."""
    words = TEXTS[language]
    risk = f"{_risk(message, language)} · {_moment(message.minute, zone)}"
    lines = [
        f"*{words['state_' + message.event]}* · {_event(message, language)}",
        _merchant(message),
        _what_happened(message, language),
        risk,
    ]
    return [*_repeat_blocks(words, repeat=repeat), _section("\n".join(lines))]


def render_digest_text(messages: Sequence[Message], language: str, *, repeat: bool = False) -> str:
    """One line about many incidents that opened together."""
    words = TEXTS[language]
    total = krw(sum(m.krw_at_risk for m in messages), language)
    return (f"[{words['repeat']}] " if repeat else "") + words["digest"].format(
        count=f"{len(messages):,}", total=total
    )


def render_digest_lines(messages: Sequence[Message], language: str) -> list[str]:
    """The ten incidents with most KRW at risk, one line each; equal ones in the order they opened."""
    words = TEXTS[language]
    top = sorted(messages, key=lambda m: (-m.krw_at_risk, m.incident_id))[:DIGEST_LENGTH]
    return [
        f"{rank}. [{words[m.severity]}] {words[m.rule]} · {_merchant(m)} · {_risk(m, language)}"
        for rank, m in enumerate(top, start=1)
    ]


def render_digest_blocks(
    messages: Sequence[Message], language: str, dashboard_url: str, *, repeat: bool = False
) -> list[Block]:
    """Many incidents as one message. Each line is a block of its own: ten long names would not fit in one."""
    words = TEXTS[language]
    lines = render_digest_lines(messages, language)
    return [
        *_repeat_blocks(words, repeat=repeat),
        _header("🚨 " + words["digest_header"].format(count=f"{len(messages):,}")),
        _section(render_digest_text(messages, language)),
        _section(f"*{words['digest_top'].format(shown=len(lines))}*"),
        *[_section(line) for line in lines],
        _context(f"<{escape(dashboard_url)}|{words['link']}>"),
    ]


def krw(amount: int, language: str) -> str:
    """An amount exactly, in Korean also as people say it: 1,234,567,890원 (약 12억 3,456만원)."""
    if language != "ko":
        return f"KRW {amount:,}"
    exact = f"{amount:,}원"
    if abs(amount) < 10_000:  # noqa: PLR2004 - 만, the first unit
        return exact
    return f"{exact} ({_korean_units(amount)}원)"


def _korean_units(amount: int) -> str:
    left, parts, sign = abs(amount), list[str](), "-" if amount < 0 else ""
    for size, unit in ((10**12, "조"), (10**8, "억"), (10**4, "만")):
        whole, left_after = divmod(left, size)
        if len(parts) == 2:  # noqa: PLR2004 - two units are as much as anybody reads
            break
        if whole:
            parts.append(f"{whole:,}{unit}")
        elif parts:
            parts.append("")  # 1조 0억: the second unit is used up
        left = left_after
    return ("약 " if left else "") + sign + " ".join(p for p in parts if p)


def duration_text(length: timedelta, language: str) -> str:
    """A duration in its two largest units, in whole minutes."""
    minutes = length // timedelta(minutes=1)
    units = (("일", " d", minutes // 1440), ("시간", " h", minutes // 60 % 24), ("분", " min", minutes % 60))
    named = [f"{n}{ko if language == 'ko' else en}" for ko, en, n in units if n][:2]
    return " ".join(named) or ("0분" if language == "ko" else "0 min")


def _what_happened(message: Message, language: str) -> str:
    return _surge(message, language) if message.rule == "cancel_surge" else _drop(message, language)


def _surge(message: Message, language: str) -> str:
    words, n = TEXTS[language], _numbers(message)
    ratio = _tenths(n["cancels_hour"] * n["approvals_week"], n["cancels_week"] * n["approvals_hour"])
    return words["surge_no_ratio" if ratio is None else "surge"].format(
        **{name: f"{value:,}" for name, value in n.items()},
        rate_hour=_percent(n["cancels_hour"], n["approvals_hour"], words),
        rate_week=_percent(n["cancels_week"], n["approvals_week"], words),
        ratio=ratio,
    )


def _drop(message: Message, language: str) -> str:
    words, n = TEXTS[language], _numbers(message)
    today, paced, days = n["amount_today"], n["amount_paced"], n["days"]
    missing = paced - days * today
    return words["drop" if paced > 0 and missing >= 0 else "drop_no_ratio"].format(
        today=krw(today, language),
        days=days,
        paced=krw(paced // days, language) if days else words["unknown"],
        daily=krw(n["amount_days"] // days, language) if days else words["unknown"],
        drop=_percent(missing, paced, words),
    )


def _numbers(message: Message) -> dict[str, int]:
    return {name: message.reason[name] or 0 for name in NEEDED[message.rule]}


def _tenths(numerator: int, denominator: int) -> str | None:
    """The quotient cut to one decimal, in integers; None where there is none."""
    if denominator <= 0:
        return None
    tenths = 10 * numerator // denominator
    return f"{tenths // 10:,}.{tenths % 10}"


def _percent(part: int, whole: int, words: Mapping[str, str]) -> str:
    shown = _tenths(100 * part, whole)
    return words["unknown"] if shown is None else f"{shown}%"


def _event(message: Message, language: str) -> str:
    words = TEXTS[language]
    return words[message.event].format(
        severity=words[message.severity], duration=duration_text(message.duration, language)
    )


def _facts(message: Message, language: str, zone: ZoneInfo) -> list[tuple[str, str]]:
    words = TEXTS[language]
    facts = [
        (words["paid_out_cancelable"], krw(message.paid_out_cancelable, language)),
        (words["cancelled_unrecovered"], krw(message.cancelled_unrecovered, language)),
        (words["minute"], _moment(message.minute, zone)),
    ]
    if message.event != "opened":
        facts.append((words["opened_minute"], _moment(message.opened_minute, zone)))
        facts.append((words["duration"], duration_text(message.duration, language)))
    return facts


def _risk(message: Message, language: str) -> str:
    return f"{TEXTS[language]['at_risk']} {krw(message.krw_at_risk, language)}"


def _merchant(message: Message) -> str:
    identifier, name = clean(message.merchant_id) or "?", clean(message.merchant_name or "")
    return f"`{name}` (`{identifier}`)" if name else f"`{identifier}`"


def _moment(minute: datetime, zone: ZoneInfo) -> str:
    local = minute.astimezone(zone)
    # A zone without letters calls itself +03: say that it is an offset.
    return local.strftime("%Y-%m-%d %H:%M ") + re.sub(r"^(?=[+-])", "UTC", local.tzname() or "")


def _mrkdwn(text: str) -> Block:
    # verbatim: Slack must not look for links or names in text that came from outside.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}


def _repeat_blocks(words: Mapping[str, str], *, repeat: bool) -> list[Block]:
    return [_context(f"⚠️ *{words['repeat']}* · {words['repeat_why']}")] if repeat else []
