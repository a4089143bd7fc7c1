"""What an address says after its question mark, read strictly: a value that is known, or none.

Pure. Each screen names the parameters that its address may carry; what cannot be read is said on the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from pipeline.errors import UsageError
from pipeline.minute import EPOCH, TIME_END, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

T = TypeVar("T")

#: Whatever is longer is no parameter of ours, and nobody would read it.
LONGEST: Final = 200
#: The largest number that the database knows (bigint).
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Param(Generic[T]):
    """A parameter of an address. `read` gives None for a text that says nothing we know."""

    name: str
    read: Callable[[str], T | None]

    def of(self, text: str) -> T | None:
        """What the text says."""
        return self.read(text) if len(text) <= LONGEST else None


def number(text: str) -> int | None:
    """The number of a row of the database."""
    found = int(text) if re.fullmatch(r"[0-9]{1,19}", text) else -1
    return found if 0 <= found <= _LARGEST else None


def words(text: str) -> str | None:
    """Any text that has something in it. PostgreSQL knows no NUL, so nothing has a name with one."""
    return None if "\0" in text else text.strip() or None


def one_of(known: Collection[str]) -> Callable[[str], str | None]:
    """One of some words."""
    return lambda text: text if text in known else None


def moment(text: str) -> datetime | None:
    """A time with its zone."""
    try:
        return parse_time(text)
    except UsageError:
        return None


def day(text: str) -> date | None:
    """A day as 2026-11-21, of those that the pipeline knows."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if EPOCH.year < found.year < TIME_END.year - 1 else None
