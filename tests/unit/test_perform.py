"""Every act: role, change and audit in one transaction; a refused try leaves its row of the audit alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from pipeline.desk.given import Parameter
from pipeline.desk.perform import Act, Deed, perform, require
from pipeline.desk.roles import Actor, Thing
from pipeline.errors import NotAllowed, UsageError
from pipeline.store import audit
from pipeline.store.state import State
from tests.people import OWNER, desk_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine


@pytest.fixture
def state(state_engine: Engine, state_url: str) -> State:
    with state_engine.begin() as connection:
        connection.execute(text("CREATE TABLE door (open boolean)"))
        connection.execute(text("INSERT INTO door VALUES (false)"))
    return State(state_engine, state_url, "merchants", "KRW")


def open_door(deed: Deed) -> Mapping[str, Any]:
    deed.connection.execute(text("UPDATE door SET open = true"))
    if deed.given["how"] == "wrong":
        msg = "the door is stuck"
        raise UsageError(msg, "push")
    if deed.given["how"] == "fault":
        raise ZeroDivisionError
    deed.before, deed.after = {"open": False}, {"open": True}
    return {"open": True}


DOORS = {
    "open": Act(
        name="open",
        action="handle",
        kind="door",
        run=open_door,
        parameters={"how": Parameter("text", "how"), "reason": Parameter("text", "why", required=True)},
    )
}


def account(state: State, role: str) -> Actor:
    with state.changing() as connection:
        given = {"name": f"{role} kim", "role": role}
        insert = text("INSERT INTO account (name, role) VALUES (:name, :role) RETURNING account_id")
        number = connection.execute(insert, given).scalar_one()
    return Actor(number, given["name"], role, "page", credential="4", origin="10.0.0.9")


def rows(state: State) -> list[dict[str, Any]]:
    nothing = dict.fromkeys(("actor", "act", "kind", "thing", "outcome", "since", "until"))
    return [dict(row) for row in state.rows("audit_list", **nothing, at_most=50)]


def is_open(state: State) -> bool:
    with state.reading() as connection:
        return bool(connection.execute(text("SELECT open FROM door")).scalar_one())


def act(state: State, actor: Actor, name: str = "open", **given: object) -> dict[str, Any]:
    return perform(desk_of(state), DOORS, actor, name, "front", {"reason": "air", **given})


def test_what_was_done_is_in_the_audit_with_before_after_and_why(state: State) -> None:
    assert act(state, account(state, "OPS_AGENT")) == {"open": True}
    (row,) = rows(state)
    assert is_open(state)
    assert row["actor"] == "OPS_AGENT kim"
    assert (row["before"], row["after"], row["why"]) == ({"open": False}, {"open": True}, "air")
    assert [row[name] for name in ("door", "credential", "origin", "thing")] == [
        "page",
        "4",
        "10.0.0.9",
        "front",
    ]


def test_a_role_that_may_not_changes_nothing_and_its_try_is_kept(state: State) -> None:
    with pytest.raises(NotAllowed, match="AUDITOR, which may not handle"):
        act(state, account(state, "AUDITOR"))
    assert not is_open(state)
    assert [row["outcome"] for row in rows(state)] == ["refused"]


def test_what_is_refused_half_way_is_taken_back(state: State) -> None:
    with pytest.raises(UsageError, match="stuck"):
        act(state, OWNER, how="wrong")
    assert not is_open(state)
    assert [(row["outcome"], row["why"]) for row in rows(state)] == [("refused", "the door is stuck")]


@pytest.mark.parametrize("thing", ["front\x00", "\ud800", "a" * 201])
def test_what_no_thing_can_be_called_is_refused_and_kept_before_a_database_meets_it(
    state: State, thing: str
) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        perform(desk_of(state), DOORS, OWNER, "open", thing, {"reason": "air"})
    assert [row["outcome"] for row in rows(state)] == ["refused"]


@pytest.mark.parametrize("written", ["07", "\u0663", "-1", "1" * 19])
def test_a_number_is_written_in_one_way(state: State, written: str) -> None:
    with state.reading() as connection, pytest.raises(UsageError, match="is no number"):
        _ = Deed(desk_of(state), connection, OWNER, written).number


def test_what_may_not_be_read_is_kept_as_a_refused_try(state: State) -> None:
    with pytest.raises(NotAllowed):
        require(desk_of(state), account(state, "OPS_AGENT"), "read_audit", Thing("audit"))
    assert [(row["act"], row["kind"], row["outcome"]) for row in rows(state)] == [
        ("read_audit", "audit", "refused")
    ]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "a\x00"),
        ("text", "a\ud800"),
        ("time", "0001-01-01T00:00+09:00"),
        ("time", "9999-12-31T23:59-12:00"),
        ("time", "2200-01-01T00:00Z"),
    ],
)
def test_what_no_column_and_no_calendar_holds_is_refused(kind: str, value: str) -> None:
    with pytest.raises(UsageError):
        Parameter(kind, "it").read("it", value)


def test_a_fault_leaves_nothing(state: State) -> None:
    with pytest.raises(ZeroDivisionError):
        act(state, OWNER, how="fault")
    assert not is_open(state)
    assert rows(state) == []


def test_the_role_is_that_of_the_moment_not_of_the_sign_in(state: State) -> None:
    actor = account(state, "OPS_AGENT")
    with state.changing() as connection:
        connection.execute(text("UPDATE account SET role = 'READ_ONLY'"))
    with pytest.raises(NotAllowed, match="READ_ONLY"):
        act(state, actor)
    with state.changing() as connection:
        connection.execute(text("UPDATE account SET role = 'OPS_AGENT', disabled_at = now()"))
    with pytest.raises(NotAllowed, match="disabled"):
        act(state, actor)


def test_the_owner_of_the_machine_acts_only_until_there_are_accounts(state: State) -> None:
    act(state, OWNER)
    account(state, "SUPER_ADMIN")
    with pytest.raises(NotAllowed, match="there are accounts now"):
        act(state, OWNER)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"how": 3}, "how is 3"),
        ({"when": "now"}, "knows no when"),
        ({"reason": " "}, "reason"),
        ({"reason": ""}, "missing"),
    ],
)
def test_what_was_given_wrongly_is_named(state: State, given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        act(state, OWNER, **given)
    assert not is_open(state)


def test_an_act_that_does_not_exist_names_the_nearest(state: State) -> None:
    with pytest.raises(UsageError) as refused:
        act(state, OWNER, name="opne")
    assert "did you mean open?" in str(refused.value)


def test_each_kind_of_parameter_reads_what_people_write() -> None:
    assert Parameter("duration", "").read("for", "2d") == timedelta(days=2)
    assert Parameter("integer", "").read("limit", "1,000") == 1000
    assert Parameter("time", "").read("until", "2026-11-29T21:00+09:00") == datetime(
        2026, 11, 29, 12, tzinfo=UTC
    )
    assert Parameter("flag", "").read("all", "true") is True
    for kind, wrong in [
        ("duration", "0h"),
        ("duration", "1 fortnight"),
        ("integer", "1.5"),
        ("integer", True),
        ("time", "2026-11-29 21:00"),
        ("time", "soon"),
        ("flag", "perhaps"),
        ("choice", "x"),
        ("text", "x" * 1001),
    ]:
        with pytest.raises(UsageError):
            Parameter(kind, "").read("it", wrong)


def chain(state: State) -> list[str]:
    with state.reading() as connection:
        return list(audit.wrong_rows(connection, []))


def tampered(state: State, statement: str) -> None:
    with state.changing() as connection:
        connection.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_is_final"))
        connection.execute(text(statement))


@pytest.mark.parametrize("statement", ["UPDATE audit SET why = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_database_itself_refuses_to_change_the_audit(state: State, statement: str) -> None:
    act(state, OWNER)
    with pytest.raises(Exception, match="only added to"), state.changing() as connection:
        connection.execute(text(statement))
    assert chain(state) == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit SET why = 'x' WHERE number = 2", "row 2 was changed"),
        ("UPDATE audit SET after = '{}' WHERE number = 2", "row 2 was changed"),
        ("UPDATE audit SET at = at + interval '1 microsecond' WHERE number = 2", "row 2 was changed"),
        ("UPDATE audit SET actor = role, role = actor WHERE number = 2", "row 2 was changed"),
        ("DELETE FROM audit WHERE number = 2", "row 2 is gone"),
        ("DELETE FROM audit WHERE number = 1", "row 1 is gone"),
        ("UPDATE audit SET number = 9 WHERE number = 2", "row 2 is gone"),
        ("UPDATE audit SET number = 5 - number WHERE number IN (2, 3)", "row 2"),
    ],
)
def test_each_change_behind_its_back_is_found(state: State, statement: str, found: str) -> None:
    for _ in range(3):
        act(state, OWNER)
    with state.changing() as connection:  # so that numbers can be exchanged in one statement
        connection.execute(text("ALTER TABLE audit DROP CONSTRAINT audit_pkey"))
    assert chain(state) == []
    tampered(state, statement)
    assert any(found in wrong for wrong in chain(state))


def test_rows_cut_off_at_the_end_are_found_by_a_head_kept_elsewhere(state: State) -> None:
    for _ in range(3):
        act(state, OWNER)
    with state.reading() as connection:
        head = audit.head(connection)
    tampered(state, "DELETE FROM audit WHERE number = 3")
    assert chain(state) == []  # the chain alone cannot know
    with state.reading() as connection:
        assert list(audit.wrong_rows(connection, [head])) == ["row 3 is gone: its hash was kept elsewhere"]
    with state.changing() as connection:
        connection.execute(text("ALTER TABLE audit ENABLE TRIGGER audit_is_final"))
    act(state, replace(OWNER, name="another"))
    with state.reading() as connection:
        (wrong,) = audit.wrong_rows(connection, [head])
    assert wrong.startswith("row 3 is not the one that was there")
