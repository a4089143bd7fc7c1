"""Events as JSON gives them, to the columns that every way in is screened by. Pure.

A value of another kind than its field sets its event aside; nothing is guessed. Times are ISO 8601 with an
offset, places are degrees, an amount is an integer of minor units.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NoReturn

import polars as pl

from pipeline.packs.transfers.schema import EVENT, LONGEST_ID, TEXTS
from pipeline.schema import WRONG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: Which field the reason in `wrong` is about.
WRONG_FIELD: Final = "wrong_field"
_SCHEMA: Final = {**EVENT, WRONG: pl.String(), WRONG_FIELD: pl.String()}
_MOST: Final = 2**63
_TIMES: Final = ("occurred_at", "account_opened")
_PLACES: Final = {"lat": "lat_e6", "lon": "lon_e6"}
_FARTHEST: Final = 180
#: Longer texts are no times.
_LONGEST_TIME: Final = 40


class _Refused(Exception):
    """A value is not of its field's kind; says the reason."""


def _refuse(reason: str) -> NoReturn:
    raise _Refused(reason)


def read_events(items: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Events in the columns of EVENT, with `wrong`, the reason why one cannot be read, and `wrong_field`."""
    wrong: dict[int, tuple[str, str]] = {}
    columns = {column: _read(items, name, read, wrong) for name, column, read in _FIELDS}
    reasons = [wrong.get(place, (None, None)) for place in range(len(items))] if wrong else []
    columns[WRONG] = [reason for reason, _ in reasons] or [None] * len(items)
    columns[WRONG_FIELD] = [name for _, name in reasons] or [None] * len(items)
    return pl.DataFrame([pl.Series(name, columns[name], dtype) for name, dtype in _SCHEMA.items()])


def _read(
    items: Sequence[Mapping[str, Any]],
    name: str,
    read: Callable[[object], object],
    wrong: dict[int, tuple[str, str]],
) -> list[Any]:
    """A field of all events; the first one of an event that cannot be read says why in `wrong`."""
    found: list[Any] = []
    for place, item in enumerate(items):
        value = item.get(name)
        try:
            found.append(None if value is None else read(value))
        except _Refused as error:
            found.append(None)
            wrong.setdefault(place, (str(error), name))
    return found


def _text(value: object) -> str:
    if type(value) is str and len(value) <= LONGEST_ID and value.isascii():
        return value  # nearly all of them
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        text = str(value)
        # A cut one is still too long, and nobody has to hold the rest.
        return _storable(text[: LONGEST_ID + 1])
    _refuse("value_unreadable")


def _storable(text: str) -> str:
    """Half of a character pair is no text that anything stores."""
    try:
        text.encode()
    except UnicodeEncodeError:
        _refuse("id_unreadable")
    return text


def _amount(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        _refuse("amount_not_a_number")
    if not isinstance(value, int):
        _refuse("amount_fraction")
    if value >= _MOST:
        _refuse("amount_too_large")
    if value < -_MOST:
        _refuse("amount_negative")
    return value


def _time(value: object) -> datetime:
    if not isinstance(value, str) or len(value) > _LONGEST_TIME:
        _refuse("time_unreadable")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        _refuse("time_unreadable")
    if moment.tzinfo is None:
        _refuse("time_naive")
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # of the year 1 or 9999
        _refuse("time_unreadable")


def _degrees(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        _refuse("place_unreadable")
    if not -_FARTHEST <= value <= _FARTHEST:  # also what is no number
        _refuse("place_unreadable")
    return round(value * 1_000_000)


#: Field, column, and how it is read.
_FIELDS: Final[Sequence[tuple[str, str, Callable[[object], object]]]] = (
    *((name, name, _text) for name in (*TEXTS, "kind", "status", "currency")),
    ("amount", "amount", _amount),
    *((name, name, _time) for name in _TIMES),
    *((name, column, _degrees) for name, column in _PLACES.items()),
)
