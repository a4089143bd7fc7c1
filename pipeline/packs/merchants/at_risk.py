"""Money at risk of merchants: what the query `at_risk` says was paid out, and cancels since then. Pure.

The query is another company's own, so each value is taken for what it means in whatever type it comes, and a
value that means nothing makes one merchant's money not known, never the others' and never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.errors import SourceChanged
from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.money import AtRisk, Priced

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import tzinfo

    from baselines.merchants.rules import Rules
    from baselines.merchants.windows import Windows
    from pipeline.money import Ask

#: Paid out for sales that can still be cancelled; cancelled since the last payout, so not yet taken off one.
PARTS: Final = ("paid_out_cancelable", "unrecovered")

#: What the query must give, whatever else it gives.
COLUMNS: Final = ("merchant_id", "merchant_name", "settled_through", "paid_out")
#: An amount past this (minor units) is a mistake; twice as much still fits in 64 bits.
MONEY_LIMIT: Final = 10**18
#: Floats are exact up to here.
_FLOAT_LIMIT: Final = 2**53
#: Days after its sale in which a payment can be cancelled, where nobody asks for an exact answer.
USUAL_DAYS: Final = 30
#: Names of merchants are cut here: they are stored, and shown in a line.
NAME_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Payout:
    """What the source knows of a merchant's payouts; KRW.

    `settled_through` None with `paid_out` 0: never paid out. `paid_out` None: not known; `wrong` says why
    where the query is at fault.
    """

    merchant_name: str | None
    settled_through: date | None
    paid_out: int | None
    wrong: str | None = None


@dataclass(frozen=True, slots=True)
class Payouts:
    """The answer for some merchants; one that the query gave no row for is missing: not known."""

    by_merchant: Mapping[str, Payout]
    strangers: int = 0  # rows of merchants nobody asked for


class _MeansNothing(ValueError):
    """A value of the query cannot be what its column says; the text says why."""


def require_columns(given: Collection[str], query: str) -> None:
    """Raise SourceChanged where the query lacks a column."""
    missing = [name for name in COLUMNS if name not in given]
    if missing:
        msg = (
            f"the extraction query {query} gives no column {', '.join(missing)}; it gives {', '.join(given)}"
        )
        raise SourceChanged(msg, f"it must give {', '.join(COLUMNS)}")


def read_payouts(
    rows: Iterable[Mapping[str, Any]], merchants: Iterable[str], today: date, zone: tzinfo
) -> Payouts:
    """Read the rows (COLUMNS, values of any type) of the merchants asked for, each by itself.

    `today` is the business day in `zone`; nothing is settled past it. Ids are compared as the text they have
    in the lake, padded ones also without their padding.
    """
    asked = {merchant.rstrip(): merchant for merchant in merchants}
    asked |= {merchant: merchant for merchant in list(asked.values())}
    found: dict[str, Payout] = {}
    strangers = 0
    for row in rows:
        given = _id(row["merchant_id"])
        merchant = None if given is None else asked.get(given, asked.get(given.rstrip()))
        if merchant is None:
            strangers += 1
            continue
        payout = _payout(row, today, zone)
        found[merchant] = _one_of(found[merchant], payout) if merchant in found else payout
    return Payouts(found, strangers)


def _payout(row: Mapping[str, Any], today: date, zone: tzinfo) -> Payout:
    name, wrong = _name(row["merchant_name"]), []
    through, paid_out = None, None
    try:
        through = _day(row["settled_through"], today, zone)
        settled_is_known = True
    except _MeansNothing as error:
        settled_is_known = False
        wrong.append(f"settled_through {error}")
    try:
        paid_out = _money(row["paid_out"])
    except _MeansNothing as error:
        wrong.append(f"paid_out {error}")
    if not settled_is_known:
        paid_out = None  # with no day of settlement it would mean that the merchant was never paid out
    elif through is None and paid_out:
        wrong.append(f"paid_out is {paid_out} and settled_through is null")
        paid_out = None
    return Payout(name, through, paid_out, "; ".join(wrong) or None)


def _one_of(first: Payout, second: Payout) -> Payout:
    """Two rows of one merchant: a doubled row is one, different ones leave the money unknown."""
    name = first.merchant_name or second.merchant_name
    if replace(first, merchant_name=name) == replace(second, merchant_name=name):
        return replace(first, merchant_name=name)
    return Payout(name, None, None, "the query gives two rows that differ")


def _money(value: object) -> int | None:
    """Minor units; None for null. Any type that holds a whole number is good."""
    if value is None:
        return None
    number = Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else _decimal(value)
    if number < 0:
        said = f"is {_shown(value)}, which is negative"
        raise _MeansNothing(said)
    if number > MONEY_LIMIT:
        said = f"is {_shown(value)}, which is more than there is"
        raise _MeansNothing(said)
    if number != int(number):
        said = f"is {_shown(value)}, which is not a whole number of minor units"
        raise _MeansNothing(said)
    return int(number)


def _decimal(value: object) -> Decimal:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if isinstance(text, bool) or not isinstance(text, str | float | Decimal):
        said = f"is of type {type(value).__name__}; a whole number is needed"
        raise _MeansNothing(said)
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or (isinstance(text, float) and abs(text) > _FLOAT_LIMIT):
        said = f"is {_shown(value)}, which is no exact number"
        raise _MeansNothing(said)
    return number


def _day(value: object, today: date, zone: tzinfo) -> date | None:
    """A business day; None for null. Of a time the day it falls on in the business zone."""
    try:
        day = _as_day(value, zone)
    except (ValueError, OverflowError):
        said = f"is {_shown(value)}, which is no date"
        raise _MeansNothing(said) from None
    if day is not None and day > today:
        said = f"is {_shown(value)}, which has not come yet"
        raise _MeansNothing(said)
    return day


def _as_day(value: object, zone: tzinfo) -> date | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, datetime):
        return value.astimezone(zone).date() if value.tzinfo else value.date()
    if value is None or isinstance(value, date):
        return value
    raise ValueError(value)


def _id(value: object) -> str | None:
    """A merchant's id as text, the same as the lake has it: 7 and 7.0 are "7"."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float | Decimal):
        number = Decimal(value)
        if number.is_finite() and abs(number) < 2**63 and number == int(number):
            return str(int(number))
    return str(value)


