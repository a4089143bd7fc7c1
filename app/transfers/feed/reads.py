"""What the database says of alerts and of one payment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.reads import Page, shared
from app.transfers.feed.alerts import ASKED, Alert
from app.transfers.feed.stream import EVERY_S, QUERY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_KEPT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment as it is now, how it was judged, and what became of it."""

    transfer_id: str
    kind: str
    status: str
    account_id: str
    user_id: str
    amount: int
    currency: str
    country: str | None
    occurred_at: datetime
    payee_id: str | None
    card_id: str | None
    device_id: str | None
    merchant_id: str | None
    channel: str | None
    lat_e6: int | None
    lon_e6: int | None
    account_opened: datetime | None
    arrived_at: datetime
    decision: str | None  # None: not judged yet
    score: int | None
    why: str | None
    late: bool | None
    revision: int | None
    judged_at: datetime | None
    confirmed_at: datetime | None
    fraud: bool | None  # None: nobody has said
    said_by: str | None
    reported_at: datetime | None
    check_decision: str | None  # None: it was not asked about before
    check_decided_by: str | None
    checked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A rule that fired at a payment."""

    rule: str
    version: int
    severity: str
    score: int
    action: str
    mode: str
    explanation: str
    late: bool
    hit_at: datetime
    corrected_at: datetime | None
    corrected_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterWord:
    """What was said of a payment after it was there."""

    kind: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    origin: str
    at: datetime


def alerts(page: Page) -> tuple[Alert, ...]:
    """The latest ones, for a page that does not follow the stream; asked for once for all of those."""
    return _alerts(page.name, page)


@st.cache_data(ttl=EVERY_S, max_entries=_KEPT, show_spinner=False)
def _alerts(name: str, _page: Page) -> tuple[Alert, ...]:  # noqa: ARG001 - the key of the cache
    return tuple(Alert(**row) for row in _page.door.rows(QUERY, ASKED))


@shared
def payment(page: Page, transfer_id: str) -> Payment | None:
    """One payment; None where nobody knows it."""
    rows = page.door.rows("transfers/ops/app_payment", {"transfer_id": transfer_id})
    return Payment(**rows[0]) if rows else None


@shared
def hits(page: Page, transfer_id: str) -> tuple[Hit, ...]:
    """What fired at it."""
    return tuple(Hit(**row) for row in page.door.rows("transfers/ops/app_hits", {"transfer_id": transfer_id}))


@shared
def later_words(page: Page, transfer_id: str) -> tuple[LaterWord, ...]:
    """What was said of it afterwards."""
    rows = page.door.rows("transfers/ops/app_later_words", {"transfer_id": transfer_id})
    return tuple(LaterWord(**row) for row in rows)
