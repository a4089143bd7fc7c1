"""Programmes as dated rows of TOML, read strictly; what is in force on a day, and what comes after it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

#: The shipped rows.
FILE: Final = Path(__file__).with_name("programmes.toml")

MERCHANT: Final = "merchant"
ACQUIRER: Final = "acquirer"
ABOUT: Final = (MERCHANT, ACQUIRER)
FRAUD: Final = "fraud"
DISPUTE: Final = "dispute"
#: What is held outside the company of what it owes merchants.
HELD_OUTSIDE: Final = "held_outside"
COUNTS: Final = (FRAUD, DISPUTE, HELD_OUTSIDE)
THIS_MONTH: Final = "this_month"
PREVIOUS_MONTH: Final = "previous_month"
SALES: Final = (THIS_MONTH, PREVIOUS_MONTH)
#: A share of all, in ten-thousandths.
WHOLE: Final = 10_000

_NAMES: Final[Mapping[str, str]] = {"from": "starts", "to": "ends"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """One row: a limit, and the days on which it is in force. What is None is not asked for, or not known."""

    name: str
    about: str  # of ABOUT
    counts: tuple[str, ...]  # of COUNTS
    starts: date
    source: str
    sales: str | None = None  # of SALES; None: the ratio is of what is owed
    per_10000: int | None = None  # None: the limit was not published
    at_least: int = 0  # counted in a month
    sales_at_least: int = 0
    usd_at_least: int | None = None  # whole dollars
    ends: date | None = None  # not included
    note: str = ""

    @property
    def is_floor(self) -> bool:
        """Is the ratio to be above the limit? Held outside as much as possible, disputed as little."""
        return self.counts == (HELD_OUTSIDE,)

    def in_force(self, day: date) -> bool:
        """Does it hold on that day?"""
        return self.starts <= day and (self.ends is None or day < self.ends)


def in_force(rows: Sequence[Programme], day: date) -> list[Programme]:
    """The rows that hold on a day, as they stand."""
    return [row for row in rows if row.in_force(day)]


def follows(rows: Sequence[Programme], programme: Programme) -> Programme | None:
    """The row of the same name that comes next."""
    later = [row for row in rows if row.name == programme.name and row.starts > programme.starts]
    return min(later, key=lambda row: row.starts, default=None)


@cache
def shipped() -> tuple[Programme, ...]:
    """The rows that come with this version."""
    return parse_programmes(FILE.read_text(encoding="utf-8"), str(FILE))


def parse_programmes(text: str, origin: str) -> tuple[Programme, ...]:
    """Read rows from TOML text, named `origin` in errors; ConfigurationError says what is wrong and where."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{origin} is not TOML: {error}"
        raise ConfigurationError(msg, f"take {FILE} as a start") from None
    tables = document.pop("programme", [])
    if document or not isinstance(tables, list) or not tables:
        met = ", ".join(document) or "none"
        msg = f"{origin} has to hold [[programme]] tables and nothing else; it has {met} besides"
        raise ConfigurationError(msg, f"take {FILE} as a start")
    rows = tuple(_row(table, f"{origin}: programme {n}") for n, table in enumerate(tables, 1))
    _refuse_overlaps(rows, origin)
    return rows


def _row(table: Mapping[str, Any], where: str) -> Programme:
    given = {_NAMES.get(name, name): value for name, value in table.items()}
    known = {field.name: field for field in fields(Programme)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise _refused(where, unknown[0], given[unknown[0]], f"known keys: {', '.join(_shown_names(known))}")
    missing = [name for name in ("name", "about", "counts", "starts", "source") if name not in given]
    if missing:
        msg = f"{where}: {', '.join(_shown_names(missing))} is missing"
        raise ConfigurationError(msg, "add it: a limit without it cannot be held against anything")
    _check(given, where)
    return Programme(**{**given, "counts": tuple(given["counts"])})


def _check(given: Mapping[str, Any], where: str) -> None:
    for name, (fits, hint) in _VALUES.items():
        if name in given and not fits(given[name]):
            raise _refused(where, name, given[name], hint)
    outside = HELD_OUTSIDE in given["counts"]
    if outside and (len(given["counts"]) > 1 or "sales" in given or given["about"] != ACQUIRER):
        raise _refused(where, "counts", given["counts"], f"{HELD_OUTSIDE} stands alone, without sales")
    if not outside and given.get("sales") not in SALES:
        raise _refused(where, "sales", given.get("sales"), f"one of {', '.join(SALES)}")
    if given.get("ends") is not None and given["ends"] <= given["starts"]:
        raise _refused(where, "ends", given["ends"], "it has to be after `from`")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_day(value: object) -> bool:
    return type(value) is date


def _is_number(value: object) -> bool:
    return type(value) is int and value >= 0


def _are_counts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(one in COUNTS for one in value)


#: What each value has to be, and how that is said.
_VALUES: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    **dict.fromkeys(("name", "source", "note"), (_is_text, "it has to be text")),
    **dict.fromkeys(("starts", "ends"), (_is_day, "it has to be a day, as 2026-04-01")),
    **dict.fromkeys(
        ("per_10000", "at_least", "sales_at_least", "usd_at_least"),
        (_is_number, "it has to be a whole number, not negative"),
    ),
    "about": (lambda value: value in ABOUT, f"one of {', '.join(ABOUT)}"),
    "counts": (_are_counts, f"a list of {', '.join(COUNTS)}"),
}


def _refuse_overlaps(rows: Sequence[Programme], origin: str) -> None:
    for name in {row.name for row in rows}:
        ordered = sorted((row for row in rows if row.name == name), key=lambda row: row.starts)
        for before, after in pairwise(ordered):
            if before.ends is None or before.ends > after.starts:
                msg = f"{origin}: {name} has two rows for {after.starts}"
                raise ConfigurationError(msg, f"let the earlier one end: to = {after.starts}")


def _shown_names(names: Iterable[str]) -> list[str]:
    back = {ours: theirs for theirs, ours in _NAMES.items()}
    return [back.get(name, name) for name in names]


def _refused(where: str, name: str, value: object, hint: str) -> ConfigurationError:
    shown = _shown_names([name])[0]
    return ConfigurationError(f"{where}: {shown} = {value!r} is refused", hint)
