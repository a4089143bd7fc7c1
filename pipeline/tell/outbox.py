"""The outbox: what people are still to be told. Each function is one short transaction.

    pending ──claim──> sending ──sent──> sent
       ^                  ├────retry───> pending   (ambiguous, if the attempt may have arrived)
       └───requeue── dead <──dead───────┘          (with a second channel: a row for that one is written)

    silenced: kept by a silence and told by nobody; what is still open when it ends is told anew

`sending` is committed before the message leaves, so a sender that dies leaves a trace: its lease runs
out, and whoever claims the row next finds it `ambiguous` and looks before sending again. A sender that
outlived its lease changes nothing: every change asks for the lease it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from pipeline.tell.routes import DEFAULT
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Engine

#: A storm larger than this is told in several digests; bounds the memory and the time under the lease.
STORM_LIMIT = 5_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """An outbox row in the hands of one sender, until `leased_until`."""

    outbox_id: int
    incident_id: int
    event: str
    minute: datetime
    message: object  # read by message.read_message, which refuses what is no message
    attempts: int
    ambiguous: bool
    leased_until: datetime
    created_at: datetime
    destination: str
    second: str | None  # who is told where the destination cannot be
    instead_of: str | None  # the channel that did not take it
    number: int = 0  # of several acts of people in one minute


@dataclass(frozen=True, slots=True)
class Thread:
    """The message of an incident that is edited and answered by the later ones."""

    outbox_id: int
    incident_id: int
    event: str
    minute: datetime
    message_ts: str
    repeat: bool
    instead_of: str | None
    shared: bool
    newest_outbox_id: int
    number: int = 0
    picture: str | None = None  # an uploaded file that the message shows


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """How many messages were not sent, by state, and since when the oldest waits."""

    pending: int
    sending: int
    dead: int
    oldest_unsent_at: datetime | None


def claim(
    engine: Engine,
    pack: str,
    now: datetime,
    *,
    lease: timedelta,
    margin: timedelta,
    storm: int,
    destinations: Sequence[str] = (DEFAULT,),
) -> list[Claimed]:
    """Take what a channel is to be sent next, those of the top tier first.

    Nothing, one message, all opened in a minute if more than `storm`, or all still open after a silence.
    A lease of another sender is void `margin` after its end.
    """
    asked = {"pack": pack, "destinations": list(destinations)}
    times = {**asked, "now": now, "expired_before": now - margin, "leased_until": now + lease}
    with engine.begin() as connection:
        due = connection.execute(text(sql("ops/outbox_due")), times).one()
        many, ids = {**times, "at_most": STORM_LIMIT}, list[int]()
        if due.opened > storm:
            ids = _ids(connection, "outbox_claim_storm", {**many, "more_than": storm})
        if not ids and due.unsilenced:
            ids = _ids(connection, "outbox_claim_unsilenced", many)
        ids = ids or _ids(connection, "outbox_claim", times)
        if not ids:
            return []
        rows = connection.execute(text(sql("ops/outbox_claimed")), {"outbox_ids": ids}).mappings()
        return [Claimed(**row) for row in rows]


def _ids(connection: Connection, query: str, given: Mapping[str, Any]) -> list[int]:
    return list(connection.execute(text(sql(f"ops/{query}")), given).scalars())


def destinations_due(engine: Engine, pack: str, now: datetime, margin: timedelta) -> list[str]:
    """The channels for which something is to be sent now."""
    given = {"pack": pack, "now": now, "expired_before": now - margin}
    with engine.connect() as connection:
        return list(connection.execute(text(sql("ops/outbox_destinations")), given).scalars())


def mark_sent(
    engine: Engine,
    rows: Sequence[Claimed],
    now: datetime,
    *,
    channel: str,
    message_ts: str | None,
    repeat: bool,
) -> list[int]:
    """Record that people have been told; the ids recorded (fewer than given: the lease was lost)."""
    return _settle(
        engine, "outbox_sent", rows, now=now, channel=channel, message_ts=message_ts, repeat=repeat
    )


def retry_later(
    engine: Engine,
    rows: Sequence[Claimed],
    next_attempt_at: datetime,
    *,
    error: str,
    ambiguous: bool,
    counted: bool,
) -> list[int]:
    """Give rows back for a later attempt. `counted` is false when the attempt certainly never arrived."""
    given: dict[str, Any] = {
        "next_attempt_at": next_attempt_at,
        "error": error,
        "ambiguous": ambiguous,
        "counted": counted,
    }
    return _settle(engine, "outbox_retry", rows, **given)


def mark_dead(
    engine: Engine,
    rows: Sequence[Claimed],
    *,
    error: str,
    ambiguous: bool = False,
    and_second: bool = True,
) -> list[int]:
    """Set rows aside for a person; as one with that, the second channel of each is to be told instead."""
    return _settle(engine, "outbox_dead", rows, and_second=and_second, error=error, ambiguous=ambiguous)


def tell_overdue(engine: Engine, pack: str, before: datetime) -> list[int]:
    """Tell second channels what their first has not taken since; the new rows."""
    with engine.begin() as connection:
        return _ids(connection, "outbox_overdue", {"pack": pack, "before": before})


def _settle(
    engine: Engine, query: str, rows: Sequence[Claimed], *, and_second: bool = False, **given: object
) -> list[int]:
    if not rows:
        return []
    held = {"outbox_ids": [row.outbox_id for row in rows], "leased_until": rows[0].leased_until}
    with engine.begin() as connection:
        ids = _ids(connection, query, {**held, **given})
        if and_second and ids:
            _ids(connection, "outbox_second", {"outbox_ids": ids})
        return ids


def find_thread(engine: Engine, incident_id: int, channel: str) -> Thread | None:
    """The message of the incident that later ones edit and answer, if one has reached this channel."""
    with engine.connect() as connection:
        row = (
            connection.execute(
                text(sql("ops/outbox_thread")), {"incident_id": incident_id, "channel": channel}
            )
            .mappings()
            .first()
        )
    return None if row is None else Thread(**row)


def list_messages(
    engine: Engine, pack: str, *, status: str | None = None, at_most: int = 100
) -> list[dict[str, Any]]:
    """Messages for people, newest first, without their content."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(sql("ops/outbox_list")), {"pack": pack, "status": status, "at_most": at_most}
        ).mappings()
        return [dict(row) for row in rows]


def show_message(engine: Engine, pack: str, outbox_id: int) -> dict[str, Any] | None:
    """One message with its content, or None."""
    with engine.connect() as connection:
        row = (
            connection.execute(text(sql("ops/outbox_show")), {"pack": pack, "outbox_id": outbox_id})
            .mappings()
            .first()
        )
    return None if row is None else dict(row)


def outbox_status(engine: Engine, pack: str) -> OutboxStatus:
    """Counts by status and the age of the oldest unsent message."""
    with engine.connect() as connection:
        return OutboxStatus(
            **connection.execute(text(sql("ops/outbox_status")), {"pack": pack}).mappings().one()
        )
