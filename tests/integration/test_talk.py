"""What people press and ask in Slack: one effect, an answer for them alone, and the audit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from data.slack_blocks import buttons_of
from data.slack_press import NoSuchButton, button_of
from tests.integration.delivery import change
from tests.integration.talking import Talking, button_value, talking, wait_for
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

ACKNOWLEDGE, SNOOZE = "minuterisk_acknowledge", "minuterisk_snooze"
RESOLVE, FALSE_ALARM = "minuterisk_resolve", "minuterisk_false_alarm"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def here(state_engine: Engine, state_url: str) -> Iterator[Talking]:
    with talking(state_engine, state_url) as made:
        made.listen()
        yield made


@pytest.mark.parametrize(
    ("action", "act", "said"),
    [
        (ACKNOWLEDGE, "acknowledge", "확인했습니다"),
        (SNOOZE, "snooze", "까지 알림을 멈췄습니다"),
        (RESOLVE, "resolve", "해소했습니다"),
        (FALSE_ALARM, "label", "오탐으로 기록했습니다"),
    ],
)
def test_a_press_is_an_act_of_its_account(here: Talking, action: str, act: str, said: str) -> None:
    number, ts = here.tell()
    envelope = here.standin.press("U0OPS", ts, action)
    assert envelope.acknowledged.wait(PATIENCE_S)
    here.settled(1)
    assert here.acts(number) == [(act, "ops")]
    assert here.audit() == [(act, "ops", "done")]
    (told,) = here.standin.answers("U0OPS")
    assert said in told
    assert "`ops`" in told
    here.told.drain()
    root, reply = here.standin.messages
    assert reply["thread_ts"] == ts, "not everybody hears of it"
    shown = [button["action_id"] for button in buttons_of(root["blocks"])]
    assert (action in shown) == (act not in ("acknowledge", "resolve")), "a button that is of no use any more"


def test_pressed_twice_it_is_done_once_and_the_second_is_told_so(here: Talking) -> None:
    number, ts = here.tell()
    for _ in range(2):
        here.standin.press("U0OPS", ts, SNOOZE)
    here.settled(2)
    assert here.acts(number) == [("snooze", "ops")]
    assert sorted(row["state"] for row in here.presses()) == ["done", "refused"]
    assert sorted("ops 님이 이미" in text for text in here.standin.answers("U0OPS")) == [False, True]


def test_of_two_at_once_one_acts_and_the_other_is_told_who_was_first(here: Talking) -> None:
    number, ts = here.tell()
    for user in ("U0OPS", "U0ANALYST"):
        here.standin.press(user, ts, ACKNOWLEDGE)
    here.settled(2)
    ((_, first),) = here.acts(number)
    second = {"ops": "U0ANALYST", "analyst": "U0OPS"}[first]
    (told,) = here.standin.answers(second)
    assert f"`사건 {number}: 이미 확인되었습니다 (확인한 사람 {first}, " in told
    assert f"다음 단계: `확인한 사람과 상의하세요. 자세히 보기: minuterisk incidents show {number}`" in told
    assert len([row for row in here.audit() if row[2] == "refused"]) == 1


def test_a_button_that_was_shown_earlier_may_be_pressed_late(here: Talking) -> None:
    number, ts = here.tell()
    (message,) = here.standin.messages
    shown = button_of(message, ACKNOWLEDGE)
    here.standin.press("U0OPS", ts, RESOLVE)
    here.settled(1)
    here.told.drain()
    with pytest.raises(NoSuchButton):
        here.standin.press("U0ANALYST", ts, ACKNOWLEDGE)
    here.standin.press("U0ANALYST", ts, ACKNOWLEDGE, button=shown)
    here.settled(2)
    assert here.acts(number) == [("resolve", "ops")]
    (told,) = here.standin.answers("U0ANALYST")
    assert f"사건 {number}: 이미 해소되었습니다 (" in told


def test_a_name_from_outside_acts_in_no_answer(here: Talking) -> None:
    number, ts = here.tell()
    (message,) = here.standin.messages
    shown = button_of(message, ACKNOWLEDGE)
    name = "<!channel> `x` {by} *b*"
    taken = "UPDATE incident SET status = 'acknowledged', acknowledged_by = '{}', acknowledged_at = now()"
    change(here.engine, taken.format(name))
    here.standin.press("U0OPS", ts, ACKNOWLEDGE, button=shown)
    here.settled(1)
    (told,) = here.standin.answers("U0OPS")
    assert f"`사건 {number}: 이미 확인되었습니다 (확인한 사람 &lt;!channel&gt; x {{by}} *b*, " in told
    (row,) = here.rows("SELECT why FROM audit")
    assert row["why"].startswith(f"incident {number} is already acknowledged by <!channel>")


@pytest.mark.parametrize(
    ("user", "said", "actor"),
    [
        (
            "U0NOBODY",
            "minuterisk users link NAME --slack-user T0STANDIN/U0NOBODY",
            "slack T0STANDIN/U0NOBODY",
        ),
        ("U0READER", "READ_ONLY", "reader"),
        ("U0GUEST", "T0STANDIN 워크스페이스의 계정", "slack T0PARTNER/U0GUEST"),
    ],
)
def test_who_may_not_is_told_the_next_step_and_stands_in_the_audit(
    user: str, said: str, actor: str, here: Talking
) -> None:
    here.standin.workspace.people["U0GUEST"].email = "ops_agent@demo.example"  # as one of ours has it
    number, ts = here.tell()
    assert here.standin.press(user, ts, ACKNOWLEDGE).acknowledged.wait(PATIENCE_S)
    here.settled(1)
    assert here.incident(number)["status"] == "open"
    assert here.audit() == [("acknowledge", actor, "refused")]
    (told,) = here.standin.answers(user)
    assert said in told


def test_a_user_is_the_account_that_is_linked_and_not_one_with_the_same_address(here: Talking) -> None:
    here.standin.workspace.people["U0NOBODY"].email = "risk_analyst@demo.example"
    change(here.engine, "UPDATE account SET slack_user = 'T0STANDIN/U0ANALYST' WHERE name = 'analyst'")
    change(
        here.engine, "UPDATE account SET slack_user = 'T0STANDIN/U0READER', email = NULL WHERE name = 'ops'"
    )
    number, ts = here.tell()
    here.standin.press("U0NOBODY", ts, ACKNOWLEDGE)  # has the address of an account that is somebody else
    here.settled(1)
    assert here.incident(number)["status"] == "open"
    here.standin.press("U0READER", ts, ACKNOWLEDGE)
    here.settled(2)
    assert here.acts(number) == [("acknowledge", "ops")]


def test_an_address_that_nobody_confirmed_is_nobody(here: Talking) -> None:
    here.standin.workspace.people["U0OPS"].email_confirmed = False
    number, ts = here.tell()
    here.standin.press("U0OPS", ts, ACKNOWLEDGE)
    here.settled(1)
    assert here.incident(number)["status"] == "open"


@pytest.mark.parametrize(
    ("installation", "pack", "said"),
    [("another", "merchants", "다른 설치"), ("", "doors", "doors"), ("", "`<!channel>`", "&lt;!channel&gt;")],
)
def test_a_button_of_elsewhere_is_refused(installation: str, pack: str, said: str, here: Talking) -> None:
    number, ts = here.tell()
    value = button_value(installation or here.state.installation(), pack, number)
    button = {"action_id": ACKNOWLEDGE, "value": value, "text": {"type": "plain_text", "text": "x"}}
    here.standin.press("U0OPS", ts, ACKNOWLEDGE, button=button)
    here.settled(1)
    assert here.incident(number)["status"] == "open"
    assert [row[2] for row in here.audit()] == ["refused"]
    (told,) = here.standin.answers("U0OPS")
    assert said in told


def test_while_the_database_is_away_slack_warns_and_the_person_is_told(here: Talking) -> None:
    number, ts = here.tell()
    here.standin.sockets.patience_s = 0.3
    change(here.engine, "ALTER TABLE press RENAME TO press_away")
    envelope = here.standin.press("U0OPS", ts, ACKNOWLEDGE)
    wait_for(lambda: envelope.warned)
    assert not envelope.acknowledged.is_set()
    (told,) = here.standin.answers("U0OPS")
    assert "다시 눌러" in told
    change(here.engine, "ALTER TABLE press_away RENAME TO press")
    here.standin.press("U0OPS", ts, ACKNOWLEDGE)
    here.settled(1)
    assert here.acts(number) == [("acknowledge", "ops")]


def test_commands_are_answered_to_who_asks_alone(here: Talking) -> None:
    number, _ = here.tell(at_risk=12_345)
    before = len(here.standin.messages)
    asked = {
        "open": "열린 사건 1건",
        "merchant 튼튼": "튼튼마트",
        "merchant M1": "튼튼마트",
        "merchant 100%": "맞는 사건이 없습니다",
        "merchant": "이름이나 번호",
        "why M1": "취소율",
        "why 없는곳": "사건도 신호도 없습니다",
        "": "/minuterisk",
        "`rm`": "모르는 말",
        "snooze": "사건 번호",
        "snooze x": "사건 번호",
        f"snooze {number} 2h": "까지 알림을 멈췄습니다",
        "snooze 999": "`그런 번호가 없습니다: 사건 999`",
        f"snooze {number} soon": "`30m, 1h, 2d처럼 입력하세요: 얼마 동안인지, 예: 1h`",
    }
    for text, said in asked.items():
        envelope = here.standin.command("U0OPS", text)
        assert envelope.acknowledged.wait(PATIENCE_S), text
        count = list(asked).index(text) + 1
        wait_for(lambda: len(here.standin.answers("U0OPS")) == count)  # noqa: B023 - called at once
        assert said in here.standin.answers("U0OPS")[-1], text
    assert here.acts(number) == [("snooze", "ops")]
    assert len(here.standin.messages) == before


def test_another_workspace_may_ask_nothing(here: Talking) -> None:
    here.tell()
    here.standin.command("U0GUEST", "open")
    here.standin.open_home("U0GUEST")
    wait_for(lambda: "U0GUEST" in here.standin.workspace.homes and here.standin.answers("U0GUEST") != [])
    assert "T0PARTNER" in here.standin.answers("U0GUEST")[0]
    assert "튼튼마트" not in str(here.standin.workspace.homes["U0GUEST"])
    assert sorted(here.audit()) == [
        ("ask", "slack T0PARTNER/U0GUEST", "refused"),
        ("home", "slack T0PARTNER/U0GUEST", "refused"),
    ]


def test_the_home_tab_shows_what_is_open_and_its_buttons_work(here: Talking) -> None:
    for number, at_risk in enumerate((5, 500, 50)):
        here.tell(f"M{number}", at_risk=at_risk)
    here.standin.open_home("U0OPS")
    wait_for(lambda: "U0OPS" in here.standin.workspace.homes)
    view = here.standin.workspace.homes["U0OPS"]
    buttons = [b for b in buttons_of(view["blocks"]) if b["action_id"] == ACKNOWLEDGE]
    assert [json.loads(b["value"])["incident"] for b in buttons] == [2, 3, 1]
    here.standin.press_at_home("U0OPS", buttons[0])
    wait_for(lambda: "확인했습니다" in str(here.standin.workspace.homes["U0OPS"]))
    assert here.acts(2) == [("acknowledge", "ops")]
    left = buttons_of(here.standin.workspace.homes["U0OPS"]["blocks"])
    assert len([b for b in left if b["action_id"] == ACKNOWLEDGE]) == 2


def test_what_is_no_button_of_ours_is_acknowledged_and_forgotten(here: Talking) -> None:
    _, ts = here.tell()
    for action, value in (("other_app", "x"), (ACKNOWLEDGE, "not json"), (ACKNOWLEDGE, '{"incident": -1}')):
        button = {"action_id": action, "value": value, "text": {"type": "plain_text", "text": "x"}}
        assert here.standin.press("U0OPS", ts, action, button=button).acknowledged.wait(PATIENCE_S)
    assert here.presses() == []
