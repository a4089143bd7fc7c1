"""A database with payments, rules and hits, as the pipeline and people would leave them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

import baselines.transfers
from pipeline.packs.transfers.language import explain, explanation_text, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Engine

HOSTILE = "<img src=x onerror=alert(1)>[나쁜](http://b.example) **굵게** \u202eo"
SHIPPED = Path(baselines.transfers.__file__).parent / "rules"
PAYMENT: dict[str, Any] = {
    "transfer_id": "t1",
    "kind": "transfer",
    "status": "completed",
    "account_id": "acc-1",
    "user_id": "acc-1",
    "amount": 4_500_000,
    "currency": "KRW",
    "country": "KR",
    "payee_id": "payee-9",
    "card_id": None,
    "device_id": "phone-3",
    "merchant_id": None,
    "channel": "app",
    "lat_e6": None,
    "lon_e6": None,
    "account_opened": None,
}
JUDGED: dict[str, Any] = {
    "decision": "review", "score": 50, "why": "rules", "late": False, "revision": 0, "confirmed_at": None,
}  # fmt: skip


def insert(engine: Engine, table: str, row: Mapping[str, Any]) -> None:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO transfers.{table} ({names}) VALUES ({values})"), dict(row))


def add_payment(
    engine: Engine,
    transfer_id: str,
    *,
    ago: timedelta = timedelta(seconds=30),
    judged: Mapping[str, object] | None = None,
    **changes: object,
) -> datetime:
    """A payment of a while ago; `judged` are changes of how it was judged, None: not yet."""
    at = datetime.now(UTC) - ago
    row = {**PAYMENT, "transfer_id": transfer_id, "occurred_at": at, **changes}
    insert(engine, "event", row)
    if judged is not None:
        same = {name: row[name] for name in ("transfer_id", "occurred_at", "account_id", "status")}
        insert(engine, "risk_log", {**same, **JUDGED, **judged})
    return at


def shipped(name: str) -> str:
    return parse((SHIPPED / f"{name.lower()}.json").read_text(encoding="utf-8")).canonical


def add_rule(
    engine: Engine, content: str, *, version: int = 1, status: str = "live", **changes: object
) -> tuple[str, int]:
    """A version of a rule; one in its shadow or live judges since an hour ago."""
    rule = json.loads(content)["rule"]
    with engine.begin() as connection:
        known = text(
            "INSERT INTO transfers.rule (rule, created_by) VALUES (:rule, 'x') ON CONFLICT DO NOTHING"
        )
        connection.execute(known, {"rule": rule})
    row = {
        "rule": rule, "version": version, "content": content, "status": status, "reason": "shipped",
        "sha256": hashlib.sha256(content.encode()).hexdigest(), "author": "minuterisk",
        "filled_at": datetime.now(UTC), **changes,
    }  # fmt: skip
    insert(engine, "rule_version", row)
    if status in ("live", "shadow"):
        span = {"rule": rule, "version": version, "mode": status, "by": "x", "reason": "y"}
        insert(engine, "rule_span", {**span, "from_at": datetime.now(UTC) - timedelta(hours=1)})
    return rule, version


def add_shipped(engine: Engine) -> None:
    for path in sorted(SHIPPED.glob("*.json")):
        add_rule(engine, parse(path.read_text(encoding="utf-8")).canonical)


def explained(content: str, values: Mapping[str, Any]) -> str:
    """What is stored of a hit; measures by their names."""
    rule = parse(content)
    known = {**dict.fromkeys(rule.fields), "kind": "transfer", "currency": "KRW"}
    known |= {measure.column: values.get(name) for name, measure in rule.measures.items()}
    known |= {name: value for name, value in values.items() if name not in rule.measures}
    return explanation_text(explain(rule, {}, known))


def add_hit(
    engine: Engine, transfer_id: str, content: str, values: Mapping[str, Any], **changes: object
) -> None:
    rule = parse(content)
    row = {
        "transfer_id": transfer_id, "rule": rule.rule, "version": 1, "severity": rule.severity,
        "score": rule.score, "action": rule.action, "mode": "live", "occurred_at": datetime.now(UTC),
        "explanation": explained(content, values), **changes,
    }  # fmt: skip
    insert(engine, "risk_rule_hit", row)


#: What the measures of NEW_PAYEE_LARGE were.
NEW_PAYEE = {"amount": 4_500_000, "account_id": "acc-1", "payee_id": "payee-9", "age": None, "avg": 300_000}
