"""What people read: golden files, exact integers, and merchants who call themselves `<!channel>`."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.slack_blocks import block_problem
from pipeline.figures import clean, unescape
from pipeline.packs.merchants import PACK
from pipeline.tell.message import EVENTS, Message, read_message
from pipeline.tell.render import (
    NOTE_LENGTH,
    render_blocks,
    render_digest_blocks,
    render_digest_lines,
    render_digest_text,
    render_header,
    render_reply_blocks,
    render_text,
)
from pipeline.tell.words import TEXTS
from tests.doors import PACK as DOORS

SEOUL = ZoneInfo("Asia/Seoul")
DASHBOARD = "http://127.0.0.1:8501/"
Golden = Callable[[str, str], None]
DIGESTS = ("digest", "repeat", "digest_priced", "digest_some_unknown", "digest_unknown")
GOLDEN = Path(__file__).parent / "golden" / "message"

SURGE = {"approvals_hour": 120, "cancels_hour": 36, "approvals_week": 20_160, "cancels_week": 1_008}
DROP = {"amount_today": 123_456_789, "amount_paced": 2_806_000_000, "amount_days": 8_610_000_000, "days": 7}
#: Names that would do something in a chat or a terminal if they could.
HOSTILE = [
    "<!channel> 오세요",
    "<@U012345>",
    "<https://evil.example|정산 바로가기>",
    "*ALERT RESOLVED*",
    "`rm -rf`",
    "```\n*RESOLVED*\n```",
    "이름\n*ALERT RESOLVED*\r\n> all is well",
    "abc\u202egnp.exe",
    "\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
    "\x1b[2J\x1b[31mred\x07\x00",
    "zero\u200bwidth\ufeff",
    "line\u2028sep\u2029para",
    "\ud800lone",
    "&lt;!here&gt;",
    ":rotating_light:",
    "가" * 10_000,
    "&" * 500,
    "   ",
    "'; DROP TABLE incident; --",
    "%s {0} {merchant_id} {}",
]


MOVED = {
    "since": "2026-11-21T09:20:00+00:00",
    "until": "2026-11-21T10:39:00+00:00",
    "minutes": 79,
    "breaches": 61,
    "at_risk": 800_000_000,
    "limit": 1_200_000_000,
    "severity": "high",
}
#: What a book says of the money beside its parts.
FIGURES: dict[str, int | str | None] = {
    "pending_payout": 2_345_678_901,
    "next_payout": 1_111_111_111,
    "next_payout_date": "2026-11-24",
    "expected_loss": 61_728_394,
    "expected_loss_low": 20_576_131,
    "expected_loss_high": 185_185_182,
}
#: What an act says beside the incident, by event.
SAID: dict[str, dict[str, Any]] = {
    "assigned": {"to": "이담당"},
    "noted": {"text": "가맹점에 전화함. 대량 주문 취소라고 함."},
    "snoozed": {"until": "2026-11-21T11:39:00+00:00", "limit": 1_851_851_835},
    "snooze_ended": MOVED,
    "broke_through": MOVED,
    "resolved_by": {"reason": "정산 보류 완료", "limit": 1_851_851_835},
    "reopened_by": {"reason": "다시 늘고 있음"},
    "labelled": {"label": "false_alarm", "reason": "행사 종료로 예정된 취소"},
    "action": dict.fromkeys(("percent", "until"))
    | {"status": "approved", "kind": "hold_payout", "amount": 700_000_000, "reason": ""},
}
RESERVE = {
    **SAID["action"],
    "status": "proposed",
    "kind": "rolling_reserve",
    "percent": 10,
    "until": "2026-11-23T15:00:00+00:00",
}


def content(**changes: object) -> dict[str, Any]:
    """An outbox row's JSON as the alert step writes it."""
    said = SAID.get(str(changes.get("event")))
    return {
        **({} if said is None else {"said": said}),
        "incident_id": None,
        "event": "opened",
        "rule": "cancel_surge",
        "entity_id": "M000123",
        "entity_name": "튼튼마트",
        "tier": "top",
        "severity": "critical",
        "policy": "supported",
        "minute": "2026-11-21T09:03:00+00:00",
        "opened_minute": "2026-11-21T09:03:00+00:00",
        "at_risk": 1_234_567_890,
        "parts": {"paid_out_cancelable": 1_200_000_000, "unrecovered": 34_567_890},
        "reason": {**dict.fromkeys(DROP), **SURGE},
        **changes,
    }


def message(**changes: object) -> Message:
    return read_message(content(**changes), 42, PACK)


