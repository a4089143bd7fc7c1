"""Taking data along: for whom, with a reason, and kept in the audit before anything leaves."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from app.gate import here
from app.pages import downloads
from app.pages.downloads import _taken
from pipeline.desk.people.entrance import Entrance
from pipeline.desk.roles import ROLES, allowed_roles
from pipeline.errors import NotAllowed, UsageError
from pipeline.packs import load_pack
from pipeline.settings import load_settings
from pipeline.store.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

    from pipeline.desk.people.entrance import Visit

FRAME = pl.DataFrame({"name": ["=1"], "krw": [1]})


class Looked:
    """What a download asks of the page that it was offered on."""

    def __init__(self, entrance: Entrance, visit: Visit) -> None:
        assert visit.actor is not None
        self.entrance, self.actor, self.pack = entrance, visit.actor, load_pack("merchants")


@pytest.fixture
def state(home: Path, state_engine: Engine, state_url: str) -> State:
    del home
    return State(state_engine, state_url, "merchants", "KRW")


@pytest.fixture
def entrance(state: State, home: Path) -> Iterator[Entrance]:
    given = {"MINUTERISK_HOME": str(home), "MINUTERISK_STATE_URL": state.url}
    found = Entrance(load_settings(given), local=False)
    yield found
    found.close()


@pytest.fixture
def looked(entrance: Entrance, signed_in: Callable[[str], None]) -> Callable[[str], Any]:
    def look(role: str) -> Any:  # noqa: ANN401 - the least of a page
        signed_in(role)
        return Looked(entrance, entrance.visit(here.token_of_page(), ""))

    return look


def taken(page: Any, reason: str, file: str = "list.csv", made: Any = lambda: FRAME) -> bytes:  # noqa: ANN401
    return _taken(page, here.token_of_page(), file, reason, made)


def audited(state: State) -> list[tuple[str, str, str, Any]]:
    asked = dict.fromkeys(("actor", "kind", "thing", "outcome", "since", "until"))
    rows = state.rows("audit_list", act="download", at_most=10, **asked)
    return [(row["actor"], row["outcome"], row["why"], row["after"]) for row in rows]


def test_it_is_kept_who_took_what_and_why(state: State, looked: Callable[[str], Any]) -> None:
    page = looked("AUDITOR")
    assert taken(page, "case 7") == downloads.as_csv(FRAME)
    assert pl.read_parquet(io.BytesIO(taken(page, "case 8", "list.parquet"))).equals(FRAME)
    assert audited(state) == [
        ("kim AUDITOR", "done", "case 8", {"what": "list.parquet"}),
        ("kim AUDITOR", "done", "case 7", {"what": "list.csv"}),
    ]


def test_without_a_reason_nothing_leaves(state: State, looked: Callable[[str], Any]) -> None:
    page, asked = looked("AUDITOR"), []
    with pytest.raises(UsageError, match="no reason is given"):
        taken(page, "", made=lambda: asked.append(1))
    assert (asked, [row[1] for row in audited(state)]) == ([], ["refused"])


def test_whoever_may_no_longer_gets_nothing(state: State, looked: Callable[[str], Any]) -> None:
    page, asked = looked("AUDITOR"), []
    with state.changing() as connection:
        connection.exec_driver_sql("UPDATE account SET role = 'READ_ONLY'")
    with pytest.raises(NotAllowed, match="which may not export"):
        taken(page, "case 7", made=lambda: asked.append(1))
    assert (asked, [row[1] for row in audited(state)]) == ([], ["refused"])


def test_a_session_that_ended_meanwhile_takes_nothing(state: State, looked: Callable[[str], Any]) -> None:
    page, asked = looked("AUDITOR"), []
    with state.changing() as connection:
        connection.exec_driver_sql("UPDATE session SET ended_at = now()")
    with pytest.raises(NotAllowed, match="your session has ended"):
        taken(page, "case 7", made=lambda: asked.append(1))
    assert (asked, audited(state)) == ([], [])


@pytest.mark.parametrize("role", ROLES)
def test_a_button_is_shown_to_those_who_may_and_works_with_a_reason(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], role: str
) -> None:
    signed_in(role)
    tested = page("access", part="audit")
    buttons = tested.get("download_button")
    sees = role in allowed_roles("read_audit", "rules") and role in allowed_roles("export")
    assert len(buttons) == (2 if sees else 0)
    assert all(button.proto.disabled for button in buttons)
    if sees:
        tested.text_input(key="download-reason-audit").input("case 7")
        tested.run()
        assert not any(button.proto.disabled for button in tested.get("download_button"))
