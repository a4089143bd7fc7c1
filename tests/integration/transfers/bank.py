"""A bank's database and an installation that reads it, for the tests of the pack of transfers."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
from psycopg.rows import dict_row

from data.server import create_database, database_url
from data.transfers.book import book, change_status, create_schema
from pipeline.minute import floor_minute
from pipeline.packs.transfers.schema import EVENT
from pipeline.settings import load_settings
from scheduler import open_pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from pipeline.settings import Settings

NOW = floor_minute(datetime.now(UTC)) - timedelta(hours=1)  # late rows are looked for in the last 48 hours


def event(transfer_id: str, at: datetime, account_id: str = "payer", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - values of a row
    """An event with what it needs."""
    usual = {"kind": "transfer", "status": "completed", "amount": 1000, "currency": "KRW", "country": "KR"}
    made = {"transfer_id": transfer_id, "account_id": account_id, "occurred_at": at, **usual, **more}
    return {name: made.get(name) for name in EVENT} | {"user_id": made.get("user_id", account_id)}


def frame(*events: dict[str, Any]) -> pl.DataFrame:
    """Events as the pack reads them."""
    return pl.DataFrame(list(events), EVENT, orient="row")


@dataclass(frozen=True)
class Bank:
    """The database of a bank, and an installation that reads it."""

    url: str
    state_url: str
    environment: dict[str, str] = field(default_factory=dict)

    def book(self, *events: dict[str, Any]) -> None:
        """Book payments, each as its own row of one transaction."""
        with psycopg.connect(self.url) as connection:
            book(connection, frame(*events))

    def change(self, transfer_id: str, status: str) -> None:
        """Reverse or decline a payment."""
        with psycopg.connect(self.url) as connection:
            change_status(connection, transfer_id, status)

    def list_value(self, name: str, value: str, since: datetime) -> None:
        """Put a value on a list, in force since then."""
        entry = "INSERT INTO transfers.list_entry (list, value, from_at, reason, added_by)"
        self.ours(f"{entry} VALUES (%s, %s, %s, 'test', 'test')", name, value, since)

    def ours(self, statement: str, *given: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - parameters
        """Rows of a statement at the operational database."""
        with psycopg.connect(self.state_url, autocommit=True, row_factory=dict_row) as connection:
            found = connection.execute(statement.encode(), given or None)
            return found.fetchall() if found.description else []

    def settings(self, **more: str) -> Settings:
        """What this installation is set to."""
        return load_settings({**self.environment, **{f"MINUTERISK_{n.upper()}": v for n, v in more.items()}})

    @contextmanager
    def at_work(self, **more: str) -> Iterator[Pipeline]:
        """The leading pipeline."""
        with open_pipeline(self.settings(**more)) as pipeline:
            yield pipeline


def bank_of(postgres_url: str, state_url: str, home: Path) -> Bank:
    """A fresh bank on the server of the tests."""
    name = f"bank_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        create_database(admin, name)
    url = database_url(postgres_url, name)
    with psycopg.connect(url, autocommit=True) as owner:
        create_schema(owner)
    names = {
        "packs": "transfers",
        "home": str(home),
        "state_url": state_url,
        "source_url": url,
        "language": "en",
    }
    return Bank(url, state_url, {f"MINUTERISK_{n.upper()}": value for n, value in names.items()})
