"""The operational database: ledger, incidents, outbox and watermark, changed in one transaction.

That transaction is the commit point of a minute. Everything readers see (manifest, catalog, messages)
is made from it afterwards, so a crash leaves the old state or the new one.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import polars as pl
import sqlalchemy
from sqlalchemy import text

from pipeline.errors import FencedOut, NotLeader, Overtaken
from pipeline.errors.translate import state_errors
from pipeline.judge.life import AtRisk, Changes, Event, Incident, Key, message_of
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants.spent import Spent
from pipeline.schema import CATEGORY_CHANGE
from pipeline.store.lake import LakeFile, Publication
from pipeline.store.search import LateState
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime, timedelta

    from sqlalchemy import Connection, Engine, RowMapping

    from pipeline.packs.merchants.null import NullDay


#: Key of the advisory lock that the leader's session holds ("minute" in ASCII).
LEADER_LOCK = 0x6D696E757465


@dataclass(frozen=True, slots=True)
class Published:
    """How far the ledger has come."""

    first_minute: datetime | None
    last_minute: datetime | None
    minutes: int
    last_judged: datetime | None
    next_minute: datetime | None
    version: int

    @property
    def holes(self) -> int:
        """Minutes between the first and the last that are not in the ledger; always 0 is the promise."""
        if self.first_minute is None or self.last_minute is None:
            return 0
        return Span(self.first_minute, self.last_minute + MINUTE).minutes - self.minutes


@dataclass(frozen=True, slots=True)
class MinuteCommit:
    """Everything one commit writes; `minutes` are ledger rows as `count_minutes` makes them."""

    minutes: Sequence[Mapping[str, Any]]
    files: Sequence[LakeFile]
    next_minute: datetime
    changes: Changes = field(default_factory=Changes)
    minute: datetime | None = None  # the judged minute, when one was judged
    history_until: datetime | None = (
        None  # where a first start's history ends; only its first commit records it
    )


#: A leader that is stopped inside a commit must not keep its row locks: its successor waits for them.
SESSION_OPTIONS = "-c timezone=UTC -c idle_in_transaction_session_timeout=8000"


@dataclass(frozen=True, slots=True)
class Correction:
    """Everything one correcting commit writes."""

    cause: str
    minutes: Sequence[Mapping[str, Any]]  # ledger rows
    retired: Sequence[str]  # paths that the new files replace
    files: Sequence[LakeFile]
    changes: Changes
    corrected: Sequence[Incident]
    at: datetime  # the newest judged minute
    supported: Sequence[int] = ()  # ids of incidents that were marked corrected and hold after all
    earlier: Mapping[int, datetime] = field(default_factory=dict)  # when incidents began, by id


def connect_state(url: str) -> Engine:
    """An engine for the operational database; opens nothing yet."""
    return sqlalchemy.create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_pre_ping=True,
        pool_size=4,
        connect_args={"connect_timeout": 10, "application_name": "minuterisk", "options": SESSION_OPTIONS},
    )


class State(LateState):
    """The writing side of the operational database."""

    def __init__(self, engine: Engine, url: str) -> None:
        super().__init__(engine, url)
        self._lock: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up the leadership and every connection."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        self.engine.dispose()

    def lead(self) -> int:
        """Become the one process that writes; raises NotLeader while another one leads."""
        with state_errors(self.url):
            lock = self._take_lock()
            me = f"{socket.gethostname()} process {os.getpid()}"
            self.epoch = int(lock.execute(text(sql("ops/lead")), {"holder": me}).scalar_one())
        return self.epoch

    def _take_lock(self) -> Connection:
        """The session that holds the leader's lock; raises NotLeader while another one does."""
        lock = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            if not lock.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LEADER_LOCK}).scalar_one():
                holder = lock.execute(text("SELECT holder FROM leader")).scalar_one()
                msg = f"another process leads this installation: {holder}"
                raise NotLeader(msg, "stop it first; two must not write the same lake")  # noqa: TRY301 - closed below
        except BaseException:
            lock.close()
            raise
        self._lock = lock
        return lock

    def _keep_lock(self) -> None:
        """Take the lock again if its session was cut; somebody else holding it means that we lead no more."""
        try:
            if self._lock is not None:
                self._lock.execute(text("SELECT 1"))
                return
        except sqlalchemy.exc.DBAPIError:
            self._lock = None
        try:
            self._take_lock()
        except NotLeader as error:
            raise FencedOut(
                error.what, "this process stands by; the new leader goes on from the ledger"
            ) from error

    def installation(self) -> str:
        """The id of this installation; it is part of every message's key."""
        with self._read() as connection:
            return str(connection.execute(text("SELECT installation FROM leader")).scalar_one())

    def heartbeat(self) -> None:
        """Say that the leader is alive; raises FencedOut when another one has taken over."""
        with state_errors(self.url):
            self._keep_lock()
        with self._commit() as connection:
            connection.execute(text(sql("ops/heartbeat")), {"epoch": self.epoch})

    def next_minute(self) -> datetime | None:
        """The next minute to judge; None before the first publication."""
        with self._read() as connection:
            mark = connection.execute(text(sql("ops/watermark"))).mappings().one_or_none()
        return mark["next_minute"] if mark else None

    def history_until(self) -> datetime | None:
        """Where the history of the first start ends; None where it was not published by one."""
        with self._read() as connection:
            mark = connection.execute(text(sql("ops/watermark"))).mappings().one_or_none()
        return mark["history_until"] if mark else None

    def published(self) -> Published:
        """How far the ledger has come; it counts every minute, so not for a tick."""
        with self._read() as connection:
            span = connection.execute(text(sql("ops/published_span"))).mappings().one()
            mark = connection.execute(text(sql("ops/watermark"))).mappings().one_or_none()
        return Published(
            **span, next_minute=mark["next_minute"] if mark else None, version=mark["version"] if mark else 0
        )

    def publication(self) -> Publication:
        """What is published now, from one snapshot."""
        with self._read() as connection:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            rows = connection.execute(text(sql("ops/live_files"))).mappings().all()
            mark = connection.execute(text(sql("ops/watermark"))).mappings().one_or_none()
            at = connection.execute(text("SELECT now()")).scalar_one()
        through = mark["last_minute"] + MINUTE if mark and mark["last_minute"] else None
        return Publication(mark["version"] if mark else 0, through, [_file(row) for row in rows], at)

    def minutes(self, span: Span) -> list[dict[str, Any]]:
        """The ledger rows of a span."""
        with self._read() as connection:
            found = connection.execute(
                text(sql("ops/published_minutes")), {"start": span.start, "end": span.end}
            )
            return [dict(row) for row in found.mappings()]

    def minute_set(self, span: Span) -> set[datetime]:
        """The published minutes of a span."""
        with self._read() as connection:
            found = connection.execute(text(sql("ops/minute_set")), {"start": span.start, "end": span.end})
            return set(found.scalars())

    def unresolved(self) -> dict[Key, Incident]:
        """All incidents that are not resolved, by rule and merchant."""
        with self._read() as connection:
            rows = connection.execute(text(sql("ops/unresolved_incidents"))).mappings().all()
        return {(row["rule"], row["merchant_id"]): _incident(row) for row in rows}

    def resolved_since(self, since: datetime) -> dict[Key, Incident]:
        """The newest incident of each rule and merchant that has resolved after `since`."""
        with self._read() as connection:
            rows = connection.execute(text(sql("ops/resolved_incidents")), {"since": since}).mappings().all()
        return {(row["rule"], row["merchant_id"]): _incident(row) for row in rows}

    def signal_files(self, span: Span) -> list[LakeFile]:
        """The published files with signals of a span."""
        with self._read() as connection:
            given = {"start": span.start, "end": span.end}
            rows = connection.execute(text(sql("ops/signal_files")), given).mappings().all()
        return [_file(row) for row in rows]

    def commit(self, commit: MinuteCommit) -> int:
        """Write ledger, files, incidents, outbox and watermark in one transaction; gives the new version."""
        with self._commit() as connection:
            if commit.files:
                run(connection, "insert_files", files=[f.as_row() for f in commit.files])
            run(connection, "record_minutes", minutes=list(commit.minutes))
            self._write_changes(connection, commit.changes, commit.minute)
            mark = {"next_minute": commit.next_minute, "history_until": commit.history_until}
            return int(connection.execute(text(sql("ops/advance_watermark")), mark).scalar_one())

    def incidents_between(self, first: datetime, last: datetime) -> list[dict[str, Any]]:
        """Incidents that were unresolved at any minute from `first` to `last`."""
        with self._read() as connection:
            found = connection.execute(text(sql("ops/incidents_between")), {"first": first, "last": last})
            return [dict(row) for row in found.mappings()]

    def correct(self, correction: Correction) -> None:
        """Write a correction: new files for old ones, revisions, incidents and messages, as one."""
        with self._commit() as connection:
            _retire(connection, correction.retired)
            if correction.files:
                run(connection, "insert_files", files=[f.as_row() for f in correction.files])
            given = {"minutes": json.dumps(list(correction.minutes)), "cause": correction.cause}
            connection.execute(text(sql("ops/revise_minutes")), given)
            marked = {"ids": [i.incident_id for i in correction.corrected], "minute": correction.at}
            connection.execute(text(sql("ops/mark_corrected")), marked)
            earlier = [
                {"incident_id": i, "opened_minute": m.isoformat()} for i, m in correction.earlier.items()
            ]
            mends = {"supported": list(correction.supported), "widened": json.dumps(earlier)}
            connection.execute(text(sql("ops/mend_incidents")), mends)
            self._write_changes(connection, correction.changes, correction.at)
            connection.execute(text(sql("ops/grow_version")))

    def go_past(self, version: int, told_until: datetime) -> bool:
        """Go on after the version that readers have seen; says whether this ledger was older than it."""
        with self._commit() as connection:
            given = {"version": version, "told_until": told_until}
            return connection.execute(text(sql("ops/go_past")), given).first() is not None

    def finalise(self, before: datetime) -> int:
        """Make minutes before the horizon final; returns how many became so."""
        with self._commit() as connection:
            return connection.execute(text(sql("ops/finalise_minutes")), {"before": before}).rowcount

    def swap_files(self, inputs: Sequence[LakeFile], output: LakeFile) -> None:
        """Replace the published `inputs` by `output`, which holds the same rows."""
        with self._commit() as connection:
            _retire(connection, [f.path for f in inputs])
            run(connection, "insert_files", files=[output.as_row()])
            connection.execute(text(sql("ops/grow_version")))

    def all_paths(self) -> set[str]:
        """Every path that the ledger names, published or retired."""
        with self._read() as connection:
            return set(connection.execute(text(sql("ops/all_paths"))).scalars())

    def expired_files(self, grace: timedelta) -> list[str]:
        """Retired files that no reader can still be using."""
        with self._read() as connection:
            found = connection.execute(text(sql("ops/expired_files")), {"grace_s": grace.total_seconds()})
            return list(found.scalars())

    def categories(self) -> pl.DataFrame:
        """What is known of the merchants' categories over time (CATEGORY_CHANGE), oldest first."""
        with self._read() as connection:
            rows = connection.execute(text(sql("ops/categories"))).all()
        return pl.DataFrame([tuple(row) for row in rows], CATEGORY_CHANGE, orient="row")

    def record_categories(self, from_minute: datetime, changes: pl.DataFrame) -> None:
        """Store changes (CATEGORY_CHANGE) from that minute on, instead of those known from it on."""
        rows = changes.with_columns(pl.col("from_minute").dt.to_string("iso:strict")).to_dicts()
        with self._commit() as connection:
            connection.execute(text(sql("ops/forget_categories")), {"from_minute": from_minute})
            run(connection, "record_categories", changes=rows)

    def record_null_day(self, day: date, found: NullDay, allowed: float) -> None:
        """Store what the permuted null of a business day showed, beside what the budget allowed."""
        given = {
            "business_day": day,
            "merchants": found.merchants,
            "parts": found.parts,
            "incidents": found.incidents,
            "allowed": allowed,
            "drift_percent": found.drift_percent,
            "drift_measured": found.drift_measured,
        }
        with self._commit() as connection:
            connection.execute(text(sql("ops/record_null_day")), given)

    def budget(self, day_start: datetime) -> Spent:
        """What was spent of the false-alarm budget since `day_start`, and the null of the last nights."""
        with self._read() as connection:
            row = connection.execute(text(sql("ops/budget")), {"day_start": day_start}).mappings().one()
        return Spent(**row)

    def forget_files(self, paths: Sequence[str]) -> None:
        """Forget files that have been deleted."""
        with self._commit() as connection:
            connection.execute(text(sql("ops/forget_files")), {"paths": list(paths)})

    def _write_changes(self, connection: Connection, changes: Changes, minute: datetime | None) -> None:
        known = [
            *changes.reopened,
            *changes.continued,
            *changes.resolved,
            *(event.incident for event in changes.events),
        ]
        ids: dict[Key, int] = {i.key: i.incident_id for i in known if i.incident_id is not None}
        if changes.resolved:
            resolved = {"ids": [i.incident_id for i in changes.resolved], "minute": minute}
            connection.execute(text(sql("ops/resolve_incidents")), resolved)
        if changes.reopened:
            run(connection, "reopen_incidents", incidents=[_reopened_row(i) for i in changes.reopened])
        if changes.continued:
            run(connection, "continue_incidents", incidents=[_continued_row(i) for i in changes.continued])
        if changes.opened:
            opened = run(connection, "open_incidents", incidents=[_opened_row(i) for i in changes.opened])
            ids |= {(row.rule, row.merchant_id): row.incident_id for row in opened}
        if changes.events:
            events = [_event_row(n, e, ids[e.incident.key]) for n, e in enumerate(changes.events)]
            run(connection, "insert_outbox", events=events)


