"""Accounts: who may change them, what they are called, and that somebody is left who administers."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.desk.acts import act
from pipeline.desk.people import accounts, keys, sessions
from pipeline.errors import MinuteriskError, NotAllowed, UsageError
from tests.people import OWNER, PASSWORD, add_people, desk_of, do
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from pipeline.desk.roles import Actor
    from pipeline.store.state import State


@pytest.fixture
def people(state: State) -> dict[str, Actor]:
    return add_people(state, {"boss": "SUPER_ADMIN", "kim": "OPS_AGENT"})


def shown(state: State, name: str) -> dict[str, object]:
    return dict(accounts.listed(state, name)[0])


@pytest.mark.parametrize("given", [{"role": "OPS_AGENT", "password": PASSWORD}, {"role": "SUPER_ADMIN"}])
def test_the_first_account_has_to_be_able_to_make_the_others(state: State, given: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="first account"):
        act(desk_of(state), OWNER, "add_account", "", {"name": "x", **given})
    assert accounts.listed(state) == []


def test_the_first_account_is_whoever_makes_it_on_the_command_line(
    state: State, people: dict[str, Actor]
) -> None:
    assert shown(state, "boss")["os_user"] == OWNER.name
    assert shown(state, "kim")["os_user"] is None


@pytest.mark.parametrize(
    ("name", "kept"),
    [(" Kim ", "kim"), ("김운영", "김운영"), ("\u1100\u1175\u11b7", "김"), ("A.b+c@d", "a.b+c@d")],
)
def test_a_name_has_one_form(name: str, kept: str) -> None:
    assert accounts.account_name(name) == kept


@pytest.mark.parametrize("name", ["", "  ", "a b", "<b>", "x\u200b", "-x", "x" * 81, "a/b", "a\nb"])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        accounts.account_name(name)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"name": "kim"}, "already"),
        ({"name": "new", "os_user": "owner"}, "boss is that user"),
        ({"name": "new", "password": "short"}, "5 characters"),
        ({"name": "newest", "password": "the Newest password"}, "account's name"),
        ({"name": "new", "password": "a" * 20}, "very few"),
        ({"name": "new", "email": "nobody"}, "no e-mail"),
        ({"name": "new", "role": "GARDENER"}, "GARDENER"),
    ],
)
def test_what_is_wrong_with_a_new_account_is_named(
    state: State, people: dict[str, Actor], given: dict[str, str], wrong: str
) -> None:
    with pytest.raises(UsageError, match=wrong):
        act(desk_of(state), people["boss"], "add_account", "", {"role": "READ_ONLY", **given})
    assert len(accounts.listed(state)) == 2


@pytest.mark.parametrize(("name", "given"), [("set_role", {"role": "READ_ONLY"}), ("disable_account", {})])
def test_the_last_administrator_stays_until_there_is_another_who_can_sign_in(
    state: State, people: dict[str, Actor], name: str, given: dict[str, str]
) -> None:
    boss = people["boss"]
    with pytest.raises(UsageError, match="last SUPER_ADMIN"):
        do(state, name, "boss", actor=boss, **given)
    do(state, "add_account", actor=boss, name="robot", role="SUPER_ADMIN")  # has no way to sign in
    with pytest.raises(UsageError, match="last SUPER_ADMIN"):
        do(state, name, "boss", actor=boss, **given)
    do(state, "set_role", "kim", actor=boss, role="SUPER_ADMIN")
    do(state, name, "boss", actor=boss, **given)


def test_a_key_of_an_account_that_was_disabled_stays_ended_when_the_account_comes_back(
    state: State, people: dict[str, Actor]
) -> None:
    boss = people["boss"]
    key = do(state, "add_key", "kim", actor=boss, name="cron", actions="see")["key"]
    do(state, "disable_account", "kim", actor=boss)
    do(state, "enable_account", "kim", actor=boss)
    with pytest.raises(keys.KeyRefused):
        keys.actor_of(state, key, "10.0.0.9", datetime.now(UTC))


def test_two_administrators_who_disable_each_other_at_once_leave_one(state: State) -> None:
    people = add_people(state, {"a": "SUPER_ADMIN", "b": "SUPER_ADMIN"})
    for _ in range(3):
        failed = at_once(state, [(people["a"], "b"), (people["b"], "a")])
        left = [row["name"] for row in accounts.listed(state) if row["disabled_at"] is None]
        assert (len(left), len(failed)) == (1, 1)
        assert isinstance(failed[0], UsageError), failed
        (other,) = {"a", "b"} - set(left)
        do(state, "enable_account", other, actor=people[left[0]])


def at_once(state: State, who: list[tuple[Actor, str]]) -> list[MinuteriskError]:
    """Each disables another, all in one moment; gives who could not."""
    ready, failed = threading.Barrier(len(who)), list[MinuteriskError]()

    def disable(by: Actor, other: str) -> None:
        ready.wait(PATIENCE_S)
        try:
            do(state, "disable_account", other, actor=by)
        except MinuteriskError as error:
            failed.append(error)

    threads = [threading.Thread(target=disable, args=pair) for pair in who]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    return failed


def test_ones_own_password_needs_the_old_one_and_ends_the_other_sessions(
    state: State, people: dict[str, Actor]
) -> None:
    kim = people["kim"]
    with pytest.raises(UsageError, match="current password"):
        do(state, "set_password", "kim", actor=kim, password="another set of words", current="wrong")
    numbers = [began(state, kim) for _ in range(3)]
    mine = replace(kim, credential=str(numbers[0]))
    do(state, "set_password", "kim", actor=mine, password="another set of words", current=PASSWORD)
    assert [row["session_id"] for row in sessions.listed(state, state.clock())] == numbers[:1]
    with pytest.raises(NotAllowed):
        do(state, "set_password", "boss", actor=kim, password="another set of words", current=PASSWORD)


def began(state: State, actor: Actor) -> int:
    """The number of a new session."""
    assert actor.account_id is not None
    with state.changing() as connection:
        return sessions.begin(state, connection, actor.account_id, "password", "", state.clock())[1]


def test_ones_own_session_may_be_ended_and_anothers_not(state: State, people: dict[str, Actor]) -> None:
    own, bosss = began(state, people["kim"]), began(state, people["boss"])
    do(state, "revoke_session", own, actor=people["kim"])
    with pytest.raises(NotAllowed):
        do(state, "revoke_session", bosss, actor=people["kim"])
    with pytest.raises(UsageError, match="no open session"):
        do(state, "revoke_session", own, actor=people["boss"])


def test_no_password_stands_in_the_audit(state: State, people: dict[str, Actor]) -> None:
    with pytest.raises(UsageError):
        do(
            state,
            "set_password",
            "kim",
            actor=people["kim"],
            password="another set of words",
            current="wrong1",
        )
    answer = do(state, "reset_totp", "kim", actor=people["boss"], new="true")
    with state.reading() as connection:
        rows = str(connection.exec_driver_sql("SELECT audit::text FROM audit").scalars().all())
    assert not [word for word in (PASSWORD, "another set", "wrong1", answer["secret"]) if word in rows]


def test_who_somebody_is_elsewhere_is_nobody_else(state: State, people: dict[str, Actor]) -> None:
    boss = people["boss"]
    do(
        state,
        "link_account",
        "kim",
        actor=boss,
        slack_user="T0AB/U1CD",
        email="kim@example.com",
        os_user="kim",
    )
    for given in ({"slack_user": "T0AB/U1CD"}, {"email": "KIM@example.com"}, {"os_user": "kim"}):
        with pytest.raises(UsageError, match="kim is that user"):
            do(state, "link_account", "boss", actor=boss, **given)
    with pytest.raises(UsageError, match="no Slack user"):
        do(state, "link_account", "boss", actor=boss, slack_user="U1CD")
    do(state, "link_account", "kim", actor=boss, os_user="-")
    assert [shown(state, "kim")[name] for name in ("os_user", "slack_user")] == [None, "T0AB/U1CD"]


def test_a_key_makes_no_key_that_may_more_than_itself(state: State, people: dict[str, Actor]) -> None:
    key = replace(people["boss"], door="api", credential="1", scope=frozenset({"administer"}))
    do(state, "add_key", "kim", actor=key, name="x", actions="administer")
    with pytest.raises(NotAllowed, match="is not for approve"):
        do(state, "add_key", "kim", actor=key, name="x", actions="administer,approve")


def test_a_key_is_for_known_actions_and_some_days(state: State, people: dict[str, Actor]) -> None:
    for given in ({"actions": "see,fly"}, {"actions": "see", "days": 0}, {"actions": "see", "days": 400}):
        with pytest.raises(UsageError):
            act(desk_of(state), people["boss"], "add_key", "kim", {"name": "x", **given})
    with pytest.raises(UsageError, match="no account"):
        act(desk_of(state), people["boss"], "add_key", "nobody", {"name": "x", "actions": "see"})
