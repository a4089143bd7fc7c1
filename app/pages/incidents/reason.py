"""A stored reason as rows for people: every number that is in it, none that is not.

The shape of a reason is the judge's business. Whatever it stored is shown: known names in the reader's
language, unknown ones as they are, nested ones by their path.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from app.format import count, moment, won
from pipeline.errors import UsageError
from pipeline.minute import parse_time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from zoneinfo import ZoneInfo

    from app.texts import Texts

NOTHING: Final = "–"
#: Values that are words of the database, by the name they are stored under.
_WORDS: Final = ("rule", "policy", "tier", "severity", "kind")
#: An integer whose name holds this is money, whatever the pack.
_MONEY: Final = "amount"


def reason_rows(
    first: Mapping[str, Any],
    latest: Mapping[str, Any],
    texts: Texts,
    zone: ZoneInfo,
    money: Collection[str] = (),
) -> list[tuple[str, str, str]]:
    """(name, value when opened, latest value): the known names in the order of the texts, then the others.

    The database does not keep the order in which the judge wrote them. `money` names what else is an amount.
    """
    opened, newest = dict(_flat(first)), dict(_flat(latest))
    order = {name: place for place, name in enumerate(texts.numbers)}
    names = sorted(opened.keys() | newest.keys(), key=lambda name: (order.get(name, len(order)), name))

    def shown(name: str, value: object) -> str:
        return _value(name.rpartition(".")[2], value, texts, zone, money)

    return [
        (texts.word("number", name), shown(name, opened.get(name)), shown(name, newest.get(name)))
        for name in names
    ]


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def _value(name: str, value: object, texts: Texts, zone: ZoneInfo, money: Collection[str]) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return texts("answer.true" if value else "answer.false")
    if isinstance(value, int):
        return won(value, texts.language) if _MONEY in name or name in money else count(value)
    if isinstance(value, str):
        return _word(name, value, texts, zone)
    # Floats and lists as they are stored: rounding would be a number nobody judged with.
    return json.dumps(value, ensure_ascii=False)


def _word(name: str, value: str, texts: Texts, zone: ZoneInfo) -> str:
    if name in _WORDS:
        return texts.word(name, value)
    known = texts.word(f"value.{name}", value)
    return known if known != value else _time_or_text(name, value, zone)


def _time_or_text(name: str, value: str, zone: ZoneInfo) -> str:
    if not name.endswith(("minute", "_at")):
        return value
    try:
        return moment(parse_time(value), zone)
    except UsageError:
        return value
