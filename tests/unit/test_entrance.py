"""Who is still let in while the operational database is away: to look, for a while, and nobody signed out."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pipeline.desk.people import entrance as door
from pipeline.desk.people import sessions
from pipeline.desk.people.entrance import OPEN_PAGE_S, OUTAGE_S, Entrance
from pipeline.errors import StateUnavailable
from pipeline.settings import Settings
from tests.people import PASSWORD, add_people

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.desk.people.entrance import Visit
    from pipeline.desk.roles import Actor
    from pipeline.store.state import State


@pytest.fixture
def people(state: State) -> dict[str, Actor]:
    return add_people(state, {"boss": "SUPER_ADMIN", "kim": "OPS_AGENT", "lee": "OPS_AGENT"})


class Time:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(door, "time", made)
    return made


@pytest.fixture
def entrance(state: State, tmp_path: Path) -> Iterator[Entrance]:
    with closing(Entrance(Settings(home=tmp_path, state_url=state.url), local=False)) as made:
        yield made


@pytest.fixture
def token(state: State, people: dict[str, Actor]) -> Callable[[str], str]:
    """The word of a new session."""

    def begin(name: str) -> str:
        number = people[name].account_id
        assert number is not None
        with state.changing() as connection:
            return sessions.begin(state, connection, number, "password", "", state.clock())[0]

    return begin


def away(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        msg = "gone"
        raise StateUnavailable(msg, "start it")

    monkeypatch.setattr(door, "sessions", SimpleNamespace(look=gone, hash_of=sessions.hash_of))


def role(visit: Visit) -> str | None:
    return None if visit.actor is None else visit.actor.role


def test_whoever_has_a_page_open_goes_on_looking_for_ten_minutes(
    entrance: Entrance, token: Callable[[str], str], clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim = token("kim")
    assert role(entrance.visit(kim, "")) == "OPS_AGENT"
    away(monkeypatch)
    clock.now += OUTAGE_S - 1
    assert role(entrance.visit(kim, "")) == "READ_ONLY"
    assert role(entrance.visit("somebody else", "")) is None
    clock.now += 2
    assert role(entrance.visit(kim, "")) is None


def test_whoever_has_no_page_open_is_not_known_any_more_when_the_database_goes_away(
    entrance: Entrance, token: Callable[[str], str], clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim, lee = token("kim"), token("lee")
    entrance.visit(kim, "")
    clock.now += OPEN_PAGE_S
    entrance.visit(lee, "")  # kim could have been signed out meanwhile, on the command line
    away(monkeypatch)
    assert role(entrance.visit(kim, "")) is None
    assert role(entrance.visit(lee, "")) == "READ_ONLY"


@pytest.mark.parametrize("how", ["revoke_session", "revoke_sessions", "disable_account", "set_password"])
def test_whom_this_process_signed_out_stays_out_when_the_database_goes_away(
    entrance: Entrance,
    state: State,
    people: dict[str, Actor],
    token: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    kim = token("kim")
    entrance.visit(kim, "")
    (number,) = [row["session_id"] for row in sessions.listed(state, state.clock())]
    thing = str(number) if how == "revoke_session" else "kim"
    given = {"password": f"another {PASSWORD}"} if how == "set_password" else {}
    entrance.act(people["boss"], how, thing, given)
    away(monkeypatch)
    assert role(entrance.visit(kim, "")) is None
