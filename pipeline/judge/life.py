"""Verdicts to incidents: open, go on, escalate, resolve, come back, be told again. Pure.

One incident per rule and merchant at a time. What people are told is data here; the words come later.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.judge.hold import INHIBITED, PENDING, among, tuples
from pipeline.packs.merchants.judge import CANCEL_SURGE, HELD_BY_BUDGET
from pipeline.packs.merchants.platform import PLATFORM_RULES
from pipeline.schema import BUDGETED_COLUMNS, RULE_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from baselines.merchants.rules import Rules, Severity

SEVERITIES: Final = ("medium", "high", "critical")
#: The rule is still breached, only a gate keeps it from opening an incident: what is open goes on.
_STILL_BREACHED: Final = (HELD_BY_BUDGET, PENDING, INHIBITED)
#: So many incidents are told again in one minute, those with most at risk; the others follow by the minute.
#: And of those that come back together so many are shown in the channel; more would be read by nobody.
REPEATED_AT_ONCE: Final = 20

Key = tuple[str, str]  # rule, merchant_id


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Money the company stands to lose on a merchant (KRW), and the merchant's name where it is known.

    `paid_out_cancelable`: paid out for sales that can still be cancelled. `cancelled_unrecovered`:
    cancelled since the last payout, so not yet taken off one. None: not known, which is never 0.
    """

    paid_out_cancelable: int | None = None
    cancelled_unrecovered: int | None = None
    merchant_name: str | None = None

    @property
    def total(self) -> int | None:
        """KRW at risk; None where a part of it is not known."""
        if self.paid_out_cancelable is None or self.cancelled_unrecovered is None:
            return None
        return self.paid_out_cancelable + self.cancelled_unrecovered