VOLUME = {
    "rule": "volume_drop",
    "severity": "high",
    "tier": "tail",
    "reason": {**dict.fromkeys(SURGE), **DROP},
}
PLATFORM = {
    "days": 5,
    "window_minutes": 5,
    "approvals_window": 3_120,
    "cancels_window": 480,
    "expected_window": 10_400,
    "others_window": 2_000,
    "others_expected": 7_000,
    "merchants_held": 0,
}
OUTAGE = {
    "rule": "platform_outage",
    "entity_id": "*",
    "entity_name": None,
    "at_risk": 0,
    "parts": {"paid_out_cancelable": 0, "unrecovered": 0},
    "reason": PLATFORM,
}
PRIOR = {**SURGE, "approvals_week": 12, "cancels_week": 1, "prior_cancels_per_100k": 17_647}
LATER = {"minute": "2026-11-21T10:39:00+00:00"}
#: One of everybody that a book has priced.
TOGETHER = {
    **OUTAGE,
    "at_risk": 1_234_567_890_123,
    "parts": {"paid_out_cancelable": 1_234_000_000_000, "unrecovered": 567_890_123},
    "figures": FIGURES,
}
CASES = {
    "surge_opened": message(),
    "surge_escalated": message(event="escalated", **LATER),
    "surge_money_unknown": message(at_risk=None, parts={}),
    "surge_money_half_known": message(
        at_risk=None, parts={"paid_out_cancelable": None, "unrecovered": 34_567_890}
    ),
    "surge_priced": message(event="priced", figures=FIGURES, **LATER),
    "surge_payouts_unknown": message(figures=dict.fromkeys(FIGURES)),
    "surge_acknowledged": message(event="acknowledged", acknowledged_by="김위험", **LATER),
    "surge_corrected": message(event="corrected", **LATER),
    "surge_resolved": message(event="resolved", **LATER),
    "surge_reopened": message(event="reopened", times=2, **LATER),
    "surge_repeated": message(event="repeated", **LATER),
    **{f"surge_{event}": message(event=event, by="김위험", **LATER) for event in SAID},
    "surge_opened_with_action": message(action=RESERVE),
    "surge_action_declined": message(
        event="action",
        by="김위험",
        said={**SAID["action"], "status": "declined", "reason": "설명함"},
        **LATER,
    ),
    "surge_action_failed": message(event="action", said={**RESERVE, "status": "failed"}, **LATER),
    "surge_action_recall_failed": message(
        event="action", said={**RESERVE, "status": "recall_failed"}, **LATER
    ),
    "surge_snoozed_money_unknown": message(
        event="snoozed", by="김위험", at_risk=None, parts={}, said={**SAID["snoozed"], "limit": None}
    ),
    "outage_opened": message(**OUTAGE),
    "outage_of_everybody": message(**TOGETHER),
    "outage_resolved": message(
        **{**OUTAGE, "reason": {**PLATFORM, "merchants_held": 12_345}}, event="resolved", **LATER
    ),
    "silence_opened": message(
        **{**OUTAGE, "reason": {**PLATFORM, "approvals_window": 0, "cancels_window": 0}}
    ),
    "cancels_opened": message(
        **{**OUTAGE, "rule": "platform_cancels", "reason": {**PLATFORM, "expected_window": 200}}
    ),
    "surge_fast": message(
        reason={
            **SURGE,
            "window_minutes": 5,
            "approvals_window": 60,
            "cancels_window": 21,
            "expected_window": 3,
            "kind": "fast",
            "cause": "fewer_approvals",
        }
    ),
    "surge_tied": message(
        reason={
            **SURGE,
            "cause": "more_sales_before",
            "cancels_fresh": 30,
            "cancels_older": 6,
            "expected_fresh": 24,
            "expected_older": 7,
        }
    ),
    "surge_tied_to_nothing_usual": message(
        reason={
            **SURGE,
            "cause": "more_cancels",
            "cancels_fresh": 30,
            "cancels_older": 6,
            "expected_fresh": 0,
            "expected_older": 0,
        }
    ),
    "surge_new_merchant": message(reason={**PRIOR, "prior": "category", "category": "여행 & 티켓"}),
    "surge_no_category": message(reason={**PRIOR, "prior": "all", "category": None}),
    "drop_silence": message(
        **{
            **VOLUME,
            "reason": {**DROP, "window_minutes": 60, "approvals_window": 0, "expected_window": 130},
        }
    ),
    "surge_without_baseline": message(reason={**SURGE, "approvals_hour": 0, "cancels_week": 0}),
    "drop_opened": message(**VOLUME),
    "drop_resolved": message(**VOLUME, event="resolved", minute="2026-11-24T11:39:00+00:00"),
    "nameless": message(entity_name=None, severity="medium", at_risk=0),
    "hostile": message(entity_name="<!channel>\n*RESOLVED* `x` \u202e&", entity_id="<@U1>|`id`"),
}


