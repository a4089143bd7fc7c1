"""What the query `at_risk` gave, value by value: an amount, or not known and why. Pure.

The query is another company's own, so each value is taken for what it means in whatever type it comes, and a
value that means nothing makes one merchant's money not known, never the others' and never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import SourceChanged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import tzinfo

#: What the query must give, whatever else it gives.
COLUMNS: Final = ("merchant_id", "merchant_name", "settled_through", "paid_out")
#: An amount past this (minor units) is a mistake; twice as much still fits in 64 bits.
MONEY_LIMIT: Final = 10**18
#: Floats are exact up to here.
_FLOAT_LIMIT: Final = 2**53
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
