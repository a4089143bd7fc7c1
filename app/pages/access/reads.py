"""What the screen reads: people, their sessions and keys, and the audit. Nothing secret is among it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.reads import shared
from pipeline.desk.people.sessions import IDLE
from pipeline.minute import business_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from app.reads import Page

#: Rows of the audit on one page of it.
ROWS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Person:
    """An account."""

    account_id: int
    name: str
    display_name: str
    role: str
    email: str | None
    os_user: str | None
    slack_user: str | None
    password: bool
    totp: bool
    company_login: bool
    failures: int
    locked_until: datetime | None
    disabled_at: datetime | None
    created_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that is not over."""

    session_id: int
    name: str
    account_id: int
    way: str
    origin: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, without what makes it work."""

    api_key_id: int
    name: str
    account: str
    actions: Sequence[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_origin: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows of the audit: None is any. Days are those of the business zone, both within."""

    actor: str | None = None
    act: str | None = None
    kind: str | None = None
    thing: str | None = None
    outcome: str | None = None
    since: date | None = None
    until: date | None = None
    before: int | None = None  # rows of smaller numbers


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the audit."""

    number: int
    at: datetime
    actor: str
    role: str
    door: str
    credential: str
    origin: str
    act: str
    kind: str
    thing: str
    of_pack: str
    outcome: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    why: str


@dataclass(frozen=True, slots=True)
class Verified:
    """How long the audit is, and what came of its last verification; `at` None: there was none."""

    rows: int
    at: datetime | None
    actor: str | None
    after: Mapping[str, Any] | None


@shared
def people(page: Page) -> tuple[Person, ...]:
    """All accounts, those that are disabled last."""
    found = [Person(**row) for row in page.door.rows("ops/accounts_list", {"account": None})]
    return tuple(sorted(found, key=lambda person: (person.disabled_at is not None, person.name)))


@shared
def sessions(page: Page) -> tuple[OpenSession, ...]:
    """Who is signed in, the newest first."""
    now = page.clock()
    asked = {"account": None, "session_id": None, "now": now, "idle_since": now - IDLE}
    return tuple(OpenSession(**row) for row in page.door.rows("ops/sessions_list", asked))


@shared
def keys(page: Page) -> tuple[ApiKey, ...]:
    """All keys, those that still open something first."""
    now = page.clock()
    found = [ApiKey(**row) for row in page.door.rows("ops/keys_list", {"account": None})]
    over = {key.api_key_id for key in found if key.revoked_at is not None or key.expires_at <= now}
    return tuple(sorted(found, key=lambda key: (key.api_key_id in over, -key.api_key_id)))


@shared
def entries(page: Page, asked: Asked, at_most: int = ROWS_SHOWN) -> tuple[Entry, ...]:
    """Rows of the audit, newest first. Whoever calls has asked whether the reader may."""
    given = {
        "actor": asked.actor,
        "act": asked.act,
        "kind": asked.kind,
        "thing": asked.thing,
        "outcome": asked.outcome,
        "since": None if asked.since is None else business_day(asked.since, page.zone).start,
        "until": None if asked.until is None else business_day(asked.until, page.zone).end,
        "before_number": asked.before,
        "at_most": at_most,
    }
    return tuple(Entry(**row) for row in page.door.rows("ops/app_audit", given))


@shared
def verified(page: Page) -> Verified:
    """The last verification."""
    return Verified(**page.door.rows("ops/app_audit_verified", {})[0])
