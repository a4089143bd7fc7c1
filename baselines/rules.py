"""Tuned numbers from TOML, read strictly into frozen values, and what the engine asks of every pack's.

A pack says which sections there are, each a frozen dataclass, and the bounds of its keys.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Protocol

from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LARGEST: Final = 10**15
#: A breach that has to last for longer than an hour is no alarm any more.
LONGEST_PENDING: Final = 60


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

    shipped: str  # the file to start from
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)  # keys whose value is a word
    may_be_zero: Sequence[str] = ()  # every other number is at least 1
    largest: Mapping[str, int] = field(default_factory=dict)  # else LARGEST


#: Of the sections that the engine reads.
_INCIDENT: Final = dict.fromkeys(
    ("resolve_after_minutes", "reopen_within_minutes", "repeat_after_minutes"), 7 * 24 * 60
)


def longest_of(pending: object) -> int:
    """The largest number of a section that holds nothing but minutes (a dataclass)."""
    return max(asdict(pending).values())  # type: ignore[call-overload,no-any-return]


def read_text(path: Path, bounds: Bounds) -> str:
    """The text of a file of tuned numbers; raises SettingsError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"cannot read the rules {path}: {error.strerror}"
        raise SettingsError(msg, f"set MINUTERISK_RULES to a copy of {bounds.shipped}") from error
    except UnicodeDecodeError as error:
        msg = f"the rules {path} are not UTF-8 text: {error}"
        raise SettingsError(msg, f"start from a copy of {bounds.shipped}") from error


def parse_sections(
    text: str, origin: str, sections: Mapping[str, type[Any]], bounds: Bounds
) -> dict[str, Any]:
    """Read TOML text, named `origin` in errors; refuses unknown, missing and malformed keys."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{origin} is not TOML: {error}"
        raise SettingsError(msg, f"start from a copy of {bounds.shipped}") from error
    _refuse_unknown(content, list(sections), origin)
    return {
        name: _section(name, cls, content.get(name, {}), origin, bounds) for name, cls in sections.items()
    }


def _section(name: str, cls: type[Any], content: object, origin: str, bounds: Bounds) -> object:
    if not isinstance(content, dict):
        msg = f"{name} in {origin} is {content!r}; a section is needed"
        raise SettingsError(msg, f"write [{name}] and its keys below it")
    known = {f.name: f.type for f in fields(cls)}
    _refuse_unknown(content, list(known), f"[{name}] of {origin}")
    missing = [key for key in known if key not in content]
    if missing:
        msg = f"[{name}] of {origin} lacks {', '.join(missing)}"
        raise SettingsError(msg, f"start from a copy of {bounds.shipped}")
    where = f"[{name}] of {origin}"
    return cls(**{key: _value(key, value, where, bounds) for key, value in content.items()})


def _value(key: str, value: object, where: str, bounds: Bounds) -> object:
    if key in bounds.words:
        if value in bounds.words[key]:
            return value
        need = f"one of {', '.join(bounds.words[key])}"
    else:
        pending = where.startswith("[pending]")
        least = 0 if pending or key in bounds.may_be_zero or key == "reopen_within_minutes" else 1
        largest = LONGEST_PENDING if pending else {**bounds.largest, **_INCIDENT}.get(key, LARGEST)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= largest:
            return value
        need = f"a whole number from {least} to {largest:,}"
    msg = f"{key} in {where} is {value!r}"
    raise SettingsError(msg, f"{need} is needed")


def _refuse_unknown(content: Mapping[str, object], known: list[str], where: str) -> None:
    for name in content:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            msg = f"unknown name {name!r} in {where}"
            raise SettingsError(msg, f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")
