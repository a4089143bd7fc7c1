"""The screen of the rules: what is in force, what another number would do, and who may change it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from app.gate import here
from app.markup import visible
from pipeline.desk.people import sessions
from pipeline.desk.roles import ROLES, Actor, may
from pipeline.minute import MINUTE
from pipeline.packs import PACKS
from pipeline.packs.merchants import PACK
from pipeline.store.database import connect_state
from pipeline.store.rules import RulesReader, read_rules_file
from pipeline.store.state import MinuteCommit, State
from queries import sql
from tests.app.merchants.home import HOSTILE, lead
from tests.app.seen import html_of, run_again, text_of
from tests.people import do

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]
    As = Callable[[str, str], Actor]

NEXT = datetime.now(UTC).replace(second=0, microsecond=0)
SHIPPED = Path(__file__).resolve().parents[2] / "baselines" / "merchants" / "rules.toml"
FEWER = "cancel_surge.minimum_cancels_hour"
LABELS = {"labels": 4, "recall": 0.75, "precision": 0.5, "delay_minutes_median": 6, "delay_minutes_p95": 20}
TODAY = {
    **LABELS,
    "incidents_per_day": 3.5,
    "notices": {"opened": 9, "resolved": 2},
    "live": 5,
    "live_found": 5,
    "live_not_priced": 1,
    "krw_at_risk_found": 700_000,
    "krw_at_risk_missed": 0,
    "alone": 0,
}
MEASURED = {
    "from": "2026-11-22T00:00:00+00:00",
    "to": "2026-11-29T00:00:00+00:00",
    "version_in_force": 1,
    "in_force": TODAY,
    "candidate": {
        **TODAY,
        "incidents_per_day": 2.0,
        "recall": 0.5,
        "live_found": 3,
        "krw_at_risk_found": 500_000,
        "krw_at_risk_missed": 200_000,
        "alone": 1,
    },
    "only_in_force": [],
    "only_candidate": [["cancel_surge", "<b>shop</b>"]],
}


@pytest.fixture
def state(home: Path) -> Iterator[State]:
    """The file's version is in force, and a minute comes next."""
    del home
    url = os.environ["MINUTERISK_STATE_URL"]
    with State(connect_state(url), url, "merchants", "KRW") as found:
        found.lead()
        RulesReader(found, PACK, read_rules_file(PACK, SHIPPED)).keep_file()
        found.commit(MinuteCommit([], [], NEXT))
        yield found


@pytest.fixture
def come(state: State, monkeypatch: pytest.MonkeyPatch) -> As:
    """Look at the page as somebody; each name has an account."""

    def sign_in(name: str, role: str) -> Actor:
        with state.engine.begin() as connection:
            insert = text(
                "INSERT INTO account (name, role) VALUES (:name, :role)"
                " ON CONFLICT (name) DO UPDATE SET role = excluded.role RETURNING account_id"
            )
            number = connection.execute(insert, {"name": name, "role": role}).scalar_one()
            token, _ = sessions.begin(state, connection, number, "password", "", datetime.now(UTC))
        monkeypatch.setattr(here, "token_of_page", lambda: token)
        return Actor(number, name, role, "page")

    return sign_in


def rows(state: State, query: str) -> list[dict[str, Any]]:
    with state.engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def keys(tested: AppTest) -> set[str]:
    """The buttons that are offered."""
    return {button.key for button in tested.button if button.key}


def press(tested: AppTest, key: str) -> str:
    tested.button(key=key).click()
    tested.run()
    assert not tested.exception, tested.exception[0].message
    return text_of(tested)


def draft(state: State, actor: Actor, changes: str = f"{FEWER}=8", reason: str = "small ones flap") -> int:
    return int(do(state, "draft_rules", actor=actor, changes=changes, reason=reason)["version"])


def labels(tested: AppTest) -> str:
    """What stands on expanders."""
    return "\n".join(expander.label for expander in tested.expander)


