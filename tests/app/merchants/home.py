"""A home with published files and a filled operational database, as the pipeline would leave them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import text

from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants.money.schema import EXPOSURE_ROW
from pipeline.packs.merchants.schema import ADDED_COUNTS, MERCHANT_MINUTE
from pipeline.schema import conform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy.engine import Engine

HOSTILE = "<img src=x onerror=alert(1)>[나쁜](http://bad.example) **굵게** $x$ :red[색] \u202eoleh"
SURGE_REASON = {"approvals_hour": 120, "cancels_hour": 48, "approvals_week": 20160, "cancels_week": 806}
DROP_REASON = {"amount_today": 410000000, "amount_paced": 6930000000, "amount_days": 10500000000, "days": 7}

Row = tuple[datetime, str, int, int, int, int]


def minute_rows(span: Span, merchant_id: str, *, approvals: int = 10, cancels: int = 1) -> list[Row]:
    """The same counts in every minute; each approval is 1,000 won, each cancel 500."""
    return [(m, merchant_id, approvals, cancels, approvals * 1000, cancels * 500) for m in span]


def write_file(home: Path, name: str, span: Span, rows: Sequence[Row]) -> dict[str, Any]:
    """One Parquet file of merchant_minute and its entry of the manifest."""
    path = home / "lake" / "merchant_minute" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    counted = [name for name in MERCHANT_MINUTE if name not in ADDED_COUNTS]
    frame = pl.DataFrame(list(rows), schema=counted, orient="row")
    frame = frame.with_columns(pl.lit(0).alias(name) for name in ADDED_COUNTS)
    conform(frame, MERCHANT_MINUTE).write_parquet(path)
    return {
        "path": f"merchant_minute/{name}",
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        "rows": len(rows),
        "sha256": "0" * 64,
    }


def write_manifest(
    home: Path, files: Sequence[Mapping[str, Any]], through: datetime, version: int = 1
) -> None:
    """Replace manifest.json atomically, as the pipeline does."""
    content = {
        "version": version,
        "published_through": through.strftime("%Y-%m-%dT%H:%MZ"),
        "generated_at": through.astimezone(UTC).isoformat(),
        "datasets": {"merchant_minute": list(files), "signal": [], "quarantine": []},
    }
    temporary = home / "manifest.json.tmp"
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(home / "manifest.json")


def publish_exposure(home: Path, minute: datetime, rows: Sequence[Mapping[str, Any]]) -> None:
    """The snapshot of a minute beside what is published: of each merchant what `rows` name, else unknown."""
    unknown = dict.fromkeys(EXPOSURE_ROW.names())
    given = [{**unknown, "minute": minute, "state": "healthy", **row} for row in rows]
    frame = pl.DataFrame(given, EXPOSURE_ROW)
    folder = home / "lake" / "exposure"
    folder.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(folder / "1.parquet")
    entry = {"path": "exposure/1.parquet", "start": minute.isoformat(), "end": (minute + MINUTE).isoformat()}
    path = home / "manifest.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["datasets"]["exposure"] = [{**entry, "rows": frame.height, "sha256": "0" * 64}]
    content["version"] += 1
    path.write_text(json.dumps(content), encoding="utf-8")


def publish(home: Path, span: Span, merchant_ids: Sequence[str], version: int = 1) -> None:
    """One file with the same counts for each merchant and minute."""
    rows = [row for merchant_id in merchant_ids for row in minute_rows(span, merchant_id)]
    write_manifest(home, [write_file(home, f"{version}.parquet", span, rows)], span.end, version)


def recent(minutes: int, now: datetime) -> Span:
    """The last whole minutes before `now`."""
    end = now.replace(second=0, microsecond=0)
    return Span(end - minutes * MINUTE, end)


def lead(
    engine: Engine, *, age: timedelta = timedelta(seconds=2), next_minute: datetime | None = None
) -> None:
    """A leader whose last heartbeat is `age` old."""
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE leader SET epoch = 3, holder = 'h', heartbeat_at = now() - :age"), {"age": age}
        )
        if next_minute is not None:
            connection.execute(
                text("INSERT INTO watermark (pack, next_minute) VALUES ('merchants', :m)"), {"m": next_minute}
            )


INSERT_LEDGER = """
INSERT INTO minute_ledger (pack, minute, rows, source_rows, sums, source_sums, source_xmin, source_clock)
SELECT 'merchants', minute, 22, 22,
    '{"approval_count": 20, "cancel_count": 2, "approval_amount": 2, "cancel_amount": 1}', '{}', 1, now()
