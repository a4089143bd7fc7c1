"""A stored reason as rows for people: every number that is in it, none that is not.

The shape of a reason is the judge's business. Whatever it stored is shown: known names in the reader's
language, unknown ones as they are, nested ones by their path.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from app.format import count, moment, won
from app.texts import KOREAN, LANGUAGES
from pipeline.errors import UsageError
from pipeline.minute import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from app.texts import Texts

NOTHING: Final = "–"
#: Values that are words of the database, by the name they are stored under.
_WORDS: Final = ("rule", "policy", "tier", "severity", "kind", "cause", "prior")
_ORDER: Final = [key.removeprefix("number.") for key in KOREAN if key.startswith("number.")]
_MONEY: Final = ("amount", "krw", "paid_out", "unrecovered")


def reason_rows(
    first: Mapping[str, Any], latest: Mapping[str, Any], texts: Texts, zone: ZoneInfo
) -> list[tuple[str, str, str]]:
    """(name, value when opened, latest value): the known names in the order of the texts, then the others.

    The database does not keep the order in which the judge wrote them.
    """
    opened, newest = dict(_flat(first)), dict(_flat(latest))
    names = sorted(opened.keys() | newest.keys(), key=_place)
    return [
        (
            _name(name, texts),
            _value(name, opened.get(name), texts, zone),
            _value(name, newest.get(name), texts, zone),
        )
        for name in names
    ]


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def _place(path: str) -> tuple[int, str]:
    return (_ORDER.index(path) if path in _ORDER else len(_ORDER), path)


def _name(path: str, texts: Texts) -> str:
    return LANGUAGES[texts.language].get(f"number.{path}", path)


def _value(path: str, value: object, texts: Texts, zone: ZoneInfo) -> str:
    name = path.rpartition(".")[2]
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return texts("answer.true" if value else "answer.false")
    if isinstance(value, int):
        return won(value, texts.language) if any(part in name for part in _MONEY) else count(value)
    if isinstance(value, str):
        return texts.word(name, value) if name in _WORDS else _time_or_text(name, value, zone)
    # Floats and lists as they are stored: rounding would be a number nobody judged with.
    return json.dumps(value, ensure_ascii=False)


def _time_or_text(name: str, value: str, zone: ZoneInfo) -> str:
    if not name.endswith(("minute", "_at")):
        return value
    try:
        return moment(parse_time(value), zone)
    except UsageError:
        return value
