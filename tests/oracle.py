"""A plain, slow reading of design section 3 over a list of transactions: loops and integers, nothing else.

It imports nothing that it is held against. What the design leaves open is decided here as the code's
docstrings say it:

- the history begins with the minute `first`; a business day that begins before it is not complete;
- a(d, t) compares by wall clock; where the zone turns the clock back, t is the latest time of day so far;
- the tier is ranked over week(M) of the business day's first minute M; equals go by merchant id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Transaction:
    """One event; `at` is aware."""

    merchant: str
    kind: str  # APPROVAL or CANCEL
    amount: int
    at: datetime
    approved: datetime | None = None  # of a cancel: when its approval was made


@dataclass(frozen=True)
class Numbers:
    """The tuned numbers, by the names of rules.toml."""

    factor: int = 2
    minimum_cancels_hour: int = 5
    minimum_approvals_week: int = 100
    minimum_daily_amount: int = 1_000_000_000
    divisor: int = 2
    baseline_days: int = 7
    mode: str = "paced"
    minimum_expected_amount: int = 100_000_000


@dataclass(frozen=True)
class Surge:
    """The four counts of cancel_surge."""

    approvals_hour: int
    cancels_hour: int
    approvals_week: int
    cancels_week: int


@dataclass(frozen=True)
class Drop:
    """The sums of volume_drop."""

    amount_today: int
    amount_paced: int
    amount_days: int
    days: int


class Oracle:
    """Judges any minute from the whole list of transactions."""

    def __init__(
        self,
        transactions: Sequence[Transaction],
        zone: ZoneInfo,
        numbers: Numbers,
        first: datetime,
        missing: Collection[datetime] = (),
    ) -> None:
        self.zone = zone
        self.numbers = numbers
        self.first = first
        self.missing = set(missing)
        self.transactions = [t for t in transactions if t.at >= first and floor(t.at) not in self.missing]
        self.merchants = sorted({t.merchant for t in self.transactions})
        self._of = {m: [t for t in self.transactions if t.merchant == m] for m in self.merchants}

    def surge(self, merchant: str, minute: datetime) -> Surge:
        """hour(M) is the 60 minutes ending with M, week(M) the 7 days before it."""
        end = minute + MINUTE
        hour, week = end - HOUR, end - HOUR - WEEK
        return Surge(
            self._count(merchant, "APPROVAL", hour, end),
            self._count(merchant, "CANCEL", hour, end),
            self._count(merchant, "APPROVAL", week, hour),
            self._count(merchant, "CANCEL", week, hour),
        )

    def tied(self, merchant: str, minute: datetime) -> tuple[int, int, int, int]:
        """Cancels of approvals at most 24 hours old, and of older ones: in hour(M), then in week(M)."""
        end = minute + MINUTE
        found = [0, 0, 0, 0]
        for t in self._of.get(merchant, ()):
            if t.kind != "CANCEL" or t.approved is None or not end - HOUR - WEEK <= t.at < end:
                continue
            if t.approved > t.at:
                continue
            found[2 * (t.at < end - HOUR) + (t.at - t.approved > DAY)] += 1
        return found[0], found[1], found[2], found[3]

    def drop(self, merchant: str, minute: datetime) -> Drop:
        """Today so far, and the used baseline days up to the same time and whole."""
        today = day_of(minute, self.zone)
        days = self.used_days(today)
        clock = self._clock(today, minute)
        so_far = paced = whole = 0
        for t in self._of.get(merchant, ()):
            if t.kind != "APPROVAL":
                continue
            day = day_of(t.at, self.zone)
            if day == today and t.at < minute + MINUTE:
                so_far += t.amount
            if day in days:
                whole += t.amount
                if time_of_day(t.at, self.zone) <= clock:
                    paced += t.amount
        return Drop(so_far, paced, whole, len(days))

    def used_days(self, today: date) -> list[date]:
        """Of the N business days before today those without a missing minute."""
        used = []
        for n in range(1, self.numbers.baseline_days + 1):
            day = today - timedelta(days=n)
            start, end = day_start(day, self.zone), day_start(day + timedelta(days=1), self.zone)
            if start >= self.first and not any(start <= m < end for m in self.missing):
                used.append(day)
        return used

    def tier(self, merchant: str, minute: datetime) -> str:
        """`top`: the 1 % (rounded up) with the most approvals in the week, ranked where the day starts."""
        ranked_at = max(day_start(day_of(minute, self.zone), self.zone), self.first)
        counts = []
        for known in self.merchants:
            approvals = self.surge(known, ranked_at).approvals_week
            if approvals:
                counts.append((-approvals, known))
        wanted = -(-len(counts) // 100)
        return "top" if merchant in [name for _, name in sorted(counts)[:wanted]] else "tail"

    def signals(self, minute: datetime, policy: str) -> list[dict[str, Any]]:
        """Every breach of a raw condition with the policy's verdict, in the order of tier, merchant, rule."""
        found = []
        for merchant in self.merchants:
            surge, drop = self.surge(merchant, minute), self.drop(merchant, minute)
            if self.surge_breach(surge):
                reason = self.surge_reason(surge, policy)
                found.append(self._signal(minute, "cancel_surge", merchant, reason, vars(surge)))
            if self.drop_breach(drop, minute):
                reason = self.drop_reason(drop, policy)
                found.append(self._signal(minute, "volume_drop", merchant, reason, vars(drop)))
        return sorted(found, key=lambda s: (s["tier"] != "top", s["entity_id"], s["rule"]))

    def surge_breach(self, n: Surge) -> bool:
        """The brief's condition; a week without approvals is not judged."""
        if n.approvals_week == 0 or n.cancels_hour < 1:
            return False
        return n.cancels_hour * n.approvals_week >= self.numbers.factor * n.cancels_week * n.approvals_hour

    def drop_breach(self, n: Drop, minute: datetime) -> bool:
        """The brief's condition, paced, or at the last minute of the day only."""
        if n.days == 0:
            return False
        if self.numbers.mode == "full_day" and day_of(minute + MINUTE, self.zone) == day_of(
            minute, self.zone
        ):
            return False
        large = n.amount_days >= n.days * self.numbers.minimum_daily_amount
        return large and self.numbers.divisor * n.days * n.amount_today <= n.amount_paced

    def surge_reason(self, n: Surge, policy: str) -> str:
        """Of a breach: does the policy let it pass?"""
        if policy != "literal":
            if n.cancels_hour < self.numbers.minimum_cancels_hour:
                return "few_cancels"
            if n.approvals_week < self.numbers.minimum_approvals_week:
                return "few_approvals_in_week"
        return "fires"

    def drop_reason(self, n: Drop, policy: str) -> str:
        """Of a breach: does the policy let it pass?"""
        if policy != "literal" and n.amount_paced < n.days * self.numbers.minimum_expected_amount:
            return "little_expected_so_far"
        return "fires"

    def _signal(
        self, minute: datetime, rule: str, merchant: str, reason: str, values: Mapping[str, int]
    ) -> dict[str, Any]:
        measures = dict.fromkeys((*Surge.__dataclass_fields__, *Drop.__dataclass_fields__))
        head = {"minute": minute, "rule": rule, "entity_id": merchant, "tier": self.tier(merchant, minute)}
        return {**head, "passed": reason == "fires", "reason": reason, **measures, **values}

    def _count(self, merchant: str, kind: str, start: datetime, end: datetime) -> int:
        count = 0
        for t in self._of.get(merchant, ()):
            if t.kind == kind and start <= t.at < end:
                count += 1
        return count

    def _clock(self, today: date, minute: datetime) -> int:
        moment = max(day_start(today, self.zone), self.first)
        clock = 0
        while moment <= minute:
            clock = max(clock, time_of_day(moment, self.zone))
            moment += MINUTE
        return clock


