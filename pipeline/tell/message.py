"""A message is data first, then rendered. Pure: no I/O library, no clock.

The alert step writes the data into the outbox row, with every integer that led to the verdict. Here it
becomes text for people. Percentages and ratios are computed from those integers for display only and are
cut, not rounded, so that a number below a threshold is never shown as having reached it.

Merchant names, ids, categories and who acknowledged come from outside. `clean` takes away what could act in a
chat or a terminal (`pipeline.figures`, and back-ticks), and they only ever stand in a code span.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import PermanentError, UsageError
from pipeline.figures import moment, one_line
from pipeline.minute import DAY_MINUTES, HOUR_MINUTES, parse_time
from pipeline.schema import CAUSES, COHORT_COLUMNS, PRIORS, RULE_NUMBERS
from pipeline.tell.words import TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

Block = dict[str, Any]

EVENTS: Final = ("opened", "reopened", "escalated", "repeated", "acknowledged", "corrected", "resolved")
PRIOR_RATE: Final = "prior_cancels_per_100k"
_REASON_NUMBERS: Final = tuple(
    dict.fromkeys(
        [
            *(name for numbers in RULE_NUMBERS.values() for name in numbers),
            *(*COHORT_COLUMNS, "merchants_held", PRIOR_RATE),
        ]
    )
)
DIGEST_LENGTH: Final = 10
LIGHTS: Final = {"critical": "🔴", "high": "🟠", "medium": "🟡"}
RESOLVED_LIGHT: Final = "✅"


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
    krw_at_risk: int | None  # None: not known
    paid_out_cancelable: int | None
    cancelled_unrecovered: int | None
    reason: Mapping[str, int | None] = field(hash=False)
    times: int = 1  # how often the incident has opened
    cause: str | None = None  # what made the cancel rate rise, where that is known
    prior: str | None = None  # what the baseline mostly rests on, where that is known
    category: str | None = None
    acknowledged_by: str | None = None
    visible: bool = False  # worth a line in the channel as well as in the thread

    @property
    def of_platform(self) -> bool:
        """Is it about all merchants together?"""
        return self.rule.startswith("platform")

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
        rule=_known(content, "rule", RULE_NUMBERS),
        merchant_id=_text(content, "merchant_id"),
        merchant_name=None if content.get("merchant_name") is None else _text(content, "merchant_name"),
        tier=_known(content, "tier", ("top", "tail")),
        severity=_known(content, "severity", LIGHTS),
        policy=_text(content, "policy"),
        minute=_minute(content, "minute"),
        opened_minute=_minute(content, "opened_minute"),
        krw_at_risk=_money(content, "krw_at_risk"),
        paid_out_cancelable=_money(content, "paid_out_cancelable"),
        cancelled_unrecovered=_money(content, "cancelled_unrecovered"),
        reason=_reason(content, "reason"),
        times=_number(content, "times") if "times" in content else 1,
        visible=content.get("visible") is True,
        acknowledged_by=None if content.get("acknowledged_by") is None else _text(content, "acknowledged_by"),
        cause=cause if (cause := content["reason"].get("cause")) in CAUSES else None,
        prior=prior if (prior := content["reason"].get("prior")) in PRIORS else None,
        category=None if content["reason"].get("category") is None else _text(content["reason"], "category"),
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


def _money(content: Mapping[str, Any], name: str) -> int | None:
    """Null is not known; a field that is not there is a damaged row."""
    return None if name in content and content[name] is None else _number(content, name)


def _minute(content: Mapping[str, Any], name: str) -> datetime:
    try:
        return parse_time(_text(content, name))
    except UsageError:
        raise _malformed(name, content.get(name), "a time with its zone") from None


def _reason(content: Mapping[str, Any], name: str) -> dict[str, int | None]:
    given = content.get(name)
    if not isinstance(given, dict):
        raise _malformed(name, given, "an object")
    needed = RULE_NUMBERS[_known(content, "rule", RULE_NUMBERS)]
    return {
        name: _number(given, name) if name in needed or given.get(name) is not None else None
        for name in _REASON_NUMBERS
    }


def clean(text: str) -> str:
    """Untrusted text made harmless for a code span: one visible line, no back-tick, at most 80, escaped."""
    return escape(one_line(text.replace("`", "")))


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
        _merchant(message, words),
        _what_happened(message, language).rstrip("."),
        *([] if message.of_platform else [_risk(message, language)]),
        moment(message.minute, zone),
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
    who = f"{words['merchant']} {_merchant(message, words)} · {words[message.tier]}"
    if message.of_platform:
        who = words["platform"]
    risk = "" if message.of_platform else f"*{_risk(message, language)}*\n"
    footer = words["incident"].format(incident_id=message.incident_id, policy=clean(message.policy))
    return [
        *_repeat_blocks(words, repeat=repeat),
        _header(render_header(message, language)),
        _section(f"{who}\n{_what_happened(message, language)}"),
        _section(f"{risk}{_event(message, language)}"),
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
    risk = "" if message.of_platform else f"{_risk(message, language)} · "
    lines = [
        f"*{words['state_' + message.event]}* · {_event(message, language)}",
        _merchant(message, words),
        _what_happened(message, language),
        f"{risk}{moment(message.minute, zone)}",
    ]
    return [*_repeat_blocks(words, repeat=repeat), _section("\n".join(lines))]


def render_digest_text(messages: Sequence[Message], language: str, *, repeat: bool = False) -> str:
    """One line about many incidents that opened together."""
    words = TEXTS[language]
    known = [m.krw_at_risk for m in messages if m.krw_at_risk is not None]
    unknown = f"{len(messages) - len(known):,}"
    sentence = "digest" if len(known) == len(messages) else "digest_some" if known else "digest_none"
    said = words[sentence].format(
        count=f"{len(messages):,}", total=krw(sum(known), language), unknown=unknown
    )
    return (f"[{words['repeat']}] " if repeat else "") + said


def render_digest_lines(messages: Sequence[Message], language: str) -> list[str]:
    """The ten incidents with most KRW at risk, one line each; equal ones in the order they opened.

    What is not known may be the most: it comes first, by severity.
    """
    words = TEXTS[language]
    top = sorted(messages, key=_most_first)[:DIGEST_LENGTH]
    return [
        f"{rank}. [{words[m.severity]}] {words[m.rule]} · {_merchant(m, words)} · {_risk(m, language)}"
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


def _most_first(message: Message) -> tuple[bool, bool, int, int]:
    amount = message.krw_at_risk
    order = list(LIGHTS).index(message.severity) if amount is None else -amount
    return not message.of_platform, amount is not None, order, message.incident_id


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
    if message.of_platform:
        return _platform(message, language)
    surge = message.rule == "cancel_surge"
    said = [_surge(message, language) if surge else _drop(message, language)]
    window = message.reason.get("window_minutes")
    # The brief's own window says it in its sentence; what was seen in another one is said first.
    if window and window != (HOUR_MINUTES if surge else DAY_MINUTES):
        said.insert(0, _window(message, window, "surge_window" if surge else "drop_window", language))
    if message.cause is not None:
        said.append(TEXTS[language][message.cause])
    return " ".join([*said, *_cohorts(message, TEXTS[language]), *_prior(message, language)])


def _prior(message: Message, language: str) -> list[str]:
    """Which rate the verdict rests on, where that is not the merchant's own."""
    words, per_100k = TEXTS[language], message.reason.get(PRIOR_RATE)
    if message.prior in (None, "own") or per_100k is None:
        return []
    category = clean(message.category or "") or "?"
    rate = _percent(per_100k, 100_000, words)
    return [words[f"prior_{message.prior}"].format(category=f"`{category}`", rate=rate)]


