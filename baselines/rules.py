"""Tuned numbers from TOML, read strictly into frozen values, and what the engine asks of every pack's.

A pack says which sections there are, each a frozen dataclass, and the bounds of its keys.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from pipeline.errors import SettingsError
from pipeline.errors.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.errors.phrases import Phrase

LARGEST: Final = 10**15
#: A breach that has to last for longer than an hour is no alarm any more.
LONGEST_PENDING: Final = 60
#: The table of a file that holds numbers of some entities.
OWN: Final = "own"
#: So many entities and groups, with so many different sets of numbers: each set costs every minute some
#: milliseconds. Whoever needs more has found that the numbers of everybody are wrong.
MOST_OWN: Final = 200
MOST_SETS: Final = 20

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRules:
    """When an incident ends, comes back and is told again."""

    resolve_after_minutes: int
    reopen_within_minutes: int
    repeat_after_minutes: int


class Pending(Protocol):
    """How many minutes a breach has to last before it opens an incident."""

    @property
    def longest(self) -> int:
        """The most of them."""
        ...

    def minutes(self, rule: str, kind: str | None) -> int:
        """Of a signal of this rule that was seen this way."""
        ...


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Pending of a pack whose breaches need not last: each opens its incident at once."""

    longest: int = 0

    def minutes(self, rule: str, kind: str | None) -> int:
        """None, of whatever signal."""
        del rule, kind
        return self.longest


class Tuned(Protocol):
    """What the engine reads of a pack's tuned numbers; the rest is the pack's own."""

    @property
    def incident(self) -> IncidentRules:
        """The life of incidents."""
        ...

    @property
    def pending(self) -> Pending:
        """How long breaches have to last."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the keys of a pack's sections may hold."""

    shipped: str = ""  # the file to start from
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)  # keys whose value is a word
    may_be_zero: Sequence[str] = ()  # every other number is at least 1
    largest: Mapping[str, int] = field(default_factory=dict)  # else LARGEST
    #: Whose own numbers there may be, and which keys by section.
    own_kinds: Sequence[str] = ()
    own_numbers: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Own:
    """Numbers of one entity, or of all with one fact, instead of those of everybody."""

    kind: str  # what `name` is the name of
    name: str
    numbers: tuple[tuple[str, str, int], ...]  # (section, key, value)

    def applied_to(self, rules: R) -> R:
        """Tuned numbers with these in their places."""
        changed = {section: getattr(rules, section) for section, _, _ in self.numbers}
        for section, key, value in self.numbers:
            changed[section] = replace(changed[section], **{key: value})
        return replace(rules, **changed)  # type: ignore[type-var]


#: Of the sections that the engine reads.
_INCIDENT: Final = dict.fromkeys(
    ("resolve_after_minutes", "reopen_within_minutes", "repeat_after_minutes"), 7 * 24 * 60
)


def longest_of(pending: object) -> int:
    """The largest number of a section that holds nothing but minutes (a dataclass)."""
    return max(asdict(pending).values())  # type: ignore[call-overload,no-any-return]