def floor(moment: datetime) -> datetime:
    """The minute that holds a moment."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The business day of a moment."""
    return moment.astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a business day, in UTC."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def time_of_day(moment: datetime, zone: ZoneInfo) -> int:
    """Minutes on the wall clock."""
    local = moment.astimezone(zone)
    return local.hour * 60 + local.minute


SEVERITIES = ("medium", "high", "critical")


@dataclass
class Case:
    """An incident as the oracle keeps it."""

    opened: datetime
    last_breach: datetime
    severity: str
    told: datetime
    times: int = 1
    resolved: datetime | None = None
    money: int | None = 0
    snoozed_until: datetime | None = None
    snoozed_at: str = ""  # the severity then
    limit: int | None = None  # of a snooze, or of what a person resolved
    dismissed: datetime | None = None  # a person resolved it: its newest breach
    kept: datetime | None = None  # a person opened it again


@dataclass
class LifeCycle:
    """Open, go on, escalate, resolve, come back, be told again: one unresolved per (rule, merchant)."""

    resolve_after_minutes: int
    reopen_within_minutes: int = 0
    repeat_after_minutes: int = 10**9
    ended: dict[tuple[str, str], Case] = field(default_factory=dict)
    unresolved: dict[tuple[str, str], Case] = field(default_factory=dict)
    history: list[tuple[datetime, str, tuple[str, str], str]] = field(default_factory=list)

    def snooze(self, key: tuple[str, str], until: datetime, limit: int | None) -> None:
        """A person wants to hear nothing of it until then."""
        case = self.unresolved[key]
        case.snoozed_until, case.snoozed_at, case.limit = until, case.severity, limit

    def resolve(self, key: tuple[str, str], minute: datetime, limit: int | None) -> None:
        """A person resolves it, from `minute` on."""
        case = self.ended[key] = self.unresolved.pop(key)
        case.resolved, case.dismissed, case.limit, case.snoozed_until = minute, case.last_breach, limit, None

    def reopen(self, key: tuple[str, str], minute: datetime) -> None:
        """A person takes that back."""
        case = self.unresolved[key] = self.ended.pop(key)
        case.resolved, case.dismissed, case.kept = None, None, minute

    def step(
        self,
        minute: datetime,
        fired: Mapping[tuple[str, str], str],
        money: Mapping[tuple[str, str], int | None] | None = None,
    ) -> None:
        """One minute: the keys whose verdict fires, each with the severity of its numbers and its money."""
        money = money or {}
        for key, severity in fired.items():
            if key in self.unresolved:
                self._breached_again(minute, key, severity)
            else:
                self._begins(minute, key, severity, money.get(key, 0))
        for key, case in list(self.unresolved.items()):
            quiet_from = max(case.last_breach, case.kept or case.last_breach)
            if minute - quiet_from >= timedelta(minutes=self.resolve_after_minutes):
                self.history.append((minute, "resolved", key, case.severity))
                case.resolved, case.snoozed_until = minute, None
                self.ended[key] = self.unresolved.pop(key)
            elif case.snoozed_until is not None:
                self._sleeps(minute, key, case, money.get(key, case.money))
            elif minute - case.told >= timedelta(minutes=self.repeat_after_minutes):
                case.told = minute
                self.history.append((minute, "repeated", key, case.severity))

    def _begins(self, minute: datetime, key: tuple[str, str], severity: str, money: int | None) -> None:
        quiet, reach = (
            timedelta(minutes=m) for m in (self.resolve_after_minutes, self.reopen_within_minutes)
        )
        before = self.ended.get(key)
        if before is not None and before.resolved is not None:
            over, more = before.resolved, False
            if before.dismissed is not None:
                over = max(over, before.dismissed + quiet)
                more = money is not None and before.limit is not None and money > before.limit
                more = more or severity == "critical" != before.severity
                if minute - before.dismissed >= quiet:
                    more = False
                elif not more:
                    before.dismissed = minute
                    return
            if more or minute - over < reach:
                again = Case(before.opened, minute, severity, minute, before.times + 1, kept=before.kept)
                self.unresolved[key] = again
                again.money = money
                del self.ended[key]
                self.history.append((minute, "reopened", key, severity))
                return
        self.ended.pop(key, None)
        self.unresolved[key] = Case(minute, minute, severity, minute, money=money)
        self.history.append((minute, "opened", key, severity))

    def _breached_again(self, minute: datetime, key: tuple[str, str], severity: str) -> None:
        case = self.unresolved[key]
        case.last_breach = minute
        if SEVERITIES.index(severity) > SEVERITIES.index(case.severity):
            case.severity, case.told = severity, minute
            if case.snoozed_until is None:
                self.history.append((minute, "escalated", key, severity))

    def _sleeps(self, minute: datetime, key: tuple[str, str], case: Case, money: int | None) -> None:
        case.money = money
        worse = case.severity == "critical" != case.snoozed_at
        passed = money is not None and case.limit is not None and money > case.limit
        if worse or passed:
            event = "broke_through"
        elif case.snoozed_until is not None and minute >= case.snoozed_until:
            event = "snooze_ended"
        else:
            return
        case.snoozed_until, case.told = None, minute
        self.history.append((minute, event, key, case.severity))
