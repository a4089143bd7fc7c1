"""The numbers of a version as people read them: by rule, with what stands above each as its reason. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from baselines.edit import numbers_of
from baselines.rules import OWN, span_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.edit import Path
    from baselines.rules import Bounds

#: The section that says how long a breach lasts: its keys are rules, perhaps with a kind behind them.
PENDING: Final = "pending"
#: Units that the end of a key tells.
_UNITS: Final = ("minutes", "days", "percent")
_SECTION: Final = re.compile(r"\[([A-Za-z0-9_-]+)\]")
_KEY: Final = re.compile(r"([A-Za-z0-9_-]+)\s*=")


@dataclass(frozen=True, slots=True)
class Number:
    """One of everybody's numbers."""

    section: str
    key: str
    value: int | str
    why: str  # the comment above it; empty where there is none

    @property
    def path(self) -> str:
        """As people write it."""
        return f"{self.section}.{self.key}"

    @property
    def unit(self) -> str | None:
        """A word for its unit where the name tells it."""
        if self.section == PENDING:
            return "minutes"
        return next((unit for unit in _UNITS if self.key.endswith(unit)), None)


@dataclass(frozen=True, slots=True)
class Group:
    """Numbers that belong together: of a rule, or of what all rules share."""

    name: str
    numbers: tuple[Number, ...]
    of_rule: bool


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """A number of one entity, or of a group of them."""

    kind: str
    name: str
    path: str
    value: int | str


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that two texts have otherwise; None where one of them has none."""

    path: Path
    before: int | str | None
    after: int | str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a number may be: one of some words, or a whole number from `least` to `largest`."""

    words: tuple[str, ...]
    least: int
    largest: int


def numbers_in(text: str) -> tuple[Number, ...]:
    """Everybody's numbers, in their order."""
    why = comments_in(text)
    return tuple(
        Number(path[0], path[1], value, why.get((path[0], path[1]), ""))
        for path, value in numbers_of(text).items()
        if path[0] != OWN and len(path) == 2  # noqa: PLR2004 - a section and a key
    )


def own_in(text: str) -> tuple[OwnNumber, ...]:
    """The numbers of some entities, in their order."""
    return tuple(
        OwnNumber(path[1], path[2], ".".join(path[3:]), value)
        for path, value in numbers_of(text).items()
        if path[0] == OWN and len(path) > 3  # noqa: PLR2004 - own, kind and name stand before
    )


def comments_in(text: str) -> dict[tuple[str, str], str]:
    """What is written above each key, or above the keys that it stands among."""
    found: dict[tuple[str, str], str] = {}
    section, before = "", ""
    above: list[str] = []
    for line in (raw.strip() for raw in text.splitlines()):
        if line.startswith("#"):
            above = [*(above if before.startswith("#") else []), line.lstrip("# ")]
        elif (key := _KEY.match(line)) is not None:
            found[section, key[1]] = " ".join(above)
        else:
            named = _SECTION.match(line)
            section, above = named[1] if named else section, []
        before = line
    return found


def groups(numbers: Sequence[Number], rules: Sequence[str]) -> tuple[Group, ...]:
    """First each rule with what is its alone, then the sections that rules share."""
    owned = {number: _rule_of(number, rules) for number in numbers}
    of_rules = [Group(rule, tuple(n for n in numbers if owned[n] == rule), of_rule=True) for rule in rules]
    shared: dict[str, list[Number]] = {}
    for number in numbers:
        if owned[number] is None:
            shared.setdefault(number.section, []).append(number)
    return (*of_rules, *(Group(name, tuple(found), of_rule=False) for name, found in shared.items()))


def differences(before: str, after: str) -> tuple[Difference, ...]:
    """The numbers that differ, in the order of the newer text."""
    old, new = numbers_of(before), numbers_of(after)
    paths = dict.fromkeys([*new, *old])
    return tuple(Difference(p, old.get(p), new.get(p)) for p in paths if old.get(p) != new.get(p))


def choice_of(number: Number, bounds: Bounds) -> Choice:
    """What the strict reader takes in its place."""
    least, largest = span_of(number.key, bounds, pending=number.section == PENDING)
    return Choice(tuple(bounds.words.get(number.key, ())), least, largest)


def may_be_own(number: Number, own_numbers: Mapping[str, Sequence[str]]) -> bool:
    """May an entity have it for itself?"""
    return number.key in own_numbers.get(number.section, ())


def _rule_of(number: Number, rules: Sequence[str]) -> str | None:
    """The rule whose number it is: of its own section, or how long its breach lasts."""
    if number.section != PENDING:
        return number.section if number.section in rules else None
    own = [rule for rule in rules if number.key == rule or number.key.startswith(f"{rule}_")]
    return max(own, key=len, default=None)
