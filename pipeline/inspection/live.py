"""Is the pipeline at work, and has its source rows? What `check --live` says."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy
from sqlalchemy import text

from pipeline.alarms import open_alarms
from pipeline.embedded import connect_urls, open_urls
from pipeline.errors import MinuteriskError
from pipeline.errors.translate import state_errors
from pipeline.figures import moment
from pipeline.finding import Finding
from pipeline.store.database import connect_state
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.embedded import Urls
    from pipeline.settings import Settings

#: A live pipeline beats every 5 s and judges a minute at most this late.
LATE: Final = timedelta(minutes=3)
HEART_STOPPED: Final = timedelta(seconds=30)


def live_findings(settings: Settings) -> list[Finding]:
    """The heart, the delay, and every open alarm: those that may make numbers wrong are failures."""
    with state_connection(settings) as connection:
        if not sqlalchemy.inspect(connection).has_table("leader"):
            msg = "the pipeline has never run here"
            raise MinuteriskError(msg, "start it with `minuterisk run`")
        if not sqlalchemy.inspect(connection).has_table("pack"):
            msg = "what runs here is an older version"
            raise MinuteriskError(msg, "ask that one, or start `minuterisk run` of this version")
        pulse = connection.execute(text(sql("ops/pulse")), {"pack": settings.pack}).mappings().one_or_none()
        alarms = open_alarms(connection.engine, urls_of(settings).state_url, settings.pack)
    if pulse is None:
        msg = f"the pack {settings.pack} has never run here"
        raise MinuteriskError(msg, "start it with `minuterisk run`")
    findings = [Finding("live", "ok", "")]
    if pulse["heartbeat_age"] > HEART_STOPPED:
        age = timedelta(seconds=round(pulse["heartbeat_age"].total_seconds()))
        what = f"the last heartbeat is {age} old ({pulse['holder'] or 'no leader yet'})"
        findings.append(
            Finding("live", "failure", what, "restart `minuterisk run`; it goes on from the ledger")
        )
    if pulse["lag"] is not None and pulse["lag"] > LATE:
        what = f"the newest judged minute ended {pulse['lag']} ago"
        hint = "it is catching up, or a step fails: see the log of `minuterisk run`"
        findings.append(Finding("live", "failure", what, hint))
    for alarm in alarms:
        what = f"{alarm.name}: {alarm.what}"
        findings.append(Finding("live", "failure" if alarm.wrong else "warning", what, alarm.hint))
    return findings[1:] or findings


def traffic(settings: Settings) -> str:
    """Does the source, which answers or not, also have rows? Told, never a failure of ours."""
    try:
        with state_connection(settings) as connection:
            found = (
                connection.execute(text(sql("ops/traffic")), {"pack": settings.pack}).mappings().one_or_none()
            )
    except (MinuteriskError, sqlalchemy.exc.SQLAlchemyError):
        return "unknown: the operational database does not say"
    if found is None:
        return "nothing is published yet"
    zone = settings.business_timezone
    newest = f"newest row in minute {moment(found['newest'], zone)}" if found["newest"] else "none yet"
    if not found["silent_minutes"]:
        return f"ok: {newest}"
    said = f"SILENT: the minutes were read, but the last {found['silent_minutes']} hold no row; {newest}"
    return f"{said} (incident {found['incident_id']})" if found["incident_id"] else said


@contextmanager
def state_connection(settings: Settings) -> Iterator[sqlalchemy.Connection]:
    """A connection to the operational database as it is."""
    url = urls_of(settings).state_url
    engine = connect_state(url)
    try:
        with state_errors(url), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def urls_of(settings: Settings) -> Urls:
    """The databases; an embedded server that exists is started, one that does not exist is not made."""
    return (
        open_urls(settings)
        if (settings.home / "postgres" / "PG_VERSION").is_file()
        else connect_urls(settings)
    )
