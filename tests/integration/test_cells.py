"""Every cell of the table of roles, through page, command line and API: who may does, who may not is refused.

The acts are those that there are, so an act or a role that is added is walked as well.
"""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from app.gate import here
from app.pages import actor as page_door
from pipeline.cli import main
from pipeline.desk.acts import ACTS
from pipeline.desk.people.entrance import Entrance, Visit
from pipeline.desk.roles import ACTIONS, ROLES, allowed_roles
from pipeline.errors import MinuteriskError, NotAllowed
from pipeline.packs import load_pack
from pipeline.settings import load_settings
from pipeline.store.manifest import Publication, manifest_text
from pipeline.store.state import State
from tests.integration.doorway import doorway
from tests.people import add_people, do, quick_passwords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from pipeline.desk.perform import Act
    from pipeline.desk.roles import Actor

#: Each act as somebody writes it on the command line; of those that need more, what makes the least of it.
COMMANDS = {
    "acknowledge": ("incidents", "ack", "9"),
    "assign": ("incidents", "assign", "9"),
    "note": ("incidents", "note", "9", "seen"),
    "snooze": ("incidents", "snooze", "9", "--for", "1h"),
    "resolve": ("incidents", "resolve", "9", "--reason", "over"),
    "reopen": ("incidents", "reopen", "9", "--reason", "back"),
    "label": ("incidents", "label", "9", "false_alarm", "--reason", "a test"),
    "propose_action": ("incidents", "action", "propose", "9", "hold_payout", "--reason", "case 7"),
    "approve_action": ("incidents", "action", "approve", "9"),
    "decline_action": ("incidents", "action", "decline", "9", "--reason", "case 7"),
    "withdraw_action": ("incidents", "action", "withdraw", "9", "--reason", "case 7"),
    "recall_action": ("incidents", "action", "recall", "9", "--reason", "case 7"),
    "confirm_action": ("incidents", "action", "confirm", "9", "--reason", "case 7"),
    "retell_action": ("incidents", "action", "retell", "9", "--reason", "case 7"),
    "add_window": ("windows", "add", "--everybody", "--for", "1h", "--reason", "moving"),
    "end_window": ("windows", "end", "9"),
    "add_exclusion": ("exclusions", "add", "M1", "--for", "1h", "--reason", "a test shop"),
    "end_exclusion": ("exclusions", "end", "9"),
    "requeue": ("outbox", "requeue"),
    "query": ("sql", "-c", "SELECT 1", "--reason", "case 7"),
    "add_account": ("users", "add", "new", "--role", "AUDITOR", "--no-password"),
    "set_role": ("users", "role", "nobody", "AUDITOR"),
    "disable_account": ("users", "disable", "nobody"),
    "enable_account": ("users", "enable", "nobody"),
    "reset_totp": ("users", "totp", "nobody", "--reset"),
    "link_account": ("users", "link", "nobody", "--email", "-"),
    "revoke_session": ("sessions", "revoke", "9"),
    "revoke_sessions": ("sessions", "revoke-all", "nobody"),
    "add_key": ("keys", "add", "nobody", "--name", "cron", "--action", "see"),
    "revoke_key": ("keys", "revoke", "9"),
    "verify_audit": ("audit", "verify"),
    "add_route": ("routes", "add", "first", "--channel", "console"),
    "remove_route": ("routes", "remove", "first"),
    "set_routes": ("routes", "import", "routes.toml"),
    "add_silence": ("silences", "add", "--match", "rule=*", "--for", "1h", "--reason", "moving"),
    "end_silence": ("silences", "end", "9"),
    "draft_rules": ("rules", "draft", "--set", "nothing.here=1", "--reason", "less"),
    "submit_rules": ("rules", "submit", "9"),
    "approve_rules": ("rules", "approve", "9"),
    "withdraw_rules": ("rules", "withdraw", "9"),
    "backtest_rules": ("rules", "backtest", "9"),
    "pause_rule": ("rules", "pause", "nothing", "--for", "1h", "--reason", "moving"),
    "resume_rule": ("rules", "resume", "nothing"),
    "draft_event_rule": ("event-rules", "draft", "routes.toml", "--reason", "less"),
    "submit_event_rule": ("event-rules", "submit", "NOTHING", "9"),
    "shadow_event_rule": ("event-rules", "shadow", "NOTHING", "9"),
    "approve_event_rule": ("event-rules", "approve", "NOTHING", "9"),
    "retire_event_rule": ("event-rules", "retire", "NOTHING", "9", "--reason", "over"),
    "withdraw_event_rule": ("event-rules", "withdraw", "NOTHING", "9"),
    "backtest_event_rule": ("event-rules", "backtest", "NOTHING", "9"),
    "pause_event_rule": ("event-rules", "pause", "NOTHING", "--for", "1h", "--reason", "moving"),
    "resume_event_rule": ("event-rules", "resume", "NOTHING"),
    "add_list_entry": ("lists", "add", "deny", "A1", "--reason", "case 7"),
    "remove_list_entry": ("lists", "remove", "9", "--reason", "over"),
    "requeue_dead_event": ("dead", "requeue", "9"),
    "correct_event": ("correct", "T1", "--status", "reversed", "--reason", "case 7"),
    "open_breaker": ("breaker", "open", "--reason", "moving"),
    "close_breaker": ("breaker", "close"),
    "learn_score": ("learn",),
    "submit_learned_score": ("learned", "submit", "9"),
    "approve_learned_score": ("learned", "approve", "9"),
    "retire_learned_score": ("learned", "retire", "9", "--reason", "over"),
    "report_outcome": ("event-rules", "outcome", "T1", "fraud"),
}
#: Of the page alone; and a password is asked for, so the command has tests of its own.
NO_COMMAND = {"download", "unmask", "save_view", "delete_view", "set_password", "begin_totp", "enrol_totp"}
#: Of these no act has a command: looking, unmasking, changing the audit, asking before a payment, and
#: what nobody can do yet.
WITHOUT_ACT = {"see", "unmask", "change_audit", "allow", "check"}