def _name(value: object) -> str | None:
    """A name that every database and message takes: no NUL, nothing that is no character, not endless."""
    if value is None:
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()
    return text[:NAME_LENGTH] or None


def _shown(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004 - enough to find it by


def price_merchants(
    ask: Ask, merchants: Sequence[str], minute: datetime, windows: Windows, rules: Rules
) -> Priced:
    """Money at risk of merchants at the end of `minute`, as the company's query and our counts say."""
    today, days = business_date(minute, ask.zone), rules.exposure.cancelable_days
    rows = ask.source("at_risk", parameters_of(merchants, today, days, minute + MINUTE), require_columns)
    found = read_payouts(rows, merchants, today, ask.zone)
    payouts = found.by_merchant
    earlier = _cancelled_before(ask, payouts, today, windows, days)
    priced = {m: price(m, payout, windows, earlier.get(m, 0)) for m, payout in payouts.items()}
    wrong = {merchant: payout.wrong for merchant, payout in payouts.items() if payout.wrong}
    return Priced(priced, wrong, found.strangers)


def ask_about(merchants: Sequence[object], moment: datetime) -> dict[str, dict[str, Any]]:
    """The query as it is asked of some merchants; with nobody's ids it shows whether it runs at all."""
    days = USUAL_DAYS if merchants else 1
    return {"at_risk": parameters_of(merchants, moment.date(), days, moment)}


def parameters_of(
    merchants: Sequence[object], today: date, cancelable_days: int, moment: datetime
) -> dict[str, Any]:
    """The parameters of the query `at_risk`."""
    return {
        "merchants": list(merchants),
        "today": today,
        "cancelable_days": cancelable_days,
        "moment": moment,
    }


def _cancelled_before(
    ask: Ask, payouts: Mapping[str, Payout], today: date, windows: Windows, cancelable_days: int
) -> dict[str, int]:
    """What merchants cancelled since their last payout on days that the windows no longer hold.

    Hardly anybody goes unpaid for longer than the windows reach, so this is read when it is needed.
    """
    first = today - timedelta(days=cancelable_days)
    settled = {m: p.settled_through for m, p in payouts.items() if p.settled_through is not None}
    oldest = windows.cancels_held_from(next(iter(settled))) if settled else None
    if oldest is None:
        return {}
    unpaid = {m: max(day + timedelta(days=1), first) for m, day in settled.items() if day < oldest}
    starts = {m: business_day(day, ask.zone).start for m, day in unpaid.items() if day < oldest}
    if not starts:
        return {}
    rows = ask.published(Span(min(starts.values()), business_day(oldest, ask.zone).start), list(starts))
    cancelled = {}
    for merchant, start in starts.items():
        since = rows.filter((pl.col("merchant_id") == merchant) & (pl.col("minute") >= start))
        cancelled[merchant] = int(since["cancel_amount"].sum())
    return cancelled


def price(merchant: str, payout: Payout, windows: Windows, earlier: int = 0) -> AtRisk:
    """Money at risk of one merchant, from its payouts and its cancels since the last settled business day.

    `earlier` is what it cancelled since then on days before those that the windows hold.

    paid_out_cancelable = what was paid out for days inside the cancelable window and is not cancelled yet;
    unrecovered = cancelled since the last settled day, so not yet taken off a payout. Cancels are
    taken to concern paid-out sales first. Without any payout nothing of ours is at risk.
    """
    name = payout.merchant_name
    if payout.settled_through is None:  # never paid out, or not known
        return AtRisk(dict.fromkeys(PARTS, payout.paid_out), name)
    cancelled = earlier + windows.cancelled_since(payout.settled_through, merchant)
    if not 0 <= cancelled <= MONEY_LIMIT:
        return AtRisk(name=name)
    paid_out = None if payout.paid_out is None else max(payout.paid_out - cancelled, 0)
    return AtRisk(dict(zip(PARTS, (paid_out, cancelled), strict=True)), name)
