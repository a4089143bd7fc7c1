"""How the month will end for each programme, and in how many days a limit is breached. Pure.

Counted is what the query `disputes` gives of this month; what is still to come follows the pace of the last
28 days (pace.py). The ratio is that at the month's end. Sales of this month are projected alike by the days
that are published, those of the month before are taken as they are. What is not known is said, never guessed.
"""

from __future__ import annotations

import calendar
import math
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.packs.merchants.programmes.custody import Custody, look_at_custody
from pipeline.packs.merchants.programmes.disputes import SOLD, Given
from pipeline.packs.merchants.programmes.pace import Pace
from pipeline.packs.merchants.programmes.rows import (
    ACQUIRER,
    FRAUD,
    PREVIOUS_MONTH,
    WHOLE,
    Programme,
    follows,
    in_force,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    #: Kind -> day -> (count, cents).
    _ByDay = Mapping[str, Mapping[date, tuple[int, int | None]]]

#: The pace is that of so many days, across the border of a month.
PACE_DAYS: Final = 28
#: What an outlook says of a limit, worst first.
BREACHED: Final = "breached"  # already
AHEAD: Final = "ahead"  # at this pace before the month's end
POSSIBLE: Final = "possible"  # within the interval
UNKNOWN: Final = "unknown"
CLEAR: Final = "clear"
STATUSES: Final = (BREACHED, AHEAD, POSSIBLE, UNKNOWN, CLEAR)
#: Of merchants that are clear, or not known, so many are shown of each programme, the nearest.
NEAREST: Final = 10
_CENTS: Final = 100


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of business days, and how much of it is over."""

    first: date
    today: date
    known_until: date  # the day after the newest that disputes are known of

    @classmethod
    def of(cls, today: date, newest: date | None) -> Month:
        """The month of `today`; disputes are known through `newest`."""
        until = today + timedelta(days=1)
        return cls(today.replace(day=1), today, min(newest + timedelta(days=1), until) if newest else until)

    @property
    def days(self) -> int:
        """Of the whole month."""
        return calendar.monthrange(self.first.year, self.first.month)[1]

    @property
    def left(self) -> int:
        """Days of which nothing is known yet."""
        end = self.first + timedelta(days=self.days)
        return max((end - max(self.known_until, self.first)).days, 0)

    @property
    def previous(self) -> date:
        """The first day of the month before."""
        return (self.first - timedelta(days=1)).replace(day=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How one programme looks for one merchant, or for all together; what is None is not known."""

    programme: str
    merchant_id: str | None  # None: the acquirer
    status: str  # of STATUSES
    counted: int | None = None
    projected: int | None = None  # at the month's end
    low: int | None = None  # its 90 % interval
    high: int | None = None
    sales: int | None = None  # that the ratio is of, projected where they are of this month
    per_10000: float | None = None  # the projected ratio
    per_10000_low: float | None = None
    per_10000_high: float | None = None
    limit_per_10000: int | None = None
    at_least: int = 0
    needed: int | None = None  # so many counted would be a breach
    days_until: int | None = None  # from today, at this pace; None: not this month
    days_earliest: int | None = None  # at the pace of the interval's upper end
    next_from: date | None = None  # a limit that comes later, and would be breached
    next_per_10000: int | None = None
    known_on: date | None = None  # the day of balances
    merchants_unknown: int | None = None  # so many are owed what is in no balance
    why: str = ""  # of what is not known
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a forecast is made from."""

    today: date
    disputes: Given | None  # None: the company gives none
    sold: pl.DataFrame  # merchant_id ("": all together), day, count: approvals of whole published days
    published_from: date | None  # the first of these days
    custody: Custody = field(default_factory=Custody)


@dataclass(frozen=True, slots=True)
class Forecast:
    """All outlooks, worst first."""

    today: date
    known_through: date | None  # the newest day of disputes
    outlooks: Sequence[Outlook]
    counts: Mapping[str, int]  # of all outlooks by status, shown or not
    missing: Sequence[str] = ()  # what is not given: names of optional queries
    wrong: Mapping[str, int] = field(default_factory=dict)  # rows set aside, by reason
    example: str = ""

    @property
    def breaches(self) -> list[Outlook]:
        """What is breached, or will be at this pace."""
        return [one for one in self.outlooks if one.status in {BREACHED, AHEAD}]

    def as_json(self) -> dict[str, Any]:
        """For machines and for keeping."""
        return {
            "today": self.today.isoformat(),
            "known_through": self.known_through and self.known_through.isoformat(),
            "outlooks": [_plain(asdict(one)) for one in self.outlooks],
            "counts": {status: self.counts.get(status, 0) for status in STATUSES},
            "missing": list(self.missing),
            "wrong": dict(self.wrong),
            "example": self.example,
        }


def forecast(rows: Sequence[Programme], known: Known) -> Forecast:
    """The outlook of every programme in force today: for the acquirer, and for merchants with a dispute."""
    today, given = known.today, known.disputes
    newest = None if given is None or given.monthly else given.newest
    month = Month.of(today, newest)
    found: list[Outlook] = []
    coming: dict[tuple[str, tuple[str, ...]], tuple[int, int, int, int]] = {}
    subjects = _subjects(known, month) if given is not None else {}
    disputed = [name for name, one in subjects.items() if name and set(one.by_day) - {SOLD}]
    for programme in in_force(rows, today):
        after = follows(rows, programme)
        if programme.is_floor:
            found.append(look_at_custody(Outlook, programme, after, known.custody, today))
        elif given is None:
            found.append(_unknown(programme, None, "disputes"))
        else:
            wanted = [""] if programme.about == ACQUIRER else disputed
            for name in wanted:
                key = name, programme.counts
                if key not in coming:
                    coming[key] = subjects[name].ahead(programme.counts, month)
                found.append(_look(programme, after, subjects[name], month, coming[key]))
    shown = _ordered(found)
    counts = Counter(one.status for one in found)
    missing = [] if given is not None else ["disputes"]
    missing += [] if known.custody.held else ["custody"]
    wrong, example = _set_aside(given, known.custody)
    return Forecast(today, newest, shown, counts, missing, wrong, example)


def _set_aside(given: Given | None, custody: Custody) -> tuple[Mapping[str, int], str]:
    """Rows of both queries that cannot be used, by reason, and the first of each; `custody` says whose."""
    wrong = {} if given is None else dict(given.wrong)
    wrong |= {f"custody_{reason}": rows for reason, rows in custody.wrong.items()}
    examples = ["" if given is None else given.example, custody.example and f"custody {custody.example}"]
    return wrong, "; ".join(filter(None, examples))


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is known of one merchant, or of all."""

    merchant_id: str | None
    by_day: _ByDay
    sold_before: int | None  # in the month before
    sold: int | None  # in this month, projected to its end
    monthly: bool
    first: date  # since when disputes are known

    def count(self, kinds: Sequence[str], since: date, until: date) -> int:
        return sum(
            n for kind in kinds for d, (n, _) in self.by_day.get(kind, {}).items() if since <= d < until
        )

    def cents(self, since: date) -> int | None:
        """Of frauds since a day; None where one of them has no amount."""
        found = [cents for day, (_, cents) in self.by_day.get(FRAUD, {}).items() if day >= since]
        known = [amount for amount in found if amount is not None]
        return sum(known) if len(known) == len(found) else None

    def money(self, month: Month) -> tuple[int, int]:
        """Frauds of the days that the pace is of, and their cents; days without an amount are in neither."""
        found = [
            (count, cents)
            for day, (count, cents) in self.by_day.get(FRAUD, {}).items()
            if self.paced_from(month) <= day < month.known_until and cents is not None
        ]
        return sum(count for count, _ in found), sum(cents for _, cents in found)

    def paced_from(self, month: Month) -> date:
        """The first day that the pace is of."""
        return month.first if self.monthly else max(month.known_until - timedelta(days=PACE_DAYS), self.first)

    def ahead(self, kinds: Sequence[str], month: Month) -> tuple[int, int, int, int]:
        """Counted in this month, then how many more come: expected, low, high."""
        counted = self.count(kinds, month.first, month.known_until)
        if self.monthly:
            elapsed = (month.today - month.first).days + 1
            return counted, *Pace(counted, elapsed).ahead(month.left)
        start = self.paced_from(month)
        by_day = [0] * (month.known_until - start).days
        for kind in kinds:
            for day, (count, _) in self.by_day.get(kind, {}).items():
                if start <= day < month.known_until:
                    by_day[(day - start).days] += count
        return counted, *Pace.of(by_day).ahead(month.left)


def _subjects(known: Known, month: Month) -> dict[str, _Subject]:
    """By merchant, and "" for all together."""
    given = known.disputes
    if given is None:
        return {}
    rows, keys = given.rows, ["merchant_id", "kind", "day"]
    amounts = pl.when(pl.col("cents").null_count() == 0).then(pl.col("cents").sum()).alias("cents")
    each = rows.group_by(keys).agg(pl.col("count").sum(), amounts)
    together = rows.with_columns(merchant_id=pl.lit("")).group_by(keys).agg(pl.col("count").sum(), amounts)
    found: dict[str, dict[str, dict[date, tuple[int, int | None]]]] = {"": {}}
    for merchant, kind, day, count, cents in (
        pl.concat([together, each]).select(*keys, "count", "cents").iter_rows()
    ):
        found.setdefault(merchant, {}).setdefault(kind, {})[day] = (count, cents)
    first = min(rows["day"].to_list(), default=month.first)
    sold = _sold(known, month)
    return {
        name: _Subject(
            name or None,
            by_day,
            *_sales(name, found, sold, known, month),
            given.monthly,
            first,
        )
        for name, by_day in found.items()
    }


def _sold(known: Known, month: Month) -> dict[str, dict[date, int]]:
    recent = known.sold.filter(pl.col("day") >= month.previous)
    found: dict[str, dict[date, int]] = {}
    for merchant, day, count in recent.select("merchant_id", "day", "count").iter_rows():
        found.setdefault(merchant, {})[day] = count
    return found


def _sales(
    name: str,
    given: Mapping[str, _ByDay],
    sold: Mapping[str, Mapping[date, int]],
    known: Known,
    month: Month,
) -> tuple[int | None, int | None]:
    """Sales of the month before, and of this one at its end: the company's own if it gives them, else ours.

    Of all together ("") it is so merchant by merchant: the company may give those of a few.
    """
    own = _own_sales(given[name].get(SOLD, {}), known, month)
    if name:
        ours = _our_sales(sold.get(name, {}), known, month)
        return (ours[0] if own[0] is None else own[0]), (ours[1] if own[1] is None else own[1])
    before = _our_sales(_without(_givers(given, month.previous, month.first), sold), known, month)[0]
    this = _our_sales(_without(_givers(given, month.first, date.max), sold), known, month)[1]
    return (
        None if before is None else before + (own[0] or 0),
        None if this is None else this + (own[1] or 0),
    )


def _givers(given: Mapping[str, _ByDay], since: date, until: date) -> list[str]:
    """Merchants whose sales of that time the company gives."""
    return [
        name
        for name, by_day in given.items()
        if name and any(since <= day < until for day in by_day.get(SOLD, {}))
    ]


def _without(names: Sequence[str], sold: Mapping[str, Mapping[date, int]]) -> Mapping[date, int]:
    """What all the others sold."""
    rest = Counter(sold.get("", {}))
    for name in names:
        rest.subtract(sold.get(name, {}))
    return rest


def _own_sales(
    given: Mapping[date, tuple[int, int | None]], known: Known, month: Month
) -> tuple[int | None, int | None]:
    """As the company gives them; None: it does not."""
    before = [count for day, (count, _) in given.items() if month.previous <= day < month.first]
    this = [count for day, (count, _) in given.items() if day >= month.first]
    monthly = known.disputes is not None and known.disputes.monthly
    until = month.today + timedelta(days=1) if monthly else month.known_until
    days = max((until - month.first).days, 1)
    return sum(before) if before else None, round(sum(this) / days * month.days) if this else None


def _our_sales(counted: Mapping[date, int], known: Known, month: Month) -> tuple[int | None, int | None]:
    """As the published minutes have them; None: too few are published."""
    if known.published_from is None:
        return None, None
    whole = known.published_from <= month.previous
    before = sum(count for day, count in counted.items() if day < month.first) if whole else None
    if known.published_from >= month.today:
        return before, None
    # As disputes are: what there was in this month, and what is left of it at the pace of the last days.
    start = max(known.published_from, month.today - timedelta(days=PACE_DAYS))
    pace = sum(count for day, count in counted.items() if day >= start) / (month.today - start).days
    sold = sum(count for day, count in counted.items() if day >= month.first)
    covered = max((month.today - max(known.published_from, month.first)).days, 0)
    return before, round(sold + pace * (month.days - covered))


def _look(
    programme: Programme,
    after: Programme | None,
    subject: _Subject,
    month: Month,
    coming: tuple[int, int, int, int],
) -> Outlook:
    counted, more, low, high = coming
    sales = subject.sold_before if programme.sales == PREVIOUS_MONTH else subject.sold
    outlook = Outlook(
        programme=programme.name,
        merchant_id=subject.merchant_id,
        status=UNKNOWN,
        counted=counted,
        projected=counted + more,
        low=counted + low,
        high=counted + high,
        sales=sales,
        limit_per_10000=programme.per_10000,
        at_least=programme.at_least,
        source=programme.source,
        note=programme.note,
    )
    if not sales:
        return replace(outlook, why=f"sales_{programme.sales}")
    ratios = [round(count * WHOLE / sales, 2) for count in (counted + more, counted + low, counted + high)]
    outlook = replace(outlook, per_10000=ratios[0], per_10000_low=ratios[1], per_10000_high=ratios[2])
    judged = _judged(outlook, programme, subject, month)
    if after is None or after.per_10000 is None or judged.status in {BREACHED, AHEAD}:
        return judged
    later = _judged(outlook, after, subject, month)
    if later.status not in {BREACHED, AHEAD}:
        return judged
    return replace(judged, next_from=after.starts, next_per_10000=after.per_10000)


def _judged(outlook: Outlook, programme: Programme, subject: _Subject, month: Month) -> Outlook:
    """The status by this programme's limit, and the days until it is breached."""
    counted, projected, high = outlook.counted or 0, outlook.projected or 0, outlook.high or 0
    sales = outlook.sales or 0
    if programme.per_10000 is None:
        return replace(outlook, status=UNKNOWN, why="limit")
    if sales < programme.sales_at_least:
        return replace(outlook, status=CLEAR)
    needed = max(programme.at_least, -(-programme.per_10000 * sales // WHOLE), 1)
    if programme.usd_at_least is not None:
        by_money = _needed_for(programme.usd_at_least, counted, subject, month)
        if by_money is None:
            return replace(outlook, status=UNKNOWN if high >= needed else CLEAR, why="amount_usd")
        needed = max(needed, by_money)
    outlook = replace(outlook, needed=needed)
    if counted >= needed:
        return replace(outlook, status=BREACHED, days_until=0, days_earliest=0)
    status = AHEAD if projected >= needed else POSSIBLE if high >= needed else CLEAR
    return replace(
        outlook,
        status=status,
        days_until=_days(needed - counted, projected - counted, month) if status == AHEAD else None,
        days_earliest=_days(needed - counted, high - counted, month) if status != CLEAR else None,
    )


def _needed_for(usd: int, counted: int, subject: _Subject, month: Month) -> int | None:
    """So many counted are so much money: what there is, and the rest at as much a case as the pace has.

    None: not known. Cases that cost nothing are taken as a cent together, which leads nowhere.
    """
    so_far = subject.cents(month.first)
    if so_far is None:
        return None
    missing = usd * _CENTS - so_far
    if missing <= 0:
        return counted
    cases, cents = subject.money(month)
    return counted - (-missing * cases // max(cents, 1)) if cases else None


def _days(missing: int, coming: int, month: Month) -> int:
    """From today until so many more have come, where `coming` come in what is left of the month."""
    after = math.ceil(missing / coming * month.left)
    return max((month.known_until + timedelta(days=after - 1) - month.today).days, 0)


def _unknown(programme: Programme, merchant_id: str | None, why: str) -> Outlook:
    return Outlook(
        programme=programme.name,
        merchant_id=merchant_id,
        status=UNKNOWN,
        limit_per_10000=programme.per_10000,
        at_least=programme.at_least,
        why=why,
        source=programme.source,
        note=programme.note,
    )


def _ordered(found: Sequence[Outlook]) -> list[Outlook]:
    """Worst first; of merchants that are clear or not known the nearest to each limit alone."""

    def key(one: Outlook) -> tuple[int, int, float, int]:
        days = one.days_until if one.days_until is not None else 1_000
        near = (one.high or 0) / (one.needed or WHOLE)
        return STATUSES.index(one.status), days, -near, -(one.counted or 0)

    shown, left = [], Counter[tuple[str, str]]()
    for one in sorted(found, key=key):
        if one.status in {UNKNOWN, CLEAR} and one.merchant_id is not None and one.next_from is None:
            left[one.programme, one.status] += 1
            if left[one.programme, one.status] > NEAREST:
                continue
        shown.append(one)
    return shown


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in fields.items()}