@pytest.fixture
def state(state_engine: Engine, state_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> State:
    quick_passwords(monkeypatch)
    monkeypatch.setenv("MINUTERISK_HOME", str(tmp_path / "home"))
    for name in ("STATE_URL", "SOURCE_URL"):  # so that no command starts a server of its own
        monkeypatch.setenv(f"MINUTERISK_{name}", state_url)
    (tmp_path / "routes.toml").write_text("", encoding="utf-8")
    (tmp_path / "home").mkdir()
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    published = manifest_text(Publication(1, now, [], now), ())
    (tmp_path / "home" / "manifest.json").write_text(published, encoding="utf-8")
    return State(state_engine, state_url, "merchants", "KRW")


@pytest.fixture
def people(state: State) -> dict[str, Actor]:
    return add_people(state, {role.lower(): role for role in ROLES})


@pytest.fixture
def entrance(state: State, people: dict[str, Actor], tmp_path: Path) -> Iterator[Entrance]:
    del people
    given = {"MINUTERISK_HOME": str(tmp_path / "home"), "MINUTERISK_STATE_URL": state.url}
    with closing(Entrance(load_settings(given), local=False)) as entrance:
        yield entrance


@pytest.fixture
def api(entrance: Entrance) -> Iterator[str]:
    with doorway(entrance) as address:
        yield f"{address}/api/v1"


def expected(act: Act) -> dict[str, bool]:
    return {role: role in allowed_roles(act.action, act.kind) for role in ROLES}


def test_every_act_through_the_api(state: State, people: dict[str, Actor], api: str) -> None:
    boss = people["super_admin"]
    keys = {
        role: do(state, "add_key", role.lower(), actor=boss, name="all", actions=",".join(ACTIONS))["key"]
        for role in ROLES
    }
    for act in ACTS.values():
        found = {role: _post(api, key, act.name) != 403 for role, key in keys.items()}
        assert found == expected(act), act.name
    for role, key in keys.items():
        me = requests.get(f"{api}/me", headers={"Authorization": f"Bearer {key}"}, timeout=30).json()
        assert me["actions"] == [action for action in ACTIONS if role in allowed_roles(action)]


def _post(api: str, key: str, name: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return requests.post(f"{api}/acts/{name}", headers=headers, json={"id": "987"}, timeout=30).status_code


def test_every_act_through_the_page(
    people: dict[str, Actor], entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for act in ACTS.values():
        found = {}
        for role in ROLES:
            visit = Visit(people[role.lower()], signed_in=True)
            monkeypatch.setattr(here, "visit_of_page", lambda _, visit=visit: visit)
            found[role] = _pressed(_Page(entrance), act.name)
        assert found == expected(act), act.name


class _Page:
    """What the page's door needs of a page."""

    def __init__(self, entrance: Entrance) -> None:
        self.entrance = entrance
        self.pack = load_pack("merchants")

    @property
    def actor(self) -> Actor:
        actor = here.visit_of_page(self.entrance).actor
        assert actor is not None
        return actor


def _pressed(page: Any, name: str) -> bool:  # noqa: ANN401 - the least of a page
    """Was it let through? What is wrong with the thing itself is no refusal of the person."""
    act = ACTS[name]
    try:
        page_door.act(page, name, "987", {})
    except NotAllowed:
        assert not page_door.may(page, act.action, act.kind)
        return False
    except MinuteriskError:
        pass
    assert page_door.may(page, act.action, act.kind)
    return True


def test_every_act_has_a_command_and_it_is_refused_to_whoever_may_only_look(
    state: State,
    people: dict[str, Actor],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert set(ACTS) == set(COMMANDS) | NO_COMMAND
    _at_terminal(state, people, "READ_ONLY", monkeypatch)
    for name, command in COMMANDS.items():
        assert not _allowed(command, capsys), name


def test_every_action_through_the_command_line(
    state: State,
    people: dict[str, Actor],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chosen = {act.action: act for act in ACTS.values() if act.name in COMMANDS}
    assert {*chosen} == set(ACTIONS) - WITHOUT_ACT - {"unmask"}  # of the page alone
    for role in ROLES:
        _at_terminal(state, people, role, monkeypatch)
        for act in chosen.values():
            assert _allowed(COMMANDS[act.name], capsys) is expected(act)[role], (role, act.name)
        assert _allowed(("audit", "list"), capsys) is (role in allowed_roles("read_audit", "rules")), role
        assert main(["users", "whoami", "--json"]) == 0
        shown = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert shown["actions"] == [action for action in ACTIONS if role in allowed_roles(action)]


def _at_terminal(state: State, people: dict[str, Actor], role: str, patch: pytest.MonkeyPatch) -> None:
    do(state, "link_account", role.lower(), actor=people["super_admin"], os_user=f"user-{role}")
    patch.setattr("pipeline.commands.actor._user", lambda: f"user-{role}")


def _allowed(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> bool:
    code = main(list(command))
    said = capsys.readouterr().err
    assert code != 1, said
    return not (code == 2 and "which may not" in said)
