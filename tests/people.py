"""People for tests: who acts, and an act done by them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher

from pipeline.desk.acts import act
from pipeline.desk.people import passwords
from pipeline.desk.people.passwords import Passwords
from pipeline.desk.perform import Desk
from pipeline.desk.roles import SUPER_ADMIN, Actor
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from pipeline.store.state import State

#: Whoever starts a command where there are no accounts.
OWNER = Actor(None, "owner", SUPER_ADMIN, "cli")


def desk_of(state: State, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Desk:
    """The desk over a database of a test, with default settings."""
    return Desk(state, load_settings({}).of(state.pack), clock)


def do(
    state: State, name: str, thing_id: str | int = "", /, *, actor: Actor = OWNER, **given: object
) -> dict[str, Any]:
    """Do an act."""
    return act(desk_of(state), actor, name, thing_id, given)


#: Everybody's in tests.
PASSWORD = "four words are enough"


def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Passwords:
    """Hashes that cost next to nothing, for this test."""
    quick = Passwords(PasswordHasher(1, 8, 1))
    monkeypatch.setattr(passwords, "shared", lambda: quick)
    return quick


def add_people(state: State, roles: Mapping[str, str]) -> dict[str, Actor]:
    """Accounts with PASSWORD, by name; the first one has to be a SUPER_ADMIN and adds the others."""
    actors: dict[str, Actor] = {}
    for name, role in roles.items():
        by = next(iter(actors.values()), OWNER)
        do(state, "add_account", actor=by, name=name, role=role, password=PASSWORD)
        number = state.rows("accounts_list", account=name)[0]["account_id"]
        actors[name] = Actor(number, name, role, "page")
    return actors


def insert_people(state: State, roles: Mapping[str, str]) -> dict[str, Actor]:
    """Accounts as rows alone, by name: without a password, and without a row of the audit."""
    with state.engine.begin() as connection:
        numbers = [
            connection.exec_driver_sql(
                "INSERT INTO account (name, role) VALUES (%s, %s) RETURNING account_id", row
            ).scalar_one()
            for row in roles.items()
        ]
    return {name: Actor(n, name, roles[name], "cli") for n, name in zip(numbers, roles, strict=True)}