def as_file(rendered: object) -> str:
    return json.dumps(rendered, ensure_ascii=False, indent=2) + "\n"


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("name", CASES)
def test_message_reads_as_in_its_golden_file(name: str, language: str, golden: Golden) -> None:
    case = CASES[name]
    rendered = {
        "text": render_text(case, language, SEOUL),
        "header": render_header(case, language),
        "blocks": render_blocks(case, language, SEOUL, DASHBOARD),
        "reply": render_reply_blocks(case, language, SEOUL),
    }
    golden(f"message/{name}.{language}.json", as_file(rendered))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_digest_and_repeat_read_as_in_their_golden_files(language: str, golden: Golden) -> None:
    many = [
        replace(message(), incident_id=i, entity_id=f"M{i:06}", at_risk=i % 7 * 1_000_000)
        for i in range(1, 26)
    ]
    digest = {
        "text": render_digest_text(many, language),
        "blocks": render_digest_blocks(many, language, DASHBOARD),
    }
    golden(f"message/digest.{language}.json", as_file(digest))
    repeat = {
        "text": render_text(message(), language, SEOUL, repeat=True),
        "blocks": render_blocks(message(), language, SEOUL, DASHBOARD, repeat=True),
        "digest": render_digest_text(many, language, repeat=True),
    }
    golden(f"message/repeat.{language}.json", as_file(repeat))
    losses = [replace(m, figures={**FIGURES, "expected_loss": 26 - m.incident_id}) for m in many]
    everybody = message(**TOGETHER)
    priced = {
        "text": render_digest_text([*losses, everybody], language),
        "lines": render_digest_lines([*losses, everybody], language),
    }
    golden(f"message/digest_priced.{language}.json", as_file(priced))
    for name, known in (("digest_some_unknown", 20), ("digest_unknown", 0)):
        some = [m if m.incident_id <= known else replace(m, at_risk=None) for m in many]
        some = [replace(m, severity="medium") if m.incident_id % 2 else m for m in some]
        unknown = {"text": render_digest_text(some, language), "lines": render_digest_lines(some, language)}
        golden(f"message/{name}.{language}.json", as_file(unknown))


def test_every_golden_file_is_read_by_a_test() -> None:
    names = {f"{case}.{language}" for case in (*CASES, *DIGESTS) for language in TEXTS}
    assert {path.stem for path in GOLDEN.glob("*.json")} == names


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("language", TEXTS)
def test_a_pack_without_money_speaks_of_none(language: str, event: str) -> None:
    door = content(event=event, rule="forced_entry", entity_id="D7", entity_name=None, at_risk=None, parts={})
    told = read_message(door | {"reason": {"forced_hour": 5, "opened_hour": 9}}, 42, DOORS)
    said = [
        render_text(told, language, SEOUL),
        *texts_of(render_blocks(told, language, SEOUL, DASHBOARD)),
        *texts_of(render_reply_blocks(told, language, SEOUL)),
        render_digest_text([told] * 25, language),
        *texts_of(render_digest_blocks([told] * 25, language, DASHBOARD)),
    ]
    words = [TEXTS[language][name] for name in ("at_risk", "at_risk_unknown", "not_known")]
    assert [text for text in said if any(w in text for w in (*words, "KRW", "원", "금액", "money"))] == []
    shown = render_digest_blocks([told] * 25, language, DASHBOARD)
    assert block_problem(shown) is None
    assert len(shown) == len(render_digest_blocks([message()] * 25, language, DASHBOARD))


def test_the_digest_of_a_pack_without_money_begins_with_the_most_severe() -> None:
    door = content(rule="forced_entry", at_risk=None, parts={}, reason={"forced_hour": 5, "opened_hour": 9})
    lines = render_digest_lines(
        [
            read_message(door | {"severity": severity, "entity_id": severity}, n, DOORS)
            for n, severity in enumerate(("medium", "critical", "high"))
        ],
        "en",
    )
    assert [line[: line.index("]")] for line in lines] == ["1. [Critical", "2. [High", "3. [Medium"]


def test_both_languages_have_the_same_texts_with_the_same_numbers() -> None:
    def numbers(text: str) -> set[str]:
        return {part.partition("}")[0] for part in text.split("{")[1:]}

    assert TEXTS["ko"].keys() == TEXTS["en"].keys()
    assert {k: numbers(v) for k, v in TEXTS["ko"].items()} == {k: numbers(v) for k, v in TEXTS["en"].items()}


def texts_of(value: object) -> list[str]:
    if isinstance(value, dict):
        return [t for v in value.values() for t in texts_of(v)]
    if isinstance(value, list):
        return [t for v in value for t in texts_of(v)]
    return [value] if isinstance(value, str) else []


