"""Verdicts to incidents: open, go on, escalate, resolve. Pure.

One incident per rule and merchant at a time. What people are told is data here; the words come later.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.judge import CANCEL_SURGE, HELD_BY_BUDGET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from baselines.rules import Rules, Severity

SEVERITIES: Final = ("medium", "high", "critical")
REASON_NUMBERS: Final = {
    CANCEL_SURGE: ("approvals_hour", "cancels_hour", "approvals_week", "cancels_week"),
    "volume_drop": ("amount_today", "amount_paced", "amount_days", "days"),
}

#: What the policy `budgeted` says besides; in a reason where it is known.
BUDGETED_NUMBERS: Final = (
    "kind",
    "cause",
    "window_minutes",
    "approvals_window",
    "cancels_window",
    "expected_window",
    "evidence",
    "evidence_needed",
)

Key = tuple[str, str]  # rule, merchant_id


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Money the company stands to lose on a merchant (KRW), and the merchant's name where it is known.

    `paid_out_cancelable`: paid out for sales that can still be cancelled. `cancelled_unrecovered`:
    cancelled since the last payout, so not yet taken off one.
    """

    paid_out_cancelable: int = 0
    cancelled_unrecovered: int = 0
    merchant_name: str | None = None

    @property
    def total(self) -> int:
        """KRW at risk."""
        return self.paid_out_cancelable + self.cancelled_unrecovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An unresolved incident as the operational database holds it, or a new one (`incident_id` None)."""

    incident_id: int | None
    rule: str
    merchant_id: str
    tier: str
    severity: str
    status: str
    policy: str
    opened_minute: datetime
    last_breach_minute: datetime
    reason: Mapping[str, Any]
    at_risk: AtRisk

    @property
    def key(self) -> Key:
        """What is unique among unresolved incidents."""
        return self.rule, self.merchant_id


@dataclass(frozen=True, slots=True)
class Event:
    """Something people are told about an incident."""

    kind: str  # opened | escalated | resolved
    minute: datetime
    incident: Incident


@dataclass(frozen=True, slots=True)
class Changes:
    """What one minute does to the incidents."""

    opened: Sequence[Incident] = ()
    continued: Sequence[Incident] = ()  # breached again: new last minute, numbers, perhaps severity
    resolved: Sequence[Incident] = ()
    events: Sequence[Event] = field(default=())


def _passed(signals: pl.DataFrame) -> pl.DataFrame:
    """Signals that make incidents; mostly there are none, and asking costs less than filtering."""
    return signals.filter("passed") if signals["passed"].any() else signals.clear()


def keys_to_price(signals: pl.DataFrame, unresolved: Mapping[Key, Incident]) -> list[str]:
    """Merchants whose money at risk is needed now: those about to get a new incident."""
    fired = _passed(signals).select("rule", "merchant_id").iter_rows()
    return sorted({merchant for rule, merchant in fired if (rule, merchant) not in unresolved})


def alert(
    minute: datetime,
    signals: pl.DataFrame,
    unresolved: Mapping[Key, Incident],
    at_risk: Mapping[str, AtRisk],
    policy: str,
    rules: Rules,
) -> Changes:
    """Decide what the signals of `minute` (schema SIGNAL) do to the unresolved incidents.

    `at_risk` holds the merchants of `keys_to_price`; a merchant without an entry has nothing at risk.
    """
    opened, continued = [], []
    events: list[Event] = []
    fired = {(row["rule"], row["merchant_id"]): row for row in _passed(signals).iter_rows(named=True)}
    for key, row in fired.items():
        known = unresolved.get(key)
        if known is None:
            incident = _open(minute, row, at_risk.get(key[1], AtRisk()), policy, rules.severity)
            opened.append(incident)
            events.append(Event("opened", minute, incident))
            continue
        incident = _continue(minute, row, known, rules.severity)
        continued.append(incident)
        if incident.severity != known.severity:
            events.append(Event("escalated", minute, incident))
    kept = _kept(minute, signals, unresolved, fired)
    continued += kept
    held = {**fired, **{incident.key: incident for incident in kept}}
    resolved = _resolved(minute, unresolved, held, rules)
    events += [Event("resolved", minute, incident) for incident in resolved]
    return Changes(opened, continued, resolved, events)


def open_incident(
    rows: Sequence[Mapping[str, Any]], at_risk: AtRisk | None, policy: str, rules: Rules
) -> Incident:
    """A new incident from the signals (rows of SIGNAL, by minute) of one key that a correction brought up."""
    incident = _open(rows[0]["minute"], rows[0], at_risk or AtRisk(), policy, rules.severity)
    for row in rows[1:]:
        incident = _continue(row["minute"], row, incident, rules.severity)
    return incident


def message_of(event: Event) -> dict[str, Any]:
    """What is told, as data; `pipeline.message` gives it words, the database adds the incident's id."""
    incident = event.incident
    return {
        "event": event.kind,
        "rule": incident.rule,
        "merchant_id": incident.merchant_id,
        "merchant_name": incident.at_risk.merchant_name,
        "tier": incident.tier,
        "severity": incident.severity,
        "policy": incident.policy,
        "minute": event.minute.isoformat(),
        "opened_minute": incident.opened_minute.isoformat(),
        "krw_at_risk": incident.at_risk.total,
        "paid_out_cancelable": incident.at_risk.paid_out_cancelable,
        "cancelled_unrecovered": incident.at_risk.cancelled_unrecovered,
        "reason": dict(incident.reason),
    }


