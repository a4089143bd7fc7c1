"""The door to the data: what comes through, and that nothing is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.door import Door
from pipeline.minute import Span
from pipeline.settings import Settings
from tests.app.merchants.home import (
    add_incident,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

NOW = datetime.now(UTC)

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test's own: the page calls what is older than three minutes behind, and a run takes longer."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


def test_the_connection_refuses_writes(home: Path, state_url: str, state_engine: Engine) -> None:
    door = Door(Settings(home=home, state_url=state_url))
    with door._engine().connect() as connection:
        with pytest.raises(Exception, match="read-only transaction"):
            connection.execute(text("UPDATE leader SET epoch = 9"))
        connection.rollback()
    door.close()


def test_what_the_database_stored_comes_back_as_it_is(
    home: Path, state_url: str, state_engine: Engine
) -> None:
    minute = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
    number = add_incident(state_engine, minute, merchant_name=None, status="acknowledged")
    door = Door(Settings(home=home, state_url=state_url))
    found = door.incident(number)
    assert found is not None
    assert (found.title, found.acknowledged_by, found.opened_minute) == ("m1", "김위험", minute)
    assert found.reason["approvals_week"] == 20160
    assert door.incidents().shown == (found,)
    assert door.incident(number + 1) is None
    assert Span(found.opened_minute, found.last_breach_minute).minutes == 20
    door.close()
