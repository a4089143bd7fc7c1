"""What stands on the lists, kept by the mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.reads import shared
from pipeline.packs.transfers.ruleset import ALLOW, DENY

if TYPE_CHECKING:
    from datetime import datetime

    from app.reads import Page

#: The lists that decide by themselves.
DECIDING: Final = (DENY, ALLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A value that stands on a list, or will."""

    entry_id: int
    list: str
    value: str
    reason: str
    from_at: datetime
    until_at: datetime | None
    added_by: str


@shared
def entries(page: Page) -> tuple[Entry, ...]:
    """What stands on any list now or later, the newest first."""
    asked = {"at": page.clock(), "list": None, "value": None}
    rows = page.door.rows("transfers/ops/list_entries", asked)
    return tuple(Entry(**{name: row[name] for name in Entry.__dataclass_fields__}) for row in rows)


@shared
def names(page: Page) -> tuple[str, ...]:
    """All lists: those that decide, then those that rules ask."""
    known = [row["list"] for row in page.door.rows("transfers/ops/known_lists", {})]
    return (*DECIDING, *(name for name in known if name not in DECIDING))
