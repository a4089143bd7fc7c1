"""The API for machines over real HTTP: keys, acts, and refusals that name the next step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from pipeline.desk.acts import ACTS
from pipeline.desk.people import keys
from pipeline.desk.people.entrance import Entrance
from pipeline.settings import Settings
from tests.integration.doorway import Visitor, doorway
from tests.people import PASSWORD, add_people, do

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.desk.roles import Actor
    from pipeline.store.state import State


@pytest.fixture
def people(state: State) -> dict[str, Actor]:
    return add_people(state, {"boss": "SUPER_ADMIN", "robot": "OPS_AGENT"})


@pytest.fixture
def address(tmp_path: Path, state_url: str, people: dict[str, Actor]) -> Iterator[str]:
    with doorway(Entrance(Settings(home=tmp_path, state_url=state_url), local=False)) as url:
        yield url


def key_of(
    state: State, people: dict[str, Actor], account: str = "robot", actions: str = "see,deliver"
) -> str:
    return str(do(state, "add_key", account, actor=people["boss"], name="cron", actions=actions)["key"])


def ask(address: str, path: str, key: str, content: Any = None) -> requests.Response:  # noqa: ANN401 - JSON
    headers = {"Authorization": f"Bearer {key}"}
    if content is None:
        return requests.get(f"{address}/api/v1/{path}", headers=headers, timeout=30)
    return requests.post(f"{address}/api/v1/{path}", headers=headers, json=content, timeout=30)


def audited(state: State, act: str) -> list[dict[str, Any]]:
    asked = dict.fromkeys(("actor", "kind", "thing", "outcome", "since", "until"))
    return [dict(row) for row in state.rows("audit_list", act=act, at_most=100, **asked)]


def test_a_key_says_who_it_is_and_what_it_may(address: str, state: State, people: dict[str, Actor]) -> None:
    key = key_of(state, people, actions="see,administer")
    me = ask(address, "me", key).json()
    assert me == {"account": "robot", "role": "OPS_AGENT", "api_key_id": 1, "actions": ["see"]}
    acts = {act["name"]: act for act in ask(address, "acts", key).json()["acts"]}
    assert set(acts) == set(ACTS)
    assert not acts["requeue"]["may"]  # of the role, not of the key
    asked = "incidents?rule=a&rule=b&state=open&from=2026-11-29T09:00%2B09:00&limit=5"
    assert ask(address, asked, key).json() == {"incidents": []}
    (used,) = keys.listed(state)
    assert (used["last_used_at"] is not None, used["last_origin"]) == (True, "127.0.0.1")
    assert key.split("_", 2)[2] not in str(used)


def test_an_act_is_done_by_the_account_of_the_key_and_stands_in_the_audit(
    address: str, state: State, people: dict[str, Actor]
) -> None:
    done = ask(address, "acts/requeue", key_of(state, people), {})
    assert (done.status_code, done.json()) == (200, {"requeued": []})
    (row,) = audited(state, "requeue")
    assert [row[name] for name in ("actor", "door", "credential", "origin")] == [
        "robot",
        "api",
        "1",
        "127.0.0.1",
    ]


def test_role_and_list_of_actions_must_both_allow(
    address: str, state: State, people: dict[str, Actor]
) -> None:
    for_all = key_of(state, people, actions="see,deliver,administer")
    refused = ask(address, "acts/disable_account", for_all, {"id": "boss"})
    assert (refused.status_code, "may not administer" in refused.json()["error"]) == (403, True)
    for name in ("begin_totp", "enrol_totp"):  # nobody but the owner, and a key is no person
        refused = ask(address, f"acts/{name}", for_all, {"id": "robot", **PASSWORDS[name]})
        assert (refused.status_code, "secret" in refused.json()) == (403, False), name
    narrow = key_of(state, people, "boss", actions="see")
    for name, thing in (("disable_account", "robot"), ("set_password", "boss"), ("reset_totp", "boss")):
        refused = ask(address, f"acts/{name}", narrow, {"id": thing, **PASSWORDS.get(name, {})})
        assert refused.status_code == 403, name  # also what people may do to themselves: a key is no person
    do(state, "set_role", "robot", actor=people["boss"], role="READ_ONLY")
    assert ask(address, "acts/requeue", for_all, {}).status_code == 403


PASSWORDS = {
    "set_password": {"password": "another set of words", "current": PASSWORD},
    "begin_totp": {"password": PASSWORD},
    "enrol_totp": {"ticket": "x", "code": "000000"},
}


@pytest.mark.parametrize("what", ["expired", "revoked", "disabled", "strange", "none", "another's secret"])
def test_a_key_that_is_none_is_refused_with_the_next_step_and_audited(
    address: str, state: State, people: dict[str, Actor], what: str
) -> None:
    key = key_of(state, people)
    if what == "expired":
        with state.changing() as connection:
            past = datetime.now(UTC) - timedelta(days=1)
            connection.exec_driver_sql(
                "UPDATE api_key SET created_at = %s, expires_at = %s", (past - timedelta(days=1), past)
            )
    elif what == "revoked":
        do(state, "revoke_key", 1, actor=people["boss"])
    elif what == "disabled":
        do(state, "disable_account", "robot", actor=people["boss"])
    wrong = {"strange": f"mk_9_{'x' * 43}", "none": "", "another's secret": f"mk_1_{'x' * 43}"}.get(what, key)
    refused = ask(address, "me", wrong)
    assert refused.status_code == 401
    assert refused.json()["next"]
    (row,) = audited(state, "use_key")
    assert (row["outcome"], row["why"]) == ("refused", refused.json()["error"])


def test_keys_that_are_guessed_are_slowed_down(address: str) -> None:
    seen = [ask(address, "me", f"mk_1_{'y' * 43}").status_code for _ in range(40)]
    assert seen[:20] == [401] * 20
    assert 429 in seen


def test_a_cookie_opens_no_api(address: str, people: dict[str, Actor]) -> None:
    visitor = Visitor(address)
    assert visitor.sign_in("robot", PASSWORD).status_code == 303
    assert visitor.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("acts/requeue", [1], 400),
        ("acts/requeue", {"id": True}, 400),
        ("acts/requeue", {"id": "9" * 40}, 400),
        ("acts/requeu", {}, 400),
        ("acts/requeue?pack=nobody", {}, 400),
        ("acts/requeue", {"x": "y" * 70_000}, 400),
        ("incidents?from=yesterday", None, 400),
        ("incidents?colour=red", None, 400),
        ("nothing", {}, 404),
    ],
)
def test_a_wrong_question_is_answered_with_what_and_next(
    address: str, state: State, people: dict[str, Actor], path: str, content: object, status: int
) -> None:
    answer = ask(address, path, key_of(state, people), content)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "next"}