def _retire(connection: Connection, paths: Sequence[str]) -> None:
    """Take files out of publication, all or none: what replaces them was made from just these."""
    retired = connection.execute(text(sql("ops/retire_files")), {"paths": list(paths)}).all() if paths else []
    if len(retired) != len(paths):
        msg = f"{len(paths) - len(retired)} of {len(paths)} files were replaced by another job meanwhile"
        raise Overtaken(msg, "nothing was changed; it starts anew with the new files")


def run(connection: Connection, name: str, **rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """Run a query of queries/ops that takes rows as one JSON array; gives its returned rows."""
    parameters = {key: json.dumps(value) for key, value in rows.items()}
    result = connection.execute(text(sql(f"ops/{name}")), parameters)
    return result.all() if result.returns_rows else ()


def _file(row: RowMapping) -> LakeFile:
    span = Span(row["start_minute"], row["end_minute"])
    return LakeFile(row["dataset"], row["path"], span, row["rows"], row["bytes"], row["sha256"])


def _incident(row: RowMapping) -> Incident:
    values = {str(name): value for name, value in row.items()}
    at_risk = AtRisk(
        values.pop("paid_out_cancelable"), values.pop("cancelled_unrecovered"), values.pop("merchant_name")
    )
    return Incident(**values, at_risk=at_risk)


def _opened_row(incident: Incident) -> dict[str, Any]:
    return {
        "rule": incident.rule,
        "merchant_id": incident.merchant_id,
        "merchant_name": incident.at_risk.merchant_name,
        "tier": incident.tier,
        "severity": incident.severity,
        "policy": incident.policy,
        "opened_minute": incident.opened_minute.isoformat(),
        "last_breach_minute": incident.last_breach_minute.isoformat(),
        "paid_out_cancelable": incident.at_risk.paid_out_cancelable,
        "cancelled_unrecovered": incident.at_risk.cancelled_unrecovered,
        "told_minute": _iso(incident.told_minute),
        "reason": dict(incident.reason),
    }


def _reopened_row(incident: Incident) -> dict[str, Any]:
    return {
        **_continued_row(incident),
        "times": incident.times,
    }


def _iso(minute: datetime | None) -> str | None:
    return minute.isoformat() if minute else None


def _continued_row(incident: Incident) -> dict[str, Any]:
    return {
        "incident_id": incident.incident_id,
        "last_breach_minute": incident.last_breach_minute.isoformat(),
        "severity": incident.severity,
        "told_minute": _iso(incident.told_minute),
        "merchant_name": incident.at_risk.merchant_name,
        "paid_out_cancelable": incident.at_risk.paid_out_cancelable,
        "cancelled_unrecovered": incident.at_risk.cancelled_unrecovered,
        "reason": dict(incident.reason),
    }


def _event_row(place: int, event: Event, incident_id: int) -> dict[str, Any]:
    return {
        "place": place,
        "incident_id": incident_id,
        "event": event.kind,
        "minute": event.minute.isoformat(),
        "message": message_of(event),
    }
