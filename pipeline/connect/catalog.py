"""What a source database says of itself: tables, columns, indexes, and a sample of recent rows. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

Dialect = Literal["postgresql", "mysql"]

#: What matters of a type. `moment` is a certain time, `local` one without a zone.
Kind = Literal[
    "integer",
    "numeric",
    "float",
    "text",
    "enum",
    "uuid",
    "binary",
    "moment",
    "local",
    "date",
    "bool",
    "other",
]

_KINDS: Final[Mapping[Kind, str]] = {
    "bool": r"boolean|tinyint\(1\)|bit\(1\)",
    "integer": r"(tiny|small|medium|big)?int(eger)?\b",
    "numeric": r"numeric|decimal",
    "float": r"real|double|float",
    "uuid": r"uuid",
    "enum": r"enum\(",
    "text": r"text|(tiny|medium|long)text|char|varchar|bpchar|citext|name\b|\"char\"",
    "binary": r"bytea|binary|varbinary",
    "date": r"date\b",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its declared type, and what matters of it."""

    name: str
    kind: Kind
    declared: str
    indexed: bool = False  # an index begins with it
    words: tuple[str, ...] = ()  # of an enum

    @property
    def is_time(self) -> bool:
        """Does it say when, to the minute?"""
        return self.kind in ("moment", "local")

    @property
    def is_amount(self) -> bool:
        """Can it hold money?"""
        return self.kind in ("integer", "numeric", "float")

    @property
    def scale(self) -> int:
        """Digits after the point; of a numeric without a limit 2, as it may have some."""
        if self.kind != "numeric":
            return 0
        found = re.search(r"\(\s*\d+\s*(?:,\s*(\d+)\s*)?\)", self.declared)
        return int(found[1] or 0) if found else 2


@dataclass(frozen=True, slots=True)
class Table:
    """A table, a partitioned one, or a view."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()  # the primary key
    has_xmin: bool = True  # a view has none, nor has a foreign table one that tells anything
    is_default: bool = True  # its schema need not be named

    @property
    def full_name(self) -> str:
        """As people name it."""
        return self.name if self.is_default else f"{self.schema}.{self.name}"

    def column(self, name: str) -> Column:
        """The column of that very name."""
        return next(column for column in self.columns if column.name == name)

    def times(self) -> list[Column]:
        """Its columns that say when."""
        return [column for column in self.columns if column.is_time]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A column that says when; `zone` is that of a column that does not say its own."""

    column: Column
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Recent rows, every value as text, certain times in UTC; newest first if `ordered`."""

    rows: Sequence[Mapping[str, str | None]]
    ordered: bool = True

    def values(self, column: str) -> list[str]:
        """The values of a column that are there."""
        return [value for row in self.rows if (value := row.get(column)) is not None]


@dataclass(frozen=True, slots=True)
class SourceCatalog:
    """All that the role may read."""

    dialect: Dialect
    tables: tuple[Table, ...]
    clock: datetime  # the server's


def kind_of(declared: str, *, is_enum: bool = False) -> Kind:
    """What matters of a declared type, of either dialect."""
    low = declared.lower()
    if is_enum:
        return "enum"
    if low.startswith(("timestamp", "datetime")):
        certain = "with time zone" in low or (low.startswith("timestamp") and "without" not in low)
        return "moment" if certain else "local"
    return next((kind for kind, pattern in _KINDS.items() if re.match(pattern, low)), "other")


def enum_words(declared: str) -> tuple[str, ...]:
    """The words of a MySQL ENUM, from its declaration."""
    found = re.findall(r"'((?:[^']|'')*)'", declared) if declared.lower().startswith("enum(") else []
    return tuple(word.replace("''", "'") for word in found)