def read_text(path: Path, shipped: str) -> str:
    """The text of a file of tuned numbers; raises SettingsError when it cannot be read.

    `shipped` is the file to start from.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        msg = phrase("cannot read the rules {path}: {met}", path=str(path), met=error.strerror)
        hint = phrase("set MINUTERISK_RULES to a copy of {shipped}", shipped=shipped)
        raise SettingsError(msg, hint) from error
    except UnicodeDecodeError as error:
        msg = phrase("the rules {path} are not UTF-8 text: {met}", path=str(path), met=str(error))
        raise SettingsError(msg, phrase("start from a copy of {shipped}", shipped=shipped)) from error


def parse_sections(
    text: str, origin: str, sections: Mapping[str, type[Any]], bounds: Bounds, *, own: bool = False
) -> dict[str, Any]:
    """Read TOML text, named `origin` in errors; refuses unknown, missing and malformed keys.

    With `own` there may be numbers of some entities beside, for `parse_own`.
    """
    content = _content(text, origin, bounds)
    _refuse_unknown(content, [*sections, *([OWN] if own else [])], origin)
    return {
        name: _section(name, cls, content.get(name, {}), origin, bounds) for name, cls in sections.items()
    }


def parse_own(text: str, origin: str, bounds: Bounds) -> tuple[Own, ...]:
    """The numbers of some entities: [own.KIND.NAME.SECTION], as far as `bounds` knows of them."""
    found, allowed, content = [], bounds.own_numbers, _content(text, origin, bounds).get(OWN, {})
    for kind, named in _table(content, _place(OWN, origin), bounds.own_kinds):
        for name, sections in _table(named, _place(f"{OWN}.{kind}", origin)):
            where, numbers = _place(f"{OWN}.{kind}.{name}", origin), []
            for section, keys in _table(sections, where, list(allowed)):
                inside = _place(f"{OWN}.{kind}.{name}.{section}", origin)
                for key, value in _table(keys, inside, allowed[section]):
                    numbers.append((section, key, _value(key, value, inside, bounds)))
            found.append(Own(kind, name, tuple(numbers)))
    sets = len({own.numbers for own in found})
    if len(found) > MOST_OWN or sets > MOST_SETS:
        met = {"origin": origin, "count": len(found), "sets": sets}
        msg = phrase("{origin} has own numbers of {count}, {sets} of them different", **met)
        hint = phrase(
            "at most {most} are taken, and {sets} different ones: change those of everybody, or of a group",
            most=MOST_OWN,
            sets=MOST_SETS,
        )
        raise SettingsError(msg, hint)
    return tuple(found)


def _place(section: str, origin: str) -> Phrase:
    return phrase("[{section}] of {origin}", section=section, origin=origin)


def _table(content: object, where: str, known: Sequence[str] | None = None) -> list[tuple[str, Any]]:
    if not isinstance(content, dict):
        msg = phrase("{where} is {content!r}; a section is needed", where=where, content=content)
        raise SettingsError(msg, "write [own.KIND.NAME.SECTION] and its keys below it")
    strange = [name for name in content if known is not None and name not in known]
    if known is not None and strange:
        msg = phrase("{name!r} in {where} cannot be of some alone", name=strange[0], where=where)
        raise SettingsError(msg, phrase("known are {known}", known=", ".join(known)))
    return list(content.items())


def _content(text: str, origin: str, bounds: Bounds) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number or brackets beyond all measure
        msg = phrase("{where} is not TOML: {met}", where=origin, met=str(error))
        hint = phrase("start from a copy of {shipped}", shipped=bounds.shipped)
        raise SettingsError(msg, hint) from error


def _section(name: str, cls: type[Any], content: object, origin: str, bounds: Bounds) -> object:
    if not isinstance(content, dict):
        met = {"name": name, "origin": origin, "content": content}
        msg = phrase("{name} in {origin} is {content!r}; a section is needed", **met)
        raise SettingsError(msg, phrase("write [{name}] and its keys below it", name=name))
    known = {f.name: f.type for f in fields(cls)}
    where = _place(name, origin)
    _refuse_unknown(content, list(known), where)
    missing = [key for key in known if key not in content]
    if missing:
        msg = phrase("{where} lacks {missing}", where=where, missing=", ".join(missing))
        raise SettingsError(msg, phrase("start from a copy of {shipped}", shipped=bounds.shipped))
    return cls(**{key: _value(key, value, where, bounds) for key, value in content.items()})


def _value(key: str, value: object, where: str, bounds: Bounds) -> Any:  # noqa: ANN401 - a number or a word
    if key in bounds.words:
        if value in bounds.words[key]:
            return value
        need = phrase("one of {choices}", choices=", ".join(bounds.words[key]))
    else:
        least, largest = span_of(key, bounds, pending=where.startswith("[pending]"))
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= largest:
            return value
        need = phrase("a whole number from {least} to {largest:,}", least=least, largest=largest)
    msg = phrase("{key} in {where} is {value!r}", key=key, where=where, value=value)
    raise SettingsError(msg, phrase("{need} is needed", need=need))


def span_of(key: str, bounds: Bounds, *, pending: bool) -> tuple[int, int]:
    """The least and the largest number that a key may hold; `pending`: of the section of that name."""
    least = 0 if pending or key in bounds.may_be_zero or key == "reopen_within_minutes" else 1
    return least, LONGEST_PENDING if pending else {**bounds.largest, **_INCIDENT}.get(key, LARGEST)


def _refuse_unknown(content: Mapping[str, object], known: list[str], where: str) -> None:
    for name in content:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            msg = phrase("unknown name {name!r} in {where}", name=name, where=where)
            all_known = phrase("known are {known}", known=", ".join(known))
            raise SettingsError(msg, phrase("did you mean {near}?", near=near[0]) if near else all_known)