FROM generate_series(CAST(:first AS timestamptz), :last, '1 minute') AS minute
"""


def add_ledger(engine: Engine, span: Span) -> None:
    """The same counts for each minute of all merchants together."""
    with engine.begin() as connection:
        connection.execute(text(INSERT_LEDGER), {"first": span.start, "last": span.end - MINUTE})


INSERT_INCIDENT = """
INSERT INTO incident (pack, rule, entity_id, entity_name, tier, severity, status, policy, opened_minute,
    last_breach_minute, resolved_minute, resolved_at, acknowledged_at, acknowledged_by, currency, parts,
    figures, reason, latest_reason)
VALUES ('merchants', :rule, :merchant_id, :merchant_name, :tier, :severity, :status, 'supported', :opened,
    :last, :resolved, CASE WHEN :status = 'resolved' THEN now() END,
    CASE WHEN :status = 'acknowledged' THEN now() END, CASE WHEN :status = 'acknowledged' THEN '김위험' END,
    'KRW',
    jsonb_build_object('paid_out_cancelable', CAST(:paid AS bigint),
                       'unrecovered', CAST(:cancelled AS bigint)),
    CAST(:figures AS jsonb), CAST(:reason AS jsonb), CAST(:latest AS jsonb))
RETURNING incident_id
"""

INCIDENT = {
    "rule": "cancel_surge",
    "merchant_id": "m1",
    "merchant_name": "튼튼 컴퓨터",
    "tier": "top",
    "severity": "critical",
    "status": "open",
    "paid": 120_000_000,
    "cancelled": 3_456_789,
    "figures": {},
    "reason": SURGE_REASON,
    "latest": {**SURGE_REASON, "cancels_hour": 57},
}


def add_incident(engine: Engine, opened: datetime, **changes: object) -> int:
    """One incident as `INCIDENT` says, with changes."""
    row: dict[str, Any] = {**INCIDENT, **changes}
    row["resolved"] = opened + 40 * MINUTE if row["status"] == "resolved" else None
    values = {
        **row,
        "opened": opened,
        "last": opened + 20 * MINUTE,
        "figures": json.dumps(row["figures"]),
        "reason": json.dumps(row["reason"]),
        "latest": json.dumps(row["latest"]),
    }
    with engine.begin() as connection:
        return int(connection.execute(text(INSERT_INCIDENT), values).scalar_one())


INSERT_EVENT = """
INSERT INTO outbox (incident_id, event, minute, number, message, status, attempts, ambiguous, last_error,
    created_at, sent_at)
VALUES (:incident_id, :event, :minute, :number, '{}', :status, :attempts, :ambiguous, :last_error,
    now() - :age, CASE WHEN :status = 'sent' THEN now() END)
"""


def add_event(engine: Engine, incident_id: int, minute: datetime, **changes: object) -> None:
    """One message about an incident."""
    row = {
        "event": "opened",
        "number": 0,
        "status": "sent",
        "attempts": 1,
        "ambiguous": False,
        "last_error": None,
        "age": timedelta(seconds=5),
        **changes,
    }
    with engine.begin() as connection:
        connection.execute(text(INSERT_EVENT), {"incident_id": incident_id, "minute": minute, **row})
