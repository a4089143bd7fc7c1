"""A trade database and an installation that reads it, for the tests of the pipeline."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import psycopg

from data.merchants.trade import create_trade_database, insert_transactions, reader_url
from pipeline.packs.merchants.schema import PAYMENT
from pipeline.settings import load_settings
from scheduler import open_pipeline
from tests.servers import create_database, migrated_database, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from data.merchants.trade import MerchantIdType
    from pipeline.catch_up import Pipeline
    from pipeline.settings import Settings


@dataclass(frozen=True)
class Trade:
    """A stand-in trade database: the owner's URL, and the one of the role that may only SELECT."""

    admin_url: str
    name: str
    owner_url: str

    @property
    def source_url(self) -> str:
        return reader_url(self.admin_url, self.name)

    def insert(self, *rows: tuple[int, str | int | None, str | None, int | None, datetime | None]) -> None:
        """Rows of transaction_id, merchant_id, kind, amount, occurred_at."""
        text = [(i, None if m is None else str(m), kind, amount, at) for i, m, kind, amount, at in rows]
        insert_transactions(self.owner_url, pl.DataFrame(text, PAYMENT, orient="row"))

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def trade_database(admin_url: str, merchant_id_type: MerchantIdType = "TEXT") -> Iterator[Trade]:
    """A database of its own; it goes with the server, because dropping it costs a checkpoint."""
    name = f"trade_{uuid.uuid4().hex[:12]}"
    yield Trade(admin_url, name, create_trade_database(admin_url, name, merchant_id_type))


@contextmanager
def state_database(admin_url: str, template: str | None = None) -> Iterator[str]:
    """A migrated operational database of its own, or one like `template`; it goes with the server, too."""
    name = create_database(admin_url, "state", template or migrated_database(admin_url))
    yield url_of(admin_url, name)


def settings_of(trade: Trade, state_url: str, home: Path, **more: str) -> Settings:
    names = {
        "home": str(home),
        "source_url": trade.source_url,
        "state_url": state_url,
        "policy": "supported",
        **more,
    }
    return load_settings({f"MINUTERISK_{name.upper()}": value for name, value in names.items()})


@contextmanager
def pipeline_of(trade: Trade, state_url: str, home: Path, **more: str) -> Iterator[Pipeline]:
    """A leading pipeline over the trade database, as every command opens it."""
    with open_pipeline(settings_of(trade, state_url, home, **more)) as pipeline:
        yield pipeline
