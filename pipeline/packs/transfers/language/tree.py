"""A rule as a typed tree of frozen nodes: the one form from which everything else is made. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.transfers.measure import Measure

    #: A value of a field or measure; None is not known.
    Known = int | str | None
    #: What a condition comes to; None is not known.
    Answer = bool | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or text that stands in the rule."""

    value: int | str


@dataclass(frozen=True, slots=True)
class FieldOf:
    """A field of the event; its column has the same name."""

    name: str

    @property
    def column(self) -> str:
        """Where its values stand."""
        return self.name


@dataclass(frozen=True, slots=True)
class MeasureOf:
    """A measure of the rule; its column is that of the measure, which rules share."""

    name: str
    column: str


@dataclass(frozen=True, slots=True)
class Times:
    """A field or measure, multiplied by a whole number from 1 to 1000."""

    of: FieldOf | MeasureOf
    by: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Two values together, or the second taken from the first."""

    op: str  # "plus" or "minus"
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class All:
    """False where any part is false, else unknown where any is unknown."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where any part is true, else unknown where any is unknown."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    of: Condition


@dataclass(frozen=True, slots=True)
class IsKnown:
    """Whether a value is known. Never unknown itself."""

    of: Value


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values of one type; unknown where either is."""

    op: str  # gt, ge, lt, le, eq, ne
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Among:
    """A value is one of these; unknown where it is."""

    of: Value
    values: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A text field stands on a list; unknown where it is."""

    of: FieldOf
    list: str


Value: TypeAlias = Constant | FieldOf | MeasureOf | Times | Sum
Condition: TypeAlias = All | AnyOf | Not | IsKnown | Compare | Among | Listed


@dataclass(frozen=True)
class RuleText:
    """A rule as it was written and read. Two are equal where their canonical texts are."""

    canonical: str  # JSON, keys sorted, without spaces
    rule: str = field(compare=False)
    on: tuple[str, ...] = field(compare=False)  # kinds of events
    severity: str = field(compare=False)
    score: int = field(compare=False)
    action: str = field(compare=False)
    measures: Mapping[str, Measure] = field(compare=False)
    when: Condition = field(compare=False)
    say: Mapping[str, str] = field(compare=False)  # language -> sentence with {names}
    fields: tuple[str, ...] = field(compare=False)  # that `when` and `say` name, sorted
    lists: frozenset[str] = field(compare=False)  # that `when` names

    @cached_property
    def sha256(self) -> str:
        """Of the canonical text, in UTF-8."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()
