"""The TOML of labelled cases, read strictly: unknown keys, wrong types and doubled names are refused."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import ConfigurationError
from pipeline.packs.transfers.schema import COMPLETED, DECLINED, KINDS, MOST_AMOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ALARM, QUIET, CORRECTED = "alarm", "quiet", "corrected"
EXPECTED: Final = (ALARM, QUIET, CORRECTED)
DECISIONS: Final = ("allow", "review", "block")
#: How a payment may begin; `reversed_after` reverses it.
BOOKED: Final = (COMPLETED, DECLINED)
MOST_TIMES: Final = 10_000

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_RULE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_SPAN: Final = re.compile(r"([+-]?)(\d{1,9})(ms|s|m|h|d)")
_LOCAL: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_MOST_DEGREES: Final = (90, 180)
_UNITS: Final = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PARTIES: Final = ("account", "user", "payee", "card", "device", "merchant")
_DEFAULTS: Final = {"kind": "transfer", "status": COMPLETED, "currency": "KRW", "country": "KR"}
_CASE_KEYS: Final = ("name", "rule", "expected", "start", "watched", "fires_at", "decision", "payment")
_STEP_KEYS: Final = (
    *_PARTIES,
    *_DEFAULTS,
    *("amount", "channel", "at", "times", "every", "late", "reversed_after", "place", "opened_days"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A payment of a case, or some alike; where several values are given, they take turns."""

    at: timedelta
    times: int
    every: timedelta
    values: Mapping[str, tuple[Any, ...]]
    parties: Mapping[str, tuple[str, ...]]
    late: timedelta = timedelta(0)
    reversed_after: timedelta | None = None
    place: tuple[int, int] | None = None  # millionths of a degree
    opened_days: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What happens, and at which payments `rule` fires: positions from 0 in the order of the file.

    `watched` is the account that the incident is about. Where `corrected` is expected, the rule fires and a
    reversal takes it back.
    """

    name: str
    rule: str
    expected: str
    start: timedelta
    local_time: time | None
    watched: str
    fires_at: tuple[int, ...]
    decision: str
    steps: tuple[Step, ...] = field(default=())


class _Table:
    """One table of the file; remembers where it stands for whoever has to mend it."""

    def __init__(self, table: object, where: str, keys: tuple[str, ...]) -> None:
        self.where = where
        if not isinstance(table, dict):
            raise self.refused(table, "table", "write one key = value per line")
        self.table: dict[str, Any] = table
        for key in table:
            if key not in keys:
                raise self.refused(table[key], key, f"known are {', '.join(keys)}")

    def refused(self, value: object, key: str, hint: str) -> ConfigurationError:
        return ConfigurationError(f"{self.where}: {key} = {value!r} is refused", hint)

    def get(self, key: str, default: Any, good: Callable[[Any], bool], hint: str) -> Any:  # noqa: ANN401
        value = self.table.get(key, default)
        if value is None or not good(value):
            raise self.refused(value, key, hint)
        return value

    def text(self, key: str, default: str | None, pattern: re.Pattern[str], hint: str) -> str:
        return str(self.get(key, default, lambda v: isinstance(v, str) and bool(pattern.fullmatch(v)), hint))

    def one_of(self, key: str, default: str | None, words: tuple[str, ...]) -> str:
        return str(self.get(key, default, lambda v: v in words, f"one of {', '.join(words)}"))

    def whole(self, key: str, default: int | None, least: int, most: int) -> int:
        hint = f"a whole number from {least} to {most}"
        return int(self.get(key, default, lambda v: type(v) is int and least <= v <= most, hint))

    def span(self, key: str, default: str | None) -> timedelta:
        text = self.text(key, default, _SPAN, 'write a time such as "90s", "-5m", "250ms"')
        return _span(text)

    def several(self, key: str, default: Any, good: Callable[[Any], bool], hint: str) -> tuple[Any, ...]:  # noqa: ANN401
        value = self.table.get(key, default)
        values = tuple(value) if isinstance(value, list) else () if value is None else (value,)
        if not all(map(good, values)):
            raise self.refused(value, key, hint)
        return values


def read_tables(path: Path, example: Path) -> tuple[Case, ...]:
    """The cases of the file."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"the file of cases {path} cannot be read: {error.strerror}"
        raise ConfigurationError(msg, f"take {example} as a start") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"the file of cases {path} is not TOML: {error}"
        raise ConfigurationError(msg, f"take {example} as a start") from None
    whole = _Table(document, str(path), ("case",))
    tables = whole.get("case", [], lambda v: isinstance(v, list), "write [[case]] with two brackets")
    cases = tuple(_case(table, f"{path}: case {n}") for n, table in enumerate(tables, 1))
    names = [case.name for case in cases]
    for name in names:
        if names.count(name) > 1:
            raise whole.refused(name, "name", "give each case its own name")
    return cases