def test_each_rule_is_said_in_a_sentence_with_every_number_its_unit_and_its_reason(
    page: Page, state: State
) -> None:
    del state
    tested = page("rules")
    seen = text_of(tested)
    assert "지금 적용 중: 버전 1" in seen
    assert [
        name for name in ("취소 급증", "거래액 급감", "전체 승인 중단") if name not in labels(tested)
    ] == []
    assert "최근 취소율이 그 가맹점의 평소보다 크게 높을 때" in labels(tested)
    assert "1,000,000,000 원" in seen
    assert "65 %" in seen
    assert "1시간 취소가 이보다 적으면 우연일 수 있습니다." in seen
    tuned = PACK.read_tuned(SHIPPED.read_text(encoding="utf-8"), "file")
    sections = [name for name in tuned.__dataclass_fields__ if name != "own"]
    paths = [f"{name}.{key}" for name in sections for key in getattr(tuned, name).__dataclass_fields__]
    assert len(paths) > 40
    assert [path for path in paths if path not in seen] == []


def test_in_english_the_reasons_are_those_of_the_text_itself(
    page: Page, state: State, come: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    del state, come
    monkeypatch.setenv("MINUTERISK_LANGUAGE", "en")
    seen = text_of(page("rules"))
    assert "In force: version 1" in seen
    assert "fewer cancels in the hour than this are chance" in seen
    assert "since the start" in seen


@pytest.mark.parametrize("role", ROLES)
def test_controls_are_shown_to_those_who_may_and_to_nobody_else(
    role: str, page: Page, state: State, come: As
) -> None:
    ann, ben = come("ann", "RULE_ADMIN"), come("ben", "RULE_ADMIN")
    version = draft(state, ann)
    do(state, "submit_rules", version, actor=ben)
    assert state.store_backtest(version, MEASURED)
    kim = come("kim", role)
    found = keys(page("rules"))
    assert ("what-if-button" in found) == may(kim, "draft", "rules")
    assert (f"backtest_rules-{version}" in found) == may(kim, "draft", "rules")
    assert (f"approve_rules-{version}" in found) == may(kim, "approve", "rules")
    assert (f"withdraw_rules-{version}" in found) == may(kim, "submit", "rules")
    assert ("pause-button-cancel_surge" in found) == may(kim, "pause", "rules")


def test_without_a_login_the_numbers_are_shown_and_no_control(page: Page, state: State) -> None:
    del state
    tested = page("rules")
    assert "cancel_surge.factor" in text_of(tested)
    assert [key for key in keys(tested) if key.startswith(("what", "pause", "backtest", "submit"))] == []


def test_a_number_is_moved_measured_handed_in_approved_by_another_and_in_force(
    page: Page, state: State, come: As
) -> None:
    come("ann", "RULE_ADMIN")
    tested = page("rules")
    tested.selectbox(key="what-if-number").set_value(FEWER)
    run_again(tested)
    value = tested.number_input(key=f"what-if-value-{FEWER}")
    assert (value.value, value.min, value.max) == (5, 1, 10**15)
    value.set_value(8)
    tested.text_input(key="what-if-reason").set_value("작은 가맹점이 들쭉날쭉합니다")
    seen = press(tested, "what-if-button")
    assert "초안을 만들었습니다." in seen
    assert "아직 계산하지 않았습니다." in seen
    seen = press(tested, "backtest_rules-2")
    assert "계산을 기다리는 중입니다" in seen
    with state.engine.begin() as connection:
        connection.execute(text("UPDATE rule_version SET backtest_started_at = now() WHERE version = 2"))
    assert "계산하는 중입니다" in text_of(run_again(tested))
    assert state.store_backtest(2, MEASURED)
    seen = text_of(run_again(tested))
    assert "나아지는 것: 하루 사건 수." in seen
    assert (
        "나빠지는 것: 재현율 (판정된 사건), 다시 찾은 실제 사건, 다시 찾은 위험 금액, 놓친 위험 금액." in seen
    )
    assert "제출했습니다" in press(tested, "submit_rules-2")
    assert "다른 사람이 승인해야 합니다" in text_of(tested)
    assert "approve_rules-2" not in keys(tested)
    come("ben", "RULE_ADMIN")
    tested = page("rules")
    assert "승인했습니다" in press(tested, "approve_rules-2")
    assert "버전 2은(는)" in text_of(tested)
    (row,) = rows(
        state, "SELECT status, author, approved_by, in_force_from FROM rule_version WHERE version = 2"
    )
    assert row == {
        "status": "approved",
        "author": "ann",
        "approved_by": "ben",
        "in_force_from": NEXT + MINUTE,
    }
    state.commit(MinuteCommit([], [], NEXT + MINUTE))
    seen = text_of(run_again(tested))
    assert "지금 적용 중: 버전 2" in seen
    assert "작성 ann · 승인 ben" in seen


def test_what_stands_in_the_way_is_a_notice_in_the_persons_language(
    page: Page, state: State, come: As
) -> None:
    ann = come("ann", "RULE_ADMIN")
    tested = page("rules")
    assert "이유" in press(tested, "what-if-button")  # no reason was given
    assert len(rows(state, "SELECT version FROM rule_version")) == 1
    tested.text_input(key="what-if-reason").set_value("why")
    assert "같은 내용입니다" in press(tested, "what-if-button")  # it is the number of today
    version = draft(state, ann)
    tested = page("rules", version=str(version))
    do(state, "withdraw_rules", version, actor=ann)  # meanwhile, elsewhere
    tested.button(key=f"submit_rules-{version}").click()
    tested.run()
    assert f"버전 {version}" in text_of(tested)
    assert "철회" in text_of(tested)


def test_numbers_of_one_merchant_are_drafted_and_shown(page: Page, state: State, come: As) -> None:
    come("ann", "RULE_ADMIN")
    tested = page("rules")
    tested.selectbox(key="what-if-number").set_value("cancel_surge.factor")
    run_again(tested)
    tested.selectbox(key="what-if-whose").set_value("merchant")
    tested.text_input(key="what-if-name").set_value(HOSTILE)
    tested.number_input(key="what-if-value-cancel_surge.factor").set_value(3)
    tested.text_input(key="what-if-reason").set_value(HOSTILE)
    seen = press(tested, "what-if-button")
    assert "초안을 만들었습니다." in seen
    assert "<img" not in html_of(tested)
    assert "취소율 배수" in seen


def test_hostile_reasons_and_names_never_act(page: Page, state: State, come: As) -> None:
    ann = come(HOSTILE, "RULE_ADMIN")
    version = draft(state, ann, reason=HOSTILE)
    do(state, "submit_rules", version, actor=ann)
    assert state.store_backtest(version, {**MEASURED, "only_candidate": [["cancel_surge", HOSTILE]]})
    do(state, "pause_rule", "cancel_surge", actor=ann, reason=HOSTILE, **{"for": "2h"})
    tested = page("rules")
    assert "<img" not in html_of(tested)
    shown = [labels(tested), *(link.label for link in tested.get("page_link") if hasattr(link, "label"))]
    for said in shown:
        assert "](http" not in said
        assert "<img" not in said.replace("\\<", "")
    options = "\n".join(tested.selectbox(key="version-chosen").options)
    assert visible(HOSTILE, 40)[:-1] in options  # what is chosen from is no Markdown: no stroke before a sign


def test_the_text_of_a_version_has_no_colours_that_are_too_pale(page: Page, state: State, come: As) -> None:
    come("ops", "OPS_AGENT")
    (shown,) = page("rules").code
    assert shown.language == "plaintext"


def test_a_rule_is_paused_and_resumed(page: Page, state: State, come: As) -> None:
    come("ops", "OPS_AGENT")
    tested = page("rules", rule="cancel_surge")
    assert "이유" in press(tested, "pause-button-cancel_surge")
    tested.text_input(key="pause-reason-cancel_surge").set_value("점검")
    assert "새 사건을 열지 않습니다" in press(tested, "pause-button-cancel_surge")
    assert "멈춤" in labels(tested)
    assert "ops: 점검" in text_of(tested)
    assert "다시 사건을 엽니다" in press(tested, "resume-cancel_surge")
    assert rows(state, "SELECT resumed_by FROM rule_pause") == [{"resumed_by": "ops"}]
    assert "멈춤" not in labels(tested)


def test_a_link_opens_its_rule_and_an_unknown_one_is_said(page: Page, state: State) -> None:
    del state
    tested = page("rules", rule="volume_drop")
    opened = [expander.label for expander in tested.expander if expander.proto.expanded]
    assert len(opened) == 1
    assert "거래액 급감" in opened[0]
    assert "그런 규칙은 없습니다" in text_of(page("rules", rule="nothing"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rule", "x" * 10_000),
        ("rule", HOSTILE),
        ("rule", ""),
        ("version", "x"),
        ("version", "99"),
        ("version", "9" * 19),
        ("version", "9" * 10_000),
        ("version", HOSTILE),
        ("version", "-1"),
    ],
)
def test_a_bad_address_is_said(page: Page, state: State, name: str, value: str) -> None:
    del state
    tested = page("rules", **{name: value})
    said = ("읽을 수 없습니다", "그런 규칙은 없습니다", "없습니다.")
    assert any(words in text_of(tested) for words in said)
    assert "<img" not in html_of(tested)
    assert "cancel_surge.factor" in text_of(tested)


def test_an_older_version_is_looked_at_by_its_address(page: Page, state: State, come: As) -> None:
    ann = come("ann", "RULE_ADMIN")
    draft(state, ann)
    tested = page("rules", version="1")
    assert "첫 버전입니다." in text_of(tested)
    assert "버전 1에서 달라진 숫자" in text_of(page("rules", version="2"))


def test_what_could_not_be_measured_says_why(page: Page, state: State, come: As) -> None:
    version = draft(state, come("ann", "RULE_ADMIN"))
    state.store_backtest(version, {"not_measured": "the last 7 days are not published without a hole"})
    seen = text_of(page("rules"))
    assert "계산할 수 없었습니다." in seen
    assert "빠짐없이 게시되지 않았습니다" in seen


def test_before_the_first_start_it_is_said_where_the_numbers_come_from(
    page: Page, home: Path, state_engine: Engine
) -> None:
    del home
    lead(state_engine)
    assert "아직 저장된 규칙 버전이 없습니다." in text_of(page("rules"))


def test_without_a_database_it_is_said(
    page: Page, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del home
    monkeypatch.setenv("MINUTERISK_STATE_URL", f"postgresql:///none?host={tmp_path / 'nowhere'}")
    assert "운영 데이터베이스에 연결할 수 없습니다." in text_of(page("rules"))


def test_another_pack_shows_its_own_numbers_and_no_word_of_merchants(
    page: Page, home: Path, state_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    del home
    monkeypatch.setitem(PACKS, "doors", "tests.doors")
    monkeypatch.setenv("MINUTERISK_PACKS", "doors")
    doors = (Path(__file__).parents[1] / "doors" / "rules.toml").read_text(encoding="utf-8")
    with state_engine.begin() as connection:
        connection.execute(text(sql("ops/enter_pack")), {"pack": "doors"})
        insert = text(
            "INSERT INTO rule_version (pack, version, origin, numbers, reason, status, author, in_force_from)"
            " VALUES ('doors', 1, 'file', :numbers, 'start', 'approved', 'rules.toml', :start)"
        )
        connection.execute(insert, {"numbers": doors, "start": NEXT - timedelta(days=1)})
    lead(state_engine)
    tested = page("rules")
    seen = text_of(tested) + labels(tested)
    assert "강제 개방" in seen
    assert "forced_entry.minimum_forced_hour" in seen
    assert [word for word in ("가맹점", "취소", "승인액", "merchant", "cancel", "KRW") if word in seen] == []