def _cohorts(message: Message, words: Mapping[str, str]) -> list[str]:
    """The cancels by the age of their approval, beside the rate by the calendar; nothing where not known."""
    found = [message.reason.get(name) for name in COHORT_COLUMNS]
    if None in found:
        return []
    n = {name: number or 0 for name, number in zip(COHORT_COLUMNS, found, strict=True)}
    ratio = _tenths(n["cancels_fresh"] + n["cancels_older"], n["expected_fresh"] + n["expected_older"])
    said = words["cohorts_no_ratio" if ratio is None else "cohorts"]
    return [said.format(**{name: f"{number:,}" for name, number in n.items()}, ratio=ratio)]


def _window(message: Message, minutes: int, sentence: str, language: str) -> str:
    counts = {
        name: f"{message.reason.get(number) or 0:,}"
        for name, number in (
            ("approvals", "approvals_window"),
            ("cancels", "cancels_window"),
            ("usual", "expected_window"),
        )
    }
    length = duration_text(timedelta(minutes=minutes), language)
    return TEXTS[language][sentence].format(window=length, **counts)


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


def _platform(message: Message, language: str) -> str:
    words, n = TEXTS[language], _numbers(message)
    cancels, usual = message.rule == "platform_cancels", n["expected_window"]
    now = n["cancels_window" if cancels else "approvals_window"]
    nothing = n["approvals_window"] + n["cancels_window"] == 0
    what = words["cancels" if cancels else "silence" if nothing else "outage"].format(
        window=n["window_minutes"],
        now=f"{now:,}",
        usual=f"{usual:,}",
        drop=_percent(usual - now, usual, words),
        ratio=_tenths(now, usual) or words["unknown"],
    )
    count = message.reason.get("merchants_held") or 0
    held = "released" if message.event == "resolved" else "held_count" if count else "held"
    return f"{what} {words[held].format(count=f'{count:,}')}"


def _numbers(message: Message) -> dict[str, int]:
    return {name: message.reason[name] or 0 for name in RULE_NUMBERS[message.rule]}


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
    words, by = TEXTS[language], clean(message.acknowledged_by or "")
    return words["acknowledged_by" if by and message.event == "acknowledged" else message.event].format(
        by=f"`{by}`",
        severity=words[message.severity],
        duration=duration_text(message.duration, language),
        times=message.times,
    )


def _facts(message: Message, language: str, zone: ZoneInfo) -> list[tuple[str, str]]:
    words = TEXTS[language]
    money = [
        (words["paid_out_cancelable"], _krw_or_unknown(message.paid_out_cancelable, language)),
        (words["cancelled_unrecovered"], _krw_or_unknown(message.cancelled_unrecovered, language)),
    ]
    facts = [*([] if message.of_platform else money), (words["minute"], moment(message.minute, zone))]
    if message.event != "opened":
        facts.append((words["opened_minute"], moment(message.opened_minute, zone)))
        facts.append((words["duration"], duration_text(message.duration, language)))
    return facts


def _risk(message: Message, language: str) -> str:
    words = TEXTS[language]
    if message.krw_at_risk is None:
        return words["at_risk_unknown"]
    return f"{words['at_risk']} {krw(message.krw_at_risk, language)}"


def _krw_or_unknown(amount: int | None, language: str) -> str:
    return TEXTS[language]["not_known"] if amount is None else krw(amount, language)


def _merchant(message: Message, words: Mapping[str, str]) -> str:
    if message.of_platform:
        return words["platform"]
    identifier, name = clean(message.merchant_id) or "?", clean(message.merchant_name or "")
    return f"`{name}` (`{identifier}`)" if name else f"`{identifier}`"


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