def severity_of(rule: str, reason: Mapping[str, Any], krw_at_risk: int, borders: Severity) -> str:
    """Severity from the size of the deviation and the money, in integers."""
    if krw_at_risk >= borders.critical_krw_at_risk:
        return "critical"
    if rule == CANCEL_SURGE:
        left = reason["cancels_hour"] * reason["approvals_week"]
        right = reason["cancels_week"] * reason["approvals_hour"]
        reached = [left >= border * right for border in (borders.surge_high, borders.surge_critical)]
    else:
        present, expected = 100 * reason["days"] * reason["amount_today"], reason["amount_paced"]
        limits = (borders.drop_high_percent, borders.drop_critical_percent)
        reached = [present <= (100 - percent) * expected for percent in limits]
    return SEVERITIES[sum(reached)]


def _reason(row: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: row[name] for name in BUDGETED_NUMBERS if row["evidence"] is not None}
    numbers = {name: row[name] for name in REASON_NUMBERS[row["rule"]]}
    return numbers | {name: value for name, value in said.items() if value is not None}


def _open(
    minute: datetime, row: Mapping[str, Any], at_risk: AtRisk, policy: str, borders: Severity
) -> Incident:
    reason = _reason(row)
    return Incident(
        incident_id=None,
        rule=row["rule"],
        merchant_id=row["merchant_id"],
        tier=row["tier"],
        severity=severity_of(row["rule"], reason, at_risk.total, borders),
        status="open",
        policy=policy,
        opened_minute=minute,
        last_breach_minute=minute,
        reason=reason,
        at_risk=at_risk,
    )


def _continue(minute: datetime, row: Mapping[str, Any], known: Incident, borders: Severity) -> Incident:
    reason = _reason(row)
    now = severity_of(known.rule, reason, known.at_risk.total, borders)
    severity = max(known.severity, now, key=SEVERITIES.index)  # it never falls while the incident lasts
    return replace(known, severity=severity, last_breach_minute=minute, reason=reason)


def _kept(
    minute: datetime, signals: pl.DataFrame, unresolved: Mapping[Key, Incident], fired: Mapping[Key, Any]
) -> list[Incident]:
    """Incidents whose rule is still breached, only no longer beyond chance: they go on with their reason.

    To open takes more than to stay open; an incident at the border would otherwise end and come back.
    """
    if not unresolved:
        return []
    held = signals.filter(reason=HELD_BY_BUDGET).select("rule", "merchant_id").iter_rows()
    keys = [key for key in held if key in unresolved and key not in fired]
    return [replace(unresolved[key], last_breach_minute=minute) for key in keys]


def _resolved(
    minute: datetime, unresolved: Mapping[Key, Incident], fired: Mapping[Key, Any], rules: Rules
) -> list[Incident]:
    quiet = timedelta(minutes=rules.incident.resolve_after_minutes)
    return [
        incident
        for key, incident in unresolved.items()
        if key not in fired and minute - incident.last_breach_minute >= quiet
    ]
