"""The stand-in's past in bulk, and its present as it happens. Prints nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import polars as pl
import psycopg

from data.transfers.bank import insert_accounts, insert_history, settle_balances
from data.transfers.traffic import accounts
from pipeline.minute import Span, to_index

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.transfers.traffic import Traffic

    #: minutes done so far, and in all
    Progress = Callable[[int, int], None]

_ROWS: Final = 200_000  # of one COPY


def write_history(url: str, traffic: Traffic, span: Span, progress: Progress | None = None) -> int:
    """Write the accounts and every payment of `span` as it stands at its end; gives the number of payments.

    `progress` gets minutes done and minutes in all. The payments must not be there yet. What arrives later,
    late payments and reversals, is left to `traffic`, which can go on with live rows at `span.end`.
    """
    written = 0
    with psycopg.connect(url) as connection:
        connection.execute("SET synchronous_commit = off")  # a crash here means starting the history again
        insert_accounts(connection, accounts(traffic.config.users))
        for part in traffic.chunks(span, _ROWS):
            arrived = traffic.rows(part).filter(pl.col("arrives_at") < span.end)
            insert_accounts(connection, arrived["account_id"].unique())
            written += insert_history(connection, arrived)
            if progress is not None:
                progress(to_index(part.end) - to_index(span.start), span.minutes)
        settle_balances(connection)
    return written


def newest_arrival(url: str) -> datetime | None:
    """When the last row was written that is there; whoever goes on begins after it."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT max(created_at) FROM transfer").fetchone()
    return row[0].astimezone(UTC) if row and row[0] else None
