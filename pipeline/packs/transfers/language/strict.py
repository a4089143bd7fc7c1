"""JSON, read without a guess: no key twice, no fraction, nothing that cannot be stored or shown. Pure.

Texts come from people who may mean harm. Everything is bounded before it is walked, and nothing is run.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final

from pipeline.errors.phrases import phrase
from pipeline.packs.transfers.language.refused import refuse

MOST_BYTES: Final = 16 * 1024  # of a whole rule, in bytes
MOST_LETTERS: Final = 200
MOST_INTEGER: Final = 10**15
#: Brackets inside brackets; a rule of the greatest depth needs fewer.
MOST_NESTED: Final = 40
#: Control characters, half characters, and such as are no text in any language.
_UNFIT: Final = ("Cc", "Cs", "Co", "Cn")
#: What turns the direction of the text around it.
_TURNING: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_]{1,64}")


class _Fraction(str):
    """A number with a fraction or an exponent, as it was written."""

    __slots__ = ()


class _Huge(str):
    """An integer of more digits than any number of a rule."""

    __slots__ = ()


class _Twice(dict[str, Any]):
    """An object in which this key stands twice."""

    key: str = ""


def read_strictly(text: str) -> Any:  # noqa: ANN401 - JSON
    """What a text holds: objects, lists, texts, whole numbers and booleans. Raises RuleRefused."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return refuse(
            "text", phrase("holds half a character"), phrase("write the character anew; it was cut in two")
        )
    if size > MOST_BYTES:
        refuse(
            "text",
            phrase("has {bytes} bytes, more than {most}", bytes=size, most=MOST_BYTES),
            phrase("write several rules"),
        )
    content = _loaded(text)
    _look_through(content, "", 0)
    return content


def _loaded(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_Fraction,
            parse_constant=_Fraction,
            parse_int=lambda digits: int(digits) if len(digits) < 20 else _Huge(digits),  # noqa: PLR2004
        )
    except RecursionError:
        return refuse("text", phrase("is nested too deeply"), phrase("write a flatter rule"))
    except json.JSONDecodeError as error:
        return refuse(
            "text",
            phrase("is no JSON: line {line}, column {column}", line=error.lineno, column=error.colno),
            phrase("mend the text there; names and texts stand in double quotes"),
        )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    twice = _Twice(made)
    twice.key = next(key for n, (key, _) in enumerate(pairs) if any(key == k for k, _ in pairs[:n]))
    return twice


def _look_through(value: Any, place: str, depth: int) -> None:  # noqa: ANN401 - JSON
    """Refuse whatever no rule may hold anywhere."""
    if depth > MOST_NESTED:
        refuse("text", phrase("is nested too deeply"), phrase("write a flatter rule"))
    if isinstance(value, dict):
        _look_through_object(value, place, depth)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _look_through(item, f"{place or 'text'}[{number}]", depth + 1)
    elif isinstance(value, str):
        _look_at_text(value, place or "text")
    elif value is None:
        refuse(place or "text", phrase("is null"), phrase("leave it out; `known` asks if a value is there"))
    elif abs(value) > MOST_INTEGER:
        _refuse_huge(str(value), place or "text")


def _look_through_object(value: dict[str, Any], place: str, depth: int) -> None:
    if isinstance(value, _Twice):
        refuse(
            place or "text",
            phrase("the key {key!r} stands there twice", key=value.key[:40]),
            phrase("leave one of the two"),
        )
    for key, item in value.items():
        if not _PLAIN_KEY.fullmatch(key):
            refuse(
                place or "text",
                phrase("{key!r} is no name", key=key[:40]),
                phrase("names have letters a-z, digits and _"),
            )
        _look_through(item, f"{place}.{key}" if place else key, depth + 1)


def _look_at_text(value: str, place: str) -> None:
    if isinstance(value, _Fraction):
        refuse(
            place,
            phrase("{value} is no whole number", value=value[:40]),
            phrase("write whole numbers, amounts in the smallest unit of the currency"),
        )
    if isinstance(value, _Huge):
        _refuse_huge(value, place)
    if len(value) > MOST_LETTERS:
        refuse(
            place,
            phrase("has {length} characters, more than {most}", length=len(value), most=MOST_LETTERS),
            phrase("write it shorter"),
        )
    if _TURNING.search(value) or any(unicodedata.category(c) in _UNFIT for c in value):
        refuse(
            place,
            phrase("holds a character that cannot be seen"),
            phrase("take out control characters and such as turn the direction of a text"),
        )


def _refuse_huge(digits: str, place: str) -> None:
    refuse(
        place,
        phrase("{number} is past {most} to either side", number=digits[:40], most=MOST_INTEGER),
        phrase("write a smaller number"),
    )