def _case(content: object, where: str) -> Case:
    table = _Table(content, where, _CASE_KEYS)
    name = table.text("name", None, _NAME, "small letters, digits and _, at most 32")
    table.where = f"{where} {name}"
    steps = table.get("payment", None, lambda v: isinstance(v, list) and bool(v), "write [[case.payment]]")
    found = tuple(_step(step, f"{table.where}: payment {n}") for n, step in enumerate(steps, 1))
    start, local = _start(table)
    expected = table.one_of("expected", None, EXPECTED)
    fires_at = table.several("fires_at", [], lambda v: type(v) is int and v >= 0, "positions from 0")
    payments = sum(step.times for step in found)
    if bool(fires_at) == (expected == QUIET) or any(position >= payments for position in fires_at):
        hint = f"positions from 0 to {payments - 1} where the rule fires, none where it is quiet"
        raise table.refused(list(fires_at), "fires_at", hint)
    return Case(
        name=name,
        rule=table.text("rule", None, _RULE, "the name of an event rule"),
        expected=expected,
        start=start,
        local_time=local,
        watched=table.text("watched", "payer", _NAME, "an account of the case"),
        fires_at=fires_at,
        decision=table.one_of("decision", "allow" if expected == QUIET else "review", DECISIONS),
        steps=found,
    )


def _start(table: _Table) -> tuple[timedelta, time | None]:
    text = table.table.get("start")
    if isinstance(text, str) and (match := _LOCAL.fullmatch(text)):
        return timedelta(0), time(int(match[1]), int(match[2]))
    return table.span("start", None), None


def _step(content: object, where: str) -> Step:
    table = _Table(content, where, _STEP_KEYS)
    values: dict[str, tuple[Any, ...]] = {
        "kind": table.several("kind", _DEFAULTS["kind"], lambda v: v in KINDS, f"of {', '.join(KINDS)}"),
        "status": table.several("status", COMPLETED, lambda v: v in BOOKED, f"of {', '.join(BOOKED)}"),
        "amount": table.several("amount", None, _is_amount, f"whole minor units up to {MOST_AMOUNT:,}"),
        "currency": table.several("currency", "KRW", _is_text, "an ISO 4217 code"),
        "country": _unknown_where_empty(table.several("country", "KR", _is_text, 'a code; "" is unknown')),
        "channel": table.several("channel", None, _is_text, "a word"),
    }
    if not values["amount"]:
        raise table.refused(None, "amount", "every payment has one")
    hint = "small letters, digits and _, at most 32"
    parties = {name: table.several(name, None, _is_name, hint) for name in _PARTIES}
    parties["account"] = parties["account"] or ("payer",)
    late = table.span("late", "0s")
    if late < timedelta(0):
        raise table.refused(table.table["late"], "late", "nothing arrives before it happens")
    return Step(
        at=table.span("at", "0s"),
        times=table.whole("times", 1, 1, MOST_TIMES),
        every=table.span("every", "0s"),
        values=values,
        parties=parties,
        late=late,
        reversed_after=table.span("reversed_after", None) if "reversed_after" in table.table else None,
        place=_place(table),
        opened_days=table.whole("opened_days", None, 0, 36_500) if "opened_days" in table.table else None,
    )


def _place(table: _Table) -> tuple[int, int] | None:
    if "place" not in table.table:
        return None
    lat, lon = table.get("place", None, _is_place, "[latitude, longitude] in degrees")
    return round(lat * 1_000_000), round(lon * 1_000_000)


def _is_place(value: object) -> bool:
    if not isinstance(value, list) or [type(v) in (int, float) for v in value] != [True, True]:
        return False
    return all(abs(v) <= most for v, most in zip(value, _MOST_DEGREES, strict=True))


def _unknown_where_empty(values: tuple[str, ...]) -> tuple[str | None, ...]:
    return tuple(value or None for value in values)


def _is_amount(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST_AMOUNT


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise AssertionError(text)
    sign, number, unit = match.groups()
    return timedelta(**{_UNITS[unit]: int(sign + number)})
