"""An installation of both packs with payments, rules and hits, one server over it and one browser."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from pipeline.desk.people import sessions
from pipeline.settings import Settings
from pipeline.store.database import connect_state
from pipeline.store.state import State
from queries import sql
from tests.app.merchants.home import add_incident, lead
from tests.app.transfers.home import (
    HOSTILE,
    NEW_PAYEE,
    add_hit,
    add_payment,
    add_rule,
    add_shipped,
    insert,
    shipped,
)
from tests.browser.chrome import chromium, served
from tests.people import add_people
from tests.servers import create_database, drop_database, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver
    from sqlalchemy.engine import Engine

    from pipeline.desk.roles import Actor

#: The first one adds the others.
PEOPLE = {"boss": "SUPER_ADMIN", "ben": "RULE_ADMIN"}
SIDE = {
    "hits": 312, "hits_per_day": 10.4, "accounts": 280, "money": {"KRW": 912_000_000, "USD": 120_000},
    "true_hits": 9, "false_hits": 3, "precision": 0.75, "precision_low": 0.4677, "precision_high": 0.9111,
}  # fmt: skip
BACKTEST = {
    "from": "2026-10-30T00:00:00+00:00", "to": "2026-11-29T00:00:00+00:00", "days": 30.0,
    "missing_minutes": 2, "events": 1_234_567, "frauds_known": 20, "candidate": SIDE, "only_candidate": 17,
    "version_live": 1, "live": {**SIDE, "hits": 290, "hits_per_day": 9.7, "precision": None},
}  # fmt: skip


@dataclass
class Bank:
    """The installation that is looked at."""

    address: str
    state: State
    people: dict[str, Actor]
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


def fill(engine: Engine) -> None:
    """Payments, alerts, rules in every state, lists, dead events, relays."""
    add_shipped(engine)
    high, large = shipped("HIGH_VALUE"), shipped("NEW_PAYEE_LARGE")
    changed = high.replace('"score":40', '"score":30').replace("1000000]", "2000000]")
    seen = {"backtest": json.dumps(BACKTEST), "backtest_sha256": "b" * 64}
    submitted = {"submitted_by": "kim", "submitted_at": datetime.now(UTC)}
    add_rule(
        engine, changed, version=2, status="submitted", reason=HOSTILE, author="kim", **submitted, **seen
    )
    add_rule(engine, large.replace("3000000", "5000000"), version=2, status="shadow", filled_at=None)
    for n in range(40):
        ago = timedelta(minutes=7 * n, seconds=3)
        decision = "block" if n % 3 else "review"
        judged = {"decision": decision, "score": 100 if n % 3 else 50, "late": n % 7 == 3}
        changes = {"account_id": f"acc-{n % 9}", "amount": 1_234_567 * (n + 1)}
        add_payment(engine, f"pay-{n:04}", ago=ago, judged=judged, **changes)
        for content in (high, large) if n % 2 else (large,):
            add_hit(engine, f"pay-{n:04}", content, NEW_PAYEE, occurred_at=datetime.now(UTC) - ago)
    hostile = HOSTILE[:64]
    add_payment(
        engine, hostile, judged={}, account_id=hostile, payee_id=hostile, currency="USD", country="US"
    )
    add_hit(engine, hostile, large, {**NEW_PAYEE, "account_id": hostile})
    insert(engine, "outcome", {"transfer_id": "pay-0001", "fraud": True, "said_by": "kim"})
    entry = {
        "list": "deny",
        "value": hostile,
        "reason": HOSTILE,
        "from_at": datetime.now(UTC),
        "added_by": "kim",
    }
    insert(engine, "list_entry", entry)
    dead = {"event_id": "evt-1", "account_id": "acc-1", "payload": "{}", "error": HOSTILE, "attempts": 4}
    insert(engine, "dead_event", dead)
    insert(
        engine, "relay", {"owner": "relay-1", "seen_at": datetime.now(UTC), "breaker": "open", "error": "x"}
    )


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, postgres_url: str, migrated: str) -> Iterator[Bank]:
    folder: Path = tmp_path_factory.mktemp("bank")
    name = create_database(postgres_url, "state", migrated)
    url = url_of(postgres_url, name)
    settings = Settings(home=folder / "home", state_url=url, packs=("merchants", "transfers"))
    settings.home.mkdir()
    engine = connect_state(url)
    with engine.begin() as connection:
        connection.execute(text(sql("ops/enter_pack")), {"pack": "transfers"})
    lead(engine)
    add_incident(engine, datetime.now(UTC).replace(second=0, microsecond=0))
    fill(engine)
    state = State(engine, url, "transfers", "KRW")
    with served(settings, folder) as address:
        yield Bank(address, state, add_people(state, PEOPLE))
    engine.dispose()
    drop_database(postgres_url, name)


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """A browser that keeps its cache from test to test."""
    with chromium(tmp_path_factory.mktemp("eyes")) as started:
        yield started
