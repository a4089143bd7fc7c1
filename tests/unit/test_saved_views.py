"""Filters that a person keeps by a name: each one's own, and no more than a menu shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from pipeline.desk.views import LONGEST_NAME, LONGEST_QUERY, MOST_VIEWS
from pipeline.errors import UsageError
from pipeline.store.state import State
from tests.people import add_people, do

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from pipeline.desk.roles import Actor


@pytest.fixture
def state(state_engine: Engine, state_url: str) -> Iterator[State]:
    with State(state_engine, state_url, "merchants", "KRW") as found:
        found.lead()
        yield found


@pytest.fixture
def people(state: State) -> dict[str, Actor]:
    return add_people(state, {"boss": "SUPER_ADMIN", "kim": "READ_ONLY", "lee": "OPS_AGENT"})


def kept(state: State) -> list[tuple[str, str]]:
    with state.reading() as connection:
        found = connection.execute(text("SELECT name, query FROM saved_view ORDER BY view_id"))
        return [(row.name, row.query) for row in found]


def save(state: State, actor: Actor, name: Any, query: str = "state=open") -> dict[str, Any]:  # noqa: ANN401
    return do(state, "save_view", actor=actor, name=name, query=query)


def test_a_view_of_the_same_name_becomes_the_new_one(state: State, people: dict[str, Actor]) -> None:
    first = save(state, people["kim"], " 아침\nlist ")
    again = save(state, people["kim"], "아침 list", "severity=critical")
    assert first == again
    assert kept(state) == [("아침 list", "severity=critical")]
    save(state, people["lee"], "아침 list", "")
    assert len(kept(state)) == 2, "somebody else's is another one"


def test_only_ones_own_is_deleted(state: State, people: dict[str, Actor]) -> None:
    number = save(state, people["kim"], "mine")["view_id"]
    with pytest.raises(UsageError, match=f"there is no view {number}"):
        do(state, "delete_view", number, actor=people["lee"])
    assert do(state, "delete_view", number, actor=people["kim"]) == {"deleted": "mine"}
    assert kept(state) == []


def test_there_is_an_end_to_their_number_and_length(state: State, people: dict[str, Actor]) -> None:
    for number in range(MOST_VIEWS):
        save(state, people["kim"], f"view {number}")
    with pytest.raises(UsageError, match=f"you keep {MOST_VIEWS} views already"):
        save(state, people["kim"], "one more")
    save(state, people["kim"], "view 3", "q=x")  # one that is there already
    save(state, people["lee"], "x" * LONGEST_NAME, "q" * LONGEST_QUERY)
    with pytest.raises(UsageError, match="name has 61 characters"):
        save(state, people["lee"], "x" * (LONGEST_NAME + 1))
    with pytest.raises(UsageError, match="query has 1001 characters"):
        save(state, people["lee"], "y", "q" * (LONGEST_QUERY + 1))


@pytest.mark.parametrize("name", ["", "   ", None, "\x07", "\u200b"])
def test_a_name_has_something_to_read(state: State, people: dict[str, Actor], name: str | None) -> None:
    with pytest.raises(UsageError):
        save(state, people["kim"], name)
    assert kept(state) == []


def test_nobodys_account_keeps_none(state: State) -> None:
    with pytest.raises(UsageError, match="views are kept for accounts"):
        do(state, "save_view", name="x", query="")
