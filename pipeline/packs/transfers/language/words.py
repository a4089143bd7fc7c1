"""What a rule may hold: keys, kinds, limits; and the small readers that every part of one needs. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from baselines.transfers.measure import LONGEST_MS
from pipeline.errors.phrases import phrase
from pipeline.packs.transfers.language.refused import refuse, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

SEVERITIES: Final = ("medium", "high", "critical")
ACTIONS: Final = ("none", "review", "block")
MOST_SCORE: Final = 100
MOST_MEASURES: Final = 8
MOST_MEASURES_IN_FORCE: Final = 64  # different measures of all rules together
MOST_NODES: Final = 64
MOST_DEPTH: Final = 8
MOST_PARTS: Final = 16
MOST_CONSTANTS: Final = 256
MOST_TIMES: Final = 1000
#: Pairs that hold earlier events and this one together.
MOST_MATCHED: Final = 3
SHORTEST_MS: Final = 60_000

RULE_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
LIST_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DURATION: Final = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def an_object(value: Any, place: str) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The value, which has to be an object."""
    if not isinstance(value, dict):
        refuse(
            place,
            phrase("{value} is no object", value=shown(value)),
            phrase("write names with their values in braces"),
        )
    return value


def a_list(value: Any, place: str, fewest: int, most: int) -> list[Any]:  # noqa: ANN401 - JSON
    """The value, which has to be a list of so many."""
    if not isinstance(value, list):
        refuse(place, phrase("{value} is no list", value=shown(value)), phrase("write its parts in brackets"))
    if not fewest <= len(value) <= most:
        refuse(
            place,
            phrase("has {number} parts; {fewest} to {most} fit", number=len(value), fewest=fewest, most=most),
            phrase("write as many as fit"),
        )
    return value


def a_text(value: Any, place: str) -> str:  # noqa: ANN401 - JSON
    """The value, which has to be a text."""
    if not isinstance(value, str):
        refuse(place, phrase("{value} is no text", value=shown(value)), phrase("write it in double quotes"))
    return value


def an_integer(value: Any, place: str, low: int, high: int) -> int:  # noqa: ANN401 - JSON
    """The value, which has to be a whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int):
        refuse(
            place, phrase("{value} is no whole number", value=shown(value)), phrase("write a whole number")
        )
    if not low <= value <= high:
        refuse(
            place,
            phrase("{value} is not from {low} to {high}", value=value, low=low, high=high),
            phrase("write a number between them"),
        )
    return value


def one_of(value: Any, place: str, known: Collection[str]) -> str:  # noqa: ANN401 - JSON
    """The value, which has to be one of these words."""
    if not isinstance(value, str) or value not in known:
        refuse(
            place,
            phrase("{value} is not known there", value=shown(value)),
            phrase("write one of {names}", names=", ".join(known)),
        )
    return value


def a_name(value: Any, place: str, form: re.Pattern[str]) -> str:  # noqa: ANN401 - JSON
    """The value, which has to be a name of that form."""
    if not isinstance(value, str) or not form.fullmatch(value):
        refuse(
            place,
            phrase("{value} is no name", value=shown(value)),
            phrase("write a name of the form {form}", form=form.pattern),
        )
    return value


def only_keys(value: dict[str, Any], place: str, needed: Iterable[str], allowed: Iterable[str] = ()) -> None:
    """Refuse a key that is missing and one that nobody knows."""
    needed = tuple(needed)
    for key in needed:
        if key not in value:
            refuse(
                place,
                phrase("{key} is missing", key=key),
                phrase("it needs {names}", names=", ".join(needed)),
            )
    known = (*needed, *allowed)
    for key in value:
        if key not in known:
            refuse(
                f"{place}.{key}" if place != "text" else key,
                phrase("{value} is not known there", value=shown(key)),
                phrase("write one of {names}", names=", ".join(known)),
            )


def only_entry(value: Any, place: str) -> tuple[str, Any]:  # noqa: ANN401 - JSON
    """The one key of an object with its value."""
    entries = an_object(value, place)
    if len(entries) != 1:
        refuse(
            place,
            phrase("has {number} names; it is one thing", number=len(entries)),
            phrase("write one name; join conditions by `all` or `any`"),
        )
    return next(iter(entries.items()))


def a_duration(value: Any, place: str, shortest_ms: int) -> int:  # noqa: ANN401 - JSON
    """A length of time such as "60s", "10m", "24h", "90d", in milliseconds."""
    found = _DURATION.fullmatch(a_text(value, place))
    length_ms = int(found[1]) * _UNIT_MS[found[2]] if found else 0
    if not shortest_ms <= length_ms <= LONGEST_MS:
        refuse(
            place,
            phrase("{value} is no length of time that is kept", value=shown(value)),
            phrase("write one from {shortest}s to 90d, such as 10m or 24h", shortest=shortest_ms // 1_000),
        )
    return length_ms
