"""What Slack tells us is read with suspicion; what we show there is harmless, the same in both languages."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.slack_blocks import block_problem, buttons_of
from pipeline.talk.envelope import Asker, command_of, home_opened_by, press_of
from pipeline.talk.shown import line, more, render_guest, render_home
from pipeline.talk.words import TEXTS
from pipeline.tell.buttons import SHOWN, Place, read_press, render_buttons
from pipeline.tell.render import render_blocks
from tests.unit.test_message import DASHBOARD, HOSTILE, SURGE, assert_harmless, message, texts_of

Golden = Callable[[str, str], None]
SEOUL = ZoneInfo("Asia/Seoul")
AT = datetime(2026, 11, 21, 9, 3, tzinfo=UTC)
PLACE = Place("0b0e5f3a-0000-4000-8000-000000000000", "merchants", 42)
ROW = {
    "pack": "merchants",
    "installation": PLACE.installation,
    "incident_id": 42,
    "rule": "cancel_surge",
    "entity_id": "M000123",
    "entity_name": "튼튼마트",
    "severity": "critical",
    "status": "open",
    "at_risk": 1_234_567_890,
    "figures": {},
    "opened_minute": AT,
    "acknowledged_by": None,
    "reason": SURGE,
    "total": 3,
}


def payload(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    (button, *_) = render_buttons(PLACE, "open", "ko")["elements"]
    return {
        "type": "block_actions",
        "user": {"id": "U0OPS", "team_id": "T0OURS"},
        "team": {"id": "T0OURS"},
        "actions": [{**button, "action_ts": "1.000001"}],
        "response_url": "https://hooks.slack.com/actions/1",
        **changes,
    }


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("status", SHOWN)
def test_a_press_says_what_its_button_was_made_with(status: str, language: str) -> None:
    row = render_buttons(PLACE, status, language)
    assert block_problem([row]) is None
    for button in row["elements"]:
        pressed = read_press(button["action_id"], button["value"], language)
        assert pressed is not None
        assert pressed.place == PLACE
    acts = [read_press(b["action_id"], b["value"], language) for b in row["elements"]]
    assert [p.act for p in acts if p] == {
        "open": ["acknowledge", "snooze", "resolve", "label"],
        "acknowledged": ["snooze", "resolve", "label"],
        "resolved": ["label"],
    }[status]
    assert {p.given["label"] for p in acts if p and p.act == "label"} == {"false_alarm"}
    assert all(p.given["reason"] for p in acts if p and p.act in ("label", "resolve"))
    assert {f"done_{p.act}" for p in acts if p} <= set(TEXTS[language])  # what the person is answered


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_gets_into_a_button(name: str) -> None:
    shown = render_blocks(
        message(entity_name=name, entity_id=name), "ko", SEOUL, DASHBOARD, buttons_of=PLACE.installation
    )
    assert block_problem(shown) is None
    plain = render_blocks(message(), "ko", SEOUL, DASHBOARD, buttons_of=PLACE.installation)
    assert list(buttons_of(shown)) == list(buttons_of(plain))


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_does_nothing_on_the_home_tab_or_in_an_answer(name: str, language: str) -> None:
    row = {**ROW, "entity_name": name, "entity_id": name, "acknowledged_by": name, "status": "acknowledged"}
    view = render_home([row], AT, language, SEOUL, DASHBOARD)
    assert block_problem(view, at_most=100) is None
    values = {button["value"] for button in buttons_of(view)}
    texts = [text for text in texts_of(view) if text not in values]
    for text in (*texts, line(row, language, SEOUL, DASHBOARD)):
        assert_harmless(text.replace(f"<{DASHBOARD}", ""))


@pytest.mark.parametrize("language", TEXTS)
def test_the_home_tab_reads_as_in_its_golden_file(language: str, golden: Golden) -> None:
    known = {**ROW, "status": "acknowledged", "acknowledged_by": "lee", "at_risk": None, "incident_id": 7}
    shown = {
        "open": render_home([ROW, known], AT, language, SEOUL, DASHBOARD, said="✅"),
        "none": render_home([], AT, language, SEOUL, DASHBOARD),
        "guest": render_guest(language),
        "more": more([ROW], language, DASHBOARD),
    }
    golden(f"talk/home.{language}.json", json.dumps(shown, ensure_ascii=False, indent=2) + "\n")


@pytest.mark.parametrize("language", TEXTS)
def test_a_message_with_picture_and_buttons_reads_as_in_its_golden_file(
    language: str, golden: Golden
) -> None:
    shown = {
        event: render_blocks(
            message(event=event),
            language,
            SEOUL,
            DASHBOARD,
            picture="F00000001",
            buttons_of=PLACE.installation,
        )[3:]
        for event in ("opened", "acknowledged", "resolved")
    }
    assert all(block_problem(blocks) is None for blocks in shown.values())
    golden(f"talk/message.{language}.json", json.dumps(shown, ensure_ascii=False, indent=2) + "\n")


def test_a_home_tab_of_many_incidents_is_one_that_slack_takes() -> None:
    rows = [{**ROW, "entity_name": "가" * 10_000, "incident_id": n, "total": 5_000} for n in range(1, 21)]
    assert block_problem(render_home(rows, AT, "ko", SEOUL, DASHBOARD), at_most=100) is None


def test_both_languages_say_the_same() -> None:
    def fields(text: str) -> set[str]:
        return {part.partition("}")[0] for part in text.split("{")[1:]}

    assert {k: fields(v) for k, v in TEXTS["ko"].items()} == {k: fields(v) for k, v in TEXTS["en"].items()}


def test_a_press_is_known_by_who_pressed_when_and_what() -> None:
    press = press_of(payload(), "ko")
    assert press is not None
    assert (press.asker, press.place, press.act) == (Asker("T0OURS", "U0OPS"), PLACE, "acknowledge")
    other = payload()
    other["actions"][0]["action_ts"] = "1.000002"
    keys = {p.key for p in (press_of(payload(), "ko"), press_of(other, "ko")) if p}
    assert len(keys) == 2
    assert press.key == press_of(payload(response_url="https://hooks.slack.com/2"), "en").key  # type: ignore[union-attr]


def test_somebody_of_another_workspace_is_of_theirs_in_a_channel_of_ours() -> None:
    press = press_of(payload(user={"id": "U9", "team_id": "T0THEIRS"}), "ko")
    assert press is not None
    assert press.asker == Asker("T0THEIRS", "U9")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "view_submission"},
        {"user": None},
        {"user": {"id": "U\u202e"}},
        {"actions": None},
        {"actions": []},
        {"actions": ["x"]},
        {"actions": [{"action_id": "minuterisk_acknowledge", "value": "{", "action_ts": "1"}]},
        {"actions": [{"action_id": "minuterisk_drop", "value": "{}", "action_ts": "1"}]},
    ],
)
def test_what_is_no_press_of_ours_is_none(changes: dict[str, Any]) -> None:
    assert press_of(payload(**changes), "ko") is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "[]",
        '{"installation":"i","pack":"p","incident":"1"}',
        '{"installation":"i","pack":"p","incident":true}',
        '{"installation":"i","pack":"p","incident":0}',
        '{"installation":"i","pack":"p","incident":9223372036854775808}',
        '{"installation":1,"pack":"p","incident":1}',
        '{"installation":"' + "i" * 500 + '","pack":"p","incident":1}',
    ],
)
def test_a_value_that_we_never_wrote_is_no_press(value: object) -> None:
    assert read_press("minuterisk_acknowledge", value, "ko") is None


def test_an_answer_goes_to_an_address_or_nowhere() -> None:
    press = press_of(payload(response_url="file:///etc/passwd"), "ko")
    assert press is not None
    assert press.response_url == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "user", "team", "id", "team_id", "actions", "event", "tab", "trigger_id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["type", "user", "team", "actions", "event", "team_id"]), JSON))
def test_whatever_an_envelope_holds_is_read_without_a_fault(found: dict[str, Any]) -> None:
    assert press_of({**found, "type": "block_actions"}, "ko") is None
    for read in (command_of, home_opened_by):
        read(found)


def test_a_command_without_a_moment_or_a_person_is_none() -> None:
    whole = {"team_id": "T1", "user_id": "U1", "trigger_id": "1.2", "text": "x" * 1_000}
    command = command_of(whole)
    assert command is not None
    assert len(command.text) == 300
    assert [command_of({**whole, name: None}) for name in ("team_id", "user_id", "trigger_id")] == [None] * 3


def test_what_is_not_known_to_this_version_is_left_out_of_the_home_tab() -> None:
    stranger = {**ROW, "pack": "of_a_newer_version"}
    shown = render_home([stranger, ROW], AT, "ko", SEOUL, DASHBOARD)
    assert len([b for b in shown if b["type"] == "actions"]) == 1


def test_buttons_stand_only_where_somebody_listens() -> None:
    assert list(buttons_of(render_blocks(message(), "ko", SEOUL, DASHBOARD))) == []
    over = replace(message(), event="resolved")
    shown = render_blocks(over, "ko", SEOUL, DASHBOARD, buttons_of=PLACE.installation)
    assert [b["action_id"] for b in buttons_of(shown)] == ["minuterisk_false_alarm"]
