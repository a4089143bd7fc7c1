"""One installation with incidents, one server over it and one browser, for all tests of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline.desk.people import sessions
from pipeline.minute import MINUTE
from pipeline.settings import Settings
from pipeline.store.database import connect_state
from pipeline.store.state import State
from tests.app.merchants.home import DROP_REASON, HOSTILE, add_event, add_incident, lead, publish, recent
from tests.browser.chrome import chromium, served
from tests.people import add_people
from tests.servers import create_database, drop_database, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

    from pipeline.desk.roles import Actor

#: The first one adds the others.
PEOPLE = {"boss": "SUPER_ADMIN", "kim": "OPS_AGENT", "lee": "RISK_ANALYST"}


@dataclass
class House:
    """The installation that is looked at."""

    address: str
    settings: Settings
    state: State
    people: dict[str, Actor]
    incidents: dict[str, int]
    opened: datetime
    _tokens: dict[str, str] = field(default_factory=dict)

    def token(self, name: str) -> str:
        """The word of a session of that person."""
        if name not in self._tokens:
            number = self.people[name].account_id
            assert number is not None
            now = datetime.now(UTC)
            with self.state.changing() as connection:
                self._tokens[name], _ = sessions.begin(self.state, connection, number, "password", "", now)
        return self._tokens[name]

    def add(self, name: str, **changes: object) -> int:
        """One more incident, of a merchant of that name."""
        return add_incident(self.state.engine, self.opened, merchant_name=name, **changes)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, postgres_url: str, migrated: str) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    name = create_database(postgres_url, "state", migrated)
    url = url_of(postgres_url, name)
    settings = Settings(home=folder / "home", state_url=url)
    settings.home.mkdir()
    engine = connect_state(url)
    state = State(engine, url, "merchants", "KRW")
    span = recent(26 * 60, datetime.now(UTC))
    publish(settings.home, span, ["m1", "m2"], version=41)
    lead(engine, next_minute=span.end)
    opened = span.end - 60 * MINUTE
    drop = {"rule": "volume_drop", "reason": DROP_REASON, "latest": DROP_REASON}
    incidents = {
        "surge": add_incident(engine, opened),
        "hostile": add_incident(
            engine, opened, merchant_id="m2", merchant_name=HOSTILE, severity="high", paid=1_000, **drop
        ),
        "old": add_incident(engine, opened, merchant_id="m4", merchant_name="옛 가게", status="resolved"),
    }
    add_event(engine, incidents["surge"], opened)
    with served(settings, folder) as address:
        yield House(address, settings, state, add_people(state, PEOPLE), incidents, opened)
    engine.dispose()
    drop_database(postgres_url, name)


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """A browser that keeps its cache from test to test."""
    with chromium(tmp_path_factory.mktemp("eyes")) as started:
        yield started


@pytest.fixture(scope="module")
def other_eyes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """The browser of somebody else."""
    with chromium(tmp_path_factory.mktemp("other-eyes")) as started:
        yield started