#: Of a merchant whose money at risk nobody could say.
NOT_KNOWN: Final = AtRisk()
#: Of the platform as a whole, which has no price.
NO_PRICE: Final = AtRisk(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident as the operational database holds it, or a new one (`incident_id` None)."""

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
    times: int = 1  # how often it has opened; more than once: it flaps
    told_minute: datetime | None = None  # when people were last told that it is there
    resolved_minute: datetime | None = None

    @property
    def key(self) -> Key:
        """What is unique among unresolved incidents."""
        return self.rule, self.merchant_id


@dataclass(frozen=True, slots=True)
class Event:
    """Something people are told about an incident."""

    kind: str  # opened | reopened | escalated | repeated | resolved | corrected
    minute: datetime
    incident: Incident
    visible: bool = False  # worth a line in the channel, not only one in the incident's thread


@dataclass(frozen=True, slots=True)
class Changes:
    """What one minute does to the incidents."""

    opened: Sequence[Incident] = ()
    reopened: Sequence[Incident] = ()  # resolved a short while ago, and back
    continued: Sequence[
        Incident
    ] = ()  # breached again, or told again: new minutes, numbers, perhaps severity
    resolved: Sequence[Incident] = ()
    events: Sequence[Event] = field(default=())


@dataclass(frozen=True, slots=True)
class Known:
    """The incidents before a minute: the unresolved ones, those that may come back, and money at risk.

    `at_risk` holds merchants of `merchants_to_price` and `unpriced`; of one without an entry it is not known.
    """

    unresolved: Mapping[Key, Incident] = field(default_factory=dict)
    resolved: Mapping[Key, Incident] = field(default_factory=dict)
    at_risk: Mapping[str, AtRisk] = field(default_factory=dict)


def _passed(signals: pl.DataFrame) -> pl.DataFrame:
    """Signals that make incidents; mostly all or none, and asking costs less than filtering."""
    passed = signals["passed"]
    if passed.all():
        return signals
    return signals.filter(passed) if passed.any() else signals.clear()


def keys_to_open(signals: pl.DataFrame, unresolved: Mapping[Key, Incident]) -> list[Key]:
    """What is about to open, or to come back."""
    return sorted(set(tuples(signals, signals["passed"], "rule", "merchant_id")).difference(unresolved))


def merchants_to_price(keys: Iterable[Key]) -> list[str]:
    """Merchants whose money at risk is needed for these; the platform as a whole has no price."""
    return sorted({merchant for rule, merchant in keys if rule not in PLATFORM_RULES})


def unpriced(unresolved: Mapping[Key, Incident]) -> list[str]:
    """Merchants with an incident that lasts, whose money at risk was not known so far."""
    return merchants_to_price(key for key, incident in unresolved.items() if incident.at_risk.total is None)


def alert(minute: datetime, signals: pl.DataFrame, known: Known, policy: str, rules: Rules) -> Changes:
    """Decide what the signals of `minute` (schema SIGNAL) do to the incidents."""
    fired = {(row["rule"], row["merchant_id"]): row for row in _passed(signals).iter_rows(named=True)}
    held = _merchants_held(signals) if any(rule in PLATFORM_RULES for rule, _ in fired) else 0
    opened, reopened, continued = [], [], {}
    events: list[Event] = []
    priced = _priced(known)
    for key, row in fired.items():
        reason = _reason(row, held)
        at_risk = _of(key, known.at_risk)
        now, before = priced.get(key, known.unresolved.get(key)), known.resolved.get(key)
        if now is not None:
            incident = continued[key] = _continue(minute, reason, now, rules.severity)
            if incident.severity != now.severity:
                events.append(Event("escalated", minute, incident))
        elif before is not None and may_come_back(before, minute, rules):
            incident = _reopen(minute, reason, before, at_risk, rules.severity)
            reopened.append(incident)
        else:
            incident = _open(minute, row, reason, at_risk, policy, rules.severity)
            opened.append(incident)
            events.append(Event("opened", minute, incident))
    kept = _kept(minute, signals, known.unresolved, fired)
    continued |= {incident.key: incident for incident in kept}
    resolved = _resolved(minute, known.unresolved, continued, rules)
    for key in priced.keys() - fired.keys() - {incident.key for incident in resolved}:
        before_it = continued.get(key, known.unresolved[key])
        incident = continued[key] = _weighed(minute, before_it, priced[key].at_risk, rules.severity)
        if incident.severity != before_it.severity:
            events.append(Event("escalated", minute, incident))
    repeated = _repeated(minute, known.unresolved, continued, resolved, rules)
    continued |= {incident.key: incident for incident in repeated}
    events += back_again(reopened)
    events += [Event("resolved", minute, incident) for incident in resolved]
    events += [Event("repeated", minute, i, visible=i.severity == "critical") for i in repeated]
    return Changes(opened, reopened, list(continued.values()), resolved, events)


def back_again(reopened: Sequence[Incident]) -> list[Event]:
    """What people are told of incidents that came back: those with most at risk visibly."""
    first = sorted(reopened, key=_most_first)[:REPEATED_AT_ONCE]
    shown = {incident.key for incident in first}
    return [Event("reopened", i.told_minute or i.opened_minute, i, visible=i.key in shown) for i in reopened]


def _most_first(incident: Incident) -> tuple[bool, bool, int, Key]:
    """The platform's first, then those whose money nobody knows by severity, then by money."""
    total = incident.at_risk.total
    weight = SEVERITIES.index(incident.severity) if total is None else total
    return incident.rule not in PLATFORM_RULES, total is not None, -weight, incident.key


def may_come_back(incident: Incident, minute: datetime, rules: Rules) -> bool:
    """Is a resolved incident still the same one when its rule is breached again at `minute`?"""
    reach = timedelta(minutes=rules.incident.reopen_within_minutes)
    return incident.resolved_minute is not None and minute - incident.resolved_minute < reach


def open_incident(
    rows: Sequence[Mapping[str, Any]],
    at_risk: AtRisk | None,
    policy: str,
    rules: Rules,
    before: Incident | None = None,
) -> Incident:
    """An incident from the signals (rows of SIGNAL, by minute) of one key that a correction brought up.

    With `before` it is that resolved one, come back. `at_risk` None: not known.
    """
    first = rows[0]
    risk = _of(
        (first["rule"], first["merchant_id"]), {} if at_risk is None else {first["merchant_id"]: at_risk}
    )
    reason = _reason(first, 0)
    if before is None:
        incident = _open(first["minute"], first, reason, risk, policy, rules.severity)
    else:
        incident = _reopen(first["minute"], reason, before, risk, rules.severity)
    for row in rows[1:]:
        incident = _continue(row["minute"], _reason(row, 0), incident, rules.severity)
    return incident


def message_of(event: Event) -> dict[str, Any]:
    """What is told, as data; `pipeline.tell.message` gives it words, the database adds the incident's id."""
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
        "times": incident.times,
        "visible": event.visible,
        "reason": dict(incident.reason),
    }


def severity_of(rule: str, reason: Mapping[str, Any], krw_at_risk: int | None, borders: Severity) -> str:
    """Severity from the size of the deviation and the money, in integers (None: not known)."""
    if (krw_at_risk or 0) >= borders.critical_krw_at_risk or rule in PLATFORM_RULES:
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


def _of(key: Key, at_risk: Mapping[str, AtRisk]) -> AtRisk:
    return NO_PRICE if key[0] in PLATFORM_RULES else at_risk.get(key[1], NOT_KNOWN)


