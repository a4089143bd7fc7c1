"""The screen of access and audit: what each role sees of it, and what an administrator does there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from app.pages.access.changed import Change, changes
from app.pages.access.reads import Entry
from app.pages.access.trail import as_frame
from app.texts import LANGUAGES
from pipeline.desk.acts import ACTS
from pipeline.desk.people import passwords, sessions
from pipeline.desk.roles import ACTIONS, OPS_AGENT, ROLES, SUPER_ADMIN, Actor, allowed_roles
from pipeline.store import audit
from pipeline.store.state import State
from tests.app.merchants.home import HOSTILE
from tests.app.seen import html_of, text_of
from tests.people import do, quick_passwords

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest


MINE = f"kim {SUPER_ADMIN}"
FILTERS = ("actor", "act", "kind", "thing", "outcome", "since", "until")


@pytest.fixture
def state(home: Path, state_engine: Engine, state_url: str, monkeypatch: pytest.MonkeyPatch) -> State:
    del home
    quick_passwords(monkeypatch)
    return State(state_engine, state_url, "merchants", "KRW")


@pytest.fixture
def boss(state: State, signed_in: Callable[[str], None]) -> Actor:
    """Whoever looks administers, and could sign in again."""
    signed_in(SUPER_ADMIN)
    change(state.engine, "UPDATE account SET password_hash = 'x'")
    number = account(state, MINE)["account_id"]
    found = Actor(number, MINE, SUPER_ADMIN, "cli")
    do(state, "requeue", actor=found)  # something that stands in the audit
    return found


def change(engine: Engine, statement: str, **given: object) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement), given)


def add_person(engine: Engine, name: str, role: str = OPS_AGENT, **columns: object) -> int:
    given = {"name": name, "role": role, "display_name": "", **columns}
    names = ", ".join(given)
    values = ", ".join(f":{column}" for column in given)
    insert = text(f"INSERT INTO account ({names}) VALUES ({values}) RETURNING account_id")
    with engine.begin() as connection:
        return int(connection.execute(insert, given).scalar_one())


def account(state: State, name: str) -> dict[str, Any]:
    return dict(state.rows("accounts_list", account=name)[0])


def audited(state: State, act: str) -> list[dict[str, Any]]:
    asked = {**dict.fromkeys(FILTERS), "act": act, "at_most": 100}
    return [dict(row) for row in state.rows("audit_list", **asked)]


def press(tested: AppTest, key: str) -> AppTest:
    tested.button(key=key).click()
    tested.run()
    assert not tested.exception
    return tested


def parts_of(tested: AppTest) -> list[str]:
    return list(tested.button_group(key="access-part").options)


# Who sees what


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_its_parts_and_no_other(
    state: State, page: Callable[..., AppTest], signed_in: Callable[[str], None], role: str
) -> None:
    signed_in(role)
    do_something_with_rules_and_people(state)
    tested = page("access")
    seen = text_of(tested)
    if not allowed_roles("read_audit", "rules") & {role}:
        assert "이 화면을 볼 수 없습니다." in seen
        return
    administers = role == SUPER_ADMIN
    assert len(parts_of(tested)) == (5 if administers else 2)
    for part in ("users", "sessions", "keys"):
        shown = text_of(page("access", part=part))
        assert ("이 화면을 볼 수 없습니다." in shown) is not administers, part
        assert ("계정 추가" in shown or "열린 세션" in shown or "키 만들기" in shown) is administers
    of_all = text_of(page("access", part="audit"))
    assert ("규칙 일시 정지" in of_all, "사용 중지" in of_all) == (True, role != "RULE_ADMIN")
    assert ("지금 확인하기" in [b.label for b in page("access", part="audit").button]) is (
        role != "RULE_ADMIN"
    )


def do_something_with_rules_and_people(state: State) -> None:
    add_person(state.engine, "old")
    owner = add_person(state.engine, "owner", SUPER_ADMIN, password_hash="x")
    do(state, "disable_account", "old", actor=Actor(owner, "owner", SUPER_ADMIN, "cli"), reason="gone")
    said: dict[str, Any] = {
        "actor": "owner",
        "role": "RULE_ADMIN",
        "door": "api",
        "credential": "3",
        "origin": "10.0.0.7",
    }
    what = {"act": "pause_rule", "kind": "rules", "thing": "forced_entry", "why": "moving"}
    with state.changing() as connection:
        audit.write(connection, audit.Entry(**{**said, **what}, account_id=owner, pack="", outcome="done"))


def test_a_rule_admin_who_asks_for_other_audit_by_the_address_is_told_who_may(
    state: State, page: Callable[..., AppTest], signed_in: Callable[[str], None]
) -> None:
    signed_in("RULE_ADMIN")
    do_something_with_rules_and_people(state)
    seen = text_of(page("access", part="audit", kind="account"))
    assert "볼 수 있는 역할: 최고 관리자, 감사" in seen
    assert "gone" not in seen
    assert "moving" in seen


def test_the_role_is_asked_at_each_run(state: State, page: Callable[..., AppTest], boss: Actor) -> None:
    tested = page("access", part="audit")
    assert "메시지 다시 보내기" in text_of(tested)
    change(state.engine, "UPDATE account SET role = 'READ_ONLY'")
    tested.run()
    assert "이 화면을 볼 수 없습니다." in text_of(tested)
    assert "메시지 다시 보내기" not in text_of(tested)


# People


def test_an_account_is_shown_in_its_state(state: State, page: Callable[..., AppTest], boss: Actor) -> None:
    now = datetime.now(UTC)
    add_person(state.engine, "locked", password_hash="x", locked_until=now + timedelta(minutes=9))
    add_person(state.engine, "was-locked", password_hash="x", locked_until=now - timedelta(minutes=9))
    add_person(state.engine, "gone", password_hash="x", disabled_at=now)
    add_person(state.engine, "machine")
    add_person(state.engine, "company", oidc_issuer="i", oidc_subject="s", totp=b"x")
    seen = " ".join(text_of(page("access")).split())
    assert "locked 운영 담당 ▲" in seen
    assert "was-locked 운영 담당 ✓ 사용 중" in seen
    assert "gone 운영 담당 ✕ 사용 중지" in seen
    assert "machine 운영 담당 – 로그인 방법 없음" in seen
    assert "company 운영 담당 ✓ 사용 중 없음 설정됨 예" in seen
    tested = page("access", account="locked")
    press(tested, f"access-unlock-{account(state, 'locked')['account_id']}")
    assert account(state, "locked")["locked_until"] is None


def test_a_new_account_gets_a_password_that_is_shown_until_it_is_put_away_and_kept_nowhere(
    state: State, page: Callable[..., AppTest], boss: Actor, capfd: pytest.CaptureFixture[str]
) -> None:
    tested = page("access")
    tested.text_input(key="access-new-name").input("Park")
    tested.selectbox(key="access-new-role").select(OPS_AGENT)
    press(tested, "FormSubmitter:access-new-추가")
    assert "park: 추가 완료" in text_of(tested).lower()
    password = tested.code[0].value
    assert fits(state, "park", password)
    tested.run()
    assert tested.code[0].value == password  # a refresh does not take it away
    press(tested, "access-once-seen")
    assert not tested.code
    assert password not in str(audited(state, "add_account"))
    assert password not in "".join(capfd.readouterr())
    assert tested.text_input(key="access-new-name").value == ""


def fits(state: State, name: str, password: str) -> bool:
    with state.reading() as connection:
        row = state.ask(connection, "account_to_sign_in", account=name).one()
    return passwords.shared().fits(row.password_hash, password)


def test_a_name_that_is_taken_is_a_notice_and_what_was_typed_stays(
    state: State, page: Callable[..., AppTest], boss: Actor
) -> None:
    add_person(state.engine, "park")
    tested = page("access")
    tested.text_input(key="access-new-name").input("park")
    press(tested, "FormSubmitter:access-new-추가")
    assert "park" in text_of(tested)
    assert not tested.code
    assert tested.text_input(key="access-new-name").value == "park"
    assert audited(state, "add_account")[0]["outcome"] == "refused"


def test_an_administrator_changes_somebody_else(
    state: State, page: Callable[..., AppTest], boss: Actor
) -> None:
    number = add_person(state.engine, "park", password_hash="x", totp=b"x")
    tested = page("access", account="park")
    tested.text_input(key=f"access-reason-{number}").input("moved")
    tested.selectbox(key=f"access-role-{number}").select("AUDITOR")
    press(tested, f"access-set_role-{number}")
    assert account(state, "park")["role"] == "AUDITOR"
    assert audited(state, "set_role")[0]["why"] == "moved"
    press(tested, f"access-totp-{number}")
    assert not account(state, "park")["totp"]
    press(tested, f"access-password-{number}")
    assert fits(state, "park", tested.code[0].value)
    press(tested, f"access-disable-{number}")
    assert account(state, "park")["disabled_at"] is not None
    press(tested, f"access-enable-{number}")
    assert account(state, "park")["disabled_at"] is None


def test_nobody_locks_themselves_out_unknowingly(
    state: State, page: Callable[..., AppTest], boss: Actor
) -> None:
    number = boss.account_id
    tested = page("access", account=MINE)
    assert tested.button(key=f"access-disable-{number}").disabled
    assert f"access-password-{number}" not in [button.key for button in tested.button]
    tested.checkbox(key=f"access-sure-{number}").check()
    tested.run()
    press(tested, f"access-disable-{number}")
    seen = text_of(tested)
    assert "마지막 최고 관리자" in seen  # the role by its Korean word
    assert account(state, MINE)["disabled_at"] is None


# Sessions and keys


def test_a_session_is_ended_and_ones_own_only_after_a_question(
    state: State, page: Callable[..., AppTest], boss: Actor
) -> None:
    number = add_person(state.engine, "park")
    with state.changing() as connection:
        _, other = sessions.begin(state, connection, number, "oidc", "10.0.0.7", datetime.now(UTC))
    tested = page("access", part="sessions")
    seen = " ".join(text_of(tested).split())
    assert "park 회사 로그인 10.0.0.7" in seen
    assert "지금 이 화면" in seen
    (mine,) = [
        one["session_id"] for one in sessions.listed(state, datetime.now(UTC)) if one["name"] != "park"
    ]
    tested.selectbox(key="access-session").select(mine)
    tested.run()
    assert tested.button(key=f"access-end-{mine}").disabled
    tested.selectbox(key="access-session").select(other)
    tested.run()
    press(tested, f"access-end-{other}")
    assert [one["session_id"] for one in sessions.listed(state, datetime.now(UTC))] == [mine]
    assert "10.0.0.7" not in text_of(tested)


def test_a_key_is_made_shown_once_and_revoked(
    state: State, page: Callable[..., AppTest], boss: Actor, capfd: pytest.CaptureFixture[str]
) -> None:
    add_person(state.engine, "cron")
    tested = page("access", part="keys")
    tested.selectbox(key="access-key-account").select("cron")
    tested.text_input(key="access-key-name").input("nightly")
    tested.multiselect(key="access-key-actions").select("see")
    tested.number_input(key="access-key-days").set_value(7)
    press(tested, "FormSubmitter:access-new-key-만들기")
    key = tested.code[0].value
    (row,) = state.rows("keys_list", account="cron")
    assert key.startswith(f"mk_{row['api_key_id']}_")
    assert (row["actions"], (row["expires_at"] - row["created_at"]).days) == (["see"], 7)
    assert key not in str(audited(state, "add_key"))
    assert key not in "".join(capfd.readouterr())
    tested.selectbox(key="access-key-account").select("cron")
    tested.text_input(key="access-key-name").input("nightly")
    tested.multiselect(key="access-key-actions").select("see")
    press(tested, "FormSubmitter:access-new-key-만들기")  # as a double click does
    assert "먼저 전달하고 치우세요" in text_of(tested)
    assert (tested.code[0].value, len(state.rows("keys_list", account="cron"))) == (key, 1)
    press(tested, "access-once-seen")
    tested.selectbox(key="access-key").select(row["api_key_id"])
    tested.run()
    press(tested, f"access-revoke-{row['api_key_id']}")
    assert "✕ 폐기됨" in text_of(tested)


def test_a_key_without_actions_is_a_notice(state: State, page: Callable[..., AppTest], boss: Actor) -> None:
    tested = page("access", part="keys")
    press(tested, "FormSubmitter:access-new-key-만들기")
    assert "mr-warn" in html_of(tested)
    assert state.rows("keys_list", account=None) == []


# The audit


def test_the_audit_is_filtered_by_the_address_and_paged(
    state: State, page: Callable[..., AppTest], boss: Actor
) -> None:
    add_person(state.engine, "park", password_hash="x")
    for _ in range(60):
        do(state, "requeue", actor=boss)
    do(state, "set_role", "park", actor=boss, role="AUDITOR", reason="moved")
    tested = page("access", part="audit")
    assert html_of(tested).count('role="listitem"') == 50
    press(tested, "access-older")
    assert html_of(tested).count('role="listitem"') == 12
    assert "access-older" not in [button.key for button in tested.button]
    one = text_of(page("access", part="audit", act="set_role", thing="park", outcome="done"))
    assert "운영 담당 → 감사" in one
    assert "moved" in one
    assert "메시지 다시 보내기" not in one
    today = datetime.now(UTC).astimezone().date()
    assert "조건에 맞는 기록이 없습니다." in text_of(page("access", part="audit", to="2020-01-01"))
    assert "moved" in text_of(page("access", part="audit", **{"from": str(today - timedelta(days=2))}))


@pytest.mark.parametrize(
    "query",
    [
        {"part": "nothing"},
        {"part": "audit", "outcome": "perhaps"},
        {"part": "audit", "from": "tomorrow"},
        {"part": "audit", "to": "9999-12-31"},
        {"part": "audit", "before": "-1"},
        {"part": "audit", "actor": "x" * 10_000},
        {"part": "audit", "act": "<script>alert(1)</script>" * 20},
        {"part": "users", "account": HOSTILE},
    ],
)
def test_a_bad_address_says_so(page: Callable[..., AppTest], boss: Actor, query: dict[str, str]) -> None:
    tested = page("access", **query)
    seen = text_of(tested)
    assert "읽을 수 없습니다" in seen or "그런 계정이 없습니다" in seen
    assert "<script>alert" not in html_of(tested)
    assert "<img" not in html_of(tested)


def test_hostile_names_are_letters(state: State, page: Callable[..., AppTest], boss: Actor) -> None:
    number = add_person(state.engine, "park", display_name=HOSTILE, email=HOSTILE, os_user=HOSTILE)
    do(state, "add_key", "park", actor=boss, name=HOSTILE, actions="see")
    do(state, "disable_account", "park", actor=boss, reason=HOSTILE)
    with state.changing() as connection:
        sessions.begin(state, connection, number, "password", HOSTILE, datetime.now(UTC))
    for part in ("users", "sessions", "keys", "audit"):
        tested = page("access", part=part)
        assert "<img" not in html_of(tested), part
        assert "나쁜" in text_of(tested), part
    role = '<span class="mr-line">최고 관리자</span>'
    assert role in html_of(page("access", part="users"))  # no long name breaks its word


def test_the_audit_is_verified_and_a_changed_row_is_found(
    state: State, page: Callable[..., AppTest], boss: Actor
) -> None:
    tested = page("access", part="audit")
    assert "아직 확인하지 않았습니다" in text_of(tested)
    press(tested, "access-verify")
    assert "1행이 빠짐없이 이어지고" in text_of(tested)
    assert audited(state, "verify_audit")[0]["after"]["wrong"] == 0
    change(state.engine, "ALTER TABLE audit DISABLE TRIGGER audit_is_final")
    change(state.engine, "UPDATE audit SET actor = 'another' WHERE number = 1")
    press(tested, "access-verify")
    seen = text_of(tested)
    assert "쓰인 그대로가 아닙니다: 1건" in seen
    assert "1행이 기록된 뒤에 바뀌었습니다" in seen
    tested.run()
    assert "1행이 기록된 뒤에 바뀌었습니다" in text_of(tested)  # it stays


def test_the_table_of_roles_is_that_of_the_code(page: Callable[..., AppTest], boss: Actor) -> None:
    html = html_of(page("access", part="roles"))
    assert html.count("✓ 예") == sum(len(allowed_roles(action)) for action in ACTIONS)
    assert html.count("✓ 규칙만") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_act_kind_action_and_role_has_its_word(language: str) -> None:
    texts = LANGUAGES[language]
    wanted = {f"did_act.{name}" for name in ACTS} | {f"thing.{act.kind}" for act in ACTS.values()}
    wanted |= {f"action.{name}" for name in ACTIONS} | {f"role.{name}" for name in ROLES}
    assert sorted(wanted - set(texts)) == []


def test_what_changed_is_told_value_by_value() -> None:
    before = {"role": "AUDITOR", "same": 1, "gone": [1]}
    after = {"role": "OPS_AGENT", "same": 1, "new": {"한": True}, "empty": None}
    found = changes(before, after)
    assert found == [
        Change("role", "AUDITOR", "OPS_AGENT"),
        Change("gone", "[1]", None),
        Change("new", None, '{"한": true}'),
    ]
    assert changes(None, None) == []


def test_the_file_of_the_audit_holds_what_is_shown(state: State, boss: Actor) -> None:
    del boss
    (row,) = state.rows("audit_list", **dict.fromkeys(FILTERS), at_most=10)
    shown = {("of_pack" if name == "pack" else name): value for name, value in row.items()}
    frame = as_frame((Entry(**shown),))
    assert frame.columns == list(row)
    assert frame.select("number", "act", "pack").rows() == [(1, "requeue", "merchants")]
    assert json.loads(frame["after"][0]) == row["after"]
    assert as_frame(()).columns == frame.columns
