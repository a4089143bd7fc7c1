"""The one place that follows a rename: what the proofs call by a name that may change.

Only values are hashed, in the order of these lists. So whoever renames a column, a key or a module changes a
name here, at its place in the list, and never the record. A changed order, a name more or less changes bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from data.merchants.history import write_history
from data.merchants.incidents import place, read_incidents
from data.merchants.trade import create_trade_database, reader_url
from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.minute import Span
from pipeline.packs.merchants import PACK
from pipeline.tell.message import read_message
from pipeline.tell.render import (
    render_blocks,
    render_digest_blocks,
    render_digest_lines,
    render_digest_text,
    render_header,
    render_reply_blocks,
    render_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

ROOT: Final = Path(__file__).resolve().parents[2]
GOLDEN: Final = ROOT / "tests" / "unit" / "golden"

#: Keys inside JSON values (an incident's reason, an account of `explain`): name now -> name in the record.
RENAMED: Final[Mapping[str, str]] = {}

#: Views over the published files.
VIEWS: Final = ("merchant_minute", "merchant_hour", "merchant_day", "signal", "quarantine")
MERCHANT_MINUTE: Final = (
    "minute",
    "merchant_id",
    "approval_count",
    "cancel_count",
    "approval_amount",
    "cancel_amount",
    "cancel_fresh_count",
    "cancel_older_count",
)
SIGNAL: Final = (
    "minute",
    "rule",
    "merchant_id",
    "tier",
    "passed",
    "reason",
    "approvals_hour",
    "cancels_hour",
    "approvals_week",
    "cancels_week",
    "amount_today",
    "amount_paced",
    "amount_days",
    "days",
    "kind",
    "cause",
    "cancels_fresh",
    "cancels_older",
    "expected_fresh",
    "expected_older",
    "window_minutes",
    "approvals_window",
    "cancels_window",
    "expected_window",
    "evidence",
    "evidence_needed",
    "prior",
    "category",
    "prior_cancels_per_100k",
    "others_window",
    "others_expected",
)
QUARANTINE: Final = ("minute", "transaction_id", "merchant_id", "kind", "amount", "occurred_at", "reason")

#: `minuterisk backtest --json`.
BACKTEST: Final = (
    "from",
    "to",
    "policy",
    "minutes",
    "signals",
    "signals_by_rule",
    "signal_merchants",
    "signals_beside",
    "signals_sha256",
    "incidents_opened",
    "incidents_reopened",
    "incidents_per_day",
    "incident_merchants",
    "notices",
)
#: `minuterisk catch-up --json`, without what a clock measured.
CAUGHT_UP: Final = (
    "minutes_processed",
    "transactions",
    "merchants",
    "signals",
    "incidents_opened",
    "holes",
    "next_minute",
)
#: `minuterisk incidents list --json`.
LISTED: Final = (
    "incident_id",
    "rule",
    "merchant_id",
    "merchant_name",
    "tier",
    "severity",
    "status",
    "policy",
    "opened_minute",
    "last_breach_minute",
    "resolved_minute",
    "times",
    "krw_at_risk",
    "acknowledged_by",
)
#: `minuterisk incidents show --json`, without the times of the clock on the wall.
SHOWN: Final = (
    *LISTED[:-2],
    "corrected_minute",
    "told_minute",
    "krw_at_risk",
    "paid_out_cancelable",
    "unrecovered",
    "acknowledged_by",
    "reason",
    "latest_reason",
)
#: `minuterisk outbox list --json`.
TOLD: Final = ("outbox_id", "incident_id", "event", "minute")

#: Expressions over the operational database; a table may be cut anew, the values stay.
INCIDENT_SQL: Final = tuple(
    {
        "merchant_id": "entity_id",
        "merchant_name": "entity_name",
        "krw_at_risk": "at_risk",
        "paid_out_cancelable": "(parts->>'paid_out_cancelable')::bigint",
        "unrecovered": "(parts->>'unrecovered')::bigint",
    }.get(name, name)
    for name in SHOWN
)
INCIDENT_TABLE: Final = "incident"
LEDGER_SQL: Final = (
    "minute",
    "revision",
    "(sums->>'approval_count')::bigint",
    "(sums->>'cancel_count')::bigint",
    "(sums->>'approval_amount')::bigint",
    "(sums->>'cancel_amount')::bigint",
    "quarantined",
    "source_rows",
    "(source_sums->>'cancels')::bigint",
    "source_sums->>'amount'",
    "policy",
)
LEDGER_TABLE: Final = "minute_ledger"

_ZONE: Final = ZoneInfo("Asia/Seoul")
_DASHBOARD: Final = "http://127.0.0.1:8501/"


def told(contents: Sequence[tuple[int, Any]]) -> Iterator[list[Any]]:
    """Every message as people read it, in both languages, and one digest of all that opened.

    `contents` are incident_id and JSON of the outbox, in order.
    """
    messages = [read_message(content, incident_id, PACK) for incident_id, content in contents]
    opened = [message for message in messages if message.event == "opened"]
    for language in ("ko", "en"):
        for message in messages:
            yield [
                render_header(message, language),
                render_text(message, language, _ZONE),
                render_blocks(message, language, _ZONE, _DASHBOARD),
                render_reply_blocks(message, language, _ZONE),
            ]
        yield [
            render_digest_text(opened, language),
            render_digest_lines(opened, language),
            render_digest_blocks(opened, language, _DASHBOARD),
        ]


def stand_in(start: datetime, now: datetime, size: tuple[int, int], seed: int) -> Traffic:
    """The demo's traffic with its incidents around `now`; `size` is merchants and transactions a day."""
    incidents = tuple(place(read_incidents(), now))
    merchants, per_day = size
    return Traffic(
        TrafficConfig(
            start=start, merchants=merchants, transactions_per_day=per_day, seed=seed, incidents=incidents
        )
    )


def write_stand_in(admin_url: str, name: str, traffic: Traffic, until: datetime) -> str:
    """Create a source database and write the traffic to it; gives its owner's URL."""
    url = create_trade_database(admin_url, name, "BIGINT")
    write_history(url, traffic, Span(traffic.config.start, until))
    return url


def source_url(admin_url: str, name: str) -> str:
    """The URL of a source database through the role that may only SELECT."""
    return reader_url(admin_url, name)
