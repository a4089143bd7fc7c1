"""What the database says of one business day, kept by the mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.reads import shared
from pipeline.minute import business_day

if TYPE_CHECKING:
    from datetime import date

    from app.reads import Page

#: So many accounts are named.
ACCOUNTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Payments of one currency that were not simply allowed."""

    decision: str
    currency: str  # empty: the event itself is not kept here any more
    payments: int
    accounts: int
    amount: int
    late: int
    revised: int
    denied: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What else the day had."""

    checks: int
    fallbacks: int
    differing: int
    corrections: int
    conflicts: int
    died: int
    dead_now: int  # whenever they died
    frauds: int
    outcomes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a rule found."""

    rule: str
    mode: str
    hits: int
    corrected: int
    late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with payments that were not allowed."""

    account_id: str
    payments: int
    blocked: int
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """All payments of the day, by its closed minutes."""

    payments: int | None
    declined: int | None
    reversed: int | None
    minutes: int


def _ends(page: Page, day: date) -> dict[str, Any]:
    span = business_day(day, page.zone)
    return {"start": span.start, "stop": span.end}


@shared
def judged(page: Page, day: date) -> Judged:
    """How many payments there were."""
    (row,) = page.door.rows("transfers/ops/app_day_judged", _ends(page, day))
    return Judged(**row)


@shared
def decided(page: Page, day: date) -> tuple[Decided, ...]:
    """What was not allowed."""
    return tuple(Decided(**row) for row in page.door.rows("transfers/ops/app_day", _ends(page, day)))


@shared
def beside(page: Page, day: date) -> Beside:
    """What else there was."""
    return Beside(**page.door.rows("transfers/ops/app_day_beside", _ends(page, day))[0])


@shared
def found(page: Page, day: date) -> tuple[Found, ...]:
    """What the rules found."""
    return tuple(Found(**row) for row in page.door.rows("transfers/ops/app_day_rules", _ends(page, day)))


@shared
def accounts(page: Page, day: date) -> tuple[Account, ...]:
    """Whose payments were not allowed most often."""
    asked = {**_ends(page, day), "at_most": ACCOUNTS}
    return tuple(Account(**row) for row in page.door.rows("transfers/ops/app_day_accounts", asked))
