"""What can be done about a merchant's money, what that keeps, and what payouts show of it. Pure.

A payout of business day e pays `A(e) − C(e)`: its approvals less the cancels of that day. What is missing to
that was kept. Nothing here changes anything: the company does, or does not, and its payouts say which.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from baselines.merchants.cycle import UNKNOWN, cycle_of, from_day, paydays, to_day
from pipeline.minute import business_day
from pipeline.money import Acted, Exposures, Following, Outcome, Proposal
from pipeline.packs.merchants.money.propose import ACTIONS, HOLD, RESERVE, SHORTER, until_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from baselines.merchants.rules import Rules
    from pipeline.money import AtRisk

FALSE_ALARM: Final = "false_alarm"
#: At least one part in so many of what was to be kept has to be missing: cancels that came after a merchant's
#: money was counted lessen a payout too, and are no hold.
_AT_LEAST: Final = 2
#: A reserve shows in payouts of the days after it was told; after so long without one it was not made.
_RESERVE_DAYS: Final = 7


def effect(kind: str, percent: int | None, at_risk: AtRisk, minute: datetime, zone: ZoneInfo) -> Proposal:
    """What an action keeps that a person proposes, counted as `propose` does.

    A hold keeps no more than there is at risk; where that is not known, the payout.
    """
    found, day = at_risk.figures.get("next_payout"), _payday(at_risk.figures)
    payout = max(found, 0) if isinstance(found, int) else None
    until = None if day is None else until_of(day, minute, zone)
    if payout is None or kind not in (HOLD, RESERVE):
        return Proposal(kind=kind, amount=None, percent=percent, until=until if kind == HOLD else None)
    if kind == RESERVE:
        return Proposal(kind=kind, amount=payout * (percent or 0) // 100, percent=percent, until=until)
    kept = payout if at_risk.total is None else min(payout, at_risk.total)
    return Proposal(kind=kind, amount=kept, until=until)


def _payday(figures: Mapping[str, int | str | None]) -> date | None:
    found = figures.get("next_payout_date")
    return date.fromisoformat(found) if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Payout:
    """A good payout: of which day's sales, how much, when."""

    day: date
    amount: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What is published of the merchant."""

    sales: Mapping[date, int]  # A(e) − C(e) by business day, of whole days
    before: Mapping[date, Payout]  # paid out before people were told
    since: Mapping[date, Payout]
    zone: ZoneInfo
    now: datetime
    holidays: str  # working days are those of this country, as in the book of exposure

    @property
    def cycle(self) -> int | None:
        """Working days from the sales to the payout, by payouts before people were told, as in the book."""
        found = cycle_of([self._days_of(payout) for payout in self.before.values()], self.holidays)
        return None if found == UNKNOWN else found

    def cycle_of(self, payout: Payout) -> int:
        """The same of one payout."""
        return cycle_of([self._days_of(payout)], self.holidays)

    def _days_of(self, payout: Payout) -> tuple[int, int]:
        return to_day(payout.day), to_day(payout.at.astimezone(self.zone).date())


def outcome(
    acted: Acted, frames: Mapping[str, pl.DataFrame], now: datetime, zone: ZoneInfo, tuned: Rules
) -> Outcome:
    """What payouts show of an action up to `now`; see `Outcome`.

    Its figures: `due` what was to be paid out, `kept` what of it was not, `paid` what was all the same,
    `held_amount_days` what was kept times the days that it was, and the same as
    `false_alarm_amount_days` where people say that there was nothing wrong: what the merchant went without.
    """
    seen = _seen(acted, frames, now, zone, tuned.volume_drop.public_holidays)
    if not seen.before and not seen.since:
        return Outcome()  # its payouts are not known
    shown = _SHOWN_BY.get(acted.kind)
    return Outcome() if shown is None else shown(acted, seen)


def _seen(
    acted: Acted, frames: Mapping[str, pl.DataFrame], now: datetime, zone: ZoneInfo, holidays: str
) -> Seen:
    rows, day = frames["merchant_minute"], pl.col("minute").dt.convert_time_zone(zone.key).dt.date()
    sums = (pl.col("approval_amount") - pl.col("cancel_amount")).sum()
    sales = dict(rows.group_by(day.alias("day")).agg(sums).iter_rows())
    good = frames["settlement"].filter(pl.col("wrong").is_null()).sort("settled_at")
    first = good.unique("business_date", keep="first", maintain_order=True)
    columns = first.select("business_date", "amount", "settled_at")
    payouts = [Payout(*row) for row in columns.iter_rows()]
    whole = min(sales, default=None)  # its first minutes may not have been read
    return Seen(
        sales={day: amount for day, amount in sales.items() if day != whole},
        before={payout.day: payout for payout in payouts if payout.at < acted.told_at},
        since={payout.day: payout for payout in payouts if payout.at >= acted.told_at},
        zone=zone,
        now=now,
        holidays=holidays,
    )


def _of_hold(acted: Acted, seen: Seen) -> Outcome:
    """A hold: the days that were to be paid out by its payday were not, or by less than half."""
    payday = _payday(acted.money)
    if payday is None:
        return Outcome()
    due = _due_by(payday, acted, seen)
    end = business_day(payday, seen.zone).end
    kept, paid, held, open_days = 0, 0, 0, 0
    for day in due:
        payout = seen.since.get(day)
        in_time = payout is not None and payout.at < end
        amount = payout.amount if payout is not None and in_time else 0
        missing = max(seen.sales[day] - amount, 0)
        kept, paid = kept + missing, paid + amount
        until = payout.at if payout is not None and not in_time else seen.now
        held += missing * max((until.astimezone(seen.zone).date() - payday).days, 0)
        open_days += payout is None
    total = sum(seen.sales[day] for day in due)
    shown: bool | None = None
    if due and paid * _AT_LEAST > total:
        shown = False
    elif seen.now >= end and due:
        shown = True
    figures = _figures(acted, due=total, kept=kept, paid=paid, held=held)
    return Outcome(shown, figures, shown is False or (shown is True and not open_days))


def _due_by(payday: date, acted: Acted, seen: Seen) -> list[date]:
    """Business days that had not been paid out when people were told, and were to be by `payday`."""
    told, cycle = acted.told_at.astimezone(seen.zone).date(), seen.cycle
    days = sorted(day for day, amount in seen.sales.items() if day not in seen.before and amount > 0)
    newest = max(seen.before, default=None)
    days = [day for day in days if day < payday and (newest is None or day > newest)]
    if cycle is None:
        return [day for day in days if day < told]
    return [day for day in days if from_day(int(paydays(to_day(day), seen.holidays)[cycle])) <= payday]


def _of_reserve(acted: Acted, seen: Seen) -> Outcome:
    """A reserve: payouts since are smaller than the sales by at least half of the share."""
    payouts = [payout for day, payout in seen.since.items() if seen.sales.get(day, 0) > 0]
    total, paid = sum(seen.sales[payout.day] for payout in payouts), sum(p.amount for p in payouts)
    kept, share = max(total - paid, 0), acted.percent or 0
    shown: bool | None = None
    if payouts and kept * 100 * _AT_LEAST >= total * share:
        shown = True
    elif payouts and seen.now >= acted.told_at + timedelta(days=_RESERVE_DAYS):
        shown = False
    days = sum(
        _missing(seen, p) * (seen.now.astimezone(seen.zone).date() - _day(seen, p)).days for p in payouts
    )
    return Outcome(shown, _figures(acted, due=total, kept=kept, paid=paid, held=days), shown is False)


def _missing(seen: Seen, payout: Payout) -> int:
    return max(seen.sales[payout.day] - payout.amount, 0)


def _day(seen: Seen, payout: Payout) -> date:
    return payout.at.astimezone(seen.zone).date()


def _of_cycle(acted: Acted, seen: Seen) -> Outcome:
    """A shorter cycle: a payout since came in fewer working days than before."""
    del acted  # any payout of the merchant shows it
    before, cycles = seen.cycle, [seen.cycle_of(payout) for payout in seen.since.values()]
    if before is None or not cycles:
        return Outcome(None, {"cycle_days_before": before})
    shown = min(cycles) < before or None
    return Outcome(shown, {"cycle_days_before": before, "cycle_days_since": min(cycles)}, bool(shown))


def _figures(acted: Acted, *, due: int, kept: int, paid: int, held: int) -> dict[str, int | str | None]:
    wrong = {None: None, FALSE_ALARM: held}.get(acted.label, 0)  # not known before somebody has said it
    return {
        "due": due,
        "kept": kept,
        "paid": paid,
        "held_amount_days": held,
        "false_alarm_amount_days": wrong,
    }


#: How payouts show each kind of action; of the others people say that they were done.
_SHOWN_BY: Final[Mapping[str, Callable[[Acted, Seen], Outcome]]] = {
    HOLD: _of_hold,
    RESERVE: _of_reserve,
    SHORTER: _of_cycle,
}
BY_PEOPLE: Final = tuple(kind for kind in ACTIONS if kind not in _SHOWN_BY)

FOLLOWING: Final = Following(
    before={"merchant_minute": timedelta(days=14), "settlement": timedelta(days=40)},
    after=timedelta(days=30),
    outcome=outcome,
    counts=("cycle_days_before", "cycle_days_since"),
)


def with_actions(exposures: Exposures[Rules]) -> Exposures[Rules]:
    """The book's value with what can be done, and how it is followed."""
    return replace(
        exposures,
        actions=ACTIONS,
        shares=(RESERVE,),
        by_people=BY_PEOPLE,
        effect=effect,
        following=FOLLOWING,
    )
