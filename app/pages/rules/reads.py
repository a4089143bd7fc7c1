"""What the database says of the rules' versions and pauses, kept by the mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.reads import shared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.reads import Page

#: So many versions are listed.
SHOWN: Final = 50
#: They wait for somebody.
WAITING: Final = ("draft", "submitted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version, without its numbers."""

    version: int
    parent: int | None
    instead_of: int | None
    origin: str
    status: str
    reason: str
    author: str
    author_id: int | None
    created_at: datetime
    submitted_by: str | None
    submitted_by_id: int | None
    approved_by: str | None
    withdrawn_by: str | None
    in_force_from: datetime | None
    measured: bool
    in_force: bool  # at the next minute that is judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The numbers of a version, and what it would have done."""

    numbers: str
    backtest: Mapping[str, Any] | None
    backtest_asked_at: datetime | None
    backtest_started_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A rule that opens nothing for a while."""

    rule: str
    reason: str
    from_minute: datetime
    until_minute: datetime
    paused_by: str
    now: bool  # else later


@shared
def versions(page: Page) -> tuple[Version, ...]:
    """The newest ones, newest first, and always the one in force."""
    rows = page.door.rows("ops/app_rule_versions", {"at_most": SHOWN})
    return tuple(sorted((Version(**row) for row in rows), key=lambda v: v.version, reverse=True))


@shared
def told(page: Page, version: int) -> Told | None:
    """One version with its numbers; None where there is none of this number."""
    rows = page.door.rows("ops/rule_version", {"version": version})
    names = Told.__dataclass_fields__
    return Told(**{name: rows[0][name] for name in names}) if rows else None


@shared
def pauses(page: Page) -> tuple[Pause, ...]:
    """What is paused, or will be."""
    return tuple(Pause(**row) for row in page.door.rows("ops/app_rule_pauses", {}))


def in_force(page: Page) -> Version | None:
    """The version that judges the next minute; None where none is kept yet."""
    return next((version for version in versions(page) if version.in_force), None)
