"""What has a screen drawn anew, and what does not: each kind of change once, in a real database."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.changes import mark_of
from app.door import Door
from pipeline.minute import floor_minute
from pipeline.settings import load_settings
from tests.app.merchants.home import add_event, add_incident, lead, publish, recent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

NOW = datetime.now(UTC)
OPENED = floor_minute(NOW) - timedelta(hours=1)
AUDIT = (
    "INSERT INTO audit (number, at, actor, role, door, credential, origin, act, kind, thing, pack, outcome,"
    " why, previous, hash) VALUES (1, now(), 'kim', '', 'page', '', '', 'set_role', 'account', 'lee', '',"
    " 'done', '', decode(repeat('00', 32), 'hex'), decode(repeat('01', 32), 'hex'))"
)
VERSION = (
    "INSERT INTO rule_version (pack, version, origin, numbers, reason, author)"
    " VALUES ('merchants', 1, 'file', 'x', 'less', 'kim')"
)
ALARM = (
    "INSERT INTO alarm (pack, name, what, until)"
    " VALUES ('{pack}', 'job.failing', 'it fails', now() + interval '{until}')"
)
#: Somebody who is signed in, and has a key.
PEOPLE = (
    "WITH kim AS (INSERT INTO account (name, role) VALUES ('kim', 'OPS_AGENT') RETURNING account_id),"
    " one AS (INSERT INTO session (token_hash, account_id, way, origin, expires_at, created_at, seen_at)"
    "  SELECT decode(repeat('02', 32), 'hex'), account_id, 'demo', '', now() + interval '8 hours', now(),"
    "  now() FROM kim)"
    " INSERT INTO api_key (secret_hash, account_id, name, actions, created_at, expires_at)"
    " SELECT decode(repeat('03', 32), 'hex'), account_id, 'cron', '{see}', now(), now() + interval '9 days'"
    " FROM kim"
)
#: What people are shown. Those of one group come one after the other.
SEEN = {
    "incident": [
        "UPDATE incident SET severity = 'high'",
        "UPDATE incident SET last_breach_minute = last_breach_minute + interval '1 minute'",
        "UPDATE incident SET owner = 'lee'",
        'UPDATE incident SET parts = \'{{"paid_out_cancelable": 7, "unrecovered": 0}}\'',
        "UPDATE incident SET times = times + 1",
    ],
    "message": [
        "UPDATE outbox SET attempts = 1",
        "UPDATE outbox SET status = 'sent', sent_at = now()",
    ],
    "audit": [AUDIT],
    "rules": [VERSION, "UPDATE rule_version SET backtest_asked_at = now()"],
    "alarm": [ALARM.format(pack="merchants", until="1 hour"), "UPDATE alarm SET ended_at = now()"],
    "of all packs": [ALARM.format(pack="", until="1 hour")],
    "minute": ["UPDATE watermark SET next_minute = next_minute + interval '1 minute'"],
    "leader": ["UPDATE leader SET epoch = epoch + 1"],
}
#: What nobody is shown, or what changes all the time by itself.
UNSEEN = {
    "sign of life": "UPDATE leader SET heartbeat_at = now()",
    "last seen": "UPDATE session SET seen_at = now()",
    "use of a key": "UPDATE api_key SET last_used_at = now()",
    "an alarm of another pack": ALARM.format(pack="doors", until="1 hour"),
    "an alarm that is over": ALARM.format(pack="merchants", until="-1 hour"),
}


@pytest.fixture
def door(home: Path, state_engine: Engine) -> Iterator[Door]:
    """An installation with an incident, a message that waits, and somebody who is signed in."""
    span = recent(60, NOW)
    publish(home, span, ["m1"], version=1)
    lead(state_engine, next_minute=span.end)
    incident = add_incident(state_engine, OPENED)
    add_event(state_engine, incident, OPENED, status="pending", attempts=0)
    with state_engine.begin() as connection:
        connection.execute(text("INSERT INTO pack (pack) VALUES ('doors')"))
        connection.execute(text(PEOPLE))
    given = {"MINUTERISK_HOME": str(home), "MINUTERISK_STATE_URL": os.environ["MINUTERISK_STATE_URL"]}
    with closing(Door(load_settings(given))) as door:
        yield door


def mark(door: Door, now: datetime = NOW) -> str:
    return mark_of(door, door.heartbeat(), now)


def change(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("kind", SEEN)
def test_whatever_people_are_shown_is_another_mark(door: Door, state_engine: Engine, kind: str) -> None:
    marks = [mark(door)]
    for statement in SEEN[kind]:
        change(state_engine, statement.replace("{{", "{").replace("}}", "}"))
        marks.append(mark(door))
    assert [now for before, now in pairwise(marks) if before == now] == [], kind


@pytest.mark.parametrize("kind", UNSEEN)
def test_nothing_else_has_all_screens_drawn_anew(door: Door, state_engine: Engine, kind: str) -> None:
    before = mark(door)
    change(state_engine, UNSEEN[kind])
    assert mark(door) == before, kind


def test_a_new_incident_and_a_new_message_are_another_mark(door: Door, state_engine: Engine) -> None:
    marks = [mark(door)]
    number = add_incident(state_engine, OPENED, merchant_id="m2")
    marks.append(mark(door))
    add_event(state_engine, number, OPENED, status="sent")
    marks.append(mark(door))
    assert len(set(marks)) == len(marks)


def test_a_publication_is_another_mark(door: Door, home: Path) -> None:
    before = mark(door)
    publish(home, recent(60, NOW), ["m1"], version=2)
    assert mark(door) != before


def test_a_pipeline_that_falls_silent_is_another_mark_though_nothing_changed(door: Door) -> None:
    assert mark(door) == mark(door)
    silent = door.heartbeat()
    late = mark_of(door, silent, NOW + timedelta(hours=1))
    assert late != mark(door)


def test_a_database_that_does_not_answer_and_no_publication_are_marks_as_well(door: Door, home: Path) -> None:
    marks = {mark(door), mark_of(door, None, NOW)}
    (home / "manifest.json").unlink()
    marks |= {mark(door), mark_of(door, None, NOW)}
    (home / "manifest.json").write_text("{")
    assert mark_of(door, None, NOW) in marks  # the screen says why; for the mark it is as good as none
    assert len(marks) == 4