def assert_harmless(text: str) -> None:
    outside = text.split("`")[::2]  # even parts stand outside of code spans
    assert len(text.split("`")) % 2 == 1, "a code span is left open"
    for mark in ("<!", "<@", "ALERT", "DROP TABLE", "\u202e", "\x1b", "evil"):
        assert not any(mark in part for part in outside), (mark, text)
    bad = [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    # The emoji of our own texts ends in a variation selector (Mn), not in one of these.
    assert not bad, [hex(ord(c)) for c in bad]
    spans = text.split("`")[1::2]
    assert not any("<" in span or ">" in span or "\n" in span for span in spans)
    assert all(len(unescape(span)) <= NOTE_LENGTH for span in spans)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_merchant_does_nothing(name: str, event: str) -> None:
    prior = {**PRIOR, "prior": "category", "category": name}
    usual = SAID.get(event, {})
    said = {**usual, **dict.fromkeys(usual.keys() & {"to", "text", "reason"}, name)}
    case = message(entity_name=name, entity_id=name, event=event, reason=prior, by=name, said=said)
    for language in TEXTS:
        blocks = render_blocks(case, language, SEOUL, DASHBOARD, repeat=True)
        digest = render_digest_blocks([case] * 25, language, DASHBOARD, repeat=True)
        reply = render_reply_blocks(case, language, SEOUL, repeat=True)
        for shown in (blocks, digest, reply):
            assert block_problem(shown) is None
            for text in texts_of(shown):
                assert_harmless(text.replace(f"<{DASHBOARD}", ""))
        assert_harmless(render_text(case, language, SEOUL))
        assert "\n" not in render_text(case, language, SEOUL)
        assert "\n" not in "".join(render_digest_lines([case], language))


def test_an_acknowledgement_tells_by_whom_where_that_is_known() -> None:
    for language, somebody in (("ko", "담당자가 확인했습니다"), ("en", "An operator has acknowledged it")):
        known = message(event="acknowledged", acknowledged_by="lee")
        before = message(event="acknowledged")  # written before names were told
        for text in (
            render_text(known, language, SEOUL),
            *texts_of(render_reply_blocks(known, language, SEOUL)),
        ):
            assert somebody not in text
        assert "`lee`" in render_text(known, language, SEOUL)
        assert somebody in render_text(before, language, SEOUL)


def test_days_of_the_calendar_are_not_called_working_days() -> None:
    """The days before a drop hold Saturdays, Sundays and holidays: 영업일 is the word for the others."""
    assert not [text for text in TEXTS["ko"].values() if "영업일" in text]
    assert not [text for text in TEXTS["en"].values() if "business day" in text]


def test_a_rate_is_named_only_where_the_verdict_rests_on_it() -> None:
    for reason in ({**PRIOR, "prior": "own", "category": "air"}, {**PRIOR, "category": "air"}, SURGE):
        assert "air" not in render_text(message(reason=reason), "en", SEOUL)
        assert "little history" not in render_text(message(reason=reason), "en", SEOUL)


@given(st.text())
def test_cleaned_text_is_one_short_visible_line(text: str) -> None:
    shown = unescape(clean(text))
    assert len(shown) <= 80
    assert "`" not in shown
    assert not any(
        unicodedata.category(c)[0] == "C" or unicodedata.category(c) in ("Zl", "Zp") for c in shown
    )
    assert not set(clean(text)) & set("<>")
    assert unescape(clean(shown)) == shown


def test_merchant_is_shown_as_he_is_called() -> None:
    assert "`AT&amp;T 서울` (`7`)" in render_text(message(entity_name="AT&T 서울", entity_id=7), "ko", SEOUL)


def test_numbers_below_a_threshold_are_never_shown_as_having_reached_it() -> None:
    almost = {"approvals_hour": 1_000, "cancels_hour": 1_999, "approvals_week": 1_000, "cancels_week": 1_000}
    assert " 1.9 times" in render_text(message(reason=almost), "en", SEOUL)
    half = {"amount_today": 500_001, "amount_paced": 7_000_000, "amount_days": 7_000_000, "days": 7}
    assert "49.9% less" in render_text(message(**{**VOLUME, "reason": half}), "en", SEOUL)


@pytest.mark.parametrize("zeros", [SURGE, DROP])
def test_nothing_is_divided_by_zero(zeros: dict[str, int]) -> None:
    rule = "cancel_surge" if zeros is SURGE else "volume_drop"
    case = message(rule=rule, reason=dict.fromkeys(zeros, 0))
    for language, words in PACK.words.items():
        assert words["unknown"] in render_text(case, language, SEOUL)


def test_a_snooze_that_ends_without_money_tells_what_else_moved() -> None:
    door = content(
        event="snooze_ended", rule="forced_entry", entity_id="D7", at_risk=None, parts={}, by="kim"
    )
    told = read_message(door | {"reason": {"forced_hour": 5, "opened_hour": 9}}, 42, DOORS)
    said = "The snooze of `kim` is over. In 1 h 19 min: severity High → Critical, breached in 61 minutes"
    assert said in render_text(told, "en", SEOUL)
