"""Book payments in the stand-in: the payer's row is locked first, and only then is the event numbered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.packs.transfers.schema import EVENT
from pipeline.schema import conform

if TYPE_CHECKING:
    import polars as pl
    import psycopg

SCHEMA: Final = Path(__file__).with_name("schema.sql")

#: Columns of a payment in the database's own types, for json_to_recordset.
_TYPES: Final = {"amount": "bigint", "lat_e6": "integer", "lon_e6": "integer"}
_COLUMNS: Final = ", ".join(EVENT)
_GIVEN: Final = ", ".join(
    f"{name} {'timestamptz' if dtype.is_temporal() else _TYPES.get(name, 'text')}"
    for name, dtype in EVENT.items()
)

_LOCK: Final = """
SELECT account_id FROM account_balance WHERE account_id = ANY (%(accounts)s) ORDER BY account_id FOR UPDATE
"""
_OPEN: Final = """
INSERT INTO account_balance (account_id, user_id, currency, opened_at)
SELECT DISTINCT ON (account_id) account_id, user_id, currency, account_opened
FROM json_to_recordset(%(events)s) AS given (GIVEN)
ORDER BY account_id
ON CONFLICT DO NOTHING
"""
_BOOK: Final = """
WITH given AS (
    SELECT * FROM json_to_recordset(%(events)s) AS given (GIVEN, place bigint)
),
booked AS (
    INSERT INTO transfer (COLUMNS) SELECT COLUMNS FROM given ORDER BY place
),
sums AS (
    SELECT account_id, sum(amount) AS amount FROM given WHERE status = 'completed' GROUP BY account_id
),
paid AS (
    UPDATE account_balance SET balance = balance - amount
    FROM sums WHERE account_balance.account_id = sums.account_id
    RETURNING account_balance.account_id, balance, amount
),
history AS (
    INSERT INTO tx_history (transfer_id, account_id, change, balance, status)
    SELECT transfer_id, account_id, -given.amount,
           balance + paid.amount - sum(given.amount) OVER (PARTITION BY account_id ORDER BY place), status
    FROM given JOIN paid USING (account_id)
    WHERE status = 'completed'
    ORDER BY place
)
INSERT INTO transfer_events (account_id, payload)
SELECT account_id, PAYLOAD FROM given ORDER BY place
RETURNING event_id
"""
_CHANGE: Final = """
WITH given AS (
    UPDATE transfer SET status = %(status)s, updated_at = clock_timestamp()
    WHERE transfer_id = %(transfer_id)s RETURNING *
),
paid AS (
    UPDATE account_balance SET balance = balance + given.amount
    FROM given WHERE account_balance.account_id = given.account_id
    RETURNING account_balance.account_id, balance
),
history AS (
    INSERT INTO tx_history (transfer_id, account_id, change, balance, status)
    SELECT transfer_id, account_id, amount, balance, status FROM given JOIN paid USING (account_id)
)
INSERT INTO transfer_events (account_id, payload)
SELECT account_id, PAYLOAD FROM given
RETURNING event_id
"""
#: The event as others read it: without what is not known, places in degrees, times in UTC.
_PAYLOAD: Final = """
jsonb_strip_nulls(
    to_jsonb(given) - ARRAY['lat_e6', 'lon_e6', 'place', 'created_at', 'updated_at']
    || jsonb_build_object('lat', round(lat_e6 / 1e6, 6), 'lon', round(lon_e6 / 1e6, 6))
)
"""


def _query(text: str) -> bytes:
    parts = {"GIVEN": _GIVEN, "COLUMNS": _COLUMNS, "PAYLOAD": _PAYLOAD}
    for name, part in parts.items():
        text = text.replace(name, part)
    return text.encode()


def create_schema(connection: psycopg.Connection) -> None:
    """The stand-in's tables and roles, where they are missing."""
    connection.execute(SCHEMA.read_bytes())


def book(connection: psycopg.Connection, events: pl.DataFrame) -> list[int]:
    """Book payments (rows of EVENT) inside the caller's transaction, in their order; gives their event ids.

    The payers' rows stay locked until the caller commits.
    """
    rows = conform(events, EVENT).with_row_index("place").write_json()
    given = {"events": rows, "accounts": events["account_id"].unique().to_list()}
    connection.execute(_query(_OPEN), given)
    connection.execute(_query(_LOCK), given)
    return [event_id for (event_id,) in connection.execute(_query(_BOOK), given)]


def change_status(connection: psycopg.Connection, transfer_id: str, status: str) -> list[int]:
    """Reverse or decline a completed payment inside the caller's transaction; its money goes back."""
    connection.execute(
        b"SELECT FROM account_balance JOIN transfer USING (account_id) WHERE transfer_id = %s"
        b" FOR UPDATE OF account_balance",
        [transfer_id],
    )
    given = {"transfer_id": transfer_id, "status": status}
    return [event_id for (event_id,) in connection.execute(_query(_CHANGE), given)]