def _priced(known: Known) -> dict[Key, Incident]:
    """Incidents that last, and whose money at risk is known only now."""
    found = {}
    for key, incident in known.unresolved.items():
        now = known.at_risk.get(key[1])
        if incident.at_risk.total is None and now is not None and now != incident.at_risk:
            name = now.merchant_name or incident.at_risk.merchant_name
            found[key] = replace(incident, at_risk=replace(now, merchant_name=name))
    return found


def _weighed(minute: datetime, incident: Incident, at_risk: AtRisk, borders: Severity) -> Incident:
    """The incident with its money, and the severity that follows from it."""
    now = severity_of(incident.rule, incident.reason, at_risk.total, borders)
    severity = max(incident.severity, now, key=SEVERITIES.index)
    told = incident.told_minute if severity == incident.severity else minute
    return replace(incident, at_risk=at_risk, severity=severity, told_minute=told)


def _reason(row: Mapping[str, Any], merchants_held: int) -> dict[str, Any]:
    numbers = {name: row[name] for name in RULE_NUMBERS[row["rule"]]}
    if row["rule"] in PLATFORM_RULES:
        return {"kind": row["kind"], **numbers, "merchants_held": merchants_held}
    said = {name: row[name] for name in BUDGETED_COLUMNS if row["evidence"] is not None}
    return numbers | {name: value for name, value in said.items() if value is not None}


def _merchants_held(signals: pl.DataFrame) -> int:
    return signals.filter(reason=INHIBITED)["merchant_id"].n_unique()


def _open(
    minute: datetime,
    row: Mapping[str, Any],
    reason: Mapping[str, Any],
    at_risk: AtRisk,
    policy: str,
    borders: Severity,
) -> Incident:
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
        told_minute=minute,
    )


def _reopen(
    minute: datetime, reason: Mapping[str, Any], before: Incident, at_risk: AtRisk, borders: Severity
) -> Incident:
    """The same incident again: its number, message and thread, with the numbers and the money of now."""
    at_risk = replace(at_risk, merchant_name=at_risk.merchant_name or before.at_risk.merchant_name)
    return replace(
        before,
        status="open",
        severity=severity_of(before.rule, reason, at_risk.total, borders),
        last_breach_minute=minute,
        reason=reason,
        at_risk=at_risk,
        times=before.times + 1,
        told_minute=minute,
        resolved_minute=None,
    )


def _continue(minute: datetime, reason: Mapping[str, Any], known: Incident, borders: Severity) -> Incident:
    now = severity_of(known.rule, reason, known.at_risk.total, borders)
    severity = max(known.severity, now, key=SEVERITIES.index)  # it never falls while the incident lasts
    told = known.told_minute if severity == known.severity else minute
    return replace(known, severity=severity, last_breach_minute=minute, reason=reason, told_minute=told)


def _kept(
    minute: datetime, signals: pl.DataFrame, unresolved: Mapping[Key, Incident], fired: Mapping[Key, Any]
) -> list[Incident]:
    """Incidents whose rule is still breached, only no longer beyond chance: they go on with their reason.

    To open takes more than to stay open; an incident at the border would otherwise end and come back.
    """
    if not unresolved:
        return []
    held = tuples(signals, among(signals["reason"], _STILL_BREACHED), "rule", "merchant_id")
    keys = {key for key in held if key in unresolved and key not in fired}
    return [replace(unresolved[key], last_breach_minute=minute) for key in sorted(keys)]


def _resolved(
    minute: datetime, unresolved: Mapping[Key, Incident], continued: Mapping[Key, Incident], rules: Rules
) -> list[Incident]:
    quiet = timedelta(minutes=rules.incident.resolve_after_minutes)
    return [
        incident
        for key, incident in unresolved.items()
        if key not in continued and minute - incident.last_breach_minute >= quiet
    ]


def _repeated(
    minute: datetime,
    unresolved: Mapping[Key, Incident],
    continued: Mapping[Key, Incident],
    resolved: Sequence[Incident],
    rules: Rules,
) -> list[Incident]:
    """Incidents that nobody has taken on for so long that they are told again."""
    ended, every = {incident.key for incident in resolved}, rules.incident.repeat_after_minutes
    due = [
        continued.get(key, incident)
        for key, incident in unresolved.items()
        if incident.status == "open" and key not in ended
    ]
    due = [i for i in due if minute - (i.told_minute or i.opened_minute) >= timedelta(minutes=every)]
    due.sort(key=_most_first)
    return [replace(incident, told_minute=minute) for incident in due[:REPEATED_AT_ONCE]]
