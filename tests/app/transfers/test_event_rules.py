"""The screen of event rules: from a text that is refused at its place to a version that is approved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from tests.app.seen import html_of, run_again, text_of
from tests.app.transfers.home import HOSTILE, add_hit, add_rule, add_shipped, insert, shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]

HIGH = shipped("HIGH_VALUE")
CHANGED = HIGH.replace("1000000]", "2000000]")
SIDE = {
    "hits": 300, "hits_per_day": 10.0, "accounts": 280, "money": {"KRW": 912_000_000}, "true_hits": 9,
    "false_hits": 3, "precision": 0.75, "precision_low": 0.4677, "precision_high": 0.9111,
}  # fmt: skip
BACKTEST: dict[str, Any] = {
    "from": "2026-10-30T00:00:00+00:00", "to": "2026-11-29T00:00:00+00:00", "days": 30.0,
    "missing_minutes": 0, "events": 1_234_567, "frauds_known": 20, "candidate": SIDE, "only_candidate": 17,
    "version_live": 1, "live": {**SIDE, "precision": None},
}  # fmt: skip


def press(tested: AppTest, key: str) -> str:
    tested.button(key=key).click()
    return text_of(run_again(tested))


def keys(tested: AppTest) -> list[str]:
    return [str(button.key) for button in tested.button]


def write(tested: AppTest, content: str) -> str:
    tested.text_area(key="rule-text").set_value(content)
    return text_of(run_again(tested))


def measure(bank: Engine, version: int) -> None:
    """As the running service does."""
    stored = (
        "UPDATE transfers.rule_version SET backtest = :b, backtest_sha256 = 'seen', backtest_asked = NULL"
    )
    with bank.begin() as connection:
        connection.execute(text(f"{stored} WHERE version = :v"), {"b": json.dumps(BACKTEST), "v": version})


def test_before_the_first_start_it_is_said_where_rules_come_from(page: Page, bank: Engine) -> None:
    assert "아직 규칙이 없습니다" in text_of(page("event_rules"))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "ko",
            (
                "12개 중 12개 적용 중",
                "고액 거래",
                "● 적용 중 v1",
                "금액 > 1,000,000",
                "대상: 이체, 카드, 현금",
            ),
        ),
        (
            "en",
            ("12 of 12 live", "High value", "● live v1", "amount > 1,000,000", "about: transfer, card, cash"),
        ),
    ],
)
def test_the_shipped_rules_are_listed_and_read_in_words(
    page: Page, bank: Engine, monkeypatch: pytest.MonkeyPatch, language: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", language)
    add_shipped(bank)
    seen = " ".join(text_of(page("event_rules", rule="HIGH_VALUE")).split())
    assert [word for word in words if word not in seen] == []


def test_what_is_refused_is_marked_at_its_place(
    page: Page, bank: Engine, signed_in: Callable[[str], None]
) -> None:
    signed_in("RULE_ADMIN")
    tested = page("event_rules")
    assert "읽을 수 있는 규칙입니다" in text_of(tested)  # the example
    seen = write(tested, HIGH.replace("1000000]", "1.5]"))
    assert "when.gt[1]" in seen
    assert "<mark>1.5</mark>" in html_of(tested)
    write(tested, HIGH.replace('"score":40', '"score":400'))
    assert "<mark>400</mark>" in html_of(tested)
    write(tested, '{"rule": }')
    assert "<mark>}</mark>" in html_of(tested)
    write(tested, HIGH.replace("HIGH_VALUE", HOSTILE.replace('"', "")))
    assert "<img" not in html_of(tested)
    tested.text_input(key="rule-reason").set_value("왜")
    assert "rule" in press(tested, "rule-draft")  # the desk says the same
    with bank.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM transfers.rule_version")).scalar_one() == 0


def test_from_a_draft_to_a_rule_that_is_live(
    page: Page, bank: Engine, signed_in: Callable[[str], None]
) -> None:
    add_rule(bank, HIGH)
    signed_in("RULE_ADMIN")
    tested = page("event_rules", rule="HIGH_VALUE")
    write(tested, CHANGED)
    assert "'사유' 항목이 비어 있습니다" in press(tested, "rule-draft")  # no reason was given
    tested.text_input(key="rule-reason").set_value("한도를 올립니다")
    assert "초안을 저장했습니다" in press(tested, "rule-draft")
    assert tested.query_params == {"rule": "HIGH_VALUE", "version": "2"}
    shown = " ".join(text_of(tested).split())
    assert "버전 1과(와) 다른 곳" in shown
    assert 'class="mr-in">  &quot;when&quot;' in html_of(tested)
    assert "제출했습니다" in press(tested, "submit_event_rule-HIGH_VALUE/2")
    assert "다른 사람이 승인해야 합니다" in text_of(tested)
    assert "approve_event_rule-HIGH_VALUE/2" not in keys(tested)
    assert "재는 중입니다" in text_of(tested)  # whoever hands it in asks for that
    assert "backtest_event_rule-HIGH_VALUE/2" not in keys(tested)
    measure(bank, 2)
    signed_in("SUPER_ADMIN")
    tested = page("event_rules", rule="HIGH_VALUE")
    seen = text_of(tested)
    assert all(
        words in seen for words in ("912,000,000원", "75.0 % (46.7 %–91.1 %)", "이 버전만 잡은 거래 17건")
    )
    assert "1초 뒤부터 시험합니다" in press(tested, "shadow_event_rule-HIGH_VALUE/2")
    assert "HIGH_VALUE · ◐ 시험 중 v2 · ● 적용 중 v1" in text_of(tested)
    assert "승인했습니다" in press(tested, "approve_event_rule-HIGH_VALUE/2")
    with bank.connect() as connection:
        found = connection.execute(
            text("SELECT version, status FROM transfers.rule_version ORDER BY version")
        )
        assert [tuple(row) for row in found] == [(1, "retired"), (2, "live")]
        seen_hash = connection.execute(
            text("SELECT backtest_sha256 FROM transfers.rule_approval")
        ).scalar_one()
        assert seen_hash == "seen"


def test_an_approval_is_of_what_the_screen_shows(
    page: Page, bank: Engine, signed_in: Callable[[str], None]
) -> None:
    add_rule(bank, HIGH)
    submitted = {"submitted_by": "kim", "submitted_by_id": 7, "author": "kim", "author_id": 7}
    add_rule(bank, CHANGED, version=2, status="submitted", **submitted)
    signed_in("SUPER_ADMIN")
    tested = page("event_rules", rule="HIGH_VALUE")
    assert "지난 30일의 효과를 먼저 재야" in text_of(tested)
    measure(bank, 2)
    run_again(tested)
    with bank.begin() as connection:  # measured again by somebody else before the press
        connection.execute(
            text("UPDATE transfers.rule_version SET backtest_sha256 = 'other' WHERE version = 2")
        )
    assert "seen" in press(tested, "approve_event_rule-HIGH_VALUE/2")
    with bank.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM transfers.rule_approval")).scalar_one() == 0


def test_a_rule_is_paused_and_resumed(page: Page, bank: Engine, signed_in: Callable[[str], None]) -> None:
    add_rule(bank, HIGH)
    signed_in("OPS_AGENT")
    tested = page("event_rules", rule="HIGH_VALUE")
    assert "'사유' 항목이 비어 있습니다" in press(tested, "pause-button-HIGH_VALUE")
    tested.text_input(key="pause-reason-HIGH_VALUE").set_value(HOSTILE)
    press(tested, "pause-button-HIGH_VALUE")
    seen = text_of(tested)
    assert "까지 일시 정지" in seen
    assert "⏸ 일시 정지" in seen
    assert "12개" not in seen
    assert "<img" not in html_of(tested)
    assert "다시 판정합니다" in press(tested, "resume-HIGH_VALUE")


def test_a_rule_is_retired_with_a_reason(page: Page, bank: Engine, signed_in: Callable[[str], None]) -> None:
    add_rule(bank, HIGH)
    signed_in("RULE_ADMIN")
    tested = page("event_rules", rule="HIGH_VALUE")
    tested.text_input(key="why-retire_event_rule-HIGH_VALUE/1").set_value("쓸모없음")
    assert "1초 뒤부터 판정하지 않습니다" in press(tested, "retire_event_rule-HIGH_VALUE/1")
    assert "내림" in text_of(run_again(tested))


def test_who_may_only_look_sees_no_button(page: Page, bank: Engine, signed_in: Callable[[str], None]) -> None:
    add_rule(bank, HIGH)
    add_rule(bank, CHANGED, version=2, status="submitted")
    signed_in("READ_ONLY")
    tested = page("event_rules", rule="HIGH_VALUE")
    assert [key for key in keys(tested) if "event_rule" in key or "rule-" in key or "pause" in key] == []


@pytest.mark.parametrize(
    ("name", "value"), [("rule", HOSTILE), ("rule", "NOTHING"), ("version", "99"), ("version", "x")]
)
def test_a_bad_address_is_said(page: Page, bank: Engine, name: str, value: str) -> None:
    add_rule(bank, HIGH)
    tested = page("event_rules", **{"rule": "HIGH_VALUE", name: value})
    seen = text_of(tested)
    assert any(
        words in seen for words in ("그런 규칙은 없습니다", "버전 99이(가) 없습니다", "읽을 수 없습니다")
    )
    assert "<img" not in html_of(tested)


def test_a_text_of_another_program_does_not_end_the_screen(page: Page, bank: Engine) -> None:
    add_rule(bank, HIGH)
    insert(bank, "rule", {"rule": "STRANGE", "created_by": "x"})
    row = {"rule": "STRANGE", "version": 1, "content": "{}", "sha256": "x", "status": "draft"}
    insert(bank, "rule_version", {**row, "reason": HOSTILE, "author": HOSTILE})
    tested = page("event_rules", rule="STRANGE")
    assert "읽을 수 없습니다" in text_of(tested)
    assert "<img" not in html_of(tested)


LEARNED: dict[str, Any] = {
    "from": "2026-10-01T00:00:00+00:00", "split": "2026-11-10T00:00:00+00:00",
    "to": "2026-11-30T00:00:00+00:00",
    "label_delay_days": 2.0, "known_frauds": 240, "trained_on": {"events": 90_000, "frauds": 160},
    "test": {
        "events": 45_000, "frauds": 80, "alerts": 100,
        "learned": {"alerts": 100, "caught": 71, "precision": 0.71, "interval": [0.62, 0.8]},
        "amount": {"alerts": 100, "caught": 12, "precision": 0.12, "interval": [0.06, 0.19]},
        "rules": {"alerts": 100, "caught": 33, "precision": 0.33, "interval": [0.24, 0.42]},
    },
    "why_off": None,
}  # fmt: skip


def add_learned(bank: Engine, version: int, measured: object, **changes: object) -> None:
    row = {
        "version": version, "model": "tree", "sha256": f"hash{version}", "features": "{}",
        "measured": json.dumps(measured), "status": "draft", "author": HOSTILE, "author_id": 7, **changes,
    }  # fmt: skip
    insert(bank, "learned_model", row)


def test_a_learned_score_is_shown_beside_its_control_and_lives_by_buttons(
    page: Page, bank: Engine, signed_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "아직 학습된 것이 없습니다" in text_of(page("event_rules"))
    add_learned(bank, 1, {**LEARNED, "why_off": "it does not beat the rules"})
    add_learned(bank, 2, LEARNED)
    add_learned(bank, 3, {})
    signed_in("RULE_ADMIN")
    tested = page("event_rules")
    seen = text_of(tested)
    shown = (
        "금액만 (대조)",
        "12.0 % (6.0 %–19.0 %)",
        "71.0 % (62.0 %–80.0 %)",
        "학습하는 중입니다",
        "제출할 수 없습니다",
    )
    assert [words for words in shown if words not in seen] == []
    assert [key for key in keys(tested) if "learned" in key] == ["submit_learned_score-2"]
    assert "제출했습니다" in press(tested, "submit_learned_score-2")
    signed_in("SUPER_ADMIN")
    tested = page("event_rules")
    assert "1초 뒤부터 적용됩니다" in press(tested, "approve_learned_score-2")
    reasons = [
        {"op": "measure", "name": name, "value": 7, "thousandths": -1_250} for name in ("amount", HOSTILE)
    ]
    explanation = {"when": {"op": "learned", "value": True, "of": reasons}, "control": {"amount_points": 4}}
    add_hit(
        bank,
        "t1",
        HIGH,
        {"amount": 1},
        rule="LEARNED_SCORE",
        version=2,
        score=22,
        explanation=json.dumps(explanation),
    )
    monkeypatch.setenv("MINUTERISK_LANGUAGE", "en")
    tested = page("event_rules")
    seen = text_of(tested)
    shown = (
        "22 · v2",
        "amount 7 (-1.250)",
        "By the amount alone",
        "The amount alone (control)",
        "does not beat the rules",
    )
    assert [words for words in shown if words not in seen] == []
    assert "<img" not in html_of(tested)
    assert "reason is missing" in press(tested, "retire_learned_score-2")
    tested.text_input(key="why-retire_learned_score-2").set_value("worse than before")
    assert "counts no longer" in press(tested, "retire_learned_score-2")
